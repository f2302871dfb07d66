import { kind, type ObjectType } from "#schema/kind.ts";
import { one } from "#schema/field.ts";
import { PodSpec } from "./pod-spec.ts";
import { PodStatus } from "./pod-status.ts";

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
});
export interface Pod extends ObjectType<typeof Pod> {}
