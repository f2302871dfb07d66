// keelson lab trial: everything in a node is killed in turn, and it is measured who brought it back, how soon, and what was lost.
import { ConfigMap } from "#api/core/config-map/config-map.ts";
import { Namespace } from "#api/core/namespace/namespace.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { Secret } from "#api/core/secret/secret.ts";
import { Service } from "#api/core/service/service.ts";
import { ServiceAccount } from "#api/core/service-account/service-account.ts";
import { DaemonSet } from "#api/apps/daemon-set/daemon-set.ts";
import { Deployment } from "#api/apps/deployment/deployment.ts";
import { ReplicaSet } from "#api/apps/replica-set/replica-set.ts";
import { ClusterRole } from "#api/rbac.authorization.k8s.io/cluster-role/cluster-role.ts";
import { ClusterRoleBinding } from "#api/rbac.authorization.k8s.io/cluster-role-binding/cluster-role-binding.ts";
import type { Scope } from "#base/scope.ts";
import { adminKubeconfigPath } from "#bootstrap/kubeconfigs.ts";
import { listening } from "#bootstrap/machine-check.ts";
import type { Client } from "#client/client.ts";
import { clientFor } from "#component/cluster-client.ts";
import { readKubeconfig } from "#component/kubeconfig.ts";
import { labAttach, labDown, labExec, labList, labUp } from "#lab/lab.ts";
import type { World } from "#platform/world.ts";
import type { Kind, KubernetesObject } from "#schema/kind.ts";
import { UserError } from "../command.ts";

export interface TrialOptions {
  readonly name: string;
  readonly keep: boolean;
  readonly systemd: boolean;
  /** Starts this program. */
  readonly keelson: readonly string[];
  readonly readOnlyPaths: readonly string[];
}

export interface Healing {
  readonly killed: string;
  readonly broughtBackBy: string;
  /** Undefined: not within the limit. */
  readonly seconds: number | undefined;
  readonly lost: readonly string[];
}

interface Trial {
  readonly killed: string;
  readonly broughtBackBy: string;
  readonly limitSeconds: number;
  /** Kills, and gives a function that tells whether all is well again. */
  kill(): Promise<() => Promise<boolean>>;
  /** Containers that run on the whole time, all but the one that was killed. */
  readonly keepsContainers: boolean;
}

const replicas = 3;
const compared: readonly Kind[] = [
  Namespace,
  ConfigMap,
  Secret,
  Service,
  ServiceAccount,
  Deployment,
  ReplicaSet,
  DaemonSet,
  ClusterRole,
  ClusterRoleBinding,
];

export async function trial(scope: Scope, world: World, { name, keep, systemd, keelson, readOnlyPaths }: TrialOptions): Promise<number> {
  const isThere = (await labList(world)).some((machine) => machine.name === name && machine.running);
  try {
    if (!isThere) {
      await labUp(world, { name, systemd, readOnlyPaths, forwardCommand: [...keelson, "lab", "forward"] });
      const { code } = await labAttach(world, name, [...keelson, "up"]);
      if (code !== 0) throw new UserError(`keelson up failed in lab machine "${name}"`);
    }
    const results = await healingTable(scope, world, name);
    world.processes.self.writeOut(tableText(results));
    return results.every(({ seconds, lost }) => seconds !== undefined && lost.length === 0) ? 0 : 1;
  } finally {
    if (!isThere && !keep) await labDown(world, name);
  }
}

/** Kills one thing after the other in a lab machine that is up. */
export async function healingTable(scope: Scope, world: World, name: string): Promise<readonly Healing[]> {
  const client = await clientOf(scope, world, name);
  await deployHello(client);
  await waitFor(world, scope, 60, "the application", async () => (await readyPods(client)).length === replicas);
  const results: Healing[] = [];
  for (const one of trials(world, client, name)) {
    const marker = `trial-${results.length}-${world.crypto.uuid().slice(0, 8)}`;
    await client.create(ConfigMap, { metadata: { name: marker, namespace: "default" }, data: { killed: one.killed } });
    const before = await objects(client);
    const containers = await containerIds(client);
    const started = world.clock.monotonic();
    const isWell = await one.kill();
    const seconds = await measure(world, scope, started, one.limitSeconds, isWell);
    // Whatever else fell with it has the same time to come back, so that each trial starts from a whole node.
    await measure(world, scope, world.clock.monotonic(), one.limitSeconds, async () => (await readyPods(client)).length === replicas);
    const after = await objects(client);
    const lost = [...before].filter((object) => !after.has(object));
    if (one.keepsContainers) {
      const now = new Set(await containerIds(client));
      lost.push(...containers.filter((id) => !now.has(id)).map((id) => `container ${id}`));
    }
    results.push({ killed: one.killed, broughtBackBy: one.broughtBackBy, seconds, lost });
    world.processes.self.writeOut(tableRow(results.at(-1) as Healing));
  }
  return results;
}

