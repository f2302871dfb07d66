import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigMap } from "#api/core/config-map/config-map.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { Secret } from "#api/core/secret/secret.ts";
import { Service } from "#api/core/service/service.ts";
import { complete } from "#schema/derive/defaults.ts";
import type { Draft } from "#schema/message.ts";
import { normalName } from "../images/image-puller.ts";
import { registryOf } from "../images/registry-auth.ts";
import { BackOffs, limitsUpTo, ordinaryLimits } from "./back-off.ts";
import { containerConfig } from "./container-config.ts";
import { environmentOf, type EnvironmentSources } from "./environment.ts";
import { variableOf } from "./environment-file.ts";
import { expand } from "./expansion.ts";
import { fieldValue } from "./field-paths.ts";
import { linuxResources, oomScore, sharesOf } from "./resources.ts";
import { dnsOf, hostnameOf, readResolver, sandboxConfig } from "./sandbox-config.ts";

type Containers = Draft<Pod["spec"]["containers"]>;

function newPod(container: Containers[number] = {}, spec: Draft<Pod["spec"]> = {}): Pod {
  const labels = { app: "web" };
  return complete(Pod, {
    metadata: { name: "web", namespace: "shop", uid: "u1", labels },
    spec: { containers: [{ name: "main", image: "busybox:1", ...container }], ...spec },
  });
}

const sources: EnvironmentSources = {
  podIPs: ["10.0.0.2"],
  hostIPs: ["192.168.0.1"],
  allocatable: { cpu: "4", memory: "8Gi", "ephemeral-storage": "10Gi" },
  services: [],
  file: async (volume, path) =>
    volume === "files" && path === "a.env" ? "# first\nA='one'\nB='two\nlines' # both\nC= x\nD = 'no'\n" : undefined,
  warn: () => {},
  configMap: async (name) =>
    name === "settings" ? complete(ConfigMap, { metadata: { name }, data: { colour: "blue", __proto__x: "y" } }) : undefined,
  secret: async (name) => (name === "token" ? complete(Secret, { metadata: { name }, data: { key: "c2VjcmV0" } }) : undefined),
};

async function environment(container: Containers[number], more: Partial<EnvironmentSources> = {}): Promise<Record<string, string>> {
  const pod = newPod(container);
  const [main] = pod.spec.containers;
  assert.ok(main);
  return Object.fromEntries(await environmentOf(pod, main, { ...sources, ...more }));
}

test("$(NAME) is replaced where known, $$ is a dollar, the rest is kept", () => {
  const valueOf = (name: string) => ({ A: "1" })[name];
  for (const [given, wanted] of [
    ["$(A)-$(B)", "1-$(B)"],
    ["$$(A)", "$(A)"],
    ["$A $", "$A $"],
    ["$(A", "$(A"],
    ["$$$(A)", "$1"],
  ])
    assert.equal(expand(given as string, valueOf), wanted);
});

test("variables come from values, fields, amounts, ConfigMaps and Secrets, and refer to earlier ones", async () => {
  assert.deepEqual(
    await environment({
      envFrom: [{ prefix: "P_", configMapRef: { name: "settings" } }, { secretRef: { name: "none", optional: true } }],
      env: [
        { name: "IP", valueFrom: { fieldRef: { fieldPath: "status.podIP" } } },
        { name: "APP", valueFrom: { fieldRef: { fieldPath: "metadata.labels['app']" } } },
        { name: "DISK", valueFrom: { resourceFieldRef: { resource: "limits.ephemeral-storage", divisor: "1Gi" } } },
        { name: "CPUS", valueFrom: { resourceFieldRef: { resource: "limits.cpu" } } },
        { name: "KEY", valueFrom: { secretKeyRef: { name: "token", key: "key" } } },
        { name: "BOTH", value: "$(IP):$(KEY)" },
      ],
    }),
    { P_colour: "blue", P___proto__x: "y", IP: "10.0.0.2", APP: "web", DISK: "10", CPUS: "4", KEY: "secret", BOTH: "10.0.0.2:secret" },
  );
});

test("labels and annotations are quoted as Go quotes them, sorted by name", () => {
  const annotations = { b: 'two\nlines "said" \\ \u0007', a: "é ☕ 🙂\u00a0\u200b\u007f" };
  const pod = complete(Pod, { metadata: { name: "web", annotations }, spec: { containers: [{ name: "main", image: "x" }] } });
  assert.equal(fieldValue(pod, "metadata.annotations", sources), 'a="é ☕ 🙂\\u00a0\\u200b\\x7f"\nb="two\\nlines \\"said\\" \\\\ \\a"');
});

