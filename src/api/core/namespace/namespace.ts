import { kind, type ObjectOf } from "#schema/kind.ts";
import { list, string, time } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { ageColumn, nameColumn } from "#api/meta/columns.ts";

export const NamespaceSpec = message(
  "NamespaceSpec",
  {
    finalizers: list(1, "string", { list: "atomic", doc: "Who must empty the Namespace before it may go." }),
  },
  { openapi: "io.k8s.api.core.v1.NamespaceSpec" },
);
export interface NamespaceSpec extends Infer<typeof NamespaceSpec> {}

export const NamespaceCondition = message(
  "NamespaceCondition",
  {
    type: string(1, { always: true, required: true, doc: "What the condition tells." }),
    status: string(2, { always: true, required: true, doc: "True, False or Unknown." }),
    lastTransitionTime: time(4, { doc: "When the status last changed." }),
    reason: string(5, { doc: "Why, in one word." }),
    message: string(6, { doc: "Why, for people." }),
  },
  { openapi: "io.k8s.api.core.v1.NamespaceCondition" },
);
export interface NamespaceCondition extends Infer<typeof NamespaceCondition> {}

export const NamespaceStatus = message(
  "NamespaceStatus",
  {
    phase: string(1, { default: "Active", enum: ["Active", "Terminating"], doc: "Active, or Terminating." }),
    conditions: list(2, (): Type<NamespaceCondition> => NamespaceCondition, {
      list: "map",
      keys: ["type"],
      patch: "merge",
      mergeKey: "type",
      doc: "What is true of the Namespace now.",
    }),
  },
  { openapi: "io.k8s.api.core.v1.NamespaceStatus" },
);
export interface NamespaceStatus extends Infer<typeof NamespaceStatus> {}

export interface Namespace extends ObjectOf<typeof NamespaceSpec, typeof NamespaceStatus, {}> {}
export const Namespace = kind({
  group: "",
  version: "v1",
  name: "Namespace",
  plural: "namespaces",
  doc: "A space of names for objects.",
  scope: "cluster",
  shortNames: ["ns"],
  nameFormat: "dns1123Label",
  counted: false,
  columns: [nameColumn, { name: "Status", doc: "Active, or Terminating.", read: ({ status }) => status.phase }, ageColumn],
  selectable: { "status.phase": ({ status }) => status.phase },
  prepare: prepareNamespace,
  openapi: "io.k8s.api.core.v1.Namespace",
  spec: NamespaceSpec,
  status: NamespaceStatus,
  subresources: { status: true },
  default: withNameLabel,
});

const nameLabel = "kubernetes.io/metadata.name";

/** Lets selectors name Namespaces. */
function withNameLabel(namespace: Namespace): Namespace {
  const { name, labels } = namespace.metadata;
  if (!name || labels?.[nameLabel] === name) return namespace;
  return { ...namespace, metadata: { ...namespace.metadata, labels: { ...labels, [nameLabel]: name } } };
}

/** Namespaces begin active, and leave through the finalizer that empties them; only the finalize subresource takes it away. */
function prepareNamespace(
  namespace: Namespace,
  { old, subresource }: { readonly old?: Namespace; readonly subresource: string },
): Namespace {
  if (subresource !== "") return namespace;
  if (old !== undefined) return { ...namespace, spec: old.spec };
  const finalizers = namespace.spec.finalizers ?? [];
  return {
    ...withNameLabel(namespace),
    spec: { ...namespace.spec, finalizers: finalizers.includes("kubernetes") ? finalizers : [...finalizers, "kubernetes"] },
    status: { phase: "Active" },
  };
}
