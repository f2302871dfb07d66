// The bootstrap tokens there are, with a call when one comes, goes or ends.
import type { Scope } from "#base/scope.ts";
import {
  type BootstrapSecret,
  bootstrapSecretOf,
  bootstrapTokenNamespace,
  bootstrapTokenType,
  hasExpired,
} from "#api/core/secret/bootstrap-token.ts";
import { Secret } from "#api/core/secret/secret.ts";
import type { Informers } from "#client/informers.ts";
import type { World } from "#platform/world.ts";

export interface LiveTokens {
  readonly synced: Promise<void>;
  /** Those that have not ended. */
  now(): readonly BootstrapSecret[];
  ended(): readonly Secret[];
  /** Calls back at every change and every token's end, until the scope stops. */
  follow(scope: Scope, look: () => void): Promise<void>;
}

const longestMilliseconds = 3_600_000;

export function liveTokens(world: World, informers: Informers): LiveTokens {
  const secrets = informers.for(Secret, { namespace: bootstrapTokenNamespace, fieldSelector: `type=${bootstrapTokenType}` });
  const all = () =>
    secrets.list().flatMap((secret) => {
      const token = bootstrapSecretOf(secret);
      return token ? [{ secret, token }] : [];
    });
  return {
    synced: secrets.synced,
    now: () => all().flatMap(({ token }) => (hasExpired(token, world.clock.now()) ? [] : [token])),
    ended: () => all().flatMap(({ secret, token }) => (hasExpired(token, world.clock.now()) ? [secret] : [])),
    async follow(scope, look) {
      let wake: (() => void) | undefined;
      scope.defer(
        "tokens",
        secrets.onChange(() => wake?.()),
      );
      scope.defer("wake", () => wake?.());
      while (!scope.stopped) {
        look();
        const now = world.clock.now();
        const ends = all().flatMap(({ token: { expiresAt = 0 } }) => (expiresAt > now ? [expiresAt - now] : []));
        await new Promise<void>((resolve) => {
          const timer = world.clock.timer(Math.min(longestMilliseconds, ...ends) + 1, resolve);
          wake = () => {
            timer.cancel();
            resolve();
          };
        });
      }
    },
  };
}