test("what is missing is said in upstream's words", async () => {
  const from = (valueFrom: object) => environment({ env: [{ name: "X", valueFrom }] });
  await assert.rejects(from({ configMapKeyRef: { name: "none", key: "a" } }), { message: 'configmap "none" not found' });
  await assert.rejects(from({ configMapKeyRef: { name: "settings", key: "a" } }), {
    message: "couldn't find key a in ConfigMap shop/settings",
  });
  await assert.rejects(from({ secretKeyRef: { name: "token", key: "toString" } }), {
    message: "couldn't find key toString in Secret shop/token",
  });
  assert.deepEqual(await from({ secretKeyRef: { name: "none", key: "a", optional: true } }), {});
});

test("variables come from files too, in single quotes", async () => {
  const from = (key: string, more: object = {}) =>
    environment({ env: [{ name: "X", valueFrom: { fileKeyRef: { volumeName: "files", path: "a.env", key, ...more } } }] });
  assert.deepEqual(await from("A"), { X: "one" });
  assert.deepEqual(await from("B"), { X: "two\nlines" });
  assert.deepEqual(await from("C"), { X: "" });
  await assert.rejects(from("D"), {
    message: "couldn't parse env file: invalid environment variable format at line 6: whitespace before '=' is not allowed",
  });
  assert.equal(variableOf("A='1'\n", "B"), undefined);
  for (const [text, what] of [
    ["A", /missing '='/],
    ["A=x", /single quotes/],
    ["A='x", /unclosed/],
    ["A='x'y", /after closing quote/],
    ["='x'", /empty variable name/],
  ] as const)
    assert.throws(() => variableOf(text, "A"), what);
  assert.deepEqual(await from("A", { path: "b.env", optional: true }), {});
  await assert.rejects(from("A", { path: "b.env" }), { message: "couldn't parse env file" });
});

test("names that no environment can hold are left out, and said; prefixes may be anything else", async () => {
  const warnings: string[] = [];
  const configMap = async (name: string) => complete(ConfigMap, { metadata: { name }, data: { "a=b": "1", "1 c": "2" } });
  const found = await environment(
    { envFrom: [{ prefix: "-x.", configMapRef: { name: "odd" } }] },
    { configMap, warn: (reason, message) => warnings.push(`${reason}: ${message}`) },
  );
  assert.deepEqual(found, { "-x.1 c": "2" });
  assert.deepEqual(warnings, [
    "InvalidEnvironmentVariableNames: Keys [-x.a=b] from the EnvFrom configMap shop/odd were skipped since they are considered invalid environment variable names.",
  ]);
});

test("Services of the namespace, and the API server's, are told", async () => {
  const service = (namespace: string, name: string, clusterIP: string) =>
    complete(Service, { metadata: { namespace, name }, spec: { clusterIP, ports: [{ name: "http", port: 80 }] } });
  const services = [
    service("shop", "data-base", "10.96.0.9"),
    service("other", "x", "10.96.0.8"),
    service("default", "kubernetes", "10.96.0.1"),
  ];
  const found = await environment({}, { services });
  assert.equal(found["DATA_BASE_SERVICE_HOST"], "10.96.0.9");
  assert.equal(found["DATA_BASE_PORT_80_TCP"], "tcp://10.96.0.9:80");
  assert.equal(found["KUBERNETES_SERVICE_PORT_HTTP"], "80");
  assert.equal(found["X_SERVICE_HOST"], undefined);
});

test("resolv.conf follows dnsPolicy", () => {
  const options = { clusterDns: ["10.96.0.10"], clusterDomain: "cluster.local" };
  const node = readResolver("# local\nsearch lan .\nnameserver 192.168.0.53\noptions rotate\n");
  const dns = (pod: Pod) => dnsOf(pod, options, node).resolver;
  assert.deepEqual(dns(newPod()), {
    servers: ["10.96.0.10"],
    searches: ["shop.svc.cluster.local", "svc.cluster.local", "cluster.local", "lan"],
    options: ["ndots:5"],
  });
  assert.deepEqual(dns(newPod({}, { hostNetwork: true })), node);
  assert.deepEqual(dns(newPod({}, { hostNetwork: true, dnsPolicy: "ClusterFirstWithHostNet" })).servers, ["10.96.0.10"]);
  assert.deepEqual(dns(newPod({}, { dnsPolicy: "Default" })), node);
  assert.deepEqual(dnsOf(newPod({}, { dnsPolicy: "Default" }), options, readResolver("")).resolver.servers, ["127.0.0.1"]);
  const dnsConfig = { nameservers: ["1.1.1.1"], options: [{ name: "ndots", value: "2" }] };
  assert.deepEqual(dns(newPod({}, { dnsPolicy: "None", dnsConfig })), {
    servers: ["1.1.1.1"],
    searches: [],
    options: ["ndots:2"],
  });
});

