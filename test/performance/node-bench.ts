// How fast a node is, and what it costs: `keelson up` in a lab machine of its own, with real containers.
//   node test/performance/node-bench.ts [--quick]      as root; also the last part of npm run bench
// What is asked of the API is asked from inside the machine, by this same file: the way in from outside belongs to the lab, not the node.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { rootScope, type Scope } from "#base/scope.ts";
import { Deployment } from "#api/apps/deployment/deployment.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { adminKubeconfigPath } from "#bootstrap/kubeconfigs.ts";
import { containerdSocket, nodeProgram } from "#bootstrap/layout.ts";
import type { Client } from "#client/client.ts";
import { clientFor } from "#component/cluster-client.ts";
import { readKubeconfig } from "#component/kubeconfig.ts";
import { connectRuntime } from "#cri/connect.ts";
import { labDown, labExec, labUp } from "#lab/lab.ts";
import { version } from "#hosts/version.ts";
import { eventually, repository, world } from "../support/lab-machine.ts";
import { serveInstantExec } from "./instant-exec.ts";
import { mebibytes, quantile, row } from "./table.ts";

interface Settings {
  readonly quick: boolean;
}

const name = `bench-${process.pid}`;
const keelson = [process.execPath, "--disable-warning=ExperimentalWarning", join(repository, "src/hosts/main.ts")];
const image = `keelson/pause:${version}`;

/** Prints its part of the table. The machine is gone afterwards; where this was killed, `keelson lab down` takes it down. */
export async function benchNode({ quick }: Settings): Promise<void> {
  const nodeFolder = process.execPath.slice(0, process.execPath.lastIndexOf("/"));
  try {
    await labUp(world, { name, address: "192.168.83.20", readOnlyPaths: [...new Set([repository, nodeFolder])] });
    row("up from nothing, to the first Pod Running", await inside("first-pod"), "");
    await inMachine(["sh", "-ec", resetScript]);
    row("up with images present, to the first Pod Running", await inside("first-pod"), "< 8 s (17–21)");
    await inside("costs", quick);
  } finally {
    await labDown(world, name);
  }
}

async function inMachine(command: readonly string[]): Promise<string> {
  const { code, signal, stdout, stderr } = await labExec(world, name, command, { timeoutMilliseconds: 600_000 });
  if (code !== 0) throw new Error(`in the lab machine: exit ${code ?? signal}\n${command.join(" ")}\n${stdout}${stderr}`);
  return stdout.trim();
}

async function inside(part: string, quick = false): Promise<string> {
  const output = await inMachine([...keelson.slice(0, -1), import.meta.filename, "--inside", part, ...(quick ? ["--quick"] : [])]);
  const lines = output.split("\n");
  for (const line of lines.filter((one) => one.startsWith(rowMark))) row(...(JSON.parse(line.slice(rowMark.length)) as Row));
  return lines.at(-1) ?? "";
}

/** What `kubeadm reset` does: processes, containers, certificates and state go; programs and images stay. */
const resetScript = `
kill -9 $(pgrep -f '[k]eelson-guard') $(pgrep -f '[k]eelson.js supervise$') $(pgrep -f '[k]eelson.js kubelet ') || true
for id in $(ctr -n k8s.io tasks ls -q); do ctr -n k8s.io tasks rm -f $id >/dev/null & done; wait
ctr -n k8s.io containers rm $(ctr -n k8s.io containers ls -q)
kill $(pgrep -x containerd)
while pgrep -x containerd >/dev/null; do sleep 0.1; done
for point in $(grep -o '/var/lib/kubelet/[^ ]*' /proc/mounts); do umount $point; done
for space in $(ip netns list | cut -d' ' -f1); do ip netns delete $space; done
find /sys/fs/cgroup -depth -type d -path '*/kubepods*' -exec rmdir {} + 2>/dev/null || true
rm -rf /etc/kubernetes /var/lib/keelson/store /var/lib/kubelet/* /var/log/pods /var/lib/cni`;

// From here on: inside the machine.

type Row = [what: string, seen: string, goal: string];
const rowMark = "row ";
const tell = (...cells: Row) => console.log(rowMark + JSON.stringify(cells));

