import assert from "node:assert/strict";
import { test } from "node:test";
import { rootScope } from "#base/scope.ts";
import { CertificateSigningRequest } from "#api/certificates.k8s.io/certificate-signing-request/certificate-signing-request.ts";
import type { Client } from "#client/client.ts";
import type { Listener, ServerTls } from "#platform/network.ts";
import { simulatedWorld, type SimulatedWorld } from "#platform/simulated/world.ts";
import { FakeCluster } from "../../../test/support/fake-cluster.ts";
import { requestCertificate } from "./certificate-request.ts";
import { currentPath, readCurrent, renewalMoment, storeCurrent } from "./certificate-store.ts";
import { rotateServingCertificate, servingTls } from "./serving-certificate.ts";

const folder = "/var/lib/kubelet/pki";
const dayMilliseconds = 24 * 3_600_000;

async function setUp() {
  const world = simulatedWorld({ seed: 1 });
  const scope = rootScope("test", (error) => {
    throw error;
  });
  await world.files.makeFolder(folder);
  const cluster = new FakeCluster();
  const plain = cluster.client(world);
  let requests = 0;
  const create = (kind: never, { metadata, ...object }: { metadata: object }) =>
    plain.create(kind, { ...object, metadata: { ...metadata, name: `csr-${++requests}` }, status: {} } as never);
  const client = { ...plain, create } as unknown as Client;
  return { world, scope, cluster, client };
}

async function issue(world: SimulatedWorld, publicKey: string, commonName: string, ipAddresses: readonly string[] = []) {
  const ca = await world.crypto.generateKey("ecdsa-p256");
  const now = world.clock.now();
  const dates = { signingKey: ca.privateKey, notBefore: now, notAfter: now + 10 * dayMilliseconds };
  const issuer = await world.crypto.issueCertificate({ ...dates, subject: { commonName: "ca" }, publicKey: ca.publicKey, isCa: true });
  return world.crypto.issueCertificate({ ...dates, subject: { commonName }, publicKey, issuer, ipAddresses });
}

/** Signs a request once it is made; gives the certificate, and the addresses that were asked for. */
async function sign(world: SimulatedWorld, cluster: FakeCluster, name: string) {
  await world.runUntil(() => cluster.get(CertificateSigningRequest, name) !== undefined, 10 * dayMilliseconds);
  const request = cluster.get(CertificateSigningRequest, name) as CertificateSigningRequest;
  const { publicKey, ipAddresses } = await world.crypto.readSigningRequest(atob(request.spec.request));
  const certificate = await issue(world, publicKey, "system:node:node-1", ipAddresses);
  cluster.put(CertificateSigningRequest, { ...request, status: { certificate: btoa(certificate) } });
  return { certificate, ipAddresses };
}

test("a request names the node, waits for its certificate, and is made again when it is denied", async () => {
  const { world, scope, cluster, client } = await setUp();
  const wanted = {
    nodeName: "node-1",
    signerName: "kubernetes.io/kubelet-serving",
    dnsNames: ["node-1"],
    ipAddresses: ["10.0.0.1"],
  } as const;
  const getting = requestCertificate(scope, world, client, wanted);
  await world.runUntil(() => cluster.get(CertificateSigningRequest, "csr-1") !== undefined);
  const first = cluster.get(CertificateSigningRequest, "csr-1") as CertificateSigningRequest;
  assert.equal(first.spec.signerName, "kubernetes.io/kubelet-serving");
  assert.deepEqual(first.spec.usages, ["digital signature", "server auth"]);
  const asked = await world.crypto.readSigningRequest(atob(first.spec.request));
  assert.deepEqual(asked.subject, { commonName: "system:node:node-1", organizations: ["system:nodes"] });
  assert.deepEqual([asked.dnsNames, asked.ipAddresses], [["node-1"], ["10.0.0.1"]]);
  cluster.put(CertificateSigningRequest, { ...first, status: { conditions: [{ type: "Denied", status: "True", reason: "No" }] } });

  const { certificate } = await sign(world, cluster, "csr-2");
  const issued = await world.run(() => getting);
  assert.equal(issued.certificate, certificate);
  assert.match(issued.key, /PRIVATE KEY/);
});

