import { int32, int64, list, one, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { LabelSelector } from "#api/meta/label-selector.ts";

export const NodeSelectorRequirement = message(
  "NodeSelectorRequirement",
  {
    key: string(1, { always: true, required: true, doc: "Label, or field." }),
    operator: string(2, { always: true, required: true, doc: "In, NotIn, Exists, DoesNotExist, Gt or Lt." }),
    values: list(3, "string", { list: "atomic", doc: "What it is compared with." }),
  },
  { openapi: "io.k8s.api.core.v1.NodeSelectorRequirement" },
);
export interface NodeSelectorRequirement extends Infer<typeof NodeSelectorRequirement> {}

export const NodeSelectorTerm = message(
  "NodeSelectorTerm",
  {
    matchExpressions: list(1, (): Type<NodeSelectorRequirement> => NodeSelectorRequirement, {
      list: "atomic",
      doc: "What must hold of the Node's labels.",
    }),
    matchFields: list(2, (): Type<NodeSelectorRequirement> => NodeSelectorRequirement, {
      list: "atomic",
      doc: "What must hold of the Node's fields; only metadata.name.",
    }),
  },
  { openapi: "io.k8s.api.core.v1.NodeSelectorTerm", atomic: true },
);
export interface NodeSelectorTerm extends Infer<typeof NodeSelectorTerm> {}

export const PreferredSchedulingTerm = message(
  "PreferredSchedulingTerm",
  {
    weight: int32(1, { always: true, required: true, doc: "How much it counts, 1 to 100." }),
    preference: one(2, (): Type<NodeSelectorTerm> => NodeSelectorTerm, { required: true, doc: "Which Nodes are liked." }),
  },
  { openapi: "io.k8s.api.core.v1.PreferredSchedulingTerm" },
);
export interface PreferredSchedulingTerm extends Infer<typeof PreferredSchedulingTerm> {}

export const NodeSelector = message(
  "NodeSelector",
  {
    nodeSelectorTerms: list(1, (): Type<NodeSelectorTerm> => NodeSelectorTerm, {
      always: true,
      required: true,
      list: "atomic",
      doc: "Terms of which one must hold.",
    }),
  },
  { openapi: "io.k8s.api.core.v1.NodeSelector", atomic: true },
);
export interface NodeSelector extends Infer<typeof NodeSelector> {}

export const NodeAffinity = message(
  "NodeAffinity",
  {
    requiredDuringSchedulingIgnoredDuringExecution: one(1, (): Type<NodeSelector> => NodeSelector, {
      optional: true,
      doc: "Nodes that are possible at all.",
    }),
    preferredDuringSchedulingIgnoredDuringExecution: list(2, (): Type<PreferredSchedulingTerm> => PreferredSchedulingTerm, {
      list: "atomic",
      doc: "Nodes that are liked, with weights.",
    }),
  },
  { openapi: "io.k8s.api.core.v1.NodeAffinity" },
);
export interface NodeAffinity extends Infer<typeof NodeAffinity> {}

export const PodAffinityTerm = message(
  "PodAffinityTerm",
  {
    labelSelector: one(1, (): Type<LabelSelector> => LabelSelector, { optional: true, doc: "Which Pods are meant." }),
    namespaces: list(2, "string", { list: "atomic", doc: "In which namespaces they are looked for, by name." }),
    topologyKey: string(3, { always: true, required: true, doc: "Label of Nodes that says what being together means." }),
    namespaceSelector: one(4, (): Type<LabelSelector> => LabelSelector, {
      optional: true,
      doc: "In which namespaces they are looked for, by label.",
    }),
    matchLabelKeys: list(5, "string", { list: "atomic", doc: "Labels that must be as on the Pod itself." }),
    mismatchLabelKeys: list(6, "string", { list: "atomic", doc: "Labels that must differ from the Pod's own." }),
  },
  { openapi: "io.k8s.api.core.v1.PodAffinityTerm" },
);
export interface PodAffinityTerm extends Infer<typeof PodAffinityTerm> {}

export const WeightedPodAffinityTerm = message(
  "WeightedPodAffinityTerm",
  {
    weight: int32(1, { always: true, required: true, doc: "How much it counts, 1 to 100." }),
    podAffinityTerm: one(2, (): Type<PodAffinityTerm> => PodAffinityTerm, { required: true, doc: "Which Pods are meant." }),
  },
  { openapi: "io.k8s.api.core.v1.WeightedPodAffinityTerm" },
);
export interface WeightedPodAffinityTerm extends Infer<typeof WeightedPodAffinityTerm> {}

export const PodAffinity = message(
  "PodAffinity",
  {
    requiredDuringSchedulingIgnoredDuringExecution: list(1, (): Type<PodAffinityTerm> => PodAffinityTerm, {
      list: "atomic",
      doc: "Pods it must be together with.",
    }),
    preferredDuringSchedulingIgnoredDuringExecution: list(2, (): Type<WeightedPodAffinityTerm> => WeightedPodAffinityTerm, {
      list: "atomic",
      doc: "Pods it would like to be together with.",
    }),
  },
  { openapi: "io.k8s.api.core.v1.PodAffinity" },
);
export interface PodAffinity extends Infer<typeof PodAffinity> {}

export const PodAntiAffinity = message(
  "PodAntiAffinity",
  {
    requiredDuringSchedulingIgnoredDuringExecution: list(1, (): Type<PodAffinityTerm> => PodAffinityTerm, {
      list: "atomic",
      doc: "Pods it must be apart from.",
    }),
    preferredDuringSchedulingIgnoredDuringExecution: list(2, (): Type<WeightedPodAffinityTerm> => WeightedPodAffinityTerm, {
      list: "atomic",
      doc: "Pods it would like to be apart from.",
    }),
  },
  { openapi: "io.k8s.api.core.v1.PodAntiAffinity" },
);
export interface PodAntiAffinity extends Infer<typeof PodAntiAffinity> {}

export const Affinity = message(
  "Affinity",
  {
    nodeAffinity: one(1, (): Type<NodeAffinity> => NodeAffinity, { optional: true, doc: "Which Nodes." }),
    podAffinity: one(2, (): Type<PodAffinity> => PodAffinity, { optional: true, doc: "Together with which Pods." }),
    podAntiAffinity: one(3, (): Type<PodAntiAffinity> => PodAntiAffinity, { optional: true, doc: "Apart from which Pods." }),
  },
  { openapi: "io.k8s.api.core.v1.Affinity" },
);
export interface Affinity extends Infer<typeof Affinity> {}

export const PodSchedulingGate = message(
  "PodSchedulingGate",
  {
    name: string(1, { always: true, required: true, format: "labelKey", doc: "Name of the gate." }),
  },
  { openapi: "io.k8s.api.core.v1.PodSchedulingGate" },
);
export interface PodSchedulingGate extends Infer<typeof PodSchedulingGate> {}

export const PodSchedulingGroup = message(
  "PodSchedulingGroup",
  {
    podGroupName: string(1, { optional: true, doc: "Name of the PodGroup." }),
  },
  { openapi: "io.k8s.api.core.v1.PodSchedulingGroup", unions: [{ fields: { podGroupName: "PodGroupName" } }] },
);
export interface PodSchedulingGroup extends Infer<typeof PodSchedulingGroup> {}

export const Toleration = message(
  "Toleration",
  {
    key: string(1, { doc: "Key of the taint; empty with Exists stands for all." }),
    operator: string(2, { enum: ["Equal", "Exists", "Gt", "Lt"], doc: "Exists, Equal, Gt or Lt." }),
    value: string(3, { doc: "What the taint's value is compared with." }),
    effect: string(4, { enum: ["NoExecute", "NoSchedule", "PreferNoSchedule"], doc: "Effect of the taint; empty stands for all." }),
    tolerationSeconds: int64(5, { optional: true, doc: "How long a NoExecute taint is put up with; for ever when absent." }),
  },
  { openapi: "io.k8s.api.core.v1.Toleration" },
);
export interface Toleration extends Infer<typeof Toleration> {}

export const TopologySpreadConstraint = message(
  "TopologySpreadConstraint",
  {
    maxSkew: int32(1, { always: true, required: true, doc: "By how many Pods places may differ." }),
    topologyKey: string(2, { always: true, required: true, doc: "Label of Nodes that says which place a Node is in." }),
    whenUnsatisfiable: string(3, {
      always: true,
      required: true,
      enum: ["DoNotSchedule", "ScheduleAnyway"],
      doc: "DoNotSchedule, or ScheduleAnyway.",
    }),
    labelSelector: one(4, (): Type<LabelSelector> => LabelSelector, { optional: true, doc: "Which Pods are counted." }),
    minDomains: int32(5, { optional: true, doc: "How many places there must be." }),
    nodeAffinityPolicy: string(6, { optional: true, enum: ["Honor", "Ignore"], doc: "Whether only Nodes the Pod may go to are counted." }),
    nodeTaintsPolicy: string(7, {
      optional: true,
      enum: ["Honor", "Ignore"],
      doc: "Whether only Nodes whose taints it tolerates are counted.",
    }),
    matchLabelKeys: list(8, "string", { list: "atomic", doc: "Labels that must be as on the Pod itself." }),
  },
  { openapi: "io.k8s.api.core.v1.TopologySpreadConstraint" },
);
export interface TopologySpreadConstraint extends Infer<typeof TopologySpreadConstraint> {}