async function firstPod(scope: Scope): Promise<void> {
  const started = performance.now();
  const up = world.processes.run(keelson[0] as string, [...keelson.slice(1), "up"], { timeoutMilliseconds: 300_000 });
  const create = async () => {
    const client = await clientHere(scope);
    await client.create(Pod, podNamed("first"));
    return client;
  };
  // Refused until there are an API server and a service account.
  const running = eventually("a Pod is taken", 120, () => create().catch(() => undefined)).then((client) =>
    untilPods(scope, client, 1, (pod) => pod.status?.phase === "Running"),
  );
  const ready = up.then(({ code, stdout, stderr }) => {
    if (code !== 0) throw new Error(stdout + stderr);
    return performance.now();
  });
  const [seen, done] = await Promise.all([running, ready]);
  console.log(`${((seen - started) / 1_000).toFixed(1)} s; all of up ${((done - started) / 1_000).toFixed(1)} s`);
}

async function costs(scope: Scope, { quick }: Settings): Promise<void> {
  const client = await clientHere(scope);
  await memoryAndCpu(quick ? 10 : 30);
  await oneByOne(scope, client, quick ? 10 : 30);
  await manyAtOnce(scope, client, quick ? 15 : 60, quick ? 5 : 30);
  await rollingUpdate(scope, client, quick ? 5 : 20);
  await commands(scope, client, quick ? 10 : 40);
  await apiServerKilled(scope, quick ? 2 : 5);
}

async function clientHere(scope: Scope): Promise<Client> {
  return clientFor(scope, world, await readKubeconfig(world, adminKubeconfigPath), "bench");
}

function podNamed(podName: string) {
  return {
    metadata: { name: podName, namespace: "default", labels: { app: "bench" } },
    spec: { containers: [{ name: "pause", image }] },
  };
}

/** Follows the watch until so many Pods are as wanted; gives when that was. */
async function untilPods(scope: Scope, client: Client, count: number, holds: (pod: Pod) => boolean): Promise<number> {
  const listed = await client.list(Pod, { namespace: "default" });
  const good = new Set(listed.items.filter(holds).map(({ metadata }) => metadata.uid));
  if (good.size >= count) return performance.now();
  for await (const event of client.watch(scope, Pod, { namespace: "default", resourceVersion: listed.resourceVersion })) {
    if (event.type === "BOOKMARK") continue;
    if (event.type !== "DELETED" && holds(event.object)) good.add(event.object.metadata.uid);
    if (good.size >= count) return performance.now();
  }
  throw new Error("the watch ended");
}

const isReady = ({ status }: Pod) => status?.conditions?.some(({ type, status: state }) => type === "Ready" && state === "True") ?? false;

async function oneByOne(scope: Scope, client: Client, count: number): Promise<void> {
  await deleteAll(scope, client);
  const times: number[] = [];
  for (let index = 0; index < count; index += 1) {
    const started = performance.now();
    await client.create(Pod, podNamed(`single-${index}`));
    times.push((await untilPods(scope, client, 1, (pod) => pod.metadata.name === `single-${index}` && isReady(pod))) - started);
    await client.delete(Pod, { namespace: "default", name: `single-${index}` }, { gracePeriodSeconds: 0 });
  }
  tell(
    `Pod created to Ready, ${count} one at a time`,
    `p50 ${quantile(times, 0.5).toFixed(0)} ms, p99 ${quantile(times, 0.99).toFixed(0)} ms`,
    "p50 < 400 ms (801)",
  );
}

async function manyAtOnce(scope: Scope, client: Client, count: number, idleSeconds: number): Promise<void> {
  await deleteAll(scope, client);
  const started = performance.now();
  await Promise.all(Array.from({ length: count }, (_, index) => client.create(Pod, podNamed(`many-${index}`))));
  const ready = await untilPods(scope, client, count, isReady);
  tell(`${count} Pods at once, all Ready`, `${((ready - started) / 1_000).toFixed(1)} s`, count === 60 ? "< 8 s (47.7)" : "");
  await new Promise((resolve) => setTimeout(resolve, 5_000));
  const kubelet = (await measured(idleSeconds)).find(({ component }) => component === "kubelet");
  tell(`kubelet idle with ${count} Pods`, `${kubelet?.share.toFixed(2)} % of a core`, "< 0.3 % (0.9)");
  const gone = await deleteAll(scope, client);
  tell(`${count} Pods deleted with grace, all gone`, `${(gone / 1_000).toFixed(1)} s`, count === 60 ? "< 10 s (89.8)" : "");
}