test("what resolvers do not read is left out, and said", () => {
  const options = { clusterDns: ["10.96.0.10"], clusterDomain: "cluster.local" };
  const dnsConfig = { nameservers: ["1.1.1.1", "2.2.2.2", "3.3.3.3"], searches: Array.from({ length: 40 }, (_, index) => `s${index}`) };
  const { resolver, warnings } = dnsOf(newPod({}, { dnsConfig }), options, readResolver(""));
  assert.deepEqual(resolver.servers, ["10.96.0.10", "1.1.1.1", "2.2.2.2"]);
  assert.equal(resolver.searches.length, 32);
  assert.deepEqual(
    warnings.map(({ reason, message }) => `${reason}: ${message.split(", ")[0]}`),
    ["DNSConfigForming: Nameserver limits were exceeded", "DNSConfigForming: Search Line limits were exceeded"],
  );
  const long = { searches: Array.from({ length: 20 }, (_, index) => `${"x".repeat(198)}${index % 10}`) };
  assert.ok(dnsOf(newPod({}, { dnsConfig: long }), options, readResolver("")).resolver.searches.join(" ").length <= 2048);
  const without = dnsOf(newPod(), { ...options, clusterDns: [] }, readResolver("nameserver 9.9.9.9"));
  assert.deepEqual(without.resolver.servers, ["9.9.9.9"]);
  assert.deepEqual(
    without.warnings.map(({ reason }) => reason),
    ["MissingClusterDNS"],
  );
});

test("a full host name has at most 64 characters", () => {
  const spec = { hostname: "a".repeat(40), subdomain: "s", setHostnameAsFQDN: true };
  assert.throws(() => hostnameOf(newPod({}, spec), { clusterDomain: "cluster.local" }), {
    message: `failed to construct FQDN from pod hostname and cluster domain, FQDN ${"a".repeat(40)}.s.shop.svc.cluster.local is too long (64 characters is the max, 65 characters requested)`,
  });
  assert.equal(hostnameOf(newPod({}, { ...spec, hostname: "a" }), { clusterDomain: "c" }), "a.s.shop.svc.c");
});

test("a sandbox on the node's network has no host name and no port mappings", () => {
  const context = {
    options: { podLogsFolder: "/var/log/pods", clusterDomain: "c" } as never,
    resolver: readResolver(""),
    cgroupParent: "/kubepods",
  };
  const ports = [{ containerPort: 80, hostPort: 8080 }];
  const own = sandboxConfig(newPod({ ports }), 0, { ...context, options: { ...(context.options as object), clusterDns: [] } as never });
  assert.deepEqual([own.hostname, own.ports.length, own.namespaces.network], ["web", 1, "pod"]);
  const host = sandboxConfig(newPod({ ports }, { hostNetwork: true }), 0, {
    ...context,
    options: { ...(context.options as object), clusterDns: [] } as never,
  });
  assert.deepEqual([host.hostname, host.ports.length, host.namespaces.network], ["", 0, "node"]);
  assert.equal(own.logFolder, "/var/log/pods/shop_web_u1");
  assert.equal(hostnameOf(newPod({}, { hostname: "a".repeat(62) + "-b" }), { clusterDomain: "c" }), "a".repeat(62));
});

test("amounts become shares, quota, bytes and an OOM score", () => {
  const pod = newPod({ resources: { requests: { cpu: "250m", memory: "1Gi" }, limits: { cpu: "500m", memory: "2Gi" } } });
  const [main] = pod.spec.containers;
  assert.ok(main);
  assert.deepEqual(linuxResources(pod, main, { memoryBytes: 4 * 2 ** 30 }), {
    cpuShares: 256,
    cpuPeriod: 100_000,
    cpuQuota: 50_000,
    memoryLimitBytes: 2 * 2 ** 30,
    oomScoreAdjustment: 750,
  });
  assert.equal(sharesOf(0), 2);
  const shared = newPod({}, { resources: { limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "500m", memory: "1Gi" } } });
  const inherited = linuxResources(shared, shared.spec.containers[0] as never, { memoryBytes: 4 * 2 ** 30 });
  assert.deepEqual(
    [inherited.cpuQuota, inherited.memoryLimitBytes, inherited.oomScoreAdjustment],
    [100_000, 2 ** 30, 750],
    "limits of the Pod as a whole hold for a container without its own, and its share of the request counts",
  );
  const sidecar = { name: "side", image: "i", restartPolicy: "Always" } as const;
  const beside = newPod({ resources: { requests: { memory: "1Gi" } } }, { initContainers: [sidecar] });
  assert.equal(oomScore(beside, beside.spec.initContainers?.[0] as never, 4 * 2 ** 30), 750, "a sidecar as late as what needs it");
  const swap = (isLimited: boolean, one = beside) =>
    linuxResources(one, one.spec.containers[0] as never, { memoryBytes: 4 * 2 ** 30, swap: { bytes: 2 ** 30, isLimited } }).unified;
  assert.deepEqual(swap(false), { "memory.swap.max": "0" });
  assert.deepEqual(swap(true), { "memory.swap.max": String(2 ** 28) }, "a quarter of the memory, a quarter of the swap");
  assert.deepEqual(swap(true, newPod()), { "memory.swap.max": "0" });
  const huge = newPod({ resources: { limits: { "hugepages-2Mi": "4Mi", cpu: "1" }, requests: { "hugepages-2Mi": "4Mi" } } });
  assert.deepEqual(linuxResources(huge, huge.spec.containers[0] as never, { memoryBytes: 1e9 }).hugepages, [
    { pageSize: "2MB", limitBytes: 4_194_304 },
  ]);
  const none = newPod();
  assert.equal(oomScore(none, none.spec.containers[0] as never, 1), 1000);
});

