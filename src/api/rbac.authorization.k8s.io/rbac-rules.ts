// The rules of roles and of bindings.
import { deepEqual } from "#schema/derive/equal.ts";
import { invalid, notSupported, required } from "#schema/derive/field-error.ts";
import { pathSegmentProblems } from "#schema/derive/formats.ts";
import type { FieldError } from "#schema/kind.ts";
import type { PolicyRule } from "./policy-rule.ts";
import { type RoleRef, rbacGroup, type Subject } from "./subject.ts";

/** A rule is about resources or about paths; paths belong to no namespace. */
export function rulesErrors(rules: readonly PolicyRule[], namespaced: boolean): readonly FieldError[] {
  return rules.flatMap(({ verbs, apiGroups = [], resources = [], nonResourceURLs = [], resourceNames = [] }, index) => {
    const at = `rules[${index}]`;
    const errors: FieldError[] = [];
    if (verbs.length === 0) errors.push(required(`${at}.verbs`, "verbs must contain at least one value"));
    if (nonResourceURLs.length > 0) {
      if (namespaced) errors.push(invalid(`${at}.nonResourceURLs`, nonResourceURLs, "namespaced rules cannot apply to non-resource URLs"));
      if (apiGroups.length > 0 || resources.length > 0 || resourceNames.length > 0) {
        errors.push(
          invalid(`${at}.nonResourceURLs`, nonResourceURLs, "rules cannot apply to both regular resources and non-resource URLs"),
        );
      }
      return errors;
    }
    if (apiGroups.length === 0) errors.push(required(`${at}.apiGroups`, "resource rules must supply at least one api group"));
    if (resources.length === 0) errors.push(required(`${at}.resources`, "resource rules must supply at least one resource"));
    return errors;
  });
}

interface AnyBinding {
  readonly roleRef: RoleRef;
  readonly subjects?: readonly Subject[] | undefined;
}

export function bindingErrors(
  { roleRef, subjects = [] }: AnyBinding,
  old: AnyBinding | undefined,
  kinds: readonly string[],
): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (roleRef.apiGroup !== rbacGroup) errors.push(notSupported("roleRef.apiGroup", roleRef.apiGroup, [rbacGroup]));
  if (roleRef.kind !== "" && !kinds.includes(roleRef.kind)) errors.push(notSupported("roleRef.kind", roleRef.kind, kinds));
  errors.push(...pathSegmentProblems(roleRef.name).map((problem) => invalid("roleRef.name", roleRef.name, problem)));
  errors.push(...subjects.flatMap((subject, index) => subjectErrors(subject, kinds.length > 1, `subjects[${index}]`)));
  if (old !== undefined && !deepEqual(old.roleRef, roleRef)) errors.push(invalid("roleRef", roleRef, "cannot change roleRef"));
  return errors;
}

function subjectErrors({ kind, name, namespace, apiGroup = "" }: Subject, namespaced: boolean, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  switch (kind) {
    case "ServiceAccount":
      errors.push(...(name === "" ? [] : pathSegmentProblems(name)).map((problem) => invalid(`${path}.name`, name, problem)));
      if (apiGroup !== "") errors.push(notSupported(`${path}.apiGroup`, apiGroup, [""]));
      if (!namespace && !namespaced) errors.push(required(`${path}.namespace`));
      break;
    case "User":
    case "Group":
      if (apiGroup !== rbacGroup) errors.push(notSupported(`${path}.apiGroup`, apiGroup, [rbacGroup]));
      break;
    case "":
      break;
    default:
      errors.push(notSupported(`${path}.kind`, kind, ["ServiceAccount", "User", "Group"]));
  }
  return errors;
}
