// Issuing certificates and signing requests. Loaded with the first one: the library is large.
import "reflect-metadata";
import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, webcrypto } from "node:crypto";
import { isIP } from "node:net";
import * as x509 from "@peculiar/x509";
import {
  type CertificateRequest,
  CryptoError,
  type ExtendedKeyUsage,
  type KeyPair,
  type KeyUsage,
  type SigningRequest,
  type Subject,
} from "../crypto.ts";

x509.cryptoProvider.set(webcrypto as never);

export async function issueCertificate(request: CertificateRequest): Promise<string> {
  const publicKey = cryptoKey(createPublicKey(request.publicKey), "verify");
  const signingKey = createPrivateKey(request.signingKey);
  const issuer = request.issuer === undefined ? undefined : new x509.X509Certificate(request.issuer);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: nameOf(request.subject),
    issuer: issuer ? issuer.subjectName : nameOf(request.subject),
    notBefore: new Date(request.notBefore),
    notAfter: new Date(request.notAfter),
    publicKey,
    signingKey: cryptoKey(signingKey, "sign"),
    signingAlgorithm: algorithmOf(signingKey),
    extensions: await extensionsOf(request, publicKey, issuer),
  });
  return `${certificate.toString("pem")}\n`;
}

export async function createSigningRequest(request: {
  subject: Subject;
  key: KeyPair;
  dnsNames?: readonly string[];
  ipAddresses?: readonly string[];
}): Promise<string> {
  const privateKey = createPrivateKey(request.key.privateKey);
  const names = alternativeNames(request.dnsNames, request.ipAddresses);
  const made = await x509.Pkcs10CertificateRequestGenerator.create({
    name: nameOf(request.subject),
    keys: { privateKey: cryptoKey(privateKey, "sign"), publicKey: cryptoKey(createPublicKey(request.key.publicKey), "verify") },
    signingAlgorithm: algorithmOf(privateKey),
    extensions: names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : [],
  });
  return `${made.toString("pem")}\n`;
}

export async function readSigningRequest(pem: string): Promise<SigningRequest> {
  let request: x509.Pkcs10CertificateRequest;
  try {
    request = new x509.Pkcs10CertificateRequest(pem);
  } catch (error) {
    throw new CryptoError(`this is not a PEM certificate signing request: ${(error as Error).message}`);
  }
  if (!(await verifies(request))) throw new CryptoError("the certificate signing request is not signed by its own key");
  const names = request.extensions.find((extension) => extension instanceof x509.SubjectAlternativeNameExtension)?.names.items ?? [];
  const ofType = (type: x509.GeneralNameType): string[] => names.filter((name) => name.type === type).map((name) => name.value);
  return {
    subject: {
      commonName: request.subjectName.getField("CN").at(-1) ?? "",
      organizations: request.subjectName.getField("O"),
    },
    publicKey: `${request.publicKey.toString("pem")}\n`,
    dnsNames: ofType("dns"),
    ipAddresses: ofType("ip"),
    emailAddresses: ofType("email"),
    uris: ofType("url"),
  };
}

async function verifies(request: x509.Pkcs10CertificateRequest): Promise<boolean> {
  try {
    return await request.verify();
  } catch {
    return false;
  }
}

async function extensionsOf(
  request: CertificateRequest,
  publicKey: webcrypto.CryptoKey,
  issuer: x509.X509Certificate | undefined,
): Promise<x509.Extension[]> {
  const { isCa = false, usages = [], extendedUsages = [] } = request;
  const subjectKey = await x509.SubjectKeyIdentifierExtension.create(publicKey);
  const authorityKeyId = issuer ? issuer.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId : subjectKey.keyId;
  const extensions: x509.Extension[] = [new x509.BasicConstraintsExtension(isCa, undefined, true), subjectKey];
  if (authorityKeyId !== undefined) extensions.push(new x509.AuthorityKeyIdentifierExtension(authorityKeyId));
  if (usages.length > 0)
    extensions.push(
      new x509.KeyUsagesExtension(
        usages.reduce((flags, usage) => flags | keyUsageFlags[usage], 0),
        true,
      ),
    );
  if (extendedUsages.length > 0)
    extensions.push(new x509.ExtendedKeyUsageExtension(extendedUsages.map((usage) => extendedUsageIds[usage])));
  const names = alternativeNames(request.dnsNames, request.ipAddresses);
  if (names.length > 0) extensions.push(new x509.SubjectAlternativeNameExtension(names));
  return extensions;
}

const keyUsageFlags: Readonly<Record<KeyUsage, number>> = {
  "digital signature": x509.KeyUsageFlags.digitalSignature,
  "key encipherment": x509.KeyUsageFlags.keyEncipherment,
  "cert sign": x509.KeyUsageFlags.keyCertSign,
  "crl sign": x509.KeyUsageFlags.cRLSign,
};

const extendedUsageIds: Readonly<Record<ExtendedKeyUsage, string>> = {
  "server auth": x509.ExtendedKeyUsage.serverAuth,
  "client auth": x509.ExtendedKeyUsage.clientAuth,
};

/** Each organisation is a part of its own, the common name stands last. */
function nameOf({ commonName, organizations = [] }: Subject): x509.Name {
  return new x509.Name([...organizations.map((organization) => ({ O: [organization] })), { CN: [commonName] }]);
}

function alternativeNames(dnsNames: readonly string[] = [], ipAddresses: readonly string[] = []): x509.JsonGeneralName[] {
  for (const address of ipAddresses) if (isIP(address) === 0) throw new CryptoError(`"${address}" is not an IP address`);
  return [...dnsNames.map((value) => ({ type: "dns" as const, value })), ...ipAddresses.map((value) => ({ type: "ip" as const, value }))];
}

/** 127 random bits: positive, and of the same length whatever they are. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] as number) & 0x3f) | 0x40;
  return bytes.toString("hex");
}

type Algorithm = { name: string; hash: string; namedCurve?: string };

function algorithmOf(key: KeyObject): Algorithm {
  if (key.asymmetricKeyType === "rsa") return { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  const curve = curves[key.asymmetricKeyDetails?.namedCurve ?? ""];
  if (key.asymmetricKeyType !== "ec" || !curve)
    throw new CryptoError(`keys of type ${key.asymmetricKeyType ?? "unknown"} are not supported`);
  return { name: "ECDSA", ...curve };
}

const curves: Readonly<Record<string, { namedCurve: string; hash: string }>> = {
  prime256v1: { namedCurve: "P-256", hash: "SHA-256" },
  secp384r1: { namedCurve: "P-384", hash: "SHA-384" },
  secp521r1: { namedCurve: "P-521", hash: "SHA-512" },
};

function cryptoKey(key: KeyObject, usage: "sign" | "verify"): webcrypto.CryptoKey {
  return key.toCryptoKey(algorithmOf(key) as Parameters<KeyObject["toCryptoKey"]>[0], true, [usage]);
}
