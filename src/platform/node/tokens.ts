// JSON Web Tokens in their compact form. The key decides the algorithm; what the token says about it must agree.
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { CryptoError } from "../crypto.ts";

const keyCacheLimit = 64;
const tokenLimit = 256 * 1024;

interface TokenAlgorithm {
  readonly name: "RS256" | "ES256" | "ES384" | "ES512";
  readonly hash: "sha256" | "sha384" | "sha512";
}

export function tokenAlgorithm(key: KeyObject): TokenAlgorithm {
  if (key.asymmetricKeyType === "rsa") return { name: "RS256", hash: "sha256" };
  switch (key.asymmetricKeyDetails?.namedCurve) {
    case "prime256v1":
      return { name: "ES256", hash: "sha256" };
    case "secp384r1":
      return { name: "ES384", hash: "sha384" };
    case "secp521r1":
      return { name: "ES512", hash: "sha512" };
    default:
      throw new CryptoError(`tokens cannot be signed with a key of type ${key.asymmetricKeyType ?? "unknown"}`);
  }
}

export function signToken(claims: Readonly<Record<string, unknown>>, { privateKey, keyId }: { privateKey: string; keyId: string }): string {
  const key = cached(privateKeys, privateKey, createPrivateKey);
  const { name, hash } = tokenAlgorithm(key);
  const text = `${encode({ alg: name, kid: keyId })}.${encode(claims)}`;
  const signature = sign(hash, Buffer.from(text), { key, dsaEncoding: "ieee-p1363" });
  return `${text}.${signature.toString("base64url")}`;
}

export function verifyToken(token: string, keys: readonly { publicKey: string; keyId: string }[]): Readonly<Record<string, unknown>> {
  if (token.length > tokenLimit) throw new CryptoError("the token is too long");
  const [head, body, signature, ...rest] = token.split(".");
  if (!head || !body || !signature || rest.length > 0) throw new CryptoError("the token does not have three parts");
  const header = decode(head, "header");
  if (header["crit"] !== undefined) throw new CryptoError("the token asks for extensions that are not understood");
  const signed = Buffer.from(`${head}.${body}`);
  const bytes = Buffer.from(signature, "base64url");
  const named = keys.filter(({ keyId }) => keyId === header["kid"]);
  for (const { publicKey } of named.length > 0 ? named : keys) {
    const key = cached(publicKeys, publicKey, createPublicKey);
    const { name, hash } = tokenAlgorithm(key);
    if (name === header["alg"] && verify(hash, signed, { key, dsaEncoding: "ieee-p1363" }, bytes)) return decode(body, "claims");
  }
  throw new CryptoError("the token is not signed by a known key");
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function decode(part: string, what: string): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
  } catch {
    throw new CryptoError(`the token's ${what} cannot be read`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new CryptoError(`the token's ${what} is not an object`);
  return value as Record<string, unknown>;
}

const privateKeys = new Map<string, KeyObject>();
const publicKeys = new Map<string, KeyObject>();

function cached(keys: Map<string, KeyObject>, pem: string, create: (pem: string) => KeyObject): KeyObject {
  let key = keys.get(pem);
  if (!key) {
    try {
      key = create(pem);
    } catch (error) {
      throw new CryptoError(`the key cannot be read: ${(error as Error).message}`);
    }
    if (keys.size >= keyCacheLimit) keys.delete(keys.keys().next().value as string);
    keys.set(pem, key);
  }
  return key;
}