async function rollingUpdate(scope: Scope, client: Client, replicas: number): Promise<void> {
  const identity = { namespace: "default", name: "rolled" };
  const { metadata, spec } = podNamed("rolled");
  const template = { metadata: { labels: metadata.labels }, spec };
  await client.create(Deployment, { metadata: identity, spec: { replicas, selector: { matchLabels: metadata.labels }, template } });
  const updated = async () => {
    const { status } = await client.get(Deployment, identity);
    const counts = [status.replicas, status.updatedReplicas, status.availableReplicas];
    return counts.every((count) => count === replicas) ? true : undefined;
  };
  await eventually("the Deployment runs", 120, updated);
  const started = performance.now();
  const patch = { spec: { template: { metadata: { annotations: { "example.com/rolled": "once" } } } } };
  const { metadata: patched } = await client.patch(Deployment, identity, patch, { type: "merge" });
  await eventually("the update is seen", 60, async () =>
    (await client.get(Deployment, identity)).status.observedGeneration === patched.generation ? true : undefined,
  );
  await eventually("the Deployment is rolled over", 120, updated);
  tell(`rolling update of ${replicas}`, `${((performance.now() - started) / 1_000).toFixed(1)} s`, replicas === 20 ? "< 6 s (15.8)" : "");
  await client.delete(Deployment, identity);
  await deleteAll(scope, client);
}

/** kubectl exec, next to kubectl's own start with one request, to an exec that is answered at once, and to what the runtime takes. */
async function commands(scope: Scope, client: Client, count: number): Promise<void> {
  const busybox = ["/bin/busybox", "/usr/bin/busybox"].find((path) => existsSync(path));
  if (busybox === undefined) return tell("kubectl exec", "not measured: there is no busybox here", "");
  const volumes = [{ name: "program", hostPath: { path: busybox, type: "File" as const } }];
  const volumeMounts = [{ name: "program", mountPath: "/busybox", readOnly: true }];
  const { metadata, spec } = podNamed("commands");
  await client.create(Pod, { metadata, spec: { containers: spec.containers.map((one) => ({ ...one, volumeMounts })), volumes } });
  await untilPods(scope, client, 1, isReady);
  const { status } = await client.get(Pod, { namespace: "default", name: "commands" });
  const containerId = status.containerStatuses?.[0]?.containerID?.replace(/^.*:\/\//, "") ?? "";
  const runtime = connectRuntime(world, `unix://${containerdSocket}`);
  const environment = { ...process.env, KUBECONFIG: adminKubeconfigPath, HOME: "/dev/shm" } as Record<string, string>;
  const kubectl = async (...words: readonly string[]) => {
    const { code, stderr } = await world.processes.run("kubectl", ["--cache-dir=/dev/shm/kubectl", ...words], { environment });
    if (code !== 0) throw new Error(`kubectl ${words.join(" ")}: ${stderr}`);
  };
  const instant = await serveInstantExec(scope, world, await readKubeconfig(world, adminKubeconfigPath));
  const times = { exec: [] as number[], request: [] as number[], instant: [] as number[], runtime: [] as number[] };
  const timed = async (what: keyof typeof times, act: () => Promise<unknown>) => {
    const started = performance.now();
    await act();
    times[what].push(performance.now() - started);
  };
  // Taken in turns, so that what else the machine does falls on all alike; the first of each is not counted.
  for (let index = 0; index <= count; index += 1) {
    if (index === 1) for (const list of Object.values(times)) list.length = 0;
    await timed("request", () => kubectl("get", "--raw", "/livez"));
    await timed("exec", () => kubectl("exec", "commands", "--", "/busybox", "true"));
    await timed("instant", () => kubectl(`--server=${instant}`, "exec", "commands", "--", "/busybox", "true"));
    await timed("runtime", () => runtime.execSync(containerId, ["/busybox", "true"], 10));
  }
  runtime.close();
  const p50 = (what: keyof typeof times) => quantile(times[what], 0.5);
  const more = (what: keyof typeof times) => (p50(what) - p50("request")).toFixed(0);
  tell(
    `kubectl exec, more than the ${p50("request").toFixed(0)} ms of one request`,
    `p50 ${more("exec")} ms; kubectl's own ${more("instant")}; the runtime's ${p50("runtime").toFixed(0)}`,
    "15 ms more (88 in all)",
  );
  await deleteAll(scope, client);
}

/** Gives how long it took. */
async function deleteAll(_: Scope, client: Client): Promise<number> {
  const started = performance.now();
  await client.deleteCollection(Pod, { namespace: "default" });
  await eventually("all Pods are gone", 120, async () =>
    (await client.list(Pod, { namespace: "default" })).items.length === 0 ? true : undefined,
  );
  return performance.now() - started;
}

async function apiServerKilled(scope: Scope, times: number): Promise<void> {
  const client = await clientHere(scope);
  const seconds: number[] = [];
  for (let time = 0; time < times; time += 1) {
    const old = processes().find(({ command }) => command.includes("/kube-apiserver"))?.id as number;
    const started = performance.now();
    process.kill(old, "SIGKILL");
    await eventually("the API server answers again", 60, () => client.list(Pod, { limit: 1 }).catch(() => undefined));
    seconds.push((performance.now() - started) / 1_000);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
  }
  const [first = 0, ...others] = seconds;
  const repeated = others.map((one) => one.toFixed(1)).join(", ");
  tell("API server answers after kill -9; killed again", `${first.toFixed(2)} s; ${repeated} s`, "< 2 s (3.25)");
}

async function memoryAndCpu(idleSeconds: number): Promise<void> {
  // What starting took is done with.
  await new Promise((resolve) => setTimeout(resolve, 25_000));
  const after = await measured(idleSeconds);
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);
  tell("memory idle, PSS of all processes", `${sum(after.map(({ pss }) => pss)).toFixed(0)} MiB`, "< 300 MiB (600)");
  tell("CPU idle, of one core", `${sum(after.map(({ share }) => share)).toFixed(1)} %`, "< 2 % (5.5)");
  for (const { component, pss, share } of after.toSorted((one, other) => other.pss - one.pss))
    tell(`  ${component}`, `${pss.toFixed(0)} MiB, ${share.toFixed(2)} %`, "");
}

