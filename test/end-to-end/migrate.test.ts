// keelson store migrate with a real etcd: embedded → etcd → embedded, seen with kubectl and with etcd's own tools.
import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { promisify } from "node:util";
import { ask, type DevProcess, startDevProcess } from "../support/dev-process.ts";
import { startApiServerProcess } from "../support/api-server-process.ts";
import { startEtcd as startMembers } from "../support/etcd.ts";
import { keelson } from "../support/keelson.ts";
import { findKubectl, kubectlAt } from "../support/kubectl.ts";

const run = promisify(execFile);
const found = findKubectl();
const isThere = (program: string) => spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;
const missing = ["etcd", "etcdctl"].filter((program) => !isThere(program));
const skip =
  missing.length > 0
    ? `there is no ${missing.join(" and no ")} (Debian: etcd-server, etcd-client)`
    : "missing" in found
      ? found.missing
      : false;
const folder = mkdtempSync(join(tmpdir(), "keelson-migrate-"));
const at = (name: string) => join(folder, name);
let server: DevProcess | undefined;
let etcd: ChildProcess | undefined;
after(async () => {
  await server?.kill("SIGKILL");
  etcd?.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

async function dev(data: string): Promise<DevProcess> {
  server = await startDevProcess(folder, { more: ["--nodes", "0", "--data-dir", at(data)] });
  return server;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const listener = createServer().listen(0, "127.0.0.1", () => {
      const { port } = listener.address() as AddressInfo;
      listener.close(() => resolve(port));
    });
  });
}

/** Starts etcd on the folder; resolves with its address once it answers. */
async function startEtcd(data: string): Promise<string> {
  const [client, peer] = [`http://127.0.0.1:${await freePort()}`, `http://127.0.0.1:${await freePort()}`];
  const flags = { "data-dir": at(data), "listen-client-urls": client, "advertise-client-urls": client, "listen-peer-urls": peer };
  etcd = spawn(
    "etcd",
    Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]),
    { stdio: "ignore" },
  );
  for (let tries = 0; ; tries++) {
    const answered = await etcdctl(client, "endpoint", "health").catch((error: Error) => error);
    if (typeof answered === "string") return client;
    assert.equal(etcd.exitCode, null, `etcd ended: ${answered.message}`);
    assert.ok(tries < 100, `etcd does not answer: ${answered.message}`);
  }
}

async function etcdctl(address: string, ...words: string[]): Promise<string> {
  const env = { ...process.env, ETCDCTL_API: "3" };
  const { stdout } = await run("etcdctl", ["--endpoints", address, "--command-timeout", "1s", ...words], { env, maxBuffer: 2 ** 28 });
  return stdout;
}

