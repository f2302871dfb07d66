// Nothing is created in a namespace that is not there or is going, and the namespaces the system lives in stay.
import { Namespace } from "#api/core/namespace/namespace.ts";
import { StatusError } from "#api/meta/status-error.ts";
import { forbidden, notFound } from "../../registry/errors.ts";
import { lookUp } from "../newest.ts";
import { type AdmissionNeeds, admissionPlugin, type AdmissionRequest } from "../plugin.ts";

const immortal: ReadonlySet<string> = new Set(["default", "kube-system", "kube-public"]);

/** Needed to end a namespace: asked for while it is terminating. */
const allowedWhileTerminating: ReadonlySet<string> = new Set(["localsubjectaccessreviews"]);

export const namespaceLifecycle = admissionPlugin({
  name: "NamespaceLifecycle",
  operations: ["CREATE", "UPDATE", "DELETE"],
  mutate: (request, needs) => {
    check(request);
    return request.operation === "CREATE" ? checkCreate(request, needs) : undefined;
  },
  validate: (request) => check(request),
});

function check({ operation, kind, name, subresource }: AdmissionRequest): void {
  if (operation === "DELETE" && kind.group === "" && kind.plural === "namespaces" && subresource === "" && immortal.has(name)) {
    throw forbidden(Namespace, name, "this namespace may not be deleted");
  }
}

async function checkCreate(request: AdmissionRequest, needs: AdmissionNeeds): Promise<undefined> {
  const { kind, namespace, name } = request;
  if (namespace === "" || kind.scope !== "namespaced" || allowedWhileTerminating.has(kind.plural)) return;
  const space = await lookUp(needs, Namespace, "", namespace);
  if (!space) throw notFound(Namespace, namespace);
  if (space.status.phase !== "Terminating" && space.metadata.deletionTimestamp === undefined) return;
  const refused = forbidden(kind, name, `unable to create new content in namespace ${namespace} because it is being terminated`);
  const cause = { reason: "NamespaceTerminating", message: `namespace ${namespace} is being terminated`, field: "metadata.namespace" };
  throw new StatusError("Forbidden", refused.message, { ...refused.details, causes: [cause] });
}
