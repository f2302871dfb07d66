// Every Namespace has a ServiceAccount for Pods that name none.
import { Namespace } from "#api/core/namespace/namespace.ts";
import { ServiceAccount } from "#api/core/service-account/service-account.ts";
import { controller, create, may, type Step } from "../controller.ts";
import { namedInNamespace } from "../named-in-namespace.ts";

const name = "default";

export const serviceAccountController = controller({
  name: "serviceaccount-controller",
  for: Namespace,
  reads: { accounts: namedInNamespace(ServiceAccount, name) },
  writes: [may(ServiceAccount, "create")],
  decide,
});

export function decide({
  object: { metadata, status },
  accounts,
}: {
  readonly object: Namespace;
  readonly accounts: readonly ServiceAccount[];
}): readonly Step[] {
  if (accounts.length > 0 || status.phase === "Terminating") return [];
  return [create(ServiceAccount, { metadata: { name, namespace: metadata.name } }, { ifMissing: true })];
}