test("embedded to etcd and back: every key keeps its revisions, and kubectl prints the same, byte for byte", { skip }, async () => {
  if ("missing" in found) return;
  const line =
    "get configmaps,serviceaccounts,services,namespaces,clusterroles,priorityclasses,deployments,events -A -o yaml --show-managed-fields";
  const first = await dev("embedded");
  const maps = "/api/v1/namespaces/default/configmaps";
  for (let count = 0; count < 300; count++)
    await ask(first, "POST", maps, { metadata: { name: `map-${count}` }, data: { text: "ö".repeat(count * 10) } });
  for (let count = 0; count < 50; count++) {
    await ask(first, "PATCH", `${maps}/map-${count}`, { data: { more: "x" } }, "application/merge-patch+json");
    await ask(first, "DELETE", `${maps}/map-${100 + count}`);
  }
  const about = { kind: "ConfigMap", namespace: "default", name: "map-1" };
  const event = await ask(first, "POST", "/api/v1/namespaces/default/events", {
    metadata: { name: "happened" },
    involvedObject: about,
    reason: "Test",
    type: "Normal",
  });
  assert.equal(event.status, 201);
  await ask(first, "POST", "/apis/apps/v1/namespaces/default/deployments", {
    metadata: { name: "web" },
    spec: {
      replicas: 0,
      selector: { matchLabels: { a: "b" } },
      template: { metadata: { labels: { a: "b" } }, spec: { containers: [{ name: "web", image: "nowhere/web" }] } },
    },
  });
  const early = await keelson("store", "migrate", "--from", at("embedded"), "--to", `etcd-snapshot:${at("early.db")}`);
  assert.match(early.text, /is in use\nStop the API server first/);
  await first.kill("SIGTERM");
  // What controllers do when they start is done twice, so that starting again changes nothing.
  await (await dev("embedded")).kill("SIGTERM");
  const before = readFileSync(at("embedded/store"));

  const out = await keelson("store", "migrate", "--from", at("embedded"), "--to", `etcd-snapshot:${at("etcd.db")}`);
  assert.match(out.text, /moved (\d+) keys at revision (\d+), read back and compared/);
  const [, keys, revision] = /moved (\d+) keys at revision (\d+)/.exec(out.text) as RegExpExecArray;
  assert.ok(before.equals(readFileSync(at("embedded/store"))), "the source is untouched");

  // With the digest checked: etcd's tools refuse a file whose end they do not believe.
  await etcdctl("", "snapshot", "restore", at("etcd.db"), "--data-dir", at("member"));
  const address = await startEtcd("member");
  const all = JSON.parse(await etcdctl(address, "get", "", "--prefix", "-w", "json"));
  assert.deepEqual([all.count, all.header.revision], [Number(keys), Number(revision)]);
  const patched = all.kvs.find((kv: any) => Buffer.from(kv.key, "base64").toString() === "/registry/configmaps/default/map-7");
  assert.equal(patched.version, 2);
  assert.ok(patched.mod_revision > patched.create_revision);
  const happened = all.kvs.find((kv: any) => Buffer.from(kv.key, "base64").toString().endsWith("/default/happened"));
  const lease = await etcdctl(address, "lease", "timetolive", BigInt(happened.lease).toString(16), "-w", "json");
  assert.ok(JSON.parse(lease).ttl > 3_000 && JSON.parse(lease).ttl <= 3_600, lease);

  const back = await keelson("store", "migrate", "--from", address, "--to", at("back"));
  assert.match(back.text, new RegExp(`moved ${keys} keys at revision ${revision}, read back`));
  const sum = (text: string) => /sha256 (\w+)/.exec(text)?.[1];
  assert.equal(sum(back.text), sum(out.text));
  const again = await keelson("store", "migrate", "--from", address, "--to", at("back"));
  assert.match(again.text, /holds a store already/);

  copyFileSync(at("embedded/certificates.json"), at("back/certificates.json"));
  const texts: string[] = [];
  for (const data of ["embedded", "back"]) {
    const started = await dev(data);
    texts.push((await kubectlAt(found.path, started.kubeconfig, folder)(line)).out);
    await started.kill("SIGTERM");
  }
  assert.ok((texts[0] ?? "").includes("name: map-299") && (texts[0] ?? "").includes("name: happened"));
  assert.equal(texts[1], texts[0]);

  // What etcd wrote by itself, with history and deletions in it, reads the same.
  const key = "/registry/configmaps/default/map-7";
  for (const value of ["one", "two"]) await etcdctl(address, "put", key, value);
  await etcdctl(address, "del", "/registry/configmaps/default/map-8");
  await etcdctl(address, "snapshot", "save", at("own.db"));
  const own = await keelson("store", "migrate", "--from", `etcd-snapshot:${at("own.db")}`, "--to", `etcd-snapshot:${at("copy.db")}`);
  assert.match(own.text, new RegExp(`moved ${Number(keys) - 1} keys at revision ${Number(revision) + 3}`));
});

