// Keys, digests, tokens and the reading of certificates with what Node has built in. Issuing loads a library with the first certificate.
import * as crypto from "node:crypto";
import { isIPv6 } from "node:net";
import { promisify } from "node:util";
import { type CertificateInfo, type Crypto, CryptoError, type KeyPair } from "../crypto.ts";
import { signToken, tokenAlgorithm, verifyToken } from "./tokens.ts";

const generateKeyPair = promisify(crypto.generateKeyPair);
const longestChain = 8;

export const nodeCrypto: Crypto = {
  randomBytes: (length) => crypto.randomBytes(length),
  uuid: () => crypto.randomUUID(),
  sha256: (bytes) => crypto.hash("sha256", bytes, "buffer"),
  equal: (left, right) => left.length === right.length && crypto.timingSafeEqual(left, right),
  publicKeyOf,
  generateKey,
  issueCertificate: async (request) => (await import("./certificates.ts")).issueCertificate(request),
  createSigningRequest: async (request) => (await import("./certificates.ts")).createSigningRequest(request),
  readSigningRequest: async (pem) => (await import("./certificates.ts")).readSigningRequest(pem),
  readCertificate: (pem) => certificateInfo(parse(pem)),
  verifyCertificate,
  signToken: async (claims, key) => signToken(claims, key),
  verifyToken: async (token, keys) => verifyToken(token, keys),
  publicJwk: (publicKey, keyId) => {
    const key = crypto.createPublicKey(publicKey);
    return { ...key.export({ format: "jwk" }), use: "sig", kid: keyId, alg: tokenAlgorithm(key).name };
  },
};

function publicKeyOf(key: string): string {
  try {
    return crypto.createPublicKey(key).export({ type: "spki", format: "pem" }) as string;
  } catch (error) {
    throw new CryptoError(`this is not a PEM key: ${(error as Error).message}`);
  }
}

async function generateKey(algorithm: "ecdsa-p256" | "rsa-2048"): Promise<KeyPair> {
  const { privateKey, publicKey } =
    algorithm === "rsa-2048" ? await generateKeyPair("rsa", { modulusLength: 2048 }) : await generateKeyPair("ec", { namedCurve: "P-256" });
  return {
    privateKey: privateKey.export({ type: "pkcs8", format: "pem" }) as string,
    publicKey: publicKey.export({ type: "spki", format: "pem" }) as string,
  };
}

function parse(pem: string): crypto.X509Certificate {
  try {
    return new crypto.X509Certificate(pem);
  } catch (error) {
    throw new CryptoError(`this is not a PEM certificate: ${(error as Error).message}`);
  }
}

function certificateInfo(certificate: crypto.X509Certificate): CertificateInfo {
  const { subject } = certificate.toLegacyObject() as { subject?: { CN?: string | string[]; O?: string | string[] } };
  const { dnsNames, ipAddresses } = alternativeNames(certificate.subjectAltName ?? "");
  return {
    subject: { commonName: [subject?.CN ?? ""].flat().at(-1) ?? "", organizations: [subject?.O ?? []].flat() },
    issuer: (certificate.issuer ?? "").replaceAll("\n", ","),
    serialNumber: certificate.serialNumber.toLowerCase(),
    notBefore: certificate.validFromDate.getTime(),
    notAfter: certificate.validToDate.getTime(),
    dnsNames,
    ipAddresses,
    isCa: certificate.ca,
  };
}

/** Node prints "DNS:a, IP Address:0:0:0:0:0:0:0:1", with a JSON string for each value that could be mistaken for more than one. */
function alternativeNames(text: string): { dnsNames: string[]; ipAddresses: string[] } {
  const dnsNames: string[] = [];
  const ipAddresses: string[] = [];
  for (const [, kind, value] of text.matchAll(/(?:^|, )([^:,"]+):("(?:[^"\\]|\\.)*"|[^,]*)/g)) {
    const name = value?.startsWith('"') ? (JSON.parse(value) as string) : (value ?? "");
    if (kind === "DNS") dnsNames.push(name);
    else if (kind === "IP Address") ipAddresses.push(shortAddress(name));
  }
  return { dnsNames, ipAddresses };
}

function shortAddress(address: string): string {
  return isIPv6(address) ? new URL(`http://[${address}]`).hostname.slice(1, -1) : address;
}

/** Certificates that follow the first in `pem` may stand between it and the CA. */
function verifyCertificate(pem: string, bundle: string, now: number): boolean {
  let chain: crypto.X509Certificate[];
  let authorities: crypto.X509Certificate[];
  try {
    chain = certificatesIn(pem);
    authorities = certificatesIn(bundle);
  } catch {
    return false;
  }
  let current = chain[0];
  for (let length = 0; current && length < longestChain; length++) {
    const subject: crypto.X509Certificate = current;
    if (!isValidAt(subject, now)) return false;
    if (authorities.some((authority) => isValidAt(authority, now) && isIssuerOf(authority, subject))) return true;
    current = chain.find((candidate) => candidate !== subject && isIssuerOf(candidate, subject));
  }
  return false;
}

function certificatesIn(text: string): crypto.X509Certificate[] {
  return (text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map((pem) => new crypto.X509Certificate(pem));
}

function isIssuerOf(authority: crypto.X509Certificate, subject: crypto.X509Certificate): boolean {
  if (authority.raw.equals(subject.raw)) return authority.ca && subject.verify(authority.publicKey);
  return authority.ca && subject.checkIssued(authority) && subject.verify(authority.publicKey);
}

function isValidAt(certificate: crypto.X509Certificate, now: number): boolean {
  return certificate.validFromDate.getTime() <= now && now <= certificate.validToDate.getTime();
}
