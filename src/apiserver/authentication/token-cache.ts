// Verified tokens, remembered for a little while: signatures cost more than all the rest of a small request.
import { hex } from "#base/sha256.ts";
import type { World } from "#platform/world.ts";
import type { TokenAuthenticator } from "./authenticator.ts";

const keepMilliseconds = 10_000;
const tokensMax = 4_096;

type Known = Awaited<ReturnType<TokenAuthenticator["authenticateToken"]>>;

/** Answers are at most 10 s old. Refusals are not remembered: a token may be good a moment later. */
export function cachedTokens({ crypto, clock }: Pick<World, "crypto" | "clock">, tokens: TokenAuthenticator): TokenAuthenticator {
  const cache = new Map<string, { readonly until: number; readonly known: Known }>();
  const running = new Map<string, Promise<Known>>();

  async function verify(key: string, token: string, audiences: readonly string[]): Promise<Known> {
    try {
      const known = await tokens.authenticateToken(token, audiences);
      if (known) {
        cache.delete(key);
        if (cache.size >= tokensMax) cache.delete(cache.keys().next().value as string);
        cache.set(key, { until: clock.monotonic() + keepMilliseconds, known });
      }
      return known;
    } finally {
      running.delete(key);
    }
  }

  return {
    async authenticateToken(token, audiences) {
      const key = `${hex(crypto.sha256(new TextEncoder().encode(token)))} ${JSON.stringify(audiences)}`;
      const cached = cache.get(key);
      if (cached && cached.until > clock.monotonic()) return cached.known;
      let verifying = running.get(key);
      if (!verifying) {
        verifying = verify(key, token, audiences);
        running.set(key, verifying);
      }
      return verifying;
    },
  };
}
