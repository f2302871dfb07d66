// Namespaces go in two steps: marked as terminating, then gone once whoever empties them took "kubernetes" out of spec.finalizers.
import { Namespace } from "#api/core/namespace/namespace.ts";
import { resourcePart } from "../resource.ts";

export const namespacePart = resourcePart<Namespace>({
  kind: Namespace,
  returnsDeleted: true,
  hooks: {
    beforeDelete: (namespace) => ({ ...namespace, status: { ...namespace.status, phase: "Terminating" } }),
    holdsDeletion: (namespace) => (namespace.spec.finalizers?.length ?? 0) > 0,
  },
  subresources: {
    finalize: {
      type: "part",
      verbs: ["update"],
      merge: (current, sent) => ({ ...current, metadata: { ...sent.metadata }, spec: sent.spec }),
    },
  },
});
