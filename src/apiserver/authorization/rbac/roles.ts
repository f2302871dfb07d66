// Roles and bindings as they are now, indexed by who is bound: what RBAC decides from.
import type { Scope } from "#base/scope.ts";
import { ClusterRoleBinding } from "#api/rbac.authorization.k8s.io/cluster-role-binding/cluster-role-binding.ts";
import { ClusterRole } from "#api/rbac.authorization.k8s.io/cluster-role/cluster-role.ts";
import type { PolicyRule } from "#api/rbac.authorization.k8s.io/policy-rule.ts";
import { RoleBinding } from "#api/rbac.authorization.k8s.io/role-binding/role-binding.ts";
import { Role } from "#api/rbac.authorization.k8s.io/role/role.ts";
import type { RoleRef, Subject } from "#api/rbac.authorization.k8s.io/subject.ts";
import { selects } from "#api/meta/selects.ts";
import type { Client } from "#client/client.ts";
import { type Informer, startInformer } from "#client/informer.ts";
import type { World } from "#platform/world.ts";
import type { KubernetesObject } from "#schema/kind.ts";
import type { User } from "../../request.ts";

export type Binding = ClusterRoleBinding | RoleBinding;

export interface Roles {
  /** Grows with every change. */
  readonly revision: number;
  /** Resolves once everything was read for the first time; undefined when it was. */
  ready(): Promise<void> | undefined;
  clusterRole(name: string): ClusterRole | undefined;
  role(namespace: string, name: string): Role | undefined;
  /** Bindings for the whole cluster ("") or within one namespace that name this user, or one of its groups. */
  bindingsOf(user: User, namespace: string): readonly Binding[];
  clusterRoles(): readonly ClusterRole[];
}

/** The rules of the role a binding refers to, those of aggregated roles gathered live. Undefined when there is no such role. */
export function rulesOf(roles: Roles, { kind, name }: RoleRef, namespace: string): readonly PolicyRule[] | undefined {
  if (kind === "Role") return roles.role(namespace, name)?.rules;
  if (kind !== "ClusterRole") return undefined;
  const role = roles.clusterRole(name);
  return role && clusterRoleRules(roles, role, new Set());
}

function clusterRoleRules(roles: Roles, role: ClusterRole, seen: Set<string>): readonly PolicyRule[] {
  const selectors = role.aggregationRule?.clusterRoleSelectors ?? [];
  if (selectors.length === 0 || seen.has(role.metadata.name)) return role.rules;
  seen.add(role.metadata.name);
  const parts = roles
    .clusterRoles()
    .filter((other) => other !== role && selectors.some((selector) => selects(selector, other.metadata.labels)));
  return [...role.rules, ...parts.flatMap((part) => clusterRoleRules(roles, part, seen))];
}

/** Follows the cluster's roles; starts to when first asked, and asks for the client only then. */
export function liveRoles(scope: Scope, world: World, needs: { readonly client: Client }): Roles {
  let revision = 0;
  let informers: Informers | undefined;
  let synced = false;

  interface Informers {
    readonly clusterRoles: Informer<ClusterRole>;
    readonly roles: Informer<Role>;
    readonly clusterBindings: Informer<ClusterRoleBinding>;
    readonly bindings: Informer<RoleBinding>;
    readonly synced: Promise<void>;
  }

  function started(): Informers {
    if (informers) return informers;
    const { client } = needs;
    const follow = <T extends KubernetesObject>(informer: Informer<T>): Informer<T> => {
      informer.onChange(() => revision++);
      return informer;
    };
    const clusterRoles = follow<ClusterRole>(startInformer(scope, world, client, ClusterRole));
    const roles = follow<Role>(startInformer(scope, world, client, Role));
    const clusterBindings = follow<ClusterRoleBinding>(startInformer(scope, world, client, ClusterRoleBinding));
    const bindings = follow<RoleBinding>(startInformer(scope, world, client, RoleBinding));
    clusterBindings.addIndex("subject", ({ subjects = [] }) => [...new Set(subjects.map((subject) => subjectKey(subject, "")))]);
    bindings.addIndex("subject", ({ subjects = [], metadata: { namespace = "" } }) => [
      ...new Set(subjects.map((subject) => `${namespace}/${subjectKey(subject, namespace)}`)),
    ]);
    const all = Promise.all([clusterRoles.synced, roles.synced, clusterBindings.synced, bindings.synced]).then(() => {
      synced = true;
    });
    informers = { clusterRoles, roles, clusterBindings, bindings, synced: all };
    return informers;
  }

  return {
    get revision() {
      return revision;
    },
    ready: () => (synced ? undefined : started().synced),
    clusterRole: (name) => started().clusterRoles.get(name),
    role: (namespace, name) => started().roles.get(`${namespace}/${name}`),
    clusterRoles: () => started().clusterRoles.list(),
    bindingsOf(user, namespace) {
      const { clusterBindings, bindings } = started();
      const keys = userKeys(user);
      const found = keys.flatMap<Binding>((key) =>
        namespace === "" ? clusterBindings.byIndex("subject", key) : bindings.byIndex("subject", `${namespace}/${key}`),
      );
      return found.length > 1 ? [...new Set(found)] : found;
    },
  };
}

/** A service account is bound by its user name: where it says no namespace, the binding's own. */
export function subjectKey({ kind, name, namespace = "" }: Subject, bindingNamespace: string): string {
  switch (kind) {
    case "User":
      return `user ${name}`;
    case "Group":
      return `group ${name}`;
    case "ServiceAccount":
      return `user system:serviceaccount:${namespace || bindingNamespace}:${name}`;
    default:
      return `unknown ${kind}`;
  }
}

function userKeys({ name, groups }: User): readonly string[] {
  return [`user ${name}`, ...groups.map((group) => `group ${group}`)];
}
