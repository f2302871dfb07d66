import { one } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { PodSpec } from "./pod-spec.ts";
import { ObjectMeta } from "#schema/object-meta.ts";

export const PodTemplateSpec = message(
  "PodTemplateSpec",
  {
    metadata: one(1, (): Type<ObjectMeta> => ObjectMeta),
    spec: one(2, (): Type<PodSpec> => PodSpec),
  },
  { openapi: "io.k8s.api.core.v1.PodTemplateSpec" },
);
export interface PodTemplateSpec extends Infer<typeof PodTemplateSpec> {}
