import { bool, list, map, one, string } from "#schema/field.ts";
import { type Infer, message, type Type } from "#schema/message.ts";
import { FieldSelectorRequirement, LabelSelectorRequirement } from "#api/meta/label-selector.ts";

export const NonResourceAttributes = message(
  "NonResourceAttributes",
  {
    path: string(1, { doc: "Path of the request." }),
    verb: string(2, { doc: "HTTP method in lower case." }),
  },
  { openapi: "io.k8s.api.authorization.v1.NonResourceAttributes" },
);
export interface NonResourceAttributes extends Infer<typeof NonResourceAttributes> {}

export const FieldSelectorAttributes = message(
  "FieldSelectorAttributes",
  {
    rawSelector: string(1, { doc: "Selector as it stands in a request; may be unreadable." }),
    requirements: list(2, (): Type<FieldSelectorRequirement> => FieldSelectorRequirement, {
      list: "atomic",
      doc: "Selector taken apart; all must hold.",
    }),
  },
  { openapi: "io.k8s.api.authorization.v1.FieldSelectorAttributes" },
);
export interface FieldSelectorAttributes extends Infer<typeof FieldSelectorAttributes> {}

export const LabelSelectorAttributes = message(
  "LabelSelectorAttributes",
  {
    rawSelector: string(1, { doc: "Selector as it stands in a request; may be unreadable." }),
    requirements: list(2, (): Type<LabelSelectorRequirement> => LabelSelectorRequirement, {
      list: "atomic",
      doc: "Selector taken apart; all must hold.",
    }),
  },
  { openapi: "io.k8s.api.authorization.v1.LabelSelectorAttributes" },
);
export interface LabelSelectorAttributes extends Infer<typeof LabelSelectorAttributes> {}

export const ResourceAttributes = message(
  "ResourceAttributes",
  {
    namespace: string(1, { doc: "Namespace; empty for all, or for none." }),
    verb: string(2, { doc: "What is to be done, such as get; * for anything." }),
    group: string(3, { doc: "API group; * for all." }),
    version: string(4, { doc: "API version; * for all." }),
    resource: string(5, { doc: "Resource by its plural name; * for all." }),
    subresource: string(6, { doc: "Subresource; empty for none." }),
    name: string(7, { doc: "Name of the object; empty for all." }),
    fieldSelector: one(8, (): Type<FieldSelectorAttributes> => FieldSelectorAttributes, {
      optional: true,
      doc: "Only objects with such fields.",
    }),
    labelSelector: one(9, (): Type<LabelSelectorAttributes> => LabelSelectorAttributes, {
      optional: true,
      doc: "Only objects with such labels.",
    }),
  },
  { openapi: "io.k8s.api.authorization.v1.ResourceAttributes" },
);
export interface ResourceAttributes extends Infer<typeof ResourceAttributes> {}

export const SubjectAccessReviewSpec = message(
  "SubjectAccessReviewSpec",
  {
    resourceAttributes: one(1, (): Type<ResourceAttributes> => ResourceAttributes, {
      optional: true,
      doc: "Access to a resource that is asked about.",
    }),
    nonResourceAttributes: one(2, (): Type<NonResourceAttributes> => NonResourceAttributes, {
      optional: true,
      doc: "Access to a path that is asked about.",
    }),
    user: string(3, { doc: "Who wants it." }),
    groups: list(4, "string", { list: "atomic", doc: "Groups of the user." }),
    extra: map(5, "stringList", { doc: "More that is known of the user." }),
    uid: string(6, { doc: "UID of the user." }),
  },
  { openapi: "io.k8s.api.authorization.v1.SubjectAccessReviewSpec" },
);
export interface SubjectAccessReviewSpec extends Infer<typeof SubjectAccessReviewSpec> {}

export const SubjectAccessReviewStatus = message(
  "SubjectAccessReviewStatus",
  {
    allowed: bool(1, { always: true, required: true, doc: "Whether it is allowed." }),
    reason: string(2, { doc: "Why." }),
    evaluationError: string(3, { doc: "What went wrong while deciding; the decision may hold all the same." }),
    denied: bool(4, { doc: "Whether it is forbidden, and not only not allowed." }),
  },
  { openapi: "io.k8s.api.authorization.v1.SubjectAccessReviewStatus" },
);
export interface SubjectAccessReviewStatus extends Infer<typeof SubjectAccessReviewStatus> {}