function trials(world: World, client: Client, name: string): readonly Trial[] {
  const sh = async (script: string) => (await labExec(world, name, ["sh", "-c", script], { timeoutMilliseconds: 20_000 })).stdout.trim();
  /** Processes whose command line, its words parted by single spaces, is like that. */
  const idsOf = async (pattern: RegExp) =>
    (await sh("grep -a . /proc/[0-9]*/cmdline 2>/dev/null")).split("\n").flatMap((line) => {
      const [, id, text = ""] = /^\/proc\/(\d+)\/cmdline:(.*)$/.exec(line) ?? [];
      return id !== undefined && pattern.test(text.replaceAll("\0", " ").trimEnd()) ? [id] : [];
    });
  const killOne = async (pattern: RegExp) => {
    const [id] = await idsOf(pattern);
    if (id === undefined) throw new UserError(`nothing that matches ${pattern} runs in lab machine "${name}"`);
    await sh(`kill -9 ${id}`);
    return id;
  };
  const listens = async (port: number) => listening([await sh("cat /proc/net/tcp /proc/net/tcp6")]).has(port);
  /** Another process of that kind, which serves at its port. */
  const process = (killed: string, broughtBackBy: string, pattern: RegExp, port: number): Trial => ({
    killed,
    broughtBackBy,
    limitSeconds: 40,
    keepsContainers: true,
    async kill() {
      const old = await killOne(pattern);
      return async () => {
        const ids = await idsOf(pattern);
        return ids.some((id) => id !== old) && !ids.includes(old) && (await listens(port));
      };
    },
  });
  return [
    {
      killed: "application process",
      broughtBackBy: "kubelet",
      limitSeconds: 40,
      keepsContainers: false,
      async kill() {
        const old = await containerIds(client);
        await killOne(/^\/usr\/lib\/keelson\/node .*keelson\.js hello$/);
        return async () => {
          const now = await containerIds(client);
          return now.some((id) => !old.includes(id)) && (await readyPods(client)).length === replicas;
        };
      },
    },
    {
      killed: "Pod object",
      broughtBackBy: "controller manager, scheduler, kubelet",
      limitSeconds: 60,
      keepsContainers: false,
      async kill() {
        const [first] = await readyPods(client);
        if (!first) throw new UserError("there is no Pod to delete");
        await client.delete(Pod, { namespace: "default", name: first.metadata.name }, { gracePeriodSeconds: 0 });
        return async () => {
          const pods = await readyPods(client);
          return pods.length === replicas && pods.every(({ metadata }) => metadata.uid !== first.metadata.uid);
        };
      },
    },
    {
      killed: "containerd",
      broughtBackBy: "supervisor",
      limitSeconds: 40,
      keepsContainers: true,
      async kill() {
        const old = await killOne(/^\/usr\/bin\/containerd$/);
        return async () =>
          !(await idsOf(/^\/usr\/bin\/containerd$/)).includes(old) &&
          (await sh("ctr --timeout 2s version >/dev/null 2>&1 && echo yes")) === "yes";
      },
    },
    process("scheduler", "kubelet", /\/usr\/local\/bin\/kube-scheduler/, 10_259),
    process("controller manager", "kubelet", /\/usr\/local\/bin\/kube-controller-manager/, 10_257),
    {
      killed: "API server",
      broughtBackBy: "kubelet",
      limitSeconds: 40,
      keepsContainers: true,
      async kill() {
        const old = await killOne(/\/usr\/local\/bin\/kube-apiserver/);
        return async () => !(await idsOf(/\/usr\/local\/bin\/kube-apiserver/)).includes(old) && (await answers(client));
      },
    },
    process("kubelet", "supervisor", /keelson\.js kubelet/, 10_250),
  ];
}

