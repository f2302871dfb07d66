// Nobody can give what he does not hold: roles and bindings are checked against the rights of whoever writes them.
import { ClusterRoleBinding } from "#api/rbac.authorization.k8s.io/cluster-role-binding/cluster-role-binding.ts";
import { ClusterRole } from "#api/rbac.authorization.k8s.io/cluster-role/cluster-role.ts";
import type { PolicyRule } from "#api/rbac.authorization.k8s.io/policy-rule.ts";
import { RoleBinding } from "#api/rbac.authorization.k8s.io/role-binding/role-binding.ts";
import { Role } from "#api/rbac.authorization.k8s.io/role/role.ts";
import { rbacGroup } from "#api/rbac.authorization.k8s.io/subject.ts";
import { sameJson } from "#schema/derive/json-objects.ts";
import type { Kind } from "#schema/kind.ts";
import { forbidden, notFound } from "../../registry/errors.ts";
import { invalid } from "../../registry/invalid.ts";
import { type ResourcePart, resourcePart, type WriteContext } from "../../registry/resource.ts";
import type { RequestInfo, User } from "../../request.ts";
import { isMaster } from "../authorization.ts";
import type { Authorizer } from "../authorizer.ts";
import { heldRules } from "./rbac-authorizer.ts";
import { type Binding, type Roles, rulesOf } from "./roles.ts";
import { joinedByVerbs, quotedList, ruleText, uncovered } from "./rules.ts";

const everything: readonly PolicyRule[] = [
  { verbs: ["*"], apiGroups: ["*"], resources: ["*"] },
  { verbs: ["*"], nonResourceURLs: ["*"] },
];

/** Hooks for the four RBAC kinds. */
export function escalationParts(roles: Roles, authorizer: Authorizer): readonly ResourcePart[] {
  async function may(user: User, verb: "escalate" | "bind", resource: string, namespace: string, name: string): Promise<boolean> {
    const info: RequestInfo = {
      verb,
      isResourceRequest: true,
      path: "",
      group: rbacGroup,
      version: "v1",
      resource,
      subresource: "",
      namespace,
      name,
    };
    return (await authorizer.authorize(user, info)).decision === "allow";
  }

  async function missingRules(user: User, namespace: string, wanted: readonly PolicyRule[]): Promise<string | undefined> {
    await roles.ready();
    const missing = uncovered(heldRules(roles, user, namespace), wanted);
    if (missing.length === 0) return undefined;
    const described = joinedByVerbs(missing).map(ruleText).sort();
    return `user ${JSON.stringify(user.name)} (groups=${quotedList(user.groups)}) is attempting to grant RBAC permissions not currently held:\n${described.join("\n")}`;
  }

  async function checkRole<T extends Role | ClusterRole>(kind: Kind<T>, role: T, old: T | undefined, { user }: WriteContext): Promise<T> {
    const { name, namespace = "" } = role.metadata;
    const aggregation = "aggregationRule" in role ? role.aggregationRule : undefined;
    const oldAggregation = old && "aggregationRule" in old ? old.aggregationRule : undefined;
    if (isMaster(user) || (old && sameJson(old.rules, role.rules) && sameJson(oldAggregation, aggregation))) return role;
    if (await may(user, "escalate", kind.plural, namespace, name)) return role;
    if (aggregation && (await missingRules(user, "", everything)) !== undefined) {
      throw forbidden(kind, name, "must have cluster-admin privileges to use the aggregationRule");
    }
    const problem = await missingRules(user, namespace, role.rules);
    if (problem !== undefined) throw forbidden(kind, name, problem);
    return role;
  }

  async function checkBinding<T extends Binding>(kind: Kind<T>, binding: T, old: T | undefined, { user }: WriteContext): Promise<T> {
    const { name, namespace = "" } = binding.metadata;
    const { roleRef } = binding;
    if (old && !sameJson(old.roleRef, roleRef)) {
      throw invalid(kind, name, [{ type: "Invalid", field: "roleRef", value: roleRef, detail: "cannot change roleRef" }]);
    }
    if (isMaster(user) || (old && sameJson(old.subjects ?? [], binding.subjects ?? []))) return binding;
    const plural = roleRef.kind === "Role" ? Role.plural : ClusterRole.plural;
    if (await may(user, "bind", plural, namespace, roleRef.name)) return binding;
    await roles.ready();
    const rules = rulesOf(roles, roleRef, namespace);
    if (!rules) throw notFound(roleRef.kind === "Role" ? Role : ClusterRole, roleRef.name);
    const problem = await missingRules(user, namespace, rules);
    if (problem !== undefined) throw forbidden(kind, name, problem);
    return binding;
  }

  const ofRole = <T extends Role | ClusterRole>(kind: Kind<T>) =>
    resourcePart<T>({
      kind,
      hooks: {
        beforeCreate: (role, write) => checkRole(kind, role, undefined, write),
        beforeUpdate: (role, old, write) => checkRole(kind, role, old, write),
      },
    });
  const ofBinding = <T extends Binding>(kind: Kind<T>) =>
    resourcePart<T>({
      kind,
      hooks: {
        beforeCreate: (binding, write) => checkBinding(kind, binding, undefined, write),
        beforeUpdate: (binding, old, write) => checkBinding(kind, binding, old, write),
      },
    });
  return [
    ofRole<Role>(Role),
    ofRole<ClusterRole>(ClusterRole),
    ofBinding<RoleBinding>(RoleBinding),
    ofBinding<ClusterRoleBinding>(ClusterRoleBinding),
  ];
}
