// Keys, certificates, digests and tokens. Deterministic in the simulated World. Keys and certificates are PEM text.

export interface Crypto {
  randomBytes(length: number): Uint8Array;
  /** A random (version 4) UUID in lower case. */
  uuid(): string;
  sha256(bytes: Uint8Array): Uint8Array;
  /** Constant-time comparison. */
  equal(left: Uint8Array, right: Uint8Array): boolean;
  /** The public key (SPKI PEM) of a private or public key, or of a certificate, in PEM. Throws CryptoError. */
  publicKeyOf(key: string): string;
  generateKey(algorithm: "ecdsa-p256" | "rsa-2048"): Promise<KeyPair>;
  /** A certificate signed by `issuer`, or by its own key when there is none. */
  issueCertificate(request: CertificateRequest): Promise<string>;
  /** PEM of a PKCS#10 request. */
  createSigningRequest(request: {
    subject: Subject;
    key: KeyPair;
    dnsNames?: readonly string[];
    ipAddresses?: readonly string[];
  }): Promise<string>;
  /** Reads and verifies the request's own signature. Throws CryptoError. */
  readSigningRequest(pem: string): Promise<SigningRequest>;
  readCertificate(pem: string): CertificateInfo;
  /** True when `pem` was signed by one of the CAs in `bundle` and neither is outside its validity at `now`. */
  verifyCertificate(pem: string, bundle: string, now: number): boolean;
  /** A compact JWS. */
  signToken(claims: Readonly<Record<string, unknown>>, key: { privateKey: string; keyId: string }): Promise<string>;
  /** The claims of a token signed by one of the keys. Throws CryptoError. Checks the signature only: time and audience are the caller's. */
  verifyToken(token: string, keys: readonly { publicKey: string; keyId: string }[]): Promise<Readonly<Record<string, unknown>>>;
  /** The public key as a JSON Web Key with kid, use and alg. */
  publicJwk(publicKey: string, keyId: string): Readonly<Record<string, unknown>>;
}

export class CryptoError extends Error {
  override readonly name = "CryptoError";
}

export interface KeyPair {
  /** PKCS#8 PEM. */
  readonly privateKey: string;
  /** SPKI PEM. */
  readonly publicKey: string;
}

export interface Subject {
  readonly commonName: string;
  readonly organizations?: readonly string[];
}

export type KeyUsage = "digital signature" | "key encipherment" | "cert sign" | "crl sign";
export type ExtendedKeyUsage = "server auth" | "client auth";

export interface CertificateRequest {
  readonly subject: Subject;
  /** SPKI PEM. */
  readonly publicKey: string;
  /** Signs. Without `issuer` the certificate is self-signed with this key. */
  readonly signingKey: string;
  /** PEM certificate of the CA. */
  readonly issuer?: string;
  readonly isCa?: boolean;
  readonly usages?: readonly KeyUsage[];
  readonly extendedUsages?: readonly ExtendedKeyUsage[];
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  /** Milliseconds since the epoch. */
  readonly notBefore: number;
  readonly notAfter: number;
}

export interface SigningRequest {
  readonly subject: Subject;
  readonly publicKey: string;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly emailAddresses: readonly string[];
  readonly uris: readonly string[];
}

export interface CertificateInfo {
  readonly subject: Subject;
  readonly issuer: string;
  readonly serialNumber: string;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly isCa: boolean;
}
