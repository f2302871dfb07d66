// Who may read a daemon's metrics: the API server is asked who the caller is (TokenReview) and whether they may (SubjectAccessReview).
import { TokenReview } from "#api/authentication.k8s.io/token-review/token-review.ts";
import { SubjectAccessReview } from "#api/authorization.k8s.io/subject-access-review/subject-access-review.ts";
import type { Client } from "#client/client.ts";
import type { World } from "#platform/world.ts";
import type { HttpRequest } from "#wire/http/message.ts";

export interface Caller {
  readonly user: string;
  readonly uid?: string | undefined;
  readonly groups: readonly string[];
}

export interface Attributes {
  readonly verb: string;
  /** A path such as "/metrics", or a resource. */
  readonly path?: string;
  readonly resource?: {
    readonly group: string;
    readonly version: string;
    readonly resource: string;
    readonly subresource?: string;
    readonly name?: string;
    readonly namespace?: string;
  };
}

export interface Delegated {
  /** Undefined when the request carries nothing that is known. Certificates are taken from the connection, tokens are asked about. */
  authenticate(request: HttpRequest): Promise<Caller | undefined>;
  authorize(caller: Caller, attributes: Attributes): Promise<boolean>;
}

/** How long answers are remembered. */
export interface Remembering {
  readonly callerMilliseconds: number;
  readonly allowedMilliseconds: number;
  readonly deniedMilliseconds: number;
}

const rememberMilliseconds = 10_000;
const brief: Remembering = {
  callerMilliseconds: rememberMilliseconds,
  allowedMilliseconds: rememberMilliseconds,
  deniedMilliseconds: rememberMilliseconds,
};
const rememberedMax = 1_024;

export function delegatedTo(world: World, client: Client, remembering: Remembering = brief): Delegated {
  const callers = new Map<string, { readonly caller: Caller | undefined; readonly until: number }>();
  const decisions = new Map<string, { readonly allowed: boolean; readonly until: number }>();
  const keep = <V>(map: Map<string, V>, key: string, value: V) => {
    if (map.size >= rememberedMax) map.delete(map.keys().next().value as string);
    map.set(key, value);
  };

  return {
    async authenticate({ peer, headers }) {
      if (peer.certificate)
        return { user: peer.certificate.commonName, groups: [...peer.certificate.organizations, "system:authenticated"] };
      const token = /^Bearer +(\S+)$/i.exec(headers["authorization"] ?? "")?.[1];
      if (!token) return undefined;
      const now = world.clock.monotonic();
      const key = String.fromCharCode(...world.crypto.sha256(new TextEncoder().encode(token)));
      const known = callers.get(key);
      if (known && known.until > now) return known.caller;
      const { status } = await client.create(TokenReview, { spec: { token } });
      const caller = status.authenticated
        ? { user: status.user?.username ?? "", uid: status.user?.uid, groups: status.user?.groups ?? [] }
        : undefined;
      keep(callers, key, { caller, until: now + remembering.callerMilliseconds });
      return caller;
    },

    async authorize({ user, uid, groups }, attributes) {
      const now = world.clock.monotonic();
      const key = JSON.stringify([user, groups, attributes]);
      const known = decisions.get(key);
      if (known && known.until > now) return known.allowed;
      const { verb, path, resource } = attributes;
      const { status } = await client.create(SubjectAccessReview, {
        spec: {
          user,
          groups,
          ...(uid && { uid }),
          ...(path && { nonResourceAttributes: { path, verb } }),
          ...(resource && { resourceAttributes: { ...resource, verb } }),
        },
      });
      const allowed = status.allowed === true;
      keep(decisions, key, { allowed, until: now + (allowed ? remembering.allowedMilliseconds : remembering.deniedMilliseconds) });
      return allowed;
    },
  };
}
