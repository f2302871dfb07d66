// Tokens of service accounts: signed by one of our keys, in time, for the right audience, and only while what they are bound to exists.
import { decodeBase64 } from "#base/base64.ts";
import { Node } from "#api/core/node/node.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { Secret } from "#api/core/secret/secret.ts";
import { ServiceAccount } from "#api/core/service-account/service-account.ts";
import { isReason } from "#api/meta/status-error.ts";
import { CryptoError } from "#platform/crypto.ts";
import type { World } from "#platform/world.ts";
import type { Kind, KubernetesObject } from "#schema/kind.ts";
import { parseTime } from "#schema/time.ts";
import type { Registry } from "../../registry/resource.ts";
import type { TokenAuthenticator } from "../authenticator.ts";
import { readClaims, type ReadToken, type Reference, userOf } from "./claims.ts";
import type { ServiceAccountIssuer } from "./issuer.ts";

/** For so long after its deletion began an object's tokens are still good: its last words may need them. */
const leewaySeconds = 60;

export function serviceAccountTokens(
  world: Pick<World, "clock" | "crypto">,
  registry: Pick<Registry, "of">,
  issuer: ServiceAccountIssuer,
): TokenAuthenticator {
  const issuers = new Set([issuer.issuer, ...issuer.formerIssuers]);

  async function exists<T extends KubernetesObject>(kind: Kind<T>, namespace: string, { name, uid }: Reference): Promise<boolean> {
    const rest = registry.of(kind);
    let object = await rest.peek(namespace, name);
    if (object?.metadata.uid !== uid) object = await newest(() => rest.get(namespace, name));
    if (object?.metadata.uid !== uid) return false;
    const { deletionTimestamp } = object.metadata;
    return deletionTimestamp === undefined || parseTime(deletionTimestamp) + leewaySeconds * 1_000 > world.clock.now();
  }

  async function stillBound({ namespace, serviceAccount, pod, secret, node }: ReadToken): Promise<boolean> {
    if (!(await exists(ServiceAccount, namespace, serviceAccount))) return false;
    if (secret && !(await exists(Secret, namespace, secret))) return false;
    if (pod && !(await exists(Pod, namespace, pod))) return false;
    return !node || pod !== undefined || exists(Node, "", node);
  }

  return {
    async authenticateToken(token, audiences) {
      if (!issuers.has(claimedIssuer(token) ?? "")) return undefined;
      let claims: Readonly<Record<string, unknown>>;
      try {
        claims = await world.crypto.verifyToken(token, issuer.keys);
      } catch (error) {
        if (error instanceof CryptoError) return undefined;
        throw error;
      }
      const read = readClaims(claims);
      const now = world.clock.now() / 1_000;
      if (!read || !issuers.has(read.issuer) || now >= read.expiresAt || now < read.notBefore - leewaySeconds) return undefined;
      const meant = read.audiences.filter((audience) => audiences.includes(audience));
      if (meant.length === 0 || !(await stillBound(read))) return undefined;
      return { user: userOf(read), audiences: meant };
    },
  };
}

async function newest<T>(get: () => Promise<T>): Promise<T | undefined> {
  try {
    return await get();
  } catch (error) {
    if (isReason(error, "NotFound")) return undefined;
    throw error;
  }
}

/** What an unverified token says: only to leave tokens of others alone before any arithmetic is done. */
function claimedIssuer(token: string): string | undefined {
  const [, body, , ...rest] = token.split(".");
  if (!body || rest.length > 0) return undefined;
  try {
    const text = body.replaceAll("-", "+").replaceAll("_", "/");
    const bytes = decode(text + "=".repeat((4 - (text.length % 4)) % 4));
    const claims = bytes && (JSON.parse(new TextDecoder().decode(bytes)) as { readonly iss?: unknown });
    return claims && typeof claims === "object" && typeof claims.iss === "string" ? claims.iss : undefined;
  } catch {
    return undefined;
  }
}

function decode(text: string): Uint8Array | undefined {
  const bytes = decodeBase64(text);
  return typeof bytes === "number" ? undefined : bytes;
}