test("certificates are kept in dated files behind one link, and are used while they are valid", async () => {
  const { world } = await setUp();
  assert.equal(await readCurrent(world, folder, "kubelet-client"), undefined);
  const key = await world.crypto.generateKey("ecdsa-p256");
  const certificate = await issue(world, key.publicKey, "a");
  await storeCurrent(world, folder, "kubelet-client", { certificate, key: key.privateKey });
  assert.equal(await world.files.readLink(currentPath(folder, "kubelet-client")), `${folder}/kubelet-client-2026-01-01-00-00-00.pem`);
  assert.equal((await world.files.stat(currentPath(folder, "kubelet-client"), { follow: true }))?.mode, 0o600);
  const kept = await readCurrent(world, folder, "kubelet-client");
  assert.deepEqual([kept?.certificate.trim(), kept?.key.trim()], [certificate.trim(), key.privateKey.trim()]);

  const moment = renewalMoment(world, certificate) - world.clock.now();
  assert.ok(moment >= 7 * dayMilliseconds && moment <= 9 * dayMilliseconds, `${moment / dayMilliseconds} days`);
  await world.advance(11 * dayMilliseconds);
  assert.equal(await readCurrent(world, folder, "kubelet-client"), undefined);
});

test("a serving certificate made here is kept until the node's address changes", async () => {
  const { world } = await setUp();
  let addresses = ["10.0.0.1"];
  const options = { nodeName: "node-1", hostname: "node-1", addresses: () => addresses, certificateFolder: folder, bootstrap: false };
  const first = await servingTls(world, options);
  assert.deepEqual(world.crypto.readCertificate(first.certificate).ipAddresses, ["127.0.0.1", "10.0.0.1"]);
  assert.equal((await servingTls(world, options)).certificate, first.certificate);
  addresses = ["10.0.0.2"];
  assert.notEqual((await servingTls(world, options)).certificate, first.certificate);
});

test("a certificate that cannot be stored is used, and stored later, without another request", async () => {
  const { world, scope, cluster, client } = await setUp();
  const options = { nodeName: "node-1", hostname: "node-1", addresses: () => ["10.0.0.1"], certificateFolder: folder, bootstrap: true };
  const served: string[] = [];
  const listener = { reload: ({ certificate }: ServerTls) => served.push(certificate) } as unknown as Listener;
  const replace = world.files.replace.bind(world.files);
  let isFull = true;
  world.files.replace = async (...file) => {
    if (isFull) throw new Error("ENOSPC: no space left on device");
    return replace(...file);
  };
  rotateServingCertificate(scope, world, client, listener, { certificate: "", key: "" }, options);
  const { certificate } = await sign(world, cluster, "csr-1");
  await world.advance(600_000);
  assert.equal(served.at(-1)?.trim(), certificate.trim());
  assert.equal(await readCurrent(world, folder, "kubelet-server"), undefined);
  isFull = false;
  await world.advance(61_000);
  assert.equal((await readCurrent(world, folder, "kubelet-server"))?.certificate.trim(), certificate.trim());
  assert.equal(cluster.get(CertificateSigningRequest, "csr-2"), undefined);
  await scope.stop();
});

test("the cluster's serving certificate is replaced before it ends, and when this machine has another address", async () => {
  const { world, scope, cluster, client } = await setUp();
  let addresses = ["10.0.0.1"];
  const options = { nodeName: "node-1", hostname: "node-1", addresses: () => addresses, certificateFolder: folder, bootstrap: true };
  const served: string[] = [];
  const listener = { reload: ({ certificate }: ServerTls) => served.push(certificate) } as unknown as Listener;
  rotateServingCertificate(scope, world, client, listener, { certificate: "", key: "" }, options);
  /** Signs the next request, and gives the addresses that it asked for. */
  const signed = async (name: string) => {
    const { certificate, ipAddresses } = await sign(world, cluster, name);
    await world.runUntil(() => served.at(-1)?.trim() === certificate.trim());
    return ipAddresses;
  };
  assert.deepEqual(await signed("csr-1"), ["10.0.0.1"]);
  await world.advance(3_600_000);
  assert.equal(cluster.get(CertificateSigningRequest, "csr-2"), undefined);
  addresses = ["10.0.0.2"];
  const before = world.clock.now();
  assert.deepEqual(await signed("csr-2"), ["10.0.0.2"]);
  assert.ok(world.clock.now() - before < 60_000);
  const issuedAt = world.clock.now();
  assert.deepEqual(await signed("csr-3"), ["10.0.0.2"]);
  const days = (world.clock.now() - issuedAt) / dayMilliseconds;
  assert.ok(days > 6.9 && days < 9.1, `after ${days} days`);
  await scope.stop();
});
