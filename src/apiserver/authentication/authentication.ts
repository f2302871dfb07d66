// Finds out who is asking: client certificate, then bearer token, then nobody in particular.
import { StatusError } from "#api/meta/status-error.ts";
import type { User } from "../request.ts";
import type { Authenticator } from "./authenticator.ts";

export const authenticatedGroup = "system:authenticated";
export const unauthenticatedGroup = "system:unauthenticated";
export const mastersGroup = "system:masters";

export const anonymousUser: User = Object.freeze({ name: "system:anonymous", groups: Object.freeze([unauthenticatedGroup]) });

export interface AuthenticationOptions {
  /** In the order they are asked. */
  readonly authenticators: readonly Authenticator[];
  /** Whether requests without credentials come in as system:anonymous. */
  readonly anonymous: boolean;
}

/** All of them as one. Rejects with Unauthorized when credentials are bad, or missing where they are needed. */
export function authenticatorChain({ authenticators, anonymous }: AuthenticationOptions): Authenticator {
  return {
    name: "union",
    async authenticate(request) {
      let refusal: unknown;
      for (const authenticator of authenticators) {
        try {
          const user = await authenticator.authenticate(request);
          if (user) return withAuthenticatedGroup(user);
        } catch (error) {
          refusal ??= error;
        }
      }
      if (refusal !== undefined) throw refusal;
      if (anonymous) return anonymousUser;
      throw unauthorized();
    },
  };
}

export function unauthorized(): StatusError {
  return new StatusError("Unauthorized", "Unauthorized");
}

const complete = new WeakMap<User, User>();

/** The same object for the same user, so that what is known about a user can be kept by it. */
export function withAuthenticatedGroup(user: User): User {
  if (user.groups.includes(authenticatedGroup) || user.groups.includes(unauthenticatedGroup)) return user;
  let known = complete.get(user);
  if (!known) {
    known = Object.freeze({ ...user, groups: Object.freeze([...user.groups, authenticatedGroup]) });
    complete.set(user, known);
  }
  return known;
}
