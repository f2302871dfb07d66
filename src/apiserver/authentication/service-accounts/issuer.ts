// Who signs tokens for service accounts, and where others find the keys to check them.
import { decodeBase64, encodeBase64 } from "#base/base64.ts";
import type { KeyPair } from "#platform/crypto.ts";
import type { World } from "#platform/world.ts";
import type { HttpResponse } from "#wire/http/message.ts";

export interface VerificationKey {
  readonly publicKey: string;
  readonly keyId: string;
}

export interface ServiceAccountIssuer {
  /** The iss claim: "https://kubernetes.default.svc.cluster.local". */
  readonly issuer: string;
  /** Other issuers whose tokens, signed by one of our keys, are still good. */
  readonly formerIssuers: readonly string[];
  /** What the API server itself answers to; the first when a token names no audience. */
  readonly audiences: readonly string[];
  readonly signing: { readonly privateKey: string; readonly keyId: string };
  readonly keys: readonly VerificationKey[];
  /** Where the keys are published. */
  readonly jwksUri: string;
}

export interface IssuerOptions {
  readonly issuers: readonly [string, ...string[]];
  /** Default: the issuers. */
  readonly audiences?: readonly string[];
  readonly signingKey: KeyPair;
  /** SPKI PEM of keys that signed earlier tokens, or sign elsewhere. */
  readonly otherKeys?: readonly string[];
  /** Default: under the issuer, when that is an https URL. */
  readonly jwksUri?: string;
}

export function serviceAccountIssuer(world: Pick<World, "crypto">, options: IssuerOptions): ServiceAccountIssuer {
  const [issuer, ...formerIssuers] = options.issuers;
  const publicKeys = [...new Set([options.signingKey.publicKey, ...(options.otherKeys ?? [])])];
  const keys = publicKeys.map((publicKey) => ({ publicKey, keyId: keyIdOf(world, publicKey) }));
  return {
    issuer,
    formerIssuers,
    audiences: options.audiences?.length ? options.audiences : options.issuers,
    signing: { privateKey: options.signingKey.privateKey, keyId: keys[0]?.keyId as string },
    keys,
    jwksUri: options.jwksUri ?? `${issuer.replace(/\/$/, "")}/openid/v1/jwks`,
  };
}

/** Base64url of the digest of the key's DER form. */
function keyIdOf({ crypto }: Pick<World, "crypto">, publicKey: string): string {
  const body = publicKey.replace(/-----[^-]+-----|\s/g, "");
  const der = decodeBase64(body);
  const digest = crypto.sha256(typeof der === "number" ? new TextEncoder().encode(publicKey) : der);
  return encodeBase64(digest).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Paths to serve to everyone who may get them: "/openid/v1/jwks" and "/.well-known/openid-configuration". */
export function issuerDocuments(
  { crypto }: Pick<World, "crypto">,
  { issuer, keys, jwksUri }: ServiceAccountIssuer,
): ReadonlyMap<string, HttpResponse> {
  const published = keys.map(({ publicKey, keyId }) => crypto.publicJwk(publicKey, keyId));
  const algorithms = [...new Set(published.map(({ alg }) => alg))];
  return new Map([
    ["/openid/v1/jwks", document("application/jwk-set+json", { keys: published })],
    [
      "/.well-known/openid-configuration",
      document("application/json", {
        issuer,
        jwks_uri: jwksUri,
        response_types_supported: ["id_token"],
        subject_types_supported: ["public"],
        id_token_signing_alg_values_supported: algorithms,
      }),
    ],
  ]);
}

function document(contentType: string, content: unknown): HttpResponse {
  const body = new TextEncoder().encode(JSON.stringify(content));
  return { status: 200, headers: { "content-type": contentType, "cache-control": "public, max-age=3600" }, body, object: content };
}
