import { kind, type ObjectOf } from "#schema/kind.ts";
import { int32, string } from "#schema/field.ts";
import { type Infer, message } from "#schema/message.ts";
import { ageColumn, nameColumn } from "#api/meta/columns.ts";

export const ScaleSpec = message(
  "ScaleSpec",
  {
    replicas: int32(1, { min: 0, doc: "How many replicas should be." }),
  },
  { openapi: "io.k8s.api.autoscaling.v1.ScaleSpec" },
);
export interface ScaleSpec extends Infer<typeof ScaleSpec> {}

export const ScaleStatus = message(
  "ScaleStatus",
  {
    replicas: int32(1, { always: true, required: true, doc: "How many replicas are." }),
    selector: string(2, { doc: "Which Pods are counted, as text." }),
  },
  { openapi: "io.k8s.api.autoscaling.v1.ScaleStatus" },
);
export interface ScaleStatus extends Infer<typeof ScaleStatus> {}

export interface Scale extends ObjectOf<typeof ScaleSpec, typeof ScaleStatus, {}> {}
export const Scale = kind({
  group: "autoscaling",
  version: "v1",
  name: "Scale",
  plural: "scales",
  doc: "How many replicas something has and should have.",
  scope: "namespaced",
  verbs: [],
  columns: [
    nameColumn,
    { name: "Desired", type: "integer", doc: "How many replicas should be.", read: ({ spec }) => spec.replicas ?? 0 },
    { name: "Available", type: "integer", doc: "How many replicas are.", read: ({ status }) => status.replicas },
    ageColumn,
  ],
  openapi: "io.k8s.api.autoscaling.v1.Scale",
  spec: ScaleSpec,
  status: ScaleStatus,
});
