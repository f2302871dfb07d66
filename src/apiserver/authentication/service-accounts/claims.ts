// What a service account's token says, and how it is read back without trusting its shape.
import type { User } from "../../request.ts";

export interface Reference {
  readonly name: string;
  readonly uid: string;
}

export interface ServiceAccountClaims {
  readonly namespace: string;
  readonly serviceAccount: Reference;
  readonly pod?: Reference;
  readonly secret?: Reference;
  readonly node?: Reference;
}

export interface TokenTimes {
  /** Seconds since the epoch. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

export function tokenClaims(
  { namespace, serviceAccount, pod, secret, node }: ServiceAccountClaims,
  token: TokenTimes & { readonly issuer: string; readonly audiences: readonly string[]; readonly id: string },
): Readonly<Record<string, unknown>> {
  return {
    aud: token.audiences,
    exp: token.expiresAt,
    iat: token.issuedAt,
    iss: token.issuer,
    jti: token.id,
    "kubernetes.io": {
      namespace,
      ...(node && { node }),
      ...(pod && { pod }),
      ...(secret && { secret }),
      serviceaccount: serviceAccount,
    },
    nbf: token.issuedAt,
    sub: userNameOf(namespace, serviceAccount.name),
  };
}

export interface ReadToken extends ServiceAccountClaims {
  readonly issuer: string;
  readonly audiences: readonly string[];
  readonly id: string;
  readonly notBefore: number;
  readonly expiresAt: number;
}

/** Undefined when it is not the token of a service account. */
export function readClaims(claims: Readonly<Record<string, unknown>>): ReadToken | undefined {
  const { iss, aud, jti, nbf, iat, exp, sub } = claims;
  const own = objectOf(claims["kubernetes.io"]);
  const serviceAccount = referenceOf(own?.["serviceaccount"]);
  const namespace = own?.["namespace"];
  const audiences = typeof aud === "string" ? [aud] : aud;
  if (typeof iss !== "string" || typeof exp !== "number" || !serviceAccount || typeof namespace !== "string") return undefined;
  if (!Array.isArray(audiences) || !audiences.every((audience) => typeof audience === "string")) return undefined;
  if (sub !== userNameOf(namespace, serviceAccount.name)) return undefined;
  const pod = referenceOf(own?.["pod"]);
  const secret = referenceOf(own?.["secret"]);
  const node = referenceOf(own?.["node"]);
  // A binding that cannot be read must not become a token without one.
  if ([pod, secret, node].some((read, at) => !read && own?.[["pod", "secret", "node"][at] as string] !== undefined)) return undefined;
  return {
    issuer: iss,
    audiences,
    id: typeof jti === "string" ? jti : "",
    notBefore: typeof nbf === "number" ? nbf : typeof iat === "number" ? iat : 0,
    expiresAt: exp,
    namespace,
    serviceAccount,
    ...(pod && { pod }),
    ...(secret && { secret }),
    ...(node && { node }),
  };
}

export function userNameOf(namespace: string, name: string): string {
  return `system:serviceaccount:${namespace}:${name}`;
}

export function userOf(token: ReadToken): User {
  const { namespace, serviceAccount, pod, node, id } = token;
  const extra: Record<string, readonly string[]> = {
    ...(id !== "" && { "authentication.kubernetes.io/credential-id": [`JTI=${id}`] }),
    ...(node && { "authentication.kubernetes.io/node-name": [node.name], "authentication.kubernetes.io/node-uid": [node.uid] }),
    ...(pod && { "authentication.kubernetes.io/pod-name": [pod.name], "authentication.kubernetes.io/pod-uid": [pod.uid] }),
  };
  return {
    name: userNameOf(namespace, serviceAccount.name),
    uid: serviceAccount.uid,
    groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`],
    ...(Object.keys(extra).length > 0 && { extra }),
  };
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : undefined;
}

function referenceOf(value: unknown): Reference | undefined {
  const { name, uid } = objectOf(value) ?? {};
  return typeof name === "string" && typeof uid === "string" && name !== "" && uid !== "" ? { name, uid } : undefined;
}
