// TokenReview: others ask whose token this is.
import { TokenReview } from "#api/authentication.k8s.io/token-review/token-review.ts";
import type { TokenAuthenticator } from "../../authentication/authenticator.ts";
import { withAuthenticatedGroup } from "../../authentication/authentication.ts";
import { badRequest } from "../errors.ts";
import { type ResourcePart, resourcePart } from "../resource.ts";
import { userInfo } from "../self-subject-review/self-subject-review.ts";

/** `audiences` are the API server's own, meant when a review names none. */
export function tokenReviewPart(tokens: TokenAuthenticator, audiences: readonly string[]): ResourcePart {
  return resourcePart<TokenReview>({
    kind: TokenReview,
    async create(review, call) {
      const { token = "" } = review.spec;
      if (token === "") throw badRequest("token is required for TokenReview in authentication");
      const admitted = (await call.admit("CREATE", review)) ?? review;
      return { object: { ...admitted, status: await answer(token, review.spec.audiences) }, kind: TokenReview };
    },
  });

  async function answer(token: string, asked: readonly string[] = []): Promise<TokenReview["status"]> {
    const meant = asked.length > 0 ? asked : audiences;
    const known = await tokens.authenticateToken(token, meant);
    if (!known) return { user: {}, error: "[invalid bearer token]" };
    return { authenticated: true, user: userInfo(withAuthenticatedGroup(known.user)), audiences: known.audiences };
  }
}
