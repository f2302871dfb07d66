import { kind, type ObjectOf } from "#schema/kind.ts";
import { one } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { NonResourceAttributes, ResourceAttributes, SubjectAccessReviewStatus } from "#api/authorization.k8s.io/access-review.ts";

export const SelfSubjectAccessReviewSpec = message(
  "SelfSubjectAccessReviewSpec",
  {
    resourceAttributes: one(1, (): Type<ResourceAttributes> => ResourceAttributes, {
      optional: true,
      doc: "Access to a resource that is asked about.",
    }),
    nonResourceAttributes: one(2, (): Type<NonResourceAttributes> => NonResourceAttributes, {
      optional: true,
      doc: "Access to a path that is asked about.",
    }),
  },
  { openapi: "io.k8s.api.authorization.v1.SelfSubjectAccessReviewSpec" },
);
export interface SelfSubjectAccessReviewSpec extends Infer<typeof SelfSubjectAccessReviewSpec> {}

export interface SelfSubjectAccessReview extends ObjectOf<typeof SelfSubjectAccessReviewSpec, typeof SubjectAccessReviewStatus, {}> {}
export const SelfSubjectAccessReview = kind({
  group: "authorization.k8s.io",
  version: "v1",
  name: "SelfSubjectAccessReview",
  plural: "selfsubjectaccessreviews",
  doc: "Asks whether you may do something.",
  scope: "cluster",
  nameFormat: "any",
  counted: false,
  verbs: ["create"],
  openapi: "io.k8s.api.authorization.v1.SelfSubjectAccessReview",
  spec: SelfSubjectAccessReviewSpec,
  status: SubjectAccessReviewStatus,
});
