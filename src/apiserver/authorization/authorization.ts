// The authorisers one after the other: the first that allows or denies decides.
import { mastersGroup } from "../authentication/authentication.ts";
import type { RequestInfo, User } from "../request.ts";
import type { Authorizer, Decision, NonResourceRule, ResourceRule } from "./authorizer.ts";

const mastersAllowed: Decision = Object.freeze({ decision: "allow", reason: "" });

/** Members of system:masters may do everything and cost next to nothing. */
export function authorizerChain(authorizers: readonly Authorizer[]): Authorizer {
  async function ask(user: User, info: RequestInfo): Promise<Decision> {
    const reasons: string[] = [];
    for (const authorizer of authorizers) {
      const answer = await authorizer.authorize(user, info);
      if (answer.decision !== "no opinion") return answer;
      if (answer.reason !== "") reasons.push(answer.reason);
    }
    return { decision: "no opinion", reason: reasons.join("\n") };
  }

  const allowed = Promise.resolve(mastersAllowed);
  return {
    name: "Union",
    authorize: (user, info) => (isMaster(user) ? allowed : ask(user, info)),
    async rules(user, namespace) {
      const resourceRules: ResourceRule[] = [];
      const nonResourceRules: NonResourceRule[] = [];
      let incomplete = false;
      if (isMaster(user)) {
        resourceRules.push({ verbs: ["*"], apiGroups: ["*"], resources: ["*"] });
        nonResourceRules.push({ verbs: ["*"], nonResourceURLs: ["*"] });
      }
      for (const authorizer of authorizers) {
        const known = await authorizer.rules?.(user, namespace);
        if (!known) continue;
        resourceRules.push(...known.resourceRules);
        nonResourceRules.push(...known.nonResourceRules);
        incomplete ||= known.incomplete;
      }
      return { resourceRules, nonResourceRules, incomplete };
    },
  };
}

export function isMaster({ groups }: User): boolean {
  return groups.includes(mastersGroup);
}
