// Short ways to write the rules of roles.
import type { PolicyRule } from "#api/rbac.authorization.k8s.io/policy-rule.ts";

/** `rule("get list", "apps", "deployments deployments/scale")`: words separated by spaces; "core" is the core group. */
export function rule(verbs: string, groups: string, resources: string, names: readonly string[] = []): PolicyRule {
  return {
    verbs: words(verbs),
    apiGroups: words(groups).map((group) => (group === "core" ? "" : group)),
    resources: words(resources),
    ...(names.length > 0 && { resourceNames: names }),
  };
}

export function urlRule(verbs: string, urls: string): PolicyRule {
  return { verbs: words(verbs), nonResourceURLs: words(urls) };
}

function words(text: string): readonly string[] {
  return text.split(" ").filter((word) => word !== "");
}