test("a container that must not run as root is refused when it would", () => {
  const image = { id: "sha256:1", tags: [], digests: [], sizeBytes: 1, uid: undefined, userName: "", pinned: false };
  const facts = {
    attempt: 0,
    image,
    environment: new Map([["A", "1"]]),
    mounts: [],
    resources: {},
    seccomp: { folder: "/seccomp", isDefault: false },
  };
  const config = (securityContext: object, uid?: number) => {
    const pod = newPod({ securityContext, command: ["run", "$(A)"] });
    return containerConfig(pod, pod.spec.containers[0] as never, { ...facts, image: { ...image, uid } });
  };
  assert.throws(() => config({ runAsNonRoot: true }), {
    message: 'container has runAsNonRoot and image will run as root (pod: "web_shop(u1)", container: main)',
  });
  assert.throws(() => config({ runAsNonRoot: true, runAsUser: 0 }), /container's runAsUser breaks non-root policy/);
  assert.equal(config({ runAsNonRoot: true }, 1000).security.runAsUser, 1000);
  const hard = config({ allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] }, seccompProfile: { type: "RuntimeDefault" } });
  assert.deepEqual(
    [hard.security.noNewPrivileges, hard.security.dropCapabilities, hard.security.seccomp?.type],
    [true, ["ALL"], "runtime-default"],
  );
  assert.deepEqual(hard.command, ["run", "1"]);
  assert.deepEqual(config({ privileged: true }).security.maskedPaths, []);
  assert.equal(config({}).security.seccomp?.type, "unconfined");
  const local = config({ seccompProfile: { type: "Localhost", localhostProfile: "a/b.json" } }).security.seccomp;
  assert.deepEqual(local, { type: "localhost", path: "/seccomp/a/b.json" });
  const grouped = config({ runAsGroup: 7 }).security;
  assert.deepEqual([grouped.runAsUser, grouped.runAsGroup], [0, 7], "a group needs a user beside it");
});

test("SYNC3 waits double to five minutes, and ten quiet minutes forget them", () => {
  let now = 0;
  const backOffs = new BackOffs(ordinaryLimits, { now: () => now, monotonic: () => now });
  const waits: number[] = [];
  for (let crash = 0; crash < 8; crash++) {
    const until = backOffs.blockedUntil("a", now);
    waits.push((until ?? now) - now);
    now = until ?? now;
    backOffs.next("a", now);
  }
  assert.deepEqual(waits, [0, 10_000, 20_000, 40_000, 80_000, 160_000, 300_000, 300_000]);
  assert.equal(backOffs.blockedUntil("a", now + 600_001), undefined);
  assert.deepEqual(limitsUpTo(2_000), { firstMilliseconds: 2_000, maxMilliseconds: 2_000 });
  assert.deepEqual(limitsUpTo(100_000), { firstMilliseconds: 10_000, maxMilliseconds: 100_000 });
});

test("image names: the default tag, registries, and what is none", () => {
  assert.equal(normalName("nginx"), "nginx:latest");
  assert.equal(normalName("localhost:5000/a/b"), "localhost:5000/a/b:latest");
  assert.equal(normalName("a.b/c:1@sha256:" + "0".repeat(64)), "a.b/c:1@sha256:" + "0".repeat(64));
  for (const wrong of ["", "Nginx", "a b", "nginx:", "nginx:a:b", "a//b", "x@sha256:1", `${"a".repeat(600)}`])
    assert.equal(normalName(wrong), undefined, wrong);
  assert.equal(registryOf("nginx"), "docker.io");
  assert.equal(registryOf("registry.local:5000/x"), "registry.local:5000");
});
