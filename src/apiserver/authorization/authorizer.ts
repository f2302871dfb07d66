// Whether the user may. Authorisers are asked in order; the first that allows or denies decides, and silence is a no.
import type { RequestInfo, User } from "../request.ts";

export type Decision = { readonly decision: "allow" | "deny" | "no opinion"; readonly reason: string };

export interface ResourceRule {
  readonly verbs: readonly string[];
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
}
export interface NonResourceRule {
  readonly verbs: readonly string[];
  readonly nonResourceURLs: readonly string[];
}

export interface Authorizer {
  readonly name: string;
  authorize(user: User, info: RequestInfo): Promise<Decision>;
  /** What a user may do in a namespace, for SelfSubjectRulesReview. */
  rules?(
    user: User,
    namespace: string,
  ): Promise<{
    readonly resourceRules: readonly ResourceRule[];
    readonly nonResourceRules: readonly NonResourceRule[];
    readonly incomplete: boolean;
  }>;
}
