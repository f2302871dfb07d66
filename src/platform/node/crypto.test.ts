import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { CryptoError } from "../crypto.ts";
import { nodeCrypto as crypto } from "./crypto.ts";

const day = 86_400_000;
const now = Date.UTC(2026, 0, 2);
const validity = { notBefore: now - day, notAfter: now + day };

async function authority(name: string) {
  const key = await crypto.generateKey("ecdsa-p256");
  const certificate = await crypto.issueCertificate({
    subject: { commonName: name },
    publicKey: key.publicKey,
    signingKey: key.privateKey,
    isCa: true,
    usages: ["cert sign", "digital signature", "key encipherment"],
    ...validity,
  });
  return { key, certificate };
}

test("an issued certificate says what was asked for and leads to its CA alone", async () => {
  const ca = await authority("kubernetes");
  const other = await authority("kubernetes");
  const key = await crypto.generateKey("rsa-2048");
  const pem = await crypto.issueCertificate({
    subject: { commonName: "alice", organizations: ["system:masters", "a, b"] },
    publicKey: key.publicKey,
    signingKey: ca.key.privateKey,
    issuer: ca.certificate,
    usages: ["digital signature", "key encipherment"],
    extendedUsages: ["client auth", "server auth"],
    dnsNames: ["localhost", "*.example"],
    ipAddresses: ["127.0.0.1", "fd00::1"],
    ...validity,
  });
  const info = crypto.readCertificate(pem);
  assert.deepEqual(info.subject, { commonName: "alice", organizations: ["system:masters", "a, b"] });
  assert.deepEqual(info.dnsNames, ["localhost", "*.example"]);
  assert.deepEqual(info.ipAddresses, ["127.0.0.1", "fd00::1"]);
  assert.equal(info.issuer, "CN=kubernetes");
  assert.equal(info.isCa, false);
  assert.equal(info.notAfter, now + day);
  assert.match(info.serialNumber, /^[4-7][0-9a-f]{31}$/);
  assert.equal(crypto.readCertificate(ca.certificate).isCa, true);
  const read = new X509Certificate(pem);
  assert.deepEqual(read.keyUsage?.toSorted(), ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);

  assert.equal(crypto.verifyCertificate(pem, ca.certificate, now), true);
  assert.equal(crypto.verifyCertificate(pem, other.certificate + ca.certificate, now), true);
  assert.equal(crypto.verifyCertificate(pem, other.certificate, now), false);
  assert.equal(crypto.verifyCertificate(pem, ca.certificate, now + 2 * day), false);
  assert.equal(crypto.verifyCertificate(pem, "", now), false);
  assert.equal(crypto.verifyCertificate("nonsense", ca.certificate, now), false);
});

test("a certificate is verified through an intermediate that came with it", async () => {
  const root = await authority("root");
  const middle = await crypto.generateKey("ecdsa-p256");
  const middlePem = await crypto.issueCertificate({
    subject: { commonName: "middle" },
    publicKey: middle.publicKey,
    signingKey: root.key.privateKey,
    issuer: root.certificate,
    isCa: true,
    usages: ["cert sign"],
    ...validity,
  });
  const leaf = await crypto.generateKey("ecdsa-p256");
  const leafPem = await crypto.issueCertificate({
    subject: { commonName: "leaf" },
    publicKey: leaf.publicKey,
    signingKey: middle.privateKey,
    issuer: middlePem,
    ...validity,
  });
  assert.equal(crypto.verifyCertificate(leafPem + middlePem, root.certificate, now), true);
  assert.equal(crypto.verifyCertificate(leafPem, root.certificate, now), false);
});

test("a signing request is read back, and refused when it was changed", async () => {
  const key = await crypto.generateKey("ecdsa-p256");
  const subject = { commonName: "system:node:n1", organizations: ["system:nodes"] };
  const pem = await crypto.createSigningRequest({ subject, key, dnsNames: ["n1"], ipAddresses: ["10.0.0.1"] });
  const read = await crypto.readSigningRequest(pem);
  assert.deepEqual(read.subject, subject);
  assert.deepEqual(read.dnsNames, ["n1"]);
  assert.deepEqual(read.ipAddresses, ["10.0.0.1"]);
  assert.deepEqual(read.emailAddresses, []);
  assert.equal(read.publicKey.trim(), key.publicKey.trim());

  const lines = pem.trim().split("\n");
  const bytes = Buffer.from(lines.slice(1, -1).join(""), "base64");
  bytes.write("system:node:n2", bytes.indexOf("system:node:n1"));
  const forged = [lines[0], bytes.toString("base64"), lines.at(-1)].join("\n");
  await assert.rejects(crypto.readSigningRequest(forged), CryptoError);
  await assert.rejects(crypto.readSigningRequest("nonsense"), CryptoError);
});

for (const [algorithm, name] of [
  ["ecdsa-p256", "ES256"],
  ["rsa-2048", "RS256"],
] as const) {
  test(`a token signed with ${algorithm} is verified by its key alone`, async () => {
    const key = await crypto.generateKey(algorithm);
    const other = await crypto.generateKey(algorithm);
    const claims = { sub: "system:serviceaccount:a:b", aud: ["api"], exp: 1_800_000_000 };
    const token = await crypto.signToken(claims, { privateKey: key.privateKey, keyId: "k1" });
    assert.deepEqual(
      await crypto.verifyToken(token, [
        { publicKey: other.publicKey, keyId: "k0" },
        { publicKey: key.publicKey, keyId: "k1" },
      ]),
      claims,
    );
    await assert.rejects(crypto.verifyToken(token, [{ publicKey: other.publicKey, keyId: "k1" }]), CryptoError);
    const [head, , signature] = token.split(".");
    const forged = Buffer.from(JSON.stringify({ ...claims, sub: "admin" })).toString("base64url");
    await assert.rejects(crypto.verifyToken(`${head}.${forged}.${signature}`, [{ publicKey: key.publicKey, keyId: "k1" }]), CryptoError);
    const none = Buffer.from('{"alg":"none"}').toString("base64url");
    await assert.rejects(crypto.verifyToken(`${none}.${forged}.AA`, [{ publicKey: key.publicKey, keyId: "k1" }]), CryptoError);
    const { kid, use, alg, kty } = crypto.publicJwk(key.publicKey, "k1");
    assert.deepEqual({ kid, use, alg }, { kid: "k1", use: "sig", alg: name });
    assert.equal(kty, algorithm === "rsa-2048" ? "RSA" : "EC");
  });
}

test("digests and comparisons", () => {
  assert.equal(
    Buffer.from(crypto.sha256(Buffer.from("abc")))
      .toString("hex")
      .slice(0, 16),
    "ba7816bf8f01cfea",
  );
  assert.equal(crypto.equal(Buffer.from("a"), Buffer.from("a")), true);
  assert.equal(crypto.equal(Buffer.from("a"), Buffer.from("ab")), false);
  assert.match(crypto.uuid(), /^[0-9a-f]{8}-[0-9a-f]{4}-4/);
});
