import { kind, type ObjectOf } from "#schema/kind.ts";
import { bool, list, one, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { UserInfo } from "#api/authentication.k8s.io/user-info.ts";

export const TokenReviewSpec = message(
  "TokenReviewSpec",
  {
    token: string(1, { required: true, doc: "The token that is asked about." }),
    audiences: list(2, "string", { list: "atomic", doc: "Who asks; one of them must be meant by the token." }),
  },
  { openapi: "io.k8s.api.authentication.v1.TokenReviewSpec" },
);
export interface TokenReviewSpec extends Infer<typeof TokenReviewSpec> {}

export const TokenReviewStatus = message(
  "TokenReviewStatus",
  {
    authenticated: bool(1, { doc: "Whether the token is good." }),
    user: one(2, (): Type<UserInfo> => UserInfo, { doc: "Whose token it is." }),
    error: string(3, { doc: "Why the token could not be checked." }),
    audiences: list(4, "string", { list: "atomic", doc: "Which of the audiences asked about the token is for." }),
  },
  { openapi: "io.k8s.api.authentication.v1.TokenReviewStatus" },
);
export interface TokenReviewStatus extends Infer<typeof TokenReviewStatus> {}

export interface TokenReview extends ObjectOf<typeof TokenReviewSpec, typeof TokenReviewStatus, {}> {}
export const TokenReview = kind({
  group: "authentication.k8s.io",
  version: "v1",
  name: "TokenReview",
  plural: "tokenreviews",
  doc: "Asks whose token this is.",
  scope: "cluster",
  nameFormat: "any",
  counted: false,
  verbs: ["create"],
  openapi: "io.k8s.api.authentication.v1.TokenReview",
  spec: TokenReviewSpec,
  status: TokenReviewStatus,
});
