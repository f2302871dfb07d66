// Fills the rules of ClusterRoles that are made of others: admin, edit, view, and what people add.
import { ClusterRole } from "#api/rbac.authorization.k8s.io/cluster-role/cluster-role.ts";
import type { PolicyRule } from "#api/rbac.authorization.k8s.io/policy-rule.ts";
import { selects } from "#api/meta/selects.ts";
import { deepEqual } from "#schema/derive/equal.ts";
import { controller, may, type Permission, type Related, type Step, update } from "../controller.ts";

const selectorsOf = ({ aggregationRule }: ClusterRole) => aggregationRule?.clusterRoleSelectors ?? [];
const isPart = (whole: ClusterRole, part: ClusterRole) =>
  part.metadata.name !== whole.metadata.name && selectorsOf(whole).some((selector) => selects(selector, part.metadata.labels));

/** The roles of which a role is made. */
const parts: Related<ClusterRole, ClusterRole> = {
  kind: ClusterRole,
  find: (whole, roles) => (selectorsOf(whole).length === 0 ? [] : roles.list().filter((part) => isPart(whole, part))),
  wakes: ({ object, old }, roles) =>
    roles
      .list()
      .filter((whole) => isPart(whole, object) || (old !== undefined && isPart(whole, old)))
      .map(({ metadata }) => metadata.name),
};

/** Whoever writes a role must have its rights, or be let: it is made of rights that others have given. */
const anyRights: Permission = { group: "rbac.authorization.k8s.io", resource: "clusterroles", verbs: ["escalate"] };

export const clusterRoleAggregationController = controller({
  name: "clusterrole-aggregation-controller",
  for: ClusterRole,
  reads: { parts },
  writes: [may(ClusterRole, "get", "list", "watch", "update", "patch"), anyRights],
  decide,
});

export function decide({
  object: role,
  parts: found,
}: {
  readonly object: ClusterRole;
  readonly parts: readonly ClusterRole[];
}): readonly Step[] {
  if (selectorsOf(role).length === 0) return [];
  const rules: PolicyRule[] = [];
  for (const part of [...found].sort((left, right) => (left.metadata.name < right.metadata.name ? -1 : 1)))
    for (const rule of part.rules) if (!rules.some((known) => deepEqual(known, rule))) rules.push(rule);
  return deepEqual(rules, role.rules) ? [] : [update(ClusterRole, { ...role, rules })];
}
