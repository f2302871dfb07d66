// Two API servers at one etcd, with real kubectl: what is written at one is read at the other, watches go on there, the `kubernetes` Service
// has both while both live, and neither minds an etcd that goes away for a while. And what lies in etcd is what upstream's API server reads.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Endpoints } from "#api/core/endpoints/endpoints.ts";
import { Deployment } from "#api/apps/deployment/deployment.ts";
import { kubeconfigText } from "#component/kubeconfig.ts";
import { readProtobuf, unwrapUnknown } from "#schema/derive/protobuf.ts";
import { cannotRunEtcd, type Etcd, startEtcd } from "../support/etcd.ts";
import { findKubectl, type Kubectl, kubectlAt } from "../support/kubectl.ts";
import { ApiClient } from "../torture/api-client.ts";
import { ApiServerProcess, type ServerPlace, serverPlace } from "../torture/api-server-process.ts";

const found = findKubectl();
const skip = cannotRunEtcd() || ("missing" in found ? found.missing : false);
const kubectlPath = "path" in found ? found.path : "";
const timeout = 120_000;

interface Server {
  readonly place: ServerPlace;
  readonly client: ApiClient;
  readonly kubectl: Kubectl;
  process: ApiServerProcess;
}

let folder = "";
let etcd: Etcd;
const servers: Server[] = [];

before(async () => {
  if (skip) return;
  folder = mkdtempSync(join(tmpdir(), "keelson-api-servers-"));
  etcd = await startEtcd({ tls: true });
  const { ca, certificate, key } = etcd.tlsFiles as NonNullable<Etcd["tlsFiles"]>;
  const store = [
    `--etcd-servers=${etcd.endpoints.join(",")}`,
    `--etcd-cafile=${ca}`,
    `--etcd-certfile=${certificate}`,
    `--etcd-keyfile=${key}`,
  ];
  for (const address of ["192.0.2.1", "192.0.2.2"]) {
    const place = await serverPlace(join(folder, address), [...store, `--advertise-address=${address}`]);
    const client = new ApiClient(place, 16);
    const config = { name: "test", user: "admin", server: `https://127.0.0.1:${place.port}`, ca: place.credentials.ca };
    const kubeconfig = join(folder, address, "kubeconfig");
    writeFileSync(kubeconfig, kubeconfigText({ ...config, certificate: place.credentials.cert, key: place.credentials.key }), {
      mode: 0o600,
    });
    const kubectl = kubectlAt(kubectlPath, kubeconfig, folder);
    servers.push({ place, client, kubectl, process: new ApiServerProcess(place, client.agent) });
  }
  await Promise.all(servers.map((server) => server.process.ready()));
});

after(async () => {
  for (const { client, process } of servers) {
    client.close();
    await process.kill();
  }
  await etcd?.stop();
  if (folder !== "") rmSync(folder, { recursive: true, force: true });
});

const [a, b] = [() => servers[0] as Server, () => servers[1] as Server];
const configMaps = "/api/v1/namespaces/default/configmaps";

async function until<T>(what: string, look: () => Promise<T | undefined | false>, seconds = 40): Promise<T> {
  for (const limit = performance.now() + seconds * 1_000; ; await pause(100)) {
    const seen = await look().catch(() => undefined);
    if (seen) return seen;
    assert.ok(performance.now() < limit, `${what} within ${seconds} s`);
  }
}

test("what is written at one server is read at the other at once", { skip, timeout }, async () => {
  for (let at = 0; at < 40; at++) {
    const [writer, reader] = at % 2 === 0 ? [a(), b()] : [b(), a()];
    const made = await writer.client.ask("POST", configMaps, { metadata: { name: `c${at}` }, data: { at: String(at) } });
    assert.equal(made.status, 201);
    const list = (await reader.client.ask("GET", configMaps)).json as { items: { metadata: { name: string } }[] };
    assert.ok(
      list.items.some(({ metadata }) => metadata.name === `c${at}`),
      `a list at the other server has c${at}`,
    );
    const one = await reader.client.ask("GET", `${configMaps}/c${at}`);
    assert.deepEqual(one.json, made.json);
  }
});

test("kubectl: kinds, custom resources and their definitions, at either server", { skip, timeout }, async () => {
  const good = async (kubectl: Kubectl, line: string, input = "") => {
    const ran = await kubectl(line, { input });
    assert.equal(ran.code, 0, `${line}: ${ran.text}`);
    return ran.out;
  };
  await good(a().kubectl, "create namespace shop");
  await good(b().kubectl, "-n shop create deployment web --image=registry.local/web:1 --replicas=2");
  await good(a().kubectl, "-n shop scale deployment web --replicas=5");
  assert.equal(await good(b().kubectl, "-n shop get deployment web -o jsonpath={.spec.replicas}"), "5");
  const definition = {
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: "widgets.example.com" },
    spec: {
      group: "example.com",
      names: { plural: "widgets", singular: "widget", kind: "Widget", listKind: "WidgetList" },
      scope: "Namespaced",
      versions: [
        {
          name: "v1",
          served: true,
          storage: true,
          schema: {
            openAPIV3Schema: { type: "object", properties: { spec: { type: "object", properties: { size: { type: "integer" } } } } },
          },
        },
      ],
    },
  };
  await good(a().kubectl, "apply -f -", JSON.stringify(definition));
  const widget = { apiVersion: "example.com/v1", kind: "Widget", metadata: { name: "w", namespace: "shop" }, spec: { size: 3 } };
  await until("the other server serves it", async () => (await b().kubectl("apply -f -", { input: JSON.stringify(widget) })).code === 0);
  assert.equal(await good(a().kubectl, "-n shop get widget w -o jsonpath={.spec.size}"), "3");
});

