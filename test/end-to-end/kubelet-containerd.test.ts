// The kubelet alone, with static Pods, on a real containerd.
import assert from "node:assert/strict";
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync, existsSync } from "node:fs";
import { after, before, test } from "node:test";
import { rootScope, type Scope } from "#base/scope.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import { connectRuntime } from "#cri/connect.ts";
import type { Runtime } from "#cri/runtime.ts";
import { type Kubelet, type KubeletOptions, startKubelet } from "#kubelet/kubelet.ts";
import { rotateLog } from "#kubelet/logs/rotation.ts";
import { nodeWorld } from "#platform/node/world.ts";
import { type Containerd, missingTools, startContainerd } from "../support/containerd.ts";
import { proberThatIsPleased } from "../support/prober.ts";

const skip = missingTools();
let containerd: Containerd;
let options: KubeletOptions;
let scope: Scope;
let runtime: Runtime & { close(): void };
let kubelet: Kubelet;
const world = nodeWorld();

before(async () => {
  if (skip) return;
  containerd = await startContainerd("keelson-kubelet");
  const { folder } = containerd;
  mkdirSync(`${folder}/manifests`);
  options = {
    rootFolder: `${folder}/kubelet`,
    podLogsFolder: `${folder}/logs/pods`,
    containerLogsFolder: `${folder}/logs/containers`,
    staticPodFolder: `${folder}/manifests`,
    clusterDns: [],
    clusterDomain: "cluster.local",
    resolverFile: "",
    cgroupRoot: containerd.cgroupRoot,
    maxPods: 110,
    containerLogMaxBytes: 10 * 2 ** 20,
    containerLogMaxFiles: 5,
    memoryBytes: world.processes.self.memoryBytes,
  };
  await begin();
});

after(async () => {
  if (skip) return;
  await scope.stop();
  runtime.close();
  await containerd.stop();
});

async function begin(): Promise<void> {
  scope = rootScope("test", (error, path) => {
    throw new Error(`${path}: ${String(error)}`, { cause: error });
  });
  runtime = connectRuntime(world, containerd.endpoint);
  const needs = {
    nodeName: "node-1",
    runtime,
    options,
    startProber: proberThatIsPleased,
    hostIPs: () => ["192.168.50.1"],
    node: () => undefined,
  };
  kubelet = await startKubelet(scope, world, needs);
}

function write(name: string, manifest: object): void {
  writeFileSync(`${containerd.folder}/${name}.tmp`, JSON.stringify(manifest));
  renameSync(`${containerd.folder}/${name}.tmp`, `${options.staticPodFolder}/${name}.json`);
}

function manifest(name: string, spec: object, container: object = {}): object {
  const main = { name: "main", image: containerd.images.busybox, command: ["sleep", "3600"], ...container };
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: "test" },
    spec: { terminationGracePeriodSeconds: 1, containers: [main], ...spec },
  };
}

