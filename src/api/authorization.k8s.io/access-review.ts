import { bool, list, map, one, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { FieldSelectorRequirement, LabelSelectorRequirement } from "#api/meta/label-selector.ts";

export const NonResourceAttributes = message(
  "NonResourceAttributes",
  {
    path: string(1),
    verb: string(2),
  },
  { openapi: "io.k8s.api.authorization.v1.NonResourceAttributes" },
);
export interface NonResourceAttributes extends Infer<typeof NonResourceAttributes> {}

export const FieldSelectorAttributes = message(
  "FieldSelectorAttributes",
  {
    rawSelector: string(1),
    requirements: list(2, (): Type<FieldSelectorRequirement> => FieldSelectorRequirement, { list: "atomic" }),
  },
  { openapi: "io.k8s.api.authorization.v1.FieldSelectorAttributes" },
);
export interface FieldSelectorAttributes extends Infer<typeof FieldSelectorAttributes> {}

export const LabelSelectorAttributes = message(
  "LabelSelectorAttributes",
  {
    rawSelector: string(1),
    requirements: list(2, (): Type<LabelSelectorRequirement> => LabelSelectorRequirement, { list: "atomic" }),
  },
  { openapi: "io.k8s.api.authorization.v1.LabelSelectorAttributes" },
);
export interface LabelSelectorAttributes extends Infer<typeof LabelSelectorAttributes> {}

export const ResourceAttributes = message(
  "ResourceAttributes",
  {
    namespace: string(1),
    verb: string(2),
    group: string(3),
    version: string(4),
    resource: string(5),
    subresource: string(6),
    name: string(7),
    fieldSelector: one(8, (): Type<FieldSelectorAttributes> => FieldSelectorAttributes, { optional: true }),
    labelSelector: one(9, (): Type<LabelSelectorAttributes> => LabelSelectorAttributes, { optional: true }),
  },
  { openapi: "io.k8s.api.authorization.v1.ResourceAttributes" },
);
export interface ResourceAttributes extends Infer<typeof ResourceAttributes> {}

export const SubjectAccessReviewSpec = message(
  "SubjectAccessReviewSpec",
  {
    resourceAttributes: one(1, (): Type<ResourceAttributes> => ResourceAttributes, { optional: true }),
    nonResourceAttributes: one(2, (): Type<NonResourceAttributes> => NonResourceAttributes, { optional: true }),
    user: string(3),
    groups: list(4, "string", { list: "atomic" }),
    extra: map(5, "stringList"),
    uid: string(6),
  },
  { openapi: "io.k8s.api.authorization.v1.SubjectAccessReviewSpec" },
);
export interface SubjectAccessReviewSpec extends Infer<typeof SubjectAccessReviewSpec> {}

export const SubjectAccessReviewStatus = message(
  "SubjectAccessReviewStatus",
  {
    allowed: bool(1, { always: true, required: true }),
    reason: string(2),
    evaluationError: string(3),
    denied: bool(4),
  },
  { openapi: "io.k8s.api.authorization.v1.SubjectAccessReviewStatus" },
);
export interface SubjectAccessReviewStatus extends Infer<typeof SubjectAccessReviewStatus> {}
