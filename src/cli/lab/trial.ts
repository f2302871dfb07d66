// keelson lab trial: everything in a node is killed in turn, and it is measured who brought it back, how soon, and what was lost.
import { ConfigMap } from "#api/core/config-map/config-map.ts";
import { Deployment } from "#api/apps/deployment/deployment.ts";
import type { Scope } from "#base/scope.ts";
import { adminKubeconfigPath } from "#bootstrap/kubeconfigs.ts";
import type { Client } from "#client/client.ts";
import { clientFor } from "#component/cluster-client.ts";
import { readKubeconfig } from "#component/kubeconfig.ts";
import { labExec, labList } from "#lab/lab.ts";
import type { World } from "#platform/world.ts";
import { UserError } from "../command.ts";
import { containerIds, objects, readyPods } from "./observed.ts";
import { trials } from "./trials.ts";

export interface Healing {
  readonly killed: string;
  readonly broughtBackBy: string;
  /** Undefined: not within the limit. */
  readonly seconds: number | undefined;
  readonly lost: readonly string[];
}

export interface HealingOptions {
  /** The machine with the control plane. */
  readonly name: string;
  /** Those to do, by what is killed; all when absent. */
  readonly only?: (killed: string) => boolean;
}

const replicas = 3;

/** Kills one thing after the other in lab machines that are up. */
export async function healingTable(scope: Scope, world: World, { name, only = () => true }: HealingOptions): Promise<readonly Healing[]> {
  const client = await clientOf(scope, world, name);
  const machines = await labList(world);
  const first = machines.find((machine) => machine.name === name);
  const worker = machines.find((machine) => machine.fabric === name && machine.name !== name && machine.running)?.name;
  await deployHello(client);
  await waitFor(world, scope, 60, "the application", async () => (await readyPods(client)).length === replicas);
  const cluster = {
    client,
    first: name,
    worker,
    systemd: first?.systemd ?? false,
    hasOwnDisk: first?.diskMegabytes !== undefined,
    replicas,
  };
  const results: Healing[] = [];
  for (const one of trials(scope, world, cluster).filter(({ killed }) => only(killed))) {
    const marker = `trial-${results.length}-${world.crypto.uuid().slice(0, 8)}`;
    await client.create(ConfigMap, { metadata: { name: marker, namespace: "default" }, data: { killed: one.killed } });
    const before = await objects(client);
    const containers = await containerIds(client);
    let started = world.clock.monotonic();
    const isWell = await one.kill();
    if (one.countsFromReturn) started = world.clock.monotonic();
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
const widths = [30, 48, 10, 0];

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
