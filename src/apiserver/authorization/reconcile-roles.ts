// Brings the default roles into the cluster at start: what is missing is added, what is there beyond stays.
import { ClusterRoleBinding } from "#api/rbac.authorization.k8s.io/cluster-role-binding/cluster-role-binding.ts";
import { ClusterRole } from "#api/rbac.authorization.k8s.io/cluster-role/cluster-role.ts";
import type { PolicyRule } from "#api/rbac.authorization.k8s.io/policy-rule.ts";
import { RoleBinding } from "#api/rbac.authorization.k8s.io/role-binding/role-binding.ts";
import { Role } from "#api/rbac.authorization.k8s.io/role/role.ts";
import { rbacGroup, type Subject } from "#api/rbac.authorization.k8s.io/subject.ts";
import { isReason } from "#api/meta/status-error.ts";
import { sameJson } from "#schema/derive/json-objects.ts";
import type { Kind, KubernetesObject } from "#schema/kind.ts";
import type { Draft } from "#schema/message.ts";
import type { Registry } from "../registry/resource.ts";
import type { DefaultBinding, DefaultClusterRole, DefaultRole, DefaultRoles } from "./default-roles.ts";
import { uncovered } from "./rbac/rules.ts";

const autoUpdate = "rbac.authorization.kubernetes.io/autoupdate";
const defaultLabels = { "kubernetes.io/bootstrapping": "rbac-defaults" };
const attemptsMax = 5;

/**
 * To be run after the server began to serve, once the namespaces kube-system and kube-public exist.
 * An object whose annotation rbac.authorization.kubernetes.io/autoupdate is "false" is left alone.
 */
export async function reconcileDefaultRoles(registry: Registry, defaults: DefaultRoles): Promise<void> {
  // Side by side, so that the store makes them durable together.
  await Promise.all([
    ...defaults.clusterRoles.map((role) => ensureClusterRole(registry, role, defaults)),
    ...defaults.roles.map((role) => ensureRole(registry, role)),
    ...defaults.bindings.map((binding) => ensureBinding(registry, binding)),
  ]);
}

async function ensureClusterRole(registry: Registry, wanted: DefaultClusterRole, defaults: DefaultRoles): Promise<void> {
  const { name, aggregates } = wanted;
  const rules = aggregates ? gathered(defaults, aggregates) : wanted.rules;
  const aggregationRule = aggregates && { clusterRoleSelectors: [{ matchLabels: aggregates }] };
  await ensure(registry, ClusterRole, {
    name,
    draft: { metadata: metadataOf(name, "", wanted.labels), rules, ...(aggregationRule && { aggregationRule }) },
    change: (current) => {
      const changed = withMetadata(withRules(current, rules), wanted.labels);
      return aggregationRule && !changed.aggregationRule ? { ...changed, aggregationRule } : changed;
    },
  });
}

/** The rules an aggregated role starts with; from then on its controller keeps them. */
function gathered({ clusterRoles }: DefaultRoles, labels: Readonly<Record<string, string>>): readonly PolicyRule[] {
  const [[key = "", value] = []] = Object.entries(labels);
  return clusterRoles
    .filter((role) => role.labels?.[key] === value)
    .flatMap((role) => (role.aggregates ? gathered({ clusterRoles, roles: [], bindings: [] }, role.aggregates) : role.rules));
}

async function ensureRole(registry: Registry, { namespace, name, rules }: DefaultRole): Promise<void> {
  await ensure(registry, Role, {
    namespace,
    name,
    draft: { metadata: metadataOf(name, namespace), rules },
    change: (current) => withMetadata(withRules(current, rules)),
  });
}

async function ensureBinding(registry: Registry, { name, namespace = "", role, subjects }: DefaultBinding): Promise<void> {
  const kind = (namespace === "" ? ClusterRoleBinding : RoleBinding) as Kind<ClusterRoleBinding | RoleBinding>;
  const roleRef = { apiGroup: rbacGroup, ...role };
  await ensure(registry, kind, {
    namespace,
    name,
    draft: { metadata: metadataOf(name, namespace), roleRef, ...(subjects.length > 0 && { subjects }) },
    mustReplace: (current) => !sameJson(current.roleRef, roleRef),
    change: (current) => withMetadata(withSubjects(current, subjects)),
  });
}

interface Wanted<T extends KubernetesObject> {
  readonly namespace?: string;
  readonly name: string;
  readonly draft: Draft<T>;
  /** Whether no change can make the object right: it is deleted and made anew. */
  mustReplace?(current: T): boolean;
  change(current: T): T;
}

async function ensure<T extends KubernetesObject>(registry: Registry, kind: Kind<T>, wanted: Wanted<T>): Promise<void> {
  const { namespace = "", name, draft } = wanted;
  const rest = registry.of(kind);
  for (let attempt = 1; ; attempt++) {
    try {
      const current = await rest.peek(namespace, name);
      if (!current) await rest.create(draft);
      else if (current.metadata.annotations?.[autoUpdate] === "false") return;
      else if (wanted.mustReplace?.(current)) {
        await rest.delete(namespace, name, { uid: current.metadata.uid });
        await rest.create(draft);
      } else if (wanted.change(current) !== current) await rest.update(namespace, name, (newest) => wanted.change(newest));
      return;
    } catch (error) {
      // Another API server does the same at the same time.
      if (attempt >= attemptsMax || !isReason(error, "AlreadyExists", "NotFound", "Conflict")) throw error;
    }
  }
}

function metadataOf(name: string, namespace: string, labels: Readonly<Record<string, string>> = {}) {
  return {
    name,
    ...(namespace !== "" && { namespace }),
    labels: { ...defaultLabels, ...labels },
    annotations: { [autoUpdate]: "true" },
  };
}

function withMetadata<T extends KubernetesObject>(object: T, labels: Readonly<Record<string, string>> = {}): T {
  const { metadata } = object;
  const wanted = { ...defaultLabels, ...labels };
  const complete =
    metadata.annotations?.[autoUpdate] !== undefined && Object.entries(wanted).every(([key, value]) => metadata.labels?.[key] === value);
  if (complete) return object;
  const annotations = { [autoUpdate]: "true", ...metadata.annotations };
  return { ...object, metadata: { ...metadata, labels: { ...metadata.labels, ...wanted }, annotations } };
}

function withRules<T extends KubernetesObject & { readonly rules: readonly PolicyRule[] }>(role: T, rules: readonly PolicyRule[]): T {
  const missing = rules.filter((rule) => uncovered(role.rules, [rule], 1).length > 0);
  return missing.length === 0 ? role : { ...role, rules: [...role.rules, ...missing] };
}

function withSubjects<B extends KubernetesObject & { readonly subjects?: readonly Subject[] | undefined }>(
  binding: B,
  subjects: readonly Subject[],
): B {
  const there = binding.subjects ?? [];
  const missing = subjects.filter((subject) => !there.some((one) => sameSubject(one, subject)));
  return missing.length === 0 ? binding : { ...binding, subjects: [...there, ...missing] };
}

function sameSubject(left: Subject, right: Subject): boolean {
  return left.kind === right.kind && left.name === right.name && (left.namespace ?? "") === (right.namespace ?? "");
}