async function clientOf(scope: Scope, world: World, name: string): Promise<Client> {
  const machine = (await labList(world)).find((one) => one.name === name && one.running);
  if (machine?.apiPort === undefined) throw new UserError(`lab machine "${name}" has no way in`);
  const { code, stdout, stderr } = await labExec(world, name, ["cat", adminKubeconfigPath]);
  if (code !== 0) throw new UserError(`lab machine "${name}" is no node: ${stderr.trim()}`);
  const folder = `/tmp/keelson-trial-${world.processes.self.id}`;
  await world.files.makeFolder(folder, { mode: 0o700 });
  try {
    const path = `${folder}/admin.conf`;
    await world.files.write(path, stdout, { mode: 0o600 });
    const access = await readKubeconfig(world, path);
    return clientFor(scope, world, { ...access, server: `https://127.0.0.1:${machine.apiPort}` }, "keelson-trial");
  } finally {
    await world.files.remove(folder, { recursive: true });
  }
}

async function deployHello(client: Client): Promise<void> {
  const labels = { app: "hello" };
  await client.patch(
    Deployment,
    { namespace: "default", name: "hello" },
    {
      apiVersion: "apps/v1",
      kind: "Deployment",
      metadata: { name: "hello", labels },
      spec: {
        replicas,
        selector: { matchLabels: labels },
        template: {
          metadata: { labels },
          spec: { containers: [{ name: "hello", image: "keelson/hello" }], terminationGracePeriodSeconds: 1 },
        },
      },
    },
    { type: "apply", force: true, fieldManager: "keelson-trial" },
  );
}

async function readyPods(client: Client): Promise<readonly Pod[]> {
  try {
    const { items } = await client.list(Pod, { namespace: "default", labelSelector: "app=hello" });
    return items.filter(
      ({ metadata, status }) =>
        !metadata.deletionTimestamp && status?.conditions?.some(({ type, status: value }) => type === "Ready" && value === "True"),
    );
  } catch {
    return [];
  }
}

async function containerIds(client: Client): Promise<readonly string[]> {
  return (await readyPods(client)).flatMap(({ status }) =>
    (status?.containerStatuses ?? []).flatMap(({ containerID }) => (containerID ? [containerID] : [])),
  );
}

/** "Deployment default/hello uid": what there is, but for what comes and goes by itself. */
async function objects(client: Client): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const kind of compared) {
    const { items } = await client.list(kind as Kind<KubernetesObject>);
    for (const { metadata } of items)
      found.add(`${kind.name} ${metadata.namespace ? `${metadata.namespace}/` : ""}${metadata.name} ${metadata.uid ?? ""}`);
  }
  return found;
}

async function answers(client: Client): Promise<boolean> {
  try {
    await client.list(Namespace, { limit: 1 });
    return true;
  } catch {
    return false;
  }
}

async function measure(
  world: World,
  scope: Scope,
  started: number,
  limitSeconds: number,
  holds: () => Promise<boolean>,
): Promise<number | undefined> {
  for (;;) {
    if (await holds().catch(() => false)) return (world.clock.monotonic() - started) / 1_000;
    if (world.clock.monotonic() - started > limitSeconds * 1_000) return undefined;
    await world.clock.sleep(scope, 50);
  }
}

async function waitFor(world: World, scope: Scope, limitSeconds: number, what: string, holds: () => Promise<boolean>): Promise<void> {
  if ((await measure(world, scope, world.clock.monotonic(), limitSeconds, holds)) === undefined)
    throw new UserError(`waited ${limitSeconds} s for ${what} in vain`);
}

const heading = ["KILLED", "BROUGHT BACK BY", "AFTER", "LOST"];
const widths = [22, 42, 10, 0];

export function tableText(results: readonly Healing[]): string {
  return `\n${row(heading)}${results.map(tableRow).join("")}`;
}

function tableRow({ killed, broughtBackBy, seconds, lost }: Healing): string {
  const loss = lost.length === 0 ? "nothing" : `${lost.slice(0, 3).join(", ")}${lost.length > 3 ? ` and ${lost.length - 3} more` : ""}`;
  return row([killed, seconds === undefined ? "nobody" : broughtBackBy, seconds === undefined ? "-" : `${seconds.toFixed(1)} s`, loss]);
}

function row(cells: readonly string[]): string {
  return `${cells
    .map((cell, column) => cell.padEnd(widths[column] as number))
    .join("")
    .trimEnd()}\n`;
}
