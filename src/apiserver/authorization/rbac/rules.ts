// Whether a rule of a role covers a request, and whether rules cover other rules. Pure.
import type { PolicyRule } from "#api/rbac.authorization.k8s.io/policy-rule.ts";
import type { RequestInfo } from "../../request.ts";

export function ruleAllows(rule: PolicyRule, info: RequestInfo): boolean {
  if (!hasOrAll(rule.verbs, info.verb)) return false;
  if (!info.isResourceRequest) return (rule.nonResourceURLs ?? []).some((pattern) => urlMatches(pattern, info.path));
  return (
    hasOrAll(rule.apiGroups ?? [], info.group) &&
    resourceMatches(rule.resources ?? [], info.resource, info.subresource) &&
    nameMatches(rule.resourceNames ?? [], info.name)
  );
}

function hasOrAll(values: readonly string[], value: string): boolean {
  return values.includes(value) || values.includes("*");
}

/** "*", "pods", "pods/log", and a subresource of any resource as in `scale` of everything. */
function resourceMatches(patterns: readonly string[], resource: string, subresource: string): boolean {
  const whole = subresource === "" ? resource : `${resource}/${subresource}`;
  return patterns.some((pattern) => pattern === "*" || pattern === whole || (subresource !== "" && pattern === `*/${subresource}`));
}

function nameMatches(names: readonly string[], name: string): boolean {
  return names.length === 0 || names.includes(name);
}

/** Exactly, or by its beginning before a last "*". */
function urlMatches(pattern: string, path: string): boolean {
  return pattern === path || (pattern.endsWith("*") && path.startsWith(pattern.slice(0, -1)));
}

/** What `wanted` would give that `owned` does not, one small rule for each combination. Stops after `limit`. */
export function uncovered(owned: readonly PolicyRule[], wanted: readonly PolicyRule[], limit = 1_000): readonly PolicyRule[] {
  const missing: PolicyRule[] = [];
  for (const rule of wanted) {
    if (owned.some((own) => coversWhole(own, rule))) continue;
    for (const part of partsOf(rule)) {
      if (owned.some((own) => coversWhole(own, part))) continue;
      missing.push(part);
      if (missing.length >= limit) return missing;
    }
  }
  return missing;
}

function coversWhole(own: PolicyRule, rule: PolicyRule): boolean {
  const all = (values: readonly string[] = [], wanted: readonly string[] = []) =>
    values.includes("*") || wanted.every((value) => values.includes(value));
  const names = own.resourceNames ?? [];
  const wantedNames = rule.resourceNames ?? [];
  return (
    all(own.verbs, rule.verbs) &&
    all(own.apiGroups, rule.apiGroups) &&
    (rule.resources ?? []).every((resource) => resourceCovered(own.resources ?? [], resource)) &&
    (names.length === 0 || (wantedNames.length > 0 && wantedNames.every((name) => names.includes(name)))) &&
    (rule.nonResourceURLs ?? []).every((url) => (own.nonResourceURLs ?? []).some((pattern) => urlMatches(pattern, url)))
  );
}

function resourceCovered(patterns: readonly string[], resource: string): boolean {
  if (patterns.includes("*") || patterns.includes(resource)) return true;
  const at = resource.indexOf("/");
  return at >= 0 && patterns.includes(`*${resource.slice(at)}`);
}

function* partsOf(rule: PolicyRule): Generator<PolicyRule> {
  const { verbs, apiGroups = [], resources = [], resourceNames = [], nonResourceURLs = [] } = rule;
  for (const verb of verbs) {
    for (const url of nonResourceURLs) yield { verbs: [verb], nonResourceURLs: [url] };
    for (const group of apiGroups) {
      for (const resource of resources) {
        const part = { verbs: [verb], apiGroups: [group], resources: [resource] };
        if (resourceNames.length === 0) yield part;
        else for (const name of resourceNames) yield { ...part, resourceNames: [name] };
      }
    }
  }
}

/** Small rules that differ only in their verbs, joined: for people to read. */
export function joinedByVerbs(rules: readonly PolicyRule[]): readonly PolicyRule[] {
  const joined = new Map<string, PolicyRule>();
  for (const rule of rules) {
    const { verbs, ...rest } = rule;
    const key = JSON.stringify([rest.apiGroups, rest.resources, rest.resourceNames, rest.nonResourceURLs]);
    const same = joined.get(key);
    joined.set(key, same ? { ...same, verbs: [...new Set([...same.verbs, ...verbs])] } : rule);
  }
  return [...joined.values()];
}

/** `{APIGroups:[""], Resources:["pods"], Verbs:["get" "list"]}` */
export function ruleText({ apiGroups = [], resources = [], nonResourceURLs = [], resourceNames = [], verbs }: PolicyRule): string {
  const parts: string[] = [];
  const add = (label: string, values: readonly string[]) => values.length > 0 && parts.push(`${label}:${quotedList(values)}`);
  add("APIGroups", apiGroups);
  add("Resources", resources);
  add("NonResourceURLs", nonResourceURLs);
  add("ResourceNames", resourceNames);
  add("Verbs", verbs);
  return `{${parts.join(", ")}}`;
}

export function quotedList(values: readonly string[]): string {
  return `[${values.map((value) => JSON.stringify(value)).join(" ")}]`;
}
