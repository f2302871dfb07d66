// The review kinds of authorization.k8s.io: may this user, may I, and what may I?
import { LocalSubjectAccessReview } from "#api/authorization.k8s.io/local-subject-access-review/local-subject-access-review.ts";
import { SelfSubjectAccessReview } from "#api/authorization.k8s.io/self-subject-access-review/self-subject-access-review.ts";
import { SelfSubjectRulesReview } from "#api/authorization.k8s.io/self-subject-rules-review/self-subject-rules-review.ts";
import { SubjectAccessReview } from "#api/authorization.k8s.io/subject-access-review/subject-access-review.ts";
import type { FieldError, Kind } from "#schema/kind.ts";
import type { Authorizer } from "../../authorization/authorizer.ts";
import type { RequestInfo, User } from "../../request.ts";
import { badRequest } from "../errors.ts";
import { invalid } from "../invalid.ts";
import { type ResourcePart, resourcePart } from "../resource.ts";

type Spec = SubjectAccessReview["spec"];
type Attributes = Pick<Spec, "resourceAttributes" | "nonResourceAttributes">;
type Verdict = SubjectAccessReview["status"];

export function accessReviewParts(authorizer: Authorizer): readonly ResourcePart[] {
  async function verdict(user: User, attributes: Attributes): Promise<Verdict> {
    const { decision, reason } = await authorizer.authorize(user, infoOf(attributes));
    return { allowed: decision === "allow", ...(decision === "deny" && { denied: true }), ...(reason !== "" && { reason }) };
  }

  return [
    resourcePart<SubjectAccessReview>({
      kind: SubjectAccessReview,
      async create(review, call) {
        check(SubjectAccessReview, attributeProblems(review.spec), subjectProblems(review.spec));
        const admitted = (await call.admit("CREATE", review)) ?? review;
        return { object: { ...admitted, status: await verdict(subjectOf(admitted.spec), admitted.spec) }, kind: SubjectAccessReview };
      },
    }),
    resourcePart<LocalSubjectAccessReview>({
      kind: LocalSubjectAccessReview,
      async create(review, call) {
        check(LocalSubjectAccessReview, attributeProblems(review.spec), subjectProblems(review.spec));
        const { namespace } = call.request.info;
        const asked = review.spec.resourceAttributes?.namespace ?? "";
        if (asked !== namespace) {
          throw badRequest(`spec.resourceAttributes.namespace must match namespace: ${asked} != ${namespace}`);
        }
        const admitted = (await call.admit("CREATE", review)) ?? review;
        return { object: { ...admitted, status: await verdict(subjectOf(admitted.spec), admitted.spec) }, kind: LocalSubjectAccessReview };
      },
    }),
    resourcePart<SelfSubjectAccessReview>({
      kind: SelfSubjectAccessReview,
      async create(review, call) {
        check(SelfSubjectAccessReview, attributeProblems(review.spec));
        const admitted = (await call.admit("CREATE", review)) ?? review;
        return { object: { ...admitted, status: await verdict(call.request.user, admitted.spec) }, kind: SelfSubjectAccessReview };
      },
    }),
    resourcePart<SelfSubjectRulesReview>({
      kind: SelfSubjectRulesReview,
      async create(review, call) {
        const { namespace = "" } = review.spec;
        if (namespace === "") throw badRequest("no namespace on request");
        const admitted = (await call.admit("CREATE", review)) ?? review;
        const rules = await authorizer.rules?.(call.request.user, namespace);
        const status = rules ?? { resourceRules: [], nonResourceRules: [], incomplete: true };
        return { object: { ...admitted, status }, kind: SelfSubjectRulesReview };
      },
    }),
  ];
}

function subjectOf({ user = "", uid, groups = [], extra }: Spec): User {
  return { name: user, groups, ...(uid && { uid }), ...(extra && { extra }) };
}

function infoOf({ resourceAttributes, nonResourceAttributes }: Attributes): RequestInfo {
  const { verb = "", path = "" } = nonResourceAttributes ?? {};
  if (!resourceAttributes) {
    return { verb, isResourceRequest: false, path, group: "", version: "", resource: "", subresource: "", namespace: "", name: "" };
  }
  const { namespace = "", group = "", version = "", resource = "", subresource = "", name = "" } = resourceAttributes;
  const fieldSelector = resourceAttributes.fieldSelector?.rawSelector;
  const labelSelector = resourceAttributes.labelSelector?.rawSelector;
  return {
    verb: resourceAttributes.verb ?? "",
    isResourceRequest: true,
    path: "",
    group,
    version,
    resource,
    subresource,
    namespace,
    name,
    ...(fieldSelector && { fieldSelector }),
    ...(labelSelector && { labelSelector }),
  };
}

function attributeProblems({ resourceAttributes, nonResourceAttributes }: Attributes): readonly FieldError[] {
  if (resourceAttributes && nonResourceAttributes) {
    const detail = "cannot be specified in combination with resourceAttributes";
    return [{ type: "Invalid", field: "spec.nonResourceAttributes", value: nonResourceAttributes, detail }];
  }
  if (!resourceAttributes && !nonResourceAttributes) {
    const detail = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
    return [{ type: "Invalid", field: "spec.resourceAttributes", value: null, detail }];
  }
  return [];
}

function subjectProblems({ user = "", groups = [] }: Spec): readonly FieldError[] {
  if (user !== "" || groups.length > 0) return [];
  return [{ type: "Invalid", field: "spec.user", value: user, detail: "at least one of user or group must be specified" }];
}

function check(kind: Kind, ...problems: readonly (readonly FieldError[])[]): void {
  const errors = problems.flat();
  if (errors.length > 0) throw invalid(kind, "", errors);
}
