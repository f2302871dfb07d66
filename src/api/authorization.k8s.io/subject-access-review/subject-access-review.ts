import { kind, type ObjectOf } from "#schema/kind.ts";
import { SubjectAccessReviewSpec, SubjectAccessReviewStatus } from "#api/authorization.k8s.io/access-review.ts";

export interface SubjectAccessReview extends ObjectOf<typeof SubjectAccessReviewSpec, typeof SubjectAccessReviewStatus, {}> {}
export const SubjectAccessReview = kind({
  group: "authorization.k8s.io",
  version: "v1",
  name: "SubjectAccessReview",
  plural: "subjectaccessreviews",
  doc: "Asks whether somebody may do something.",
  scope: "cluster",
  nameFormat: "any",
  counted: false,
  verbs: ["create"],
  openapi: "io.k8s.api.authorization.v1.SubjectAccessReview",
  spec: SubjectAccessReviewSpec,
  status: SubjectAccessReviewStatus,
});
