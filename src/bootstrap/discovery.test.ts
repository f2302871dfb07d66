import assert from "node:assert/strict";
import { test } from "node:test";
import { clusterInfoSignatures } from "#api/core/secret/bootstrap-token.ts";
import { nodeWorld } from "#platform/node/world.ts";
import { readYaml } from "#wire/yaml/yaml.ts";
import { believe, caHash } from "./discovery.ts";
import { joiningAddOns } from "./joining.ts";
import { BootstrapError, type ClusterSettings } from "./layout.ts";

const world = nodeWorld({ logLevel: "error" });
const token = { id: "abcdef", secret: "0123456789abcdef" };
const address = "192.168.51.10:6443";
const settings: ClusterSettings = {
  nodeName: "node-1",
  nodeAddress: "192.168.51.10",
  podRange: "10.244.0.0/16",
  nodePodRange: "10.244.0.0/24",
  serviceRange: "10.96.0.0/12",
  domain: "cluster.local",
  store: "disk",
};

async function authority(): Promise<string> {
  const { publicKey, privateKey } = await world.crypto.generateKey("ecdsa-p256");
  const subject = { commonName: "kubernetes" };
  return world.crypto.issueCertificate({ subject, publicKey, signingKey: privateKey, isCa: true, notBefore: 0, notAfter: 4e12 });
}

function infoOf(ca: string): Readonly<Record<string, string>> {
  const info = joiningAddOns(settings, ca).find(({ object }) => object.metadata.name === "cluster-info");
  return info?.object["data"] as Readonly<Record<string, string>>;
}

test("a cluster is believed when it knows the token and has the authority that was named", async () => {
  const [ca, another] = [await authority(), await authority()];
  const info = infoOf(ca);
  const signed = { ...info, ...clusterInfoSignatures(info["kubeconfig"] as string, [token]) };
  const caHashes = [caHash(world, ca)];
  assert.match(caHashes[0] as string, /^sha256:[0-9a-f]{64}$/);
  assert.deepEqual(believe(world, signed, { address, token, caHashes }), { server: `https://${address}`, ca });

  const refused = (data: Readonly<Record<string, string>>, hashes: readonly string[], why: RegExp) =>
    assert.throws(
      () => believe(world, data, { address, token, caHashes: hashes }),
      (error) => error instanceof BootstrapError && why.test(error.message),
    );
  refused(info, caHashes, /does not know the token abcdef/);
  refused({ ...signed, kubeconfig: infoOf(another)["kubeconfig"] as string }, caHashes, /does not know the secret part/);
  refused(signed, [caHash(world, another)], /and not the one that was given/);
  refused({}, caHashes, /does not know the token/);
  const nothing = { kubeconfig: "clusters: []" };
  refused({ ...nothing, ...clusterInfoSignatures(nothing.kubeconfig, [token]) }, caHashes, /names no server or no authority/);
});

test("what a joining node needs is kept under kubeadm's names", () => {
  const named = (name: string) => joiningAddOns(settings, "CA").find(({ object }) => object.metadata.name === name)?.object;
  const dataOf = (name: string) => (named(name)?.["data"] ?? {}) as Readonly<Record<string, string>>;
  const cluster = readYaml(dataOf("kubeadm-config")["ClusterConfiguration"] ?? "");
  assert.deepEqual((cluster as { networking: object }).networking, {
    dnsDomain: "cluster.local",
    podSubnet: "10.244.0.0/16",
    serviceSubnet: "10.96.0.0/12",
  });
  const kubelet = readYaml(dataOf("kubelet-config")["kubelet"] ?? "") as Readonly<Record<string, unknown>>;
  assert.equal(kubelet["serverTLSBootstrap"], true);
  assert.equal(kubelet["tlsCertFile"], undefined);
  for (const name of ["kubeadm:kubelet-bootstrap", "kubeadm:node-autoapprove-bootstrap", "kubeadm:bootstrap-signer-clusterinfo"])
    assert.ok(named(name), name);
});
