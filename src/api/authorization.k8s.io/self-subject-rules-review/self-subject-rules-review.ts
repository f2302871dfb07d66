import { kind, type ObjectOf } from "#schema/kind.ts";
import { bool, list, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";

export const SelfSubjectRulesReviewSpec = message(
  "SelfSubjectRulesReviewSpec",
  {
    namespace: string(1, { doc: "Namespace that is asked about." }),
  },
  { openapi: "io.k8s.api.authorization.v1.SelfSubjectRulesReviewSpec" },
);
export interface SelfSubjectRulesReviewSpec extends Infer<typeof SelfSubjectRulesReviewSpec> {}

export const NonResourceRule = message(
  "NonResourceRule",
  {
    verbs: list(1, "string", { always: true, required: true, list: "atomic", doc: "HTTP methods in lower case; * for all." }),
    nonResourceURLs: list(2, "string", { list: "atomic", doc: "Paths; a * at the end stands for anything." }),
  },
  { openapi: "io.k8s.api.authorization.v1.NonResourceRule" },
);
export interface NonResourceRule extends Infer<typeof NonResourceRule> {}

export const ResourceRule = message(
  "ResourceRule",
  {
    verbs: list(1, "string", { always: true, required: true, list: "atomic", doc: "What may be done; * for anything." }),
    apiGroups: list(2, "string", { list: "atomic", doc: "API groups; * for all." }),
    resources: list(3, "string", { list: "atomic", doc: "Resources; * for all." }),
    resourceNames: list(4, "string", { list: "atomic", doc: "Names of objects; all when empty." }),
  },
  { openapi: "io.k8s.api.authorization.v1.ResourceRule" },
);
export interface ResourceRule extends Infer<typeof ResourceRule> {}

export const SubjectRulesReviewStatus = message(
  "SubjectRulesReviewStatus",
  {
    resourceRules: list(1, (): Type<ResourceRule> => ResourceRule, {
      always: true,
      required: true,
      list: "atomic",
      doc: "What you may do with resources.",
    }),
    nonResourceRules: list(2, (): Type<NonResourceRule> => NonResourceRule, {
      always: true,
      required: true,
      list: "atomic",
      doc: "What you may do with paths.",
    }),
    incomplete: bool(3, { always: true, required: true, doc: "Whether there may be more that could not be found out." }),
    evaluationError: string(4, { doc: "What went wrong while finding out." }),
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
  doc: "Asks what you may do in a Namespace.",
  scope: "cluster",
  nameFormat: "any",
  counted: false,
  verbs: ["create"],
  openapi: "io.k8s.api.authorization.v1.SelfSubjectRulesReview",
  spec: SelfSubjectRulesReviewSpec,
  status: SubjectRulesReviewStatus,
});
