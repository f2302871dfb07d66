import { kind, type ObjectOf } from "#schema/kind.ts";
import { one } from "#schema/field.ts";
import { PodSpec } from "./pod-spec.ts";
import { PodStatus } from "./pod-status.ts";
import { completePod } from "./pod-defaults.ts";

export interface Pod extends ObjectOf<typeof PodSpec, typeof PodStatus, {}> {}
export const Pod = kind({
  group: "",
  version: "v1",
  name: "Pod",
  plural: "pods",
  scope: "namespaced",
  openapi: "io.k8s.api.core.v1.Pod",
  spec: PodSpec,
  status: PodStatus,
  subresources: { status: true },
  default: completePod,
});