async function measured(idleSeconds: number): Promise<readonly (Measured & { readonly share: number })[]> {
  const before = new Map(processes().map(({ id, cpuSeconds }) => [id, cpuSeconds]));
  await new Promise((resolve) => setTimeout(resolve, idleSeconds * 1_000));
  return processes().map((one) => ({ ...one, share: (100 * (one.cpuSeconds - (before.get(one.id) ?? 0))) / idleSeconds }));
}

interface Measured {
  readonly id: number;
  readonly command: string;
  readonly component: string;
  readonly pss: number;
  readonly cpuSeconds: number;
}

/** Keelson's processes on this machine, but for those of applications. */
function processes(): readonly Measured[] {
  const ticksPerSecond = 100;
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((id) => {
      try {
        const words = readFileSync(`/proc/${id}/cmdline`, "utf8").split("\0");
        if (words[0] !== nodeProgram || words.includes("hello")) return [];
        const script = words.findIndex((word, index) => index > 0 && !word.startsWith("-"));
        const entry = words[script] ?? "";
        const component = entry.endsWith("keelson.js") ? (words[script + 1] ?? entry) : entry.slice(entry.lastIndexOf("/") + 1);
        const [user, system] = (readFileSync(`/proc/${id}/stat`, "utf8").split(") ")[1] ?? "").split(" ").slice(11, 13);
        const cpuSeconds = (Number(user) + Number(system)) / ticksPerSecond;
        return [
          {
            id: Number(id),
            command: words.join(" "),
            component,
            pss: mebibytes(readFileSync(`/proc/${id}/smaps_rollup`, "utf8")),
            cpuSeconds,
          },
        ];
      } catch {
        // It ended while it was looked at.
        return [];
      }
    });
}

if (import.meta.main) {
  const { values } = parseArgs({ options: { quick: { type: "boolean", default: false }, inside: { type: "string" } } });
  if (values.inside === undefined) {
    row("what", "seen", "goal (upstream)");
    await benchNode({ quick: values.quick });
  } else {
    const scope = rootScope("bench", (error) => {
      throw error;
    });
    if (values.inside === "first-pod") await firstPod(scope);
    else if (values.inside === "commands") await commands(scope, await clientHere(scope), 20);
    else await costs(scope, { quick: values.quick });
    await scope.stop();
  }
}
