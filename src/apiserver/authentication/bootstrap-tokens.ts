// Bootstrap tokens as credentials: machines that are about to join ask with them for a certificate.
import {
  bootstrapSecretName,
  bootstrapSecretOf,
  bootstrapTokenNamespace,
  hasExpired,
  readBootstrapToken,
} from "#api/core/secret/bootstrap-token.ts";
import { Secret } from "#api/core/secret/secret.ts";
import { isReason } from "#api/meta/status-error.ts";
import type { World } from "#platform/world.ts";
import type { Registry } from "../registry/resource.ts";
import type { TokenAuthenticator } from "./authenticator.ts";

const commonGroup = "system:bootstrappers";

/** They are good for the API server's own audiences and no other. A Secret that is being deleted is none any more. */
export function bootstrapTokens(
  { clock, crypto }: Pick<World, "clock" | "crypto">,
  registry: Pick<Registry, "of">,
  ownAudiences: readonly string[],
): TokenAuthenticator {
  const encoder = new TextEncoder();

  /** A token may have been made through another API server a moment ago. */
  async function secretNamed(name: string): Promise<Secret | undefined> {
    const rest = registry.of(Secret);
    try {
      return (await rest.peek(bootstrapTokenNamespace, name)) ?? (await rest.get(bootstrapTokenNamespace, name));
    } catch (error) {
      if (isReason(error, "NotFound")) return undefined;
      throw error;
    }
  }

  return {
    async authenticateToken(text, audiences) {
      const shown = readBootstrapToken(text);
      const meant = audiences.filter((audience) => ownAudiences.includes(audience));
      if (!shown || meant.length === 0) return undefined;
      const secret = await secretNamed(bootstrapSecretName(shown.id));
      if (!secret || secret.metadata.deletionTimestamp) return undefined;
      const known = bootstrapSecretOf(secret);
      if (!known?.groups || !known.mayAuthenticate || hasExpired(known, clock.now())) return undefined;
      if (!crypto.equal(encoder.encode(shown.secret), encoder.encode(known.secret))) return undefined;
      return { user: { name: `system:bootstrap:${known.id}`, groups: [commonGroup, ...known.groups] }, audiences: meant };
    },
  };
}
