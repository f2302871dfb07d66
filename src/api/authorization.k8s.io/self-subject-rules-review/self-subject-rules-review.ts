import { kind, type ObjectOf } from "#schema/kind.ts";
import { bool, list, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";

export const SelfSubjectRulesReviewSpec = message(
  "SelfSubjectRulesReviewSpec",
  {
    namespace: string(1),
  },
  { openapi: "io.k8s.api.authorization.v1.SelfSubjectRulesReviewSpec" },
);
export interface SelfSubjectRulesReviewSpec extends Infer<typeof SelfSubjectRulesReviewSpec> {}

export const NonResourceRule = message(
  "NonResourceRule",
  {
    verbs: list(1, "string", { always: true, required: true, list: "atomic" }),
    nonResourceURLs: list(2, "string", { list: "atomic" }),
  },
  { openapi: "io.k8s.api.authorization.v1.NonResourceRule" },
);
export interface NonResourceRule extends Infer<typeof NonResourceRule> {}

export const ResourceRule = message(
  "ResourceRule",
  {
    verbs: list(1, "string", { always: true, required: true, list: "atomic" }),
    apiGroups: list(2, "string", { list: "atomic" }),
    resources: list(3, "string", { list: "atomic" }),
    resourceNames: list(4, "string", { list: "atomic" }),
  },
  { openapi: "io.k8s.api.authorization.v1.ResourceRule" },
);
export interface ResourceRule extends Infer<typeof ResourceRule> {}

export const SubjectRulesReviewStatus = message(
  "SubjectRulesReviewStatus",
  {
    resourceRules: list(1, (): Type<ResourceRule> => ResourceRule, { always: true, required: true, list: "atomic" }),
    nonResourceRules: list(2, (): Type<NonResourceRule> => NonResourceRule, { always: true, required: true, list: "atomic" }),
    incomplete: bool(3, { always: true, required: true }),
    evaluationError: string(4),
  },
  { openapi: "io.k8s.api.authorization.v1.SubjectRulesReviewStatus" },
);
export interface SubjectRulesReviewStatus extends Infer<typeof SubjectRulesReviewStatus> {}

export interface SelfSubjectRulesReview extends ObjectOf<typeof SelfSubjectRulesReviewSpec, typeof SubjectRulesReviewStatus, {}> {}
export const SelfSubjectRulesReview = kind({
  group: "authorization.k8s.io",
  version: "v1",
  name: "SelfSubjectRulesReview",
  plural: "selfsubjectrulesreviews",
  scope: "cluster",
  nameFormat: "any",
  counted: false,
  verbs: ["create"],
  openapi: "io.k8s.api.authorization.v1.SelfSubjectRulesReview",
  spec: SelfSubjectRulesReviewSpec,
  status: SubjectRulesReviewStatus,
});
