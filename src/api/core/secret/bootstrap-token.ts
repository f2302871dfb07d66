// Bootstrap tokens: what a machine that is about to join shows, and with what it recognises the cluster. Each is a Secret of kube-system.
import { decodeBase64, encodeBase64 } from "#base/base64.ts";
import { hmacSha256 } from "#base/sha256.ts";
import { parseTime } from "#schema/time.ts";
import type { Secret } from "./secret.ts";

export const bootstrapTokenType = "bootstrap.kubernetes.io/token";
export const bootstrapTokenNamespace = "kube-system";
/** What kubeadm's roles for joining machines are bound to. */
export const joiningGroup = "system:bootstrappers:kubeadm:default-node-token";
/** Where the cluster says who it is, for whoever has a token. */
export const clusterInfo = { namespace: "kube-public", name: "cluster-info" } as const;
const signaturePrefix = "jws-kubeconfig-";

export interface BootstrapToken {
  readonly id: string;
  readonly secret: string;
}

/** "abcdef.0123456789abcdef"; undefined for anything else. */
export function readBootstrapToken(text: string): BootstrapToken | undefined {
  const [, id, secret] = /^([a-z0-9]{6})\.([a-z0-9]{16})$/.exec(text) ?? [];
  return id !== undefined && secret !== undefined ? { id, secret } : undefined;
}

export function bootstrapSecretName(id: string): string {
  return `bootstrap-token-${id}`;
}

export interface BootstrapSecret extends BootstrapToken {
  readonly description: string;
  /** Milliseconds since 1970; undefined for a token without end, 0 for one whose end cannot be read. */
  readonly expiresAt: number | undefined;
  readonly mayAuthenticate: boolean;
  readonly maySign: boolean;
  /** Beside system:bootstrappers. Undefined when one of them may not be given this way. */
  readonly groups: readonly string[] | undefined;
}

/** What a Secret says as a token; undefined when it is none, or not named after its own id. */
export function bootstrapSecretOf({ metadata, type, data = {} }: Secret): BootstrapSecret | undefined {
  if (type !== bootstrapTokenType || metadata.namespace !== bootstrapTokenNamespace) return undefined;
  const text = (key: string): string => {
    const bytes = Object.hasOwn(data, key) ? decodeBase64(data[key] ?? "") : 0;
    return typeof bytes === "number" ? "" : new TextDecoder().decode(bytes);
  };
  const token = readBootstrapToken(`${text("token-id")}.${text("token-secret")}`);
  if (!token || metadata.name !== bootstrapSecretName(token.id)) return undefined;
  return {
    ...token,
    description: text("description"),
    expiresAt: endOf(text("expiration")),
    mayAuthenticate: text("usage-bootstrap-authentication") === "true",
    maySign: text("usage-bootstrap-signing") === "true",
    groups: groupsOf(text("auth-extra-groups")),
  };
}

export function hasExpired({ expiresAt }: BootstrapSecret, now: number): boolean {
  return expiresAt !== undefined && expiresAt <= now;
}

function endOf(text: string): number | undefined {
  if (text === "") return undefined;
  try {
    return parseTime(text);
  } catch {
    return 0;
  }
}

function groupsOf(text: string): readonly string[] | undefined {
  const groups = text.split(",").flatMap((part) => (part.trim() === "" ? [] : [part.trim()]));
  return groups.every((group) => /^system:bootstrappers:[a-z0-9:-]{0,255}[a-z0-9]$/.test(group)) ? groups : undefined;
}

/** The entries of cluster-info that say, to whoever knows one of the tokens, that its kubeconfig is the cluster's own. */
export function clusterInfoSignatures(kubeconfig: string, tokens: readonly BootstrapToken[]): Readonly<Record<string, string>> {
  return Object.fromEntries(tokens.map((token) => [`${signaturePrefix}${token.id}`, signature(kubeconfig, token)]));
}

export function isSignature(entry: string): boolean {
  return entry.startsWith(signaturePrefix);
}

/** Whether cluster-info was signed with this token. */
export function isSignedWith(data: Readonly<Record<string, string>>, token: BootstrapToken): "yes" | "no" | "not with this token" {
  const entry = `${signaturePrefix}${token.id}`;
  if (!Object.hasOwn(data, entry)) return "not with this token";
  return data[entry] === signature(data["kubeconfig"] ?? "", token) ? "yes" : "no";
}

/** A compact JWS (HS256) without its payload, which stands beside it. */
function signature(payload: string, { id, secret }: BootstrapToken): string {
  const encoder = new TextEncoder();
  const header = base64Url(encoder.encode(`{"alg":"HS256","kid":"${id}"}`));
  const signed = `${header}.${base64Url(encoder.encode(payload))}`;
  return `${header}..${base64Url(hmacSha256(encoder.encode(secret), encoder.encode(signed)))}`;
}

function base64Url(bytes: Uint8Array): string {
  return encodeBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
