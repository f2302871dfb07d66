// Tokens of service accounts, bound to the Pod they are for, renewed when four fifths of their time are over.
import { TokenRequest } from "#api/authentication.k8s.io/token-request/token-request.ts";
import { ServiceAccount } from "#api/core/service-account/service-account.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import type { ServiceAccountTokenProjection } from "#api/core/pod/volume-files.ts";
import type { Client } from "#client/client.ts";
import type { World } from "#platform/world.ts";
import { parseTime } from "#schema/time.ts";
import { namespaceOf } from "../layout.ts";

/** As projected volumes and drivers ask. */
type TokenWish = Pick<ServiceAccountTokenProjection, "audience"> & { readonly expirationSeconds?: number | bigint | undefined };

interface Held {
  readonly token: string;
  readonly renewAt: number;
  readonly expiresAt: number;
}

const renewalShare = 0.8;
const renewAfterMaxMilliseconds = 24 * 3_600_000;

export interface Tokens {
  /** The token, when it is due to be renewed, and when it ends. */
  token(pod: Pod, wish: TokenWish): Promise<Held>;
  release(uid: string): void;
}

export function holdTokens(world: World, client: Client | undefined): Tokens {
  const held = new Map<string, Held>();
  return {
    async token(pod, { audience, expirationSeconds = 3600 }) {
      const account = pod.spec.serviceAccountName || "default";
      const key = JSON.stringify([pod.metadata.uid, account, audience, Number(expirationSeconds)]);
      const now = world.clock.now();
      const known = held.get(key);
      if (known && now < known.renewAt) return known;
      if (!client) throw new Error("cannot ask for a token: this node has no API server");
      try {
        const { metadata } = pod;
        const answer = await client.createSubresource(
          ServiceAccount,
          { namespace: namespaceOf(pod), name: account },
          "token",
          TokenRequest,
          {
            spec: {
              audiences: audience ? [audience] : [],
              expirationSeconds,
              boundObjectRef: { kind: "Pod", apiVersion: "v1", name: metadata.name, uid: metadata.uid },
            },
          },
        );
        const expiresAt = parseTime(answer.status.expirationTimestamp);
        const lifetime = Math.min((expiresAt - now) * renewalShare, renewAfterMaxMilliseconds);
        const fresh = { token: answer.status.token, renewAt: now + lifetime, expiresAt };
        held.set(key, fresh);
        return fresh;
      } catch (error) {
        if (known && now < known.expiresAt) return { ...known, renewAt: now + 10_000 };
        throw error;
      }
    },
    release(uid) {
      for (const key of held.keys()) if (key.startsWith(JSON.stringify([uid]).slice(0, -1))) held.delete(key);
    },
  };
}