test("what lies in etcd is what upstream's API server writes there", { skip, timeout }, async () => {
  const { ca, certificate, key } = etcd.tlsFiles as NonNullable<Etcd["tlsFiles"]>;
  const read = (name: string): Buffer => {
    const body = JSON.stringify({ key: Buffer.from(name).toString("base64") });
    const words = ["-s", "--cacert", ca, "--cert", certificate, "--key", key, `${etcd.endpoints[0]}/v3/kv/range`, "-d", body];
    const { kvs = [] } = JSON.parse(execFileSync("curl", words, { encoding: "utf8" })) as { kvs?: { value: string }[] };
    assert.equal(kvs.length, 1, `${name} is there`);
    return Buffer.from(kvs[0]?.value ?? "", "base64");
  };
  const stored = unwrapUnknown(read("/registry/deployments/shop/web"));
  assert.deepEqual([stored.apiVersion, stored.kind], ["apps/v1", "Deployment"]);
  const object = readProtobuf(Deployment.message, stored.raw, { apiVersion: "apps/v1", kind: "Deployment" });
  assert.equal(object.spec.replicas, 5);
  assert.equal(object.metadata.resourceVersion, undefined);
  const custom = JSON.parse(read("/registry/example.com/widgets/shop/w").toString()) as { kind: string; spec: object };
  assert.deepEqual([custom.kind, custom.spec], ["Widget", { size: 3 }]);
  unwrapUnknown(read("/registry/services/specs/default/kubernetes"));
  const lease = unwrapUnknown(read("/registry/masterleases/192.0.2.1"));
  assert.deepEqual(readProtobuf(Endpoints.message, lease.raw).subsets, [{ addresses: [{ ip: "192.0.2.1" }] }]);
});

test("each server has its identity Lease, and the kubernetes Service both addresses", { skip, timeout }, async () => {
  const leases = await a().kubectl("-n kube-system get leases -l apiserver.kubernetes.io/identity=kube-apiserver -o name");
  assert.equal(leases.out.split("\n").length, 2, leases.text);
  const addresses = async () => (await b().kubectl("get endpoints kubernetes -o jsonpath={.subsets[*].addresses[*].ip}")).out;
  await until("both are endpoints", async () => (await addresses()) === "192.0.2.1 192.0.2.2");
});

test("a watch begun at a server that is killed goes on at the other, with nothing missing or twice", { skip, timeout }, async () => {
  const list = (await a().client.ask("GET", `${configMaps}?limit=1`)).json as { metadata: { resourceVersion: string } };
  let version = list.metadata.resourceVersion;
  const seen: string[] = [];
  let ended: (() => void) | undefined;
  const follow = ({ client }: Server) => {
    const path = `${configMaps}?watch=1&resourceVersion=${version}`;
    return client.follow(path, {
      status: () => {},
      line: (line) => {
        const { type, object } = line as { type: string; object: { metadata: { name: string; resourceVersion: string } } };
        if (type === "ADDED") seen.push(object.metadata.name);
        version = object.metadata.resourceVersion;
      },
      ended: () => ended?.(),
    });
  };
  const written: string[] = [];
  const write = async (client: ApiClient, count: number) => {
    for (let at = 0; at < count; at++) {
      const name = `w${written.length}`;
      assert.equal((await client.ask("POST", configMaps, { metadata: { name } })).status, 201);
      written.push(name);
    }
  };
  const broken = new Promise<void>((resolve) => {
    ended = resolve;
  });
  follow(a());
  await write(b().client, 50);
  await a().process.kill();
  await broken;
  ended = undefined;
  await write(b().client, 50);
  const stop = follow(b());
  await write(b().client, 50);
  await until("everything was seen", async () => seen.length >= written.length);
  stop();
  assert.deepEqual(seen, written);
  const addresses = async () => (await b().kubectl("get endpoints kubernetes -o jsonpath={.subsets[*].addresses[*].ip}")).out;
  await until("who is dead is no endpoint", async () => (await addresses()) === "192.0.2.2");
});

test("an etcd that goes away and comes back: reads say so or wait, nothing is lost, no server ends", { skip, timeout }, async () => {
  const [member] = etcd.members;
  assert.ok(member);
  await member.kill();
  const refused = await b().client.ask("POST", configMaps, { metadata: { name: "meanwhile" } });
  assert.ok(refused.status >= 500, `${refused.status}`);
  await pause(3_000);
  assert.equal(b().process.failure, undefined);
  await member.start();
  await until("writes are taken again", async () => {
    const { status } = await b().client.ask("POST", configMaps, { metadata: { name: "afterwards" } });
    return status === 201 || status === 409;
  });
  const list = (await b().client.ask("GET", configMaps)).json as { items: { metadata: { name: string } }[] };
  const names = new Set(list.items.map(({ metadata }) => metadata.name));
  for (const name of ["c0", "c39", "w0", "w149", "afterwards"]) assert.ok(names.has(name), name);
});
