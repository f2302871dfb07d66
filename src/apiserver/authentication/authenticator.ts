// Who is asking. Authenticators are tried in order; the first that knows the credentials decides.
import type { HttpRequest } from "#wire/http/message.ts";
import type { User } from "../request.ts";

export interface Authenticator {
  readonly name: string;
  /** Undefined: carries no credentials of this sort. Rejects with StatusError Unauthorized when it does and they are bad. */
  authenticate(request: HttpRequest): Promise<User | undefined>;
}

/** Verified bearer tokens, for TokenReview as well as for requests. */
export interface TokenAuthenticator {
  /** Undefined when the token is not known or no longer good. `audiences` are those of the answer that were asked for. */
  authenticateToken(
    token: string,
    audiences: readonly string[],
  ): Promise<{ readonly user: User; readonly audiences: readonly string[] } | undefined>;
}
