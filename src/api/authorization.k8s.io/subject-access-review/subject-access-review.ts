import { kind, type ObjectType } from "#schema/kind.ts";
import { one } from "#schema/field.ts";
import { SubjectAccessReviewSpec, SubjectAccessReviewStatus } from "#api/authorization.k8s.io/access-review.ts";

export const SubjectAccessReview = kind({
  group: "authorization.k8s.io",
  version: "v1",
  name: "SubjectAccessReview",
  plural: "subjectaccessreviews",
  scope: "cluster",
  openapi: "io.k8s.api.authorization.v1.SubjectAccessReview",
  spec: SubjectAccessReviewSpec,
  status: SubjectAccessReviewStatus,
});
export interface SubjectAccessReview extends ObjectType<typeof SubjectAccessReview> {}