test("an API server on what was moved from the other store: kubectl sees the same, byte for byte, and goes on", { skip }, async () => {
  if ("missing" in found) return;
  const line =
    "get configmaps,secrets,serviceaccounts,services,namespaces,clusterroles,clusterrolebindings,priorityclasses,deployments,events,customresourcedefinitions,gauges.example.test -A -o yaml --show-managed-fields";
  const made = await dev("first");
  const kubectl = kubectlAt(found.path, made.kubeconfig, folder);
  const schema = { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } };
  const versions = [{ name: "v1", served: true, storage: true, schema }];
  const names = { plural: "gauges", singular: "gauge", kind: "Gauge" };
  const objects = [
    {
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "gauges.example.test" },
      spec: { group: "example.test", scope: "Namespaced", names, versions },
    },
    { apiVersion: "v1", kind: "Secret", metadata: { name: "words" }, data: { a: "AAECAw==" } },
    { apiVersion: "v1", kind: "Service", metadata: { name: "web" }, spec: { ports: [{ port: 80 }], selector: { a: "b" } } },
    {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: "happened" },
      involvedObject: { kind: "Pod", namespace: "default", name: "x" },
      reason: "Test",
      type: "Normal",
    },
  ];
  for (const object of objects) {
    const ran = await kubectl("create -f -", { input: JSON.stringify(object) });
    assert.equal(ran.code, 0, ran.text);
  }
  assert.equal((await kubectl("create deployment web --image=nowhere/web --replicas=0")).code, 0);
  await kubectl("wait --for=condition=Established crd/gauges.example.test");
  const gauge = { apiVersion: "example.test/v1", kind: "Gauge", metadata: { name: "one" }, spec: { level: 0.5, big: 12345678901234 } };
  assert.equal((await kubectl("create -f -", { input: JSON.stringify(gauge) })).code, 0);
  await made.kill("SIGTERM");

  const port = await freePort();
  const seen = async (flags: string[], more?: (ask: (words: string) => Promise<string>) => Promise<void>): Promise<string> => {
    const api = await startApiServerProcess({ folder, certificates: at("first/certificates.json"), port, flags });
    try {
      const asked = async (words: string) => {
        const ran = await kubectl(`--server ${api.url} ${words}`);
        assert.equal(ran.code, 0, ran.text);
        return ran.out;
      };
      await more?.(asked);
      return await asked(line);
    } finally {
      await api.kill("SIGTERM");
    }
  };
  const moved = async (from: string, to: string) => {
    const ran = await keelson("store", "migrate", "--from", from, "--to", to);
    assert.equal(ran.code, 0, ran.text);
  };
  const embedded = await seen([`--data-dir=${at("first")}`], async (ask) => {
    assert.match(await ask("get --raw /metrics"), /^keelson_store_damaged 0$/m);
  });
  for (const text of ["name: words", "name: happened", "kind: Gauge", "big: 12345678901234"]) assert.ok(embedded.includes(text), text);

  await moved(at("first"), `etcd-snapshot:${at("first.db")}`);
  await etcdctl("", "snapshot", "restore", at("first.db"), "--data-dir", at("first-member"));
  etcd?.kill("SIGKILL");
  const address = await startEtcd("first-member");
  assert.equal(await seen([`--etcd-servers=${address}`]), embedded);

  // Written by the API server on etcd from here on, in the encoding of upstream.
  const changed = await seen([`--etcd-servers=${address}`], async (ask) => {
    await ask("label configmap,secret,service,deployment --all new=yes");
    await ask("create configmap late --from-literal=a=ö");
    await ask("label gauge one new=yes");
    await ask("delete service web");
  });
  assert.notEqual(changed, embedded);
  await moved(address, at("second"));
  assert.equal(await seen([`--data-dir=${at("second")}`]), changed);
});

test("an etcd of three members behind client certificates, one of them gone, is moved all the same", { skip }, async () => {
  const members = await startMembers({ members: 3, tls: true });
  try {
    const [first, second = "", third = ""] = members.endpoints;
    const { ca = "", certificate = "", key = "" } = members.tlsFiles ?? {};
    await etcdctl(second, "--cacert", ca, "--cert", certificate, "--key", key, "put", "/registry/configmaps/a/b", '{"kind":"ConfigMap"}');
    await members.members[0]?.kill();
    const words = ["store", "migrate", "--from", `${first},${second},${third}`, "--to"];
    const refused = await keelson(...words, at("stranger"), "--cacert", ca);
    assert.match(refused.text, /no etcd gives its snapshot: [^]*Check the addresses, and --cacert, --cert and --key/);
    const ended = await keelson(...words, at("from members"), "--cacert", ca, "--cert", certificate, "--key", key);
    assert.match(ended.text, /moved 1 keys at revision 2, read back and compared/);
  } finally {
    await members.stop();
  }
});

test("what cannot be moved is refused, and leaves nothing behind", async () => {
  const migrate = (from: string, to: string) => keelson("store", "migrate", "--from", from, "--to", to);
  writeFileSync(at("rubbish"), "rubbish ".repeat(10_000));
  writeFileSync(at("short"), "");
  for (const [from, to, wanted] of [
    [`etcd-snapshot:${at("rubbish")}`, at("none"), /it is no bbolt file, or its start is damaged/],
    [`etcd-snapshot:${at("short")}`, at("none"), /it is no bbolt file/],
    [`etcd-snapshot:${at("nothing")}`, at("none"), /there is no such place/],
    [at("nowhere"), at("none"), /there is no store in/],
    ["http://127.0.0.1:1", at("none"), /no etcd gives its snapshot: http:\/\/127.0.0.1:1: /],
    [at("nowhere"), "https://127.0.0.1:2379", /cannot take a cluster as it is\nUse --to etcd-snapshot:FILE/],
  ] as const) {
    const { code, text } = await migrate(from, to);
    assert.equal(code, 1, text);
    assert.match(text, wanted);
    assert.ok(!existsSync(at("none/store")));
  }
});
