import { int32, int64, list, one, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { LabelSelector } from "#api/meta/label-selector.ts";

export const NodeSelectorRequirement = message(
  "NodeSelectorRequirement",
  {
    key: string(1, { always: true, required: true }),
    operator: string(2, { always: true, required: true }),
    values: list(3, "string", { list: "atomic" }),
  },
  { openapi: "io.k8s.api.core.v1.NodeSelectorRequirement" },
);
export interface NodeSelectorRequirement extends Infer<typeof NodeSelectorRequirement> {}

export const NodeSelectorTerm = message(
  "NodeSelectorTerm",
  {
    matchExpressions: list(1, (): Type<NodeSelectorRequirement> => NodeSelectorRequirement, { list: "atomic" }),
    matchFields: list(2, (): Type<NodeSelectorRequirement> => NodeSelectorRequirement, { list: "atomic" }),
  },
  { openapi: "io.k8s.api.core.v1.NodeSelectorTerm", atomic: true },
);
export interface NodeSelectorTerm extends Infer<typeof NodeSelectorTerm> {}

export const PreferredSchedulingTerm = message(
  "PreferredSchedulingTerm",
  {
    weight: int32(1, { always: true, required: true }),
    preference: one(2, (): Type<NodeSelectorTerm> => NodeSelectorTerm, { required: true }),
  },
  { openapi: "io.k8s.api.core.v1.PreferredSchedulingTerm" },
);
export interface PreferredSchedulingTerm extends Infer<typeof PreferredSchedulingTerm> {}

export const NodeSelector = message(
  "NodeSelector",
  {
    nodeSelectorTerms: list(1, (): Type<NodeSelectorTerm> => NodeSelectorTerm, { always: true, required: true, list: "atomic" }),
  },
  { openapi: "io.k8s.api.core.v1.NodeSelector", atomic: true },
);
export interface NodeSelector extends Infer<typeof NodeSelector> {}

export const NodeAffinity = message(
  "NodeAffinity",
  {
    requiredDuringSchedulingIgnoredDuringExecution: one(1, (): Type<NodeSelector> => NodeSelector, { optional: true }),
    preferredDuringSchedulingIgnoredDuringExecution: list(2, (): Type<PreferredSchedulingTerm> => PreferredSchedulingTerm, {
      list: "atomic",
    }),
  },
  { openapi: "io.k8s.api.core.v1.NodeAffinity" },
);
export interface NodeAffinity extends Infer<typeof NodeAffinity> {}

export const PodAffinityTerm = message(
  "PodAffinityTerm",
  {
    labelSelector: one(1, (): Type<LabelSelector> => LabelSelector, { optional: true }),
    namespaces: list(2, "string", { list: "atomic" }),
    topologyKey: string(3, { always: true, required: true }),
    namespaceSelector: one(4, (): Type<LabelSelector> => LabelSelector, { optional: true }),
    matchLabelKeys: list(5, "string", { list: "atomic" }),
    mismatchLabelKeys: list(6, "string", { list: "atomic" }),
  },
  { openapi: "io.k8s.api.core.v1.PodAffinityTerm" },
);
export interface PodAffinityTerm extends Infer<typeof PodAffinityTerm> {}

export const WeightedPodAffinityTerm = message(
  "WeightedPodAffinityTerm",
  {
    weight: int32(1, { always: true, required: true }),
    podAffinityTerm: one(2, (): Type<PodAffinityTerm> => PodAffinityTerm, { required: true }),
  },
  { openapi: "io.k8s.api.core.v1.WeightedPodAffinityTerm" },
);
export interface WeightedPodAffinityTerm extends Infer<typeof WeightedPodAffinityTerm> {}

export const PodAffinity = message(
  "PodAffinity",
  {
    requiredDuringSchedulingIgnoredDuringExecution: list(1, (): Type<PodAffinityTerm> => PodAffinityTerm, { list: "atomic" }),
    preferredDuringSchedulingIgnoredDuringExecution: list(2, (): Type<WeightedPodAffinityTerm> => WeightedPodAffinityTerm, {
      list: "atomic",
    }),
  },
  { openapi: "io.k8s.api.core.v1.PodAffinity" },
);
export interface PodAffinity extends Infer<typeof PodAffinity> {}

export const PodAntiAffinity = message(
  "PodAntiAffinity",
  {
    requiredDuringSchedulingIgnoredDuringExecution: list(1, (): Type<PodAffinityTerm> => PodAffinityTerm, { list: "atomic" }),
    preferredDuringSchedulingIgnoredDuringExecution: list(2, (): Type<WeightedPodAffinityTerm> => WeightedPodAffinityTerm, {
      list: "atomic",
    }),
  },
  { openapi: "io.k8s.api.core.v1.PodAntiAffinity" },
);
export interface PodAntiAffinity extends Infer<typeof PodAntiAffinity> {}

export const Affinity = message(
  "Affinity",
  {
    nodeAffinity: one(1, (): Type<NodeAffinity> => NodeAffinity, { optional: true }),
    podAffinity: one(2, (): Type<PodAffinity> => PodAffinity, { optional: true }),
    podAntiAffinity: one(3, (): Type<PodAntiAffinity> => PodAntiAffinity, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.Affinity" },
);
export interface Affinity extends Infer<typeof Affinity> {}

export const PodSchedulingGate = message(
  "PodSchedulingGate",
  {
    name: string(1, { always: true, required: true, format: "labelKey" }),
  },
  { openapi: "io.k8s.api.core.v1.PodSchedulingGate" },
);
export interface PodSchedulingGate extends Infer<typeof PodSchedulingGate> {}

export const PodSchedulingGroup = message(
  "PodSchedulingGroup",
  {
    podGroupName: string(1, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.PodSchedulingGroup", unions: [{ fields: { podGroupName: "PodGroupName" } }] },
);
export interface PodSchedulingGroup extends Infer<typeof PodSchedulingGroup> {}

export const Toleration = message(
  "Toleration",
  {
    key: string(1),
    operator: string(2, { enum: ["Equal", "Exists", "Gt", "Lt"] }),
    value: string(3),
    effect: string(4, { enum: ["NoExecute", "NoSchedule", "PreferNoSchedule"] }),
    tolerationSeconds: int64(5, { optional: true }),
  },
  { openapi: "io.k8s.api.core.v1.Toleration" },
);
export interface Toleration extends Infer<typeof Toleration> {}

export const TopologySpreadConstraint = message(
  "TopologySpreadConstraint",
  {
    maxSkew: int32(1, { always: true, required: true }),
    topologyKey: string(2, { always: true, required: true }),
    whenUnsatisfiable: string(3, { always: true, required: true, enum: ["DoNotSchedule", "ScheduleAnyway"] }),
    labelSelector: one(4, (): Type<LabelSelector> => LabelSelector, { optional: true }),
    minDomains: int32(5, { optional: true }),
    nodeAffinityPolicy: string(6, { optional: true, enum: ["Honor", "Ignore"] }),
    nodeTaintsPolicy: string(7, { optional: true, enum: ["Honor", "Ignore"] }),
    matchLabelKeys: list(8, "string", { list: "atomic" }),
  },
  { openapi: "io.k8s.api.core.v1.TopologySpreadConstraint" },
);
export interface TopologySpreadConstraint extends Infer<typeof TopologySpreadConstraint> {}
