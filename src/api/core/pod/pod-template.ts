import { one } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { PodSpec } from "./pod-spec.ts";
import { ObjectMeta } from "#schema/object-meta.ts";

export const PodTemplateSpec = message(
  "PodTemplateSpec",
  {
    metadata: one(1, (): Type<ObjectMeta> => ObjectMeta, { doc: "Labels and annotations of the Pods." }),
    spec: one(2, (): Type<PodSpec> => PodSpec, { doc: "What the Pods should be." }),
  },
  { openapi: "io.k8s.api.core.v1.PodTemplateSpec" },
);
export interface PodTemplateSpec extends Infer<typeof PodTemplateSpec> {}
