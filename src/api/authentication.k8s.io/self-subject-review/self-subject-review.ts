import { kind, type ObjectOf } from "#schema/kind.ts";
import { one } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { UserInfo } from "#api/authentication.k8s.io/user-info.ts";

export const SelfSubjectReviewStatus = message(
  "SelfSubjectReviewStatus",
  {
    userInfo: one(1, (): Type<UserInfo> => UserInfo, { doc: "Who the server takes you for." }),
  },
  { openapi: "io.k8s.api.authentication.v1.SelfSubjectReviewStatus" },
);
export interface SelfSubjectReviewStatus extends Infer<typeof SelfSubjectReviewStatus> {}

const fields = {
  status: one(2, (): Type<SelfSubjectReviewStatus> => SelfSubjectReviewStatus, { doc: "The server's answer." }),
};

export interface SelfSubjectReview extends ObjectOf<undefined, undefined, typeof fields> {}
export const SelfSubjectReview = kind({
  group: "authentication.k8s.io",
  version: "v1",
  name: "SelfSubjectReview",
  plural: "selfsubjectreviews",
  doc: "Asks who the server takes you for.",
  scope: "cluster",
  nameFormat: "any",
  counted: false,
  verbs: ["create"],
  openapi: "io.k8s.api.authentication.v1.SelfSubjectReview",
  fields,
});
