import { kind, type ObjectType } from "#schema/kind.ts";
import { one } from "#schema/field.ts";
import { SubjectAccessReviewSpec, SubjectAccessReviewStatus } from "#api/authorization.k8s.io/access-review.ts";

export const LocalSubjectAccessReview = kind({
  group: "authorization.k8s.io",
  version: "v1",
  name: "LocalSubjectAccessReview",
  plural: "localsubjectaccessreviews",
  scope: "namespaced",
  openapi: "io.k8s.api.authorization.v1.LocalSubjectAccessReview",
  spec: SubjectAccessReviewSpec,
  status: SubjectAccessReviewStatus,
});
export interface LocalSubjectAccessReview extends ObjectType<typeof LocalSubjectAccessReview> {}
