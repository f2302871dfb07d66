// The namespaces and priority classes every cluster has. Namespaces are made again when someone deletes them.
import { Namespace } from "#api/core/namespace/namespace.ts";
import { isReason } from "#api/meta/status-error.ts";
import { PriorityClass } from "#api/scheduling.k8s.io/priority-class/priority-class.ts";
import type { Scope } from "#base/scope.ts";
import type { Kind, KubernetesObject } from "#schema/kind.ts";
import type { Draft } from "#schema/message.ts";
import type { StartTaskNeeds } from "./post-start.ts";

const namespaces = ["kube-system", "kube-public", "kube-node-lease", "default"];
const everyMilliseconds = 60_000;

const priorityClasses: readonly Draft<PriorityClass>[] = [
  {
    metadata: { name: "system-node-critical" },
    value: 2_000_001_000,
    description: "Used for system critical pods that must not be moved from their current node.",
    preemptionPolicy: "PreemptLowerPriority",
  },
  {
    metadata: { name: "system-cluster-critical" },
    value: 2_000_000_000,
    description: "Used for system critical pods that must run in the cluster, but can be moved to another node if necessary.",
    preemptionPolicy: "PreemptLowerPriority",
  },
];

export async function makeSystemObjects(scope: Scope, needs: StartTaskNeeds, through: () => void): Promise<void> {
  for (;;) {
    for (const name of namespaces) await makeMissing(needs, Namespace, { metadata: { name } });
    for (const priorityClass of priorityClasses) await makeMissing(needs, PriorityClass, priorityClass);
    through();
    await needs.registry.world.clock.sleep(scope, everyMilliseconds);
  }
}

/** Creates the object unless one of its name is there. Kinds that are not served are left alone. */
export async function makeMissing<T extends KubernetesObject>(
  { registry }: StartTaskNeeds,
  kind: Kind<T>,
  object: Draft<T>,
): Promise<void> {
  if (!registry.kinds.find(kind.group, kind.version, kind.plural)) return;
  const rest = registry.of(kind);
  const { namespace = "", name = "" } = (object as { metadata: { namespace?: string; name?: string } }).metadata;
  if (await rest.peek(namespace, name)) return;
  try {
    await rest.create(object);
  } catch (error) {
    if (!isReason(error, "AlreadyExists")) throw error;
  }
}
