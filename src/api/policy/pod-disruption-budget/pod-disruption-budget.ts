import { kind, type ObjectOf } from "#schema/kind.ts";
import { int32, int64, intOrString, list, map, one, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { Condition } from "#api/meta/condition.ts";
import { LabelSelector } from "#api/meta/label-selector.ts";
import { ageColumn, nameColumn } from "#api/meta/columns.ts";
import { podDisruptionBudgetErrors } from "./pod-disruption-budget-rules.ts";

export const PodDisruptionBudgetSpec = message(
  "PodDisruptionBudgetSpec",
  {
    minAvailable: intOrString(1, { optional: true, doc: "How many Pods must stay, or what share." }),
    selector: one(2, (): Type<LabelSelector> => LabelSelector, { optional: true, patch: "replace", doc: "Which Pods are protected." }),
    maxUnavailable: intOrString(3, { optional: true, doc: "How many Pods may be away, or what share." }),
    unhealthyPodEvictionPolicy: string(4, {
      optional: true,
      enum: ["AlwaysAllow", "IfHealthyBudget"],
      doc: "Whether Pods that are not ready may always be evicted.",
    }),
  },
  { openapi: "io.k8s.api.policy.v1.PodDisruptionBudgetSpec" },
);
export interface PodDisruptionBudgetSpec extends Infer<typeof PodDisruptionBudgetSpec> {}

export const PodDisruptionBudgetStatus = message(
  "PodDisruptionBudgetStatus",
  {
    observedGeneration: int64(1, { doc: "Generation of the spec this status tells of." }),
    disruptedPods: map(2, "time", { doc: "Pods whose eviction was granted and is not seen yet." }),
    disruptionsAllowed: int32(3, { always: true, doc: "How many Pods may be evicted now." }),
    currentHealthy: int32(4, { always: true, doc: "How many Pods are ready." }),
    desiredHealthy: int32(5, { always: true, doc: "How many Pods must stay ready." }),
    expectedPods: int32(6, { always: true, doc: "How many Pods are counted." }),
    conditions: list(7, (): Type<Condition> => Condition, {
      list: "map",
      keys: ["type"],
      patch: "merge",
      mergeKey: "type",
      doc: "What is true of the budget now.",
    }),
  },
  { openapi: "io.k8s.api.policy.v1.PodDisruptionBudgetStatus" },
);
export interface PodDisruptionBudgetStatus extends Infer<typeof PodDisruptionBudgetStatus> {}

export interface PodDisruptionBudget extends ObjectOf<typeof PodDisruptionBudgetSpec, typeof PodDisruptionBudgetStatus, {}> {}
export const PodDisruptionBudget = kind({
  group: "policy",
  version: "v1",
  formerVersions: ["v1beta1"],
  name: "PodDisruptionBudget",
  plural: "poddisruptionbudgets",
  doc: "Limits how many Pods may be evicted at the same time.",
  scope: "namespaced",
  validate: podDisruptionBudgetErrors,
  shortNames: ["pdb"],
  allowUnconditionalUpdate: false,
  columns: [
    nameColumn,
    { name: "Min Available", doc: "How many Pods must stay.", read: ({ spec }) => String(spec.minAvailable ?? "N/A") },
    { name: "Max Unavailable", doc: "How many Pods may be away.", read: ({ spec }) => String(spec.maxUnavailable ?? "N/A") },
    { name: "Allowed Disruptions", type: "integer", doc: "How many Pods may go now.", read: ({ status }) => status.disruptionsAllowed },
    ageColumn,
  ],
  openapi: "io.k8s.api.policy.v1.PodDisruptionBudget",
  spec: PodDisruptionBudgetSpec,
  status: PodDisruptionBudgetStatus,
  subresources: { status: true },
});