async function until(what: string, name: string, holds: (pod: Pod | undefined) => boolean, seconds = 20): Promise<Pod> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const pod = kubelet.pod("test", `${name}-node-1`);
    if (holds(pod)) return pod as Pod;
    if (Date.now() > deadline) assert.fail(`not seen within ${seconds} s: ${what}; ${JSON.stringify(pod?.status)}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const isReady = (pod: Pod | undefined) =>
  pod?.status.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;

test("a static Pod runs, with its environment, volumes, hosts file and log; it is gone with its manifest", { skip }, async () => {
  const startedAt = Date.now();
  write(
    "web",
    manifest(
      "web",
      { volumes: [{ name: "data", emptyDir: {} }] },
      {
        command: ["sh", "-c", 'echo "hello from $NAME"; echo kept > /data/file; cat /etc/hosts > /data/hosts; exec sleep 3600'],
        env: [{ name: "NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }],
        volumeMounts: [{ name: "data", mountPath: "/data" }],
        resources: { requests: { cpu: "50m" }, limits: { memory: "64Mi" } },
      },
    ),
  );
  const pod = await until("the Pod is ready", "web", isReady);
  console.log(`Ready after ${Date.now() - startedAt} ms`);
  assert.equal(pod.status.phase, "Running");
  assert.match(pod.status.podIP ?? "", /^10\.244\.1\./);
  assert.match(pod.status.containerStatuses?.[0]?.containerID ?? "", /^containerd:\/\/[0-9a-f]{64}$/);
  const folder = `${options.rootFolder}/pods/${pod.metadata.uid}`;
  await eventually(() =>
    readFileSync(`${folder}/volumes/kubernetes.io~empty-dir/data/hosts`, "utf8").includes(`${pod.status.podIP}\tweb-node-1`),
  );
  const found = kubelet.container("test", "web-node-1", "main");
  assert.ok(found?.running);
  await eventually(() => readFileSync(found.logPath, "utf8").includes("stdout F hello from web-node-1"));

  await gone("web");
  assert.deepEqual(await runtime.sandboxes({ labels: { "io.kubernetes.pod.uid": pod.metadata.uid } }), []);
  assert.equal(existsSync(folder), false);
  assert.equal(existsSync(`/sys/fs/cgroup/memory${containerd.cgroupRoot}/kubepods/burstable/pod${pod.metadata.uid}`), false);
});

test("a container that ends is started again, then has to wait", { skip }, async () => {
  write("crash", manifest("crash", {}, { command: ["sh", "-c", "echo no > /dev/termination-log; exit 3"] }));
  const pod = await until("it waits", "crash", (one) => one?.status.containerStatuses?.[0]?.state.waiting?.reason === "CrashLoopBackOff");
  const [status] = pod.status.containerStatuses ?? [];
  assert.equal(status?.lastState.terminated?.exitCode, 3);
  assert.equal(status?.lastState.terminated?.message, "no\n");
  assert.equal(status?.restartCount, 1);
  assert.match(status?.state.waiting?.message ?? "", /^back-off 10s restarting failed container=main pod=crash-node-1_test\(/);
  await gone("crash");
});

test("init containers run first, and a Pod that is not restarted succeeds", { skip }, async () => {
  const shared = { volumeMounts: [{ name: "data", mountPath: "/data" }], image: containerd.images.busybox };
  write(
    "job",
    manifest(
      "job",
      {
        restartPolicy: "Never",
        volumes: [{ name: "data", emptyDir: { medium: "Memory" } }],
        initContainers: [{ ...shared, name: "first", command: ["sh", "-c", "echo 1 > /data/order"] }],
      },
      { ...shared, command: ["sh", "-c", "test -f /data/order"] },
    ),
  );
  const pod = await until("it has ended", "job", (one) => one?.status.phase === "Succeeded" || one?.status.phase === "Failed");
  assert.equal(pod.status.phase, "Succeeded");
  await gone("job");
});

test("after a restart of the kubelet, and of containerd, running containers are left untouched", { skip }, async () => {
  write("stay", manifest("stay", {}));
  const before = await until("the Pod is ready", "stay", isReady);
  await scope.stop();
  runtime.close();
  await begin();
  const same = await until("the Pod is ready again", "stay", isReady);
  assert.equal(same.status.containerStatuses?.[0]?.containerID, before.status.containerStatuses?.[0]?.containerID);
  containerd.kill();
  await containerd.start();
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  assert.ok(
    (await runtime.containers()).some(({ state, labels }) => state === "running" && labels["io.kubernetes.pod.uid"] === same.metadata.uid),
  );
  const [status] = (await until("the Pod is ready", "stay", isReady)).status.containerStatuses ?? [];
  assert.equal(status?.restartCount, 0);
  await gone("stay");
});

test("a log that grew too large is put aside, and the container goes on in a new one", { skip }, async () => {
  write("talker", manifest("talker", {}, { command: ["sh", "-c", "i=0; while :; do echo line $i; i=$((i+1)); sleep 0.01; done"] }));
  await until("the Pod is ready", "talker", isReady);
  const { id = "", logPath = "" } = kubelet.container("test", "talker-node-1", "main") ?? {};
  const folder = logPath.slice(0, logPath.lastIndexOf("/"));
  for (let rotation = 0; rotation < 4; rotation++) {
    await eventually(() => readFileSync(logPath, "utf8").length > 500);
    await rotateLog(world, runtime, id, logPath, { maxBytes: 500, maxFiles: 3 });
    await new Promise((resolve) => setTimeout(resolve, 1_050));
  }
  assert.equal(readdirSync(folder).length, 3);
  const lines = readdirSync(folder)
    .sort((left, right) => (left === "0.log" ? 1 : right === "0.log" ? -1 : left < right ? -1 : 1))
    .flatMap((name) => readFileSync(`${folder}/${name}`, "utf8").trim().split("\n"))
    .map((line) => Number(line.split(" ").at(-1)));
  assert.ok(
    lines.every((number, index) => index === 0 || number === (lines[index - 1] as number) + 1),
    "no line is lost",
  );
  await gone("talker");
});

test("what the security context says holds inside", { skip }, async () => {
  const script = [
    "id -u; id -G; grep -E '^(CapEff|NoNewPrivs|Seccomp):' /proc/self/status",
    "touch /x 2>/dev/null && echo wrote || echo read-only; touch /data/sub && stat -c %g /data/sub",
    "cat /proc/1/oom_score_adj; hostname; cat /etc/resolv.conf; exec sleep 3600",
  ].join("; ");
  write(
    "safe",
    manifest(
      "safe",
      {
        dnsPolicy: "None",
        dnsConfig: { nameservers: ["10.96.0.10"], searches: ["svc.cluster.local"], options: [{ name: "ndots", value: "5" }] },
        securityContext: {
          runAsUser: 1000,
          runAsGroup: 2000,
          fsGroup: 3000,
          supplementalGroups: [4000],
          seccompProfile: { type: "RuntimeDefault" },
        },
        volumes: [{ name: "data", emptyDir: { medium: "Memory" } }],
      },
      {
        command: ["sh", "-c", script],
        volumeMounts: [{ name: "data", mountPath: "/data", subPath: "own" }],
        securityContext: {
          runAsNonRoot: true,
          readOnlyRootFilesystem: true,
          allowPrivilegeEscalation: false,
          capabilities: { drop: ["ALL"] },
        },
      },
    ),
  );
  await until("the Pod is ready", "safe", isReady);
  const { logPath = "" } = kubelet.container("test", "safe-node-1", "main") ?? {};
  await eventually(() => readFileSync(logPath, "utf8").includes("ndots"));
  const lines = readFileSync(logPath, "utf8")
    .trim()
    .split("\n")
    .map((line) => line.split(" ").slice(3).join(" "));
  assert.equal(lines[0], "1000");
  assert.deepEqual(new Set(lines[1]?.split(" ")), new Set(["2000", "3000", "4000"]));
  assert.deepEqual(
    lines.slice(2, 5).map((line) => line.replace(/\s+/g, " ")),
    ["CapEff: 0000000000000000", "NoNewPrivs: 1", "Seccomp: 2"],
  );
  assert.deepEqual([lines[5], lines[8]], ["read-only", "safe-node-1"]);
  assert.ok(lines.includes("nameserver 10.96.0.10") && lines.includes("search svc.cluster.local"));
  await gone("safe");
});

test("hooks run, the grace period is kept, and memory has its limit", { skip }, async () => {
  const hooks = {
    lifecycle: {
      postStart: { exec: { command: ["sh", "-c", "echo started > /data/post"] } },
      preStop: { exec: { command: ["sh", "-c", "echo stopping > /host/pre"] } },
    },
    command: ["sh", "-c", "trap 'echo term > /host/term; exit 0' TERM; while :; do sleep 0.05; done"],
    volumeMounts: [
      { name: "data", mountPath: "/data" },
      { name: "host", mountPath: "/host" },
    ],
  };
  const host = `${containerd.folder}/hooked`;
  const volumes = [
    { name: "data", emptyDir: {} },
    { name: "host", hostPath: { path: host, type: "DirectoryOrCreate" } },
  ];
  write("hooked", manifest("hooked", { volumes, terminationGracePeriodSeconds: 20 }, hooks));
  // containerd hears of the end and of its reason apart; when the container ends at once, the reason can come too late.
  const hog = { command: ["sh", "-c", "tail /dev/zero; code=$?; sleep 0.5; exit $code"], resources: { limits: { memory: "16Mi" } } };
  write("hog", manifest("hog", { restartPolicy: "Never" }, hog));
  const pod = await until("the Pod is ready", "hooked", isReady);
  const post = `${options.rootFolder}/pods/${pod.metadata.uid}/volumes/kubernetes.io~empty-dir/data/post`;
  assert.equal(readFileSync(post, "utf8"), "started\n");
  const failed = await until("it was killed", "hog", (one) => one?.status.phase === "Failed");
  const { terminated } = failed.status.containerStatuses?.[0]?.state ?? {};
  assert.deepEqual([terminated?.reason, terminated?.exitCode], ["OOMKilled", 137]);
  const startedAt = Date.now();
  await gone("hooked");
  assert.ok(Date.now() - startedAt < 5_000, "it ended when it was asked to");
  assert.deepEqual([readFileSync(`${host}/pre`, "utf8"), readFileSync(`${host}/term`, "utf8")], ["stopping\n", "term\n"]);
  await gone("hog");
});

test("a Pod on the node's network, and an image that cannot be had", { skip }, async () => {
  write("host", manifest("host", { hostNetwork: true }));
  write("bad", manifest("bad", {}, { image: "registry.local:5000/none:1" }));
  const pod = await until("the Pod is ready", "host", isReady);
  assert.equal(pod.status.podIP, "192.168.50.1");
  const waiting = (one: Pod | undefined) => one?.status.containerStatuses?.[0]?.state.waiting;
  const bad = await until("it fails", "bad", (one) => waiting(one)?.reason === "ErrImagePull");
  assert.match(waiting(bad)?.message ?? "", /^rpc error: code = \w+ desc = /);
  const held = await until("it backs off", "bad", (one) => waiting(one)?.reason === "ImagePullBackOff");
  assert.match(waiting(held)?.message ?? "", /^Back-off pulling image "registry.local:5000\/none:1": ErrImagePull: rpc error/);
  await gone("host");
  await gone("bad");
});

async function gone(name: string): Promise<void> {
  rmSync(`${options.staticPodFolder}/${name}.json`);
  await until("the Pod is gone", name, (one) => one === undefined);
}

async function eventually(holds: () => boolean): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      if (holds()) return;
    } catch (error) {
      if (tries > 500) throw error;
    }
    assert.ok(tries < 500, "not seen within 5 s");
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
