// Keys, certificates and tokens that follow from the seed. They have the shapes of the real ones (PEM, compact JWS) around JSON and a keyed
// hash: who does not hold a private key cannot make its signatures by way of this interface, and that is all a simulation needs.
// None of it protects anything.
import { hex, sha256 } from "#base/sha256.ts";
import { CryptoError } from "../crypto.ts";
import type { CertificateInfo, CertificateRequest, Crypto, KeyPair, SigningRequest, Subject } from "../crypto.ts";
import type { SeededRandom } from "./random.ts";

interface PublicKey {
  readonly algorithm: "ecdsa-p256" | "rsa-2048";
  readonly id: string;
}
interface Certificate extends CertificateInfo {
  readonly publicKey: PublicKey;
  readonly signedBy: string;
  readonly usages: readonly string[];
  readonly extendedUsages: readonly string[];
}
interface Signed<T> {
  readonly content: T;
  readonly signature: string;
}

export class SimulatedCrypto implements Crypto {
  readonly #random: SeededRandom;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  randomBytes(length: number): Uint8Array {
    return this.#random.bytes(length);
  }

  uuid(): string {
    const bytes = this.#random.bytes(16);
    bytes[6] = ((bytes[6] as number) & 0x0f) | 0x40;
    bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80;
    return hex(bytes).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  }

  sha256(bytes: Uint8Array): Uint8Array {
    return sha256(bytes);
  }

  equal(left: Uint8Array, right: Uint8Array): boolean {
    if (left.length !== right.length) return false;
    let difference = 0;
    for (let index = 0; index < left.length; index++) difference |= (left[index] as number) ^ (right[index] as number);
    return difference === 0;
  }

  publicKeyOf(key: string): string {
    if (key.includes("PUBLIC KEY")) return key;
    if (key.includes("CERTIFICATE")) return pem("PUBLIC KEY", certificateOf(key).content.publicKey);
    const { algorithm, secret } = privateKeyOf(key);
    return pem("PUBLIC KEY", { algorithm, id: publicId(secret) } satisfies PublicKey);
  }

  async generateKey(algorithm: "ecdsa-p256" | "rsa-2048"): Promise<KeyPair> {
    const secret = hex(this.#random.bytes(32));
    const publicKey: PublicKey = { algorithm, id: publicId(secret) };
    return { privateKey: pem("PRIVATE KEY", { algorithm, secret }), publicKey: pem("PUBLIC KEY", publicKey) };
  }

  async issueCertificate(request: CertificateRequest): Promise<string> {
    const signer = privateKeyOf(request.signingKey);
    const issuer = request.issuer === undefined ? undefined : certificateOf(request.issuer);
    const publicKey = publicKeyOf(request.publicKey);
    if (issuer && issuer.content.publicKey.id !== publicId(signer.secret))
      throw new CryptoError("the signing key does not belong to the issuer's certificate");
    if (!issuer && publicKey.id !== publicId(signer.secret))
      throw new CryptoError("a self-signed certificate needs its own key as the signing key");
    const content: Certificate = {
      subject: subjectOf(request.subject),
      issuer: issuer?.content.subject.commonName ?? request.subject.commonName,
      serialNumber: hex(this.#random.bytes(16)),
      notBefore: wholeSeconds(request.notBefore),
      notAfter: wholeSeconds(request.notAfter),
      dnsNames: [...(request.dnsNames ?? [])],
      ipAddresses: [...(request.ipAddresses ?? [])],
      isCa: request.isCa ?? false,
      publicKey,
      signedBy: publicId(signer.secret),
      usages: [...(request.usages ?? [])],
      extendedUsages: [...(request.extendedUsages ?? [])],
    };
    return pem("CERTIFICATE", sign(content, signer.secret));
  }

  async createSigningRequest(request: {
    subject: Subject;
    key: KeyPair;
    dnsNames?: readonly string[];
    ipAddresses?: readonly string[];
  }): Promise<string> {
    const content: SigningRequest = {
      subject: subjectOf(request.subject),
      publicKey: request.key.publicKey,
      dnsNames: [...(request.dnsNames ?? [])],
      ipAddresses: [...(request.ipAddresses ?? [])],
      emailAddresses: [],
      uris: [],
    };
    return pem("CERTIFICATE REQUEST", sign(content, privateKeyOf(request.key.privateKey).secret));
  }

  async readSigningRequest(text: string): Promise<SigningRequest> {
    const signed = read<Signed<SigningRequest>>("CERTIFICATE REQUEST", text);
    if (!isSignedBy(signed, publicKeyOf(signed.content.publicKey).id)) throw new CryptoError("the request's signature is wrong");
    return signed.content;
  }

  readCertificate(text: string): CertificateInfo {
    const { subject, issuer, serialNumber, notBefore, notAfter, dnsNames, ipAddresses, isCa } = certificateOf(text).content;
    return { subject, issuer, serialNumber, notBefore, notAfter, dnsNames, ipAddresses, isCa };
  }

  verifyCertificate(text: string, bundle: string, now: number): boolean {
    let certificate: Signed<Certificate>;
    try {
      certificate = certificateOf(text);
    } catch {
      return false;
    }
    if (!isCurrent(certificate.content, now)) return false;
    return certificatesOf(bundle).some(
      ({ content }) =>
        isCurrent(content, now) &&
        content.publicKey.id === certificate.content.signedBy &&
        isSignedBy(certificate, content.publicKey.id) &&
        content.isCa,
    );
  }

  async signToken(claims: Readonly<Record<string, unknown>>, key: { privateKey: string; keyId: string }): Promise<string> {
    const { algorithm, secret } = privateKeyOf(key.privateKey);
    const signingInput = `${base64Url(JSON.stringify({ alg: jwsName(algorithm), kid: key.keyId }))}.${base64Url(JSON.stringify(claims))}`;
    return `${signingInput}.${base64Url(signature(signingInput, publicId(secret)))}`;
  }

  async verifyToken(token: string, keys: readonly { publicKey: string; keyId: string }[]): Promise<Readonly<Record<string, unknown>>> {
    const [head, claims, proof, ...rest] = token.split(".");
    if (head === undefined || claims === undefined || proof === undefined || rest.length > 0)
      throw new CryptoError("a token has three parts");
    const expected = keys.map((key) => base64Url(signature(`${head}.${claims}`, publicKeyOf(key.publicKey).id)));
    if (!expected.includes(proof)) throw new CryptoError("the token was not signed by a known key");
    try {
      return JSON.parse(fromBase64(claims.replaceAll("-", "+").replaceAll("_", "/"))) as Readonly<Record<string, unknown>>;
    } catch {
      throw new CryptoError("the token's claims cannot be read");
    }
  }

  publicJwk(publicKey: string, keyId: string): Readonly<Record<string, unknown>> {
    const { algorithm, id } = publicKeyOf(publicKey);
    const shape =
      algorithm === "ecdsa-p256"
        ? { kty: "EC", crv: "P-256", x: base64Url(id), y: base64Url(id) }
        : { kty: "RSA", n: base64Url(id), e: "AQAB" };
    return { ...shape, kid: keyId, use: "sig", alg: jwsName(algorithm) };
  }

  /** True when the private key belongs to the certificate. Servers and clients of the simulated network check it. */
  keyMatches(certificate: string, privateKey: string): boolean {
    return certificateOf(certificate).content.publicKey.id === publicId(privateKeyOf(privateKey).secret);
  }
}

function privateKeyOf(text: string): { algorithm: PublicKey["algorithm"]; secret: string } {
  return read("PRIVATE KEY", text);
}

function publicKeyOf(text: string): PublicKey {
  return read("PUBLIC KEY", text);
}

function certificateOf(text: string): Signed<Certificate> {
  return read("CERTIFICATE", text);
}

function certificatesOf(bundle: string): Signed<Certificate>[] {
  return (bundle.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? []).map(certificateOf);
}

function isCurrent(certificate: Certificate, now: number): boolean {
  return certificate.notBefore <= now && now < certificate.notAfter;
}

function publicId(secret: string): string {
  return hash(`public ${secret}`);
}

function sign<T>(content: T, secret: string): Signed<T> {
  return { content, signature: signature(JSON.stringify(content), publicId(secret)) };
}

function isSignedBy(signed: Signed<unknown>, keyId: string): boolean {
  return signed.signature === signature(JSON.stringify(signed.content), keyId);
}

function signature(text: string, keyId: string): string {
  return hash(`signature ${keyId} ${text}`);
}

function hash(text: string): string {
  return hex(sha256(new TextEncoder().encode(text)));
}

function subjectOf(subject: Subject): Subject {
  return { commonName: subject.commonName, organizations: [...(subject.organizations ?? [])] };
}

function wholeSeconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000) * 1000;
}

function jwsName(algorithm: PublicKey["algorithm"]): string {
  return algorithm === "ecdsa-p256" ? "ES256" : "RS256";
}

function pem(label: string, content: unknown): string {
  const lines = base64(JSON.stringify(content)).match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join("\n")}\n-----END ${label}-----\n`;
}

function read<T>(label: string, text: string): T {
  const body = new RegExp(`-----BEGIN ${label}-----([^-]*)-----END ${label}-----`).exec(text)?.[1];
  if (body === undefined) throw new CryptoError(`no ${label} in PEM`);
  try {
    return JSON.parse(fromBase64(body.replace(/\s/g, ""))) as T;
  } catch (error) {
    throw new CryptoError(`the ${label} was not made in this simulation`, { cause: error });
  }
}

function base64(text: string): string {
  return btoa(String.fromCodePoint(...new TextEncoder().encode(text)));
}

function fromBase64(text: string): string {
  return new TextDecoder().decode(Uint8Array.from(atob(text), (character) => character.codePointAt(0) as number));
}

function base64Url(text: string): string {
  return base64(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
