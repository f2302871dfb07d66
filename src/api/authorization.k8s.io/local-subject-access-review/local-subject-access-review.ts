import { kind, type ObjectOf } from "#schema/kind.ts";
import { SubjectAccessReviewSpec, SubjectAccessReviewStatus } from "#api/authorization.k8s.io/access-review.ts";

export interface LocalSubjectAccessReview extends ObjectOf<typeof SubjectAccessReviewSpec, typeof SubjectAccessReviewStatus, {}> {}
export const LocalSubjectAccessReview = kind({
  group: "authorization.k8s.io",
  version: "v1",
  name: "LocalSubjectAccessReview",
  plural: "localsubjectaccessreviews",
  doc: "Asks whether somebody may do something in one Namespace.",
  scope: "namespaced",
  nameFormat: "any",
  counted: false,
  verbs: ["create"],
  openapi: "io.k8s.api.authorization.v1.LocalSubjectAccessReview",
  spec: SubjectAccessReviewSpec,
  status: SubjectAccessReviewStatus,
});
