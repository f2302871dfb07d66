// Role-based access control. Every decision is kept until a role or binding changes.
import type { PolicyRule } from "#api/rbac.authorization.k8s.io/policy-rule.ts";
import type { Subject } from "#api/rbac.authorization.k8s.io/subject.ts";
import type { RequestInfo, User } from "../../request.ts";
import type { Authorizer, Decision, NonResourceRule, ResourceRule } from "../authorizer.ts";
import { type Binding, type Roles, rulesOf, subjectKey } from "./roles.ts";
import { ruleAllows } from "./rules.ts";

const decisionsMax = 20_000;
const keyLengthMax = 2_000;

interface Grant {
  readonly binding: Binding;
  readonly rules: readonly PolicyRule[];
}

export function rbacAuthorizer(roles: Roles): Authorizer {
  const decisions = new Map<string, Decision>();
  let revision = -1;

  function decide(user: User, info: RequestInfo): Decision {
    if (revision !== roles.revision || decisions.size >= decisionsMax) {
      decisions.clear();
      revision = roles.revision;
    }
    const key = keyOf(user, info);
    // Long keys are of nobody's everyday requests, and anyone can think of many.
    if (key.length > keyLengthMax) return decideAnew(user, info);
    let decision = decisions.get(key);
    if (!decision) {
      decision = decideAnew(user, info);
      decisions.set(key, decision);
    }
    return decision;
  }

  function decideAnew(user: User, info: RequestInfo): Decision {
    const missing: string[] = [];
    const namespaces = info.isResourceRequest && info.namespace !== "" ? ["", info.namespace] : [""];
    for (const namespace of namespaces) {
      for (const { binding, rules } of grantsOf(roles, user, namespace, missing)) {
        if (rules.some((rule) => ruleAllows(rule, info))) {
          return { decision: "allow", reason: `RBAC: allowed by ${describe(binding, user)}` };
        }
      }
    }
    return { decision: "no opinion", reason: missing.length > 0 ? `RBAC: ${joined(missing)}` : "" };
  }

  return {
    name: "RBAC",
    async authorize(user, info) {
      const starting = roles.ready();
      if (starting) await starting;
      return decide(user, info);
    },
    async rules(user, namespace) {
      await roles.ready();
      const missing: string[] = [];
      const rules = heldRules(roles, user, namespace, missing);
      const resourceRules: ResourceRule[] = [];
      const nonResourceRules: NonResourceRule[] = [];
      for (const { verbs, apiGroups = [], resources = [], resourceNames, nonResourceURLs = [] } of rules) {
        if (resources.length > 0) resourceRules.push({ verbs, apiGroups, resources, ...(resourceNames?.length && { resourceNames }) });
        if (nonResourceURLs.length > 0) nonResourceRules.push({ verbs, nonResourceURLs });
      }
      return { resourceRules, nonResourceRules, incomplete: missing.length > 0 };
    },
  };
}

/** All rules that hold for a user in a namespace ("": for the whole cluster only). */
export function heldRules(roles: Roles, user: User, namespace: string, missing: string[] = []): readonly PolicyRule[] {
  const namespaces = namespace === "" ? [""] : ["", namespace];
  return namespaces.flatMap((place) => [...grantsOf(roles, user, place, missing)].flatMap(({ rules }) => rules));
}

function* grantsOf(roles: Roles, user: User, namespace: string, missing: string[]): Generator<Grant> {
  for (const binding of roles.bindingsOf(user, namespace)) {
    const rules = rulesOf(roles, binding.roleRef, namespace);
    if (rules) yield { binding, rules };
    else {
      const { kind, name } = binding.roleRef;
      missing.push(`${kind.toLowerCase()}.rbac.authorization.k8s.io ${JSON.stringify(name)} not found`);
    }
  }
}

function joined(missing: readonly string[]): string {
  const different = [...new Set(missing)];
  return different.length === 1 ? (different[0] as string) : `[${different.join(", ")}]`;
}

/** `ClusterRoleBinding "b" of ClusterRole "r" to Group "g"` */
function describe({ kind, metadata, roleRef, subjects = [] }: Binding, user: User): string {
  const namespace = metadata.namespace ?? "";
  const keys = new Set([`user ${user.name}`, ...user.groups.map((group) => `group ${group}`)]);
  const subject = subjects.find((one) => keys.has(subjectKey(one, namespace))) as Subject;
  const bindingName = namespace === "" ? metadata.name : `${metadata.name}/${namespace}`;
  const subjectName = subject.kind === "ServiceAccount" ? `${subject.name}/${subject.namespace || namespace}` : subject.name;
  return `${kind} ${JSON.stringify(bindingName)} of ${roleRef.kind} ${JSON.stringify(roleRef.name)} to ${subject.kind} ${JSON.stringify(subjectName)}`;
}

const userKeys = new WeakMap<User, string>();

function keyOf(user: User, info: RequestInfo): string {
  let userKey = userKeys.get(user);
  if (userKey === undefined) {
    userKey = JSON.stringify([user.name, ...user.groups]);
    userKeys.set(user, userKey);
  }
  const { verb, group, resource, subresource, namespace, name } = info;
  if (!info.isResourceRequest) return `${userKey}\n${verb}\n${JSON.stringify(info.path)}`;
  return `${userKey}\n${verb}\n${JSON.stringify([group, resource, subresource, namespace, name])}`;
}
