// keelson lab: whole machines inside this one, for trying and testing. Nothing that runs in them can reach the network.
import { adminKubeconfigPath } from "#bootstrap/kubeconfigs.ts";
import { parseFlags } from "#component/flags.ts";
import { forwardInside, forwardOutside } from "#lab/forwarder.ts";
import { labAttach, labBoot, labCrash, labCut, labDown, labExec, labJoin, labList, labUp } from "#lab/lab.ts";
import { LabError } from "#lab/layout.ts";
import type { Scope } from "#base/scope.ts";
import type { World } from "#platform/world.ts";
import { addressText, readAddress } from "#base/ip.ts";
import { command, UserError } from "../command.ts";
import { healingTable, tableText } from "./trial.ts";

const flags = [
  { name: "name", type: "string", default: "lab", doc: "The machine, where it is not named otherwise." },
  {
    name: "address",
    type: "string",
    default: "192.168.51.10",
    doc: "up: the machine's address, with one of IPv6 after a comma; boot: another than before.",
  },
  { name: "api-port", type: "integer", default: 0, doc: "up: the 127.0.0.1 port that leads to its API server; 0 picks a free one." },
  { name: "nodes", type: "integer", default: 1, doc: "up, trial: how many machines; the first has the control plane, the others join." },
  {
    name: "disk-megabytes",
    type: "integer",
    default: 0,
    doc: "up: a disk of its own for each machine, in memory; 0: they share this machine's.",
  },
  {
    name: "programs",
    type: "string",
    doc: "up: a folder of programs (another containerd or runc) that the machines have instead of this one's.",
  },
  {
    name: "init",
    type: "string",
    default: "keelson",
    doc: "up, trial: what keeps each node running: keelson, or systemd as its process 1.",
  },
  { name: "systemd", type: "boolean", default: false, doc: "The same as --init systemd." },
  {
    name: "pod-network-cidr",
    type: "string",
    doc: "up: addresses for Pods, passed on to keelson up; of both families where machines have both.",
  },
  { name: "service-cidr", type: "string", doc: "up: addresses for Services, likewise." },
  { name: "bare", type: "boolean", default: false, doc: "up: make the machines only, do not run keelson up in them." },
  { name: "keep", type: "boolean", default: false, doc: "trial: leave the machine up afterwards." },
] as const;

export const lab = command({
  name: "lab",
  doc: "Machines made inside this one: up, down, list, exec, cut, join, crash, boot, trial.",
  usage: "up|down|trial [NAME] | cut|join|crash|boot NODE | list | exec [NAME] -- COMMAND...",
  flags,
  async run(scope, world, arguments_) {
    const [verb, ...others] = arguments_;
    try {
      switch (verb) {
        case "up":
          return await raise(scope, world, others);
        case "down": {
          const { name } = read(others);
          for (const one of [...(await workersOf(world, name)), name])
            world.processes.self.writeOut(
              (await labDown(world, one)) ? `lab machine "${one}" is gone\n` : `there was no lab machine "${one}"\n`,
            );
          return 0;
        }
        case "cut":
          return await say(world, await labCut(world, named(others)), `"${named(others)}" is cut off: its cable leads nowhere`);
        case "join":
          return await say(world, await labJoin(world, named(others)), `"${named(others)}" is plugged in again`);
        case "crash":
          return await say(world, await labCrash(world, named(others)), `"${named(others)}" has lost its power`);
        case "boot":
          await labBoot(world, named(others), saysAddress(others) ? { address: parseFlags(flags, others).values.address } : {});
          return await say(world, undefined, `"${named(others)}" runs again, on the same disk`);
        case "list":
          return await list(world);
        case "exec":
          return await exec(world, others);
        case "trial": {
          const { name } = read(others, "trial");
          return await trial(scope, world, name, others);
        }
        case "forward":
          return await forward(scope, world, others);
        default:
          throw new UserError(
            verb === undefined ? "lab: what is to be done?" : `lab: unknown ${JSON.stringify(verb)}`,
            "Usage: keelson lab up|down|list|exec|cut|join|crash|boot|trial",
          );
      }
    } catch (error) {
      if (error instanceof LabError) throw new UserError(error.message);
      throw error;
    }
  },
});

function read(arguments_: readonly string[], otherwise?: string) {
  const { values, rest } = parseFlags(flags, arguments_);
  if (rest.length > 1) throw new UserError(`lab: unexpected ${JSON.stringify(rest[1])}`);
  return { values, name: rest[0] ?? otherwise ?? values.name };
}

function named(arguments_: readonly string[]): string {
  const { rest } = parseFlags(flags, arguments_);
  const [name] = rest;
  if (name === undefined || rest.length > 1) throw new UserError("lab: which machine?", "See keelson lab list.");
  return name;
}

const saysAddress = (arguments_: readonly string[]) => arguments_.some((word) => word.startsWith("--address"));

async function say(world: World, _: void, text: string): Promise<number> {
  world.processes.self.writeOut(`lab machine ${text}\n`);
  return 0;
}

function isSystemd({ init, systemd }: { readonly init: string; readonly systemd: boolean }): boolean {
  if (init !== "keelson" && init !== "systemd") throw new UserError(`--init ${JSON.stringify(init)} is not known: keelson or systemd`);
  return systemd || init === "systemd";
}

async function raise(_: Scope, world: World, arguments_: readonly string[]): Promise<number> {
  const { values, name } = read(arguments_);
  const { self } = world.processes;
  const { nodes, bare, address } = values;
  if (!(nodes >= 1 && nodes <= mostNodes)) throw new UserError(`--nodes ${nodes}: between 1 and ${mostNodes}`);
  if (values.programs && (await world.files.stat(values.programs, { follow: true }))?.kind !== "folder")
    throw new UserError(`--programs ${values.programs}: there is no such folder`);
  const systemd = isSystemd(values);
  for (let index = 0; index < nodes; index += 1) {
    const isFirst = index === 0;
    const machine = isFirst ? name : `${name}-${index + 1}`;
    const started = world.clock.monotonic();
    const { apiPort, ...made } = await labUp(world, {
      name: machine,
      fabric: name,
      address: following(address, index),
      systemd,
      ...(values["disk-megabytes"] > 0 && { diskMegabytes: values["disk-megabytes"] }),
      ...(values.programs && { programs: values.programs }),
      readOnlyPaths: seenInside(world),
      ...(isFirst && { apiPort: values["api-port"], forwardCommand: [...self.program, "lab", "forward"] }),
    });
    const port = apiPort === undefined ? "" : `, API port 127.0.0.1:${apiPort}`;
    self.writeOut(`lab machine "${machine}" runs, ${addressesOf(made)}${port}, in ${Math.round(world.clock.monotonic() - started)} ms\n`);
    if (bare) continue;
    const command = isFirst ? ["up", ...rangeFlags(values)] : await joinArguments(world, name);
    const { code } = await labAttach(world, machine, [...self.program, ...command]);
    if (code !== 0) return code ?? 1;
  }
  if (!bare)
    self.writeOut(
      `  from outside: keelson kubeconfig --lab ${name} >lab.conf; export KUBECONFIG=$PWD/lab.conf\n  inside: keelson lab exec ${name} -- env KUBECONFIG=${adminKubeconfigPath} kubectl get nodes\n`,
    );
  return 0;
}

function rangeFlags(values: Readonly<Partial<Record<"pod-network-cidr" | "service-cidr", string | undefined>>>): readonly string[] {
  return (["pod-network-cidr", "service-cidr"] as const).flatMap((name) => {
    const value = values[name];
    return value === undefined ? [] : [`--${name}=${value}`];
  });
}

const mostNodes = 50;
const trialDiskMegabytes = 3_000;

/** On machines that are up, or on two of its own that it takes down again. */
async function trial(scope: Scope, world: World, name: string, arguments_: readonly string[]): Promise<number> {
  const { values } = read(arguments_, name);
  const isThere = (await labList(world)).some((machine) => machine.name === name && machine.running);
  try {
    if (!isThere) {
      const nodes = arguments_.some((word) => word.startsWith("--nodes")) ? [] : ["--nodes", "2"];
      const disk = values["disk-megabytes"] > 0 ? [] : ["--disk-megabytes", String(trialDiskMegabytes)];
      const rest = arguments_.filter((word) => word !== name && !word.startsWith("--keep"));
      const code = await raise(scope, world, [name, ...rest, ...nodes, ...disk]);
      if (code !== 0) throw new UserError(`keelson up failed in lab machine "${name}"`);
    }
    const results = await healingTable(scope, world, { name });
    world.processes.self.writeOut(tableText(results));
    return results.every(({ seconds, lost }) => seconds !== undefined && lost.length === 0) ? 0 : 1;
  } finally {
    if (!isThere && !values.keep) for (const one of [...(await workersOf(world, name)), name]) await labDown(world, one);
  }
}

/** "192.168.51.10,fd00:51::10" and 2: "192.168.51.12,fd00:51::12" (in hexadecimal digits). */
function following(addresses: string, count: number): string {
  return addresses
    .split(",")
    .map((text) => {
      const read = readAddress(text);
      return read ? addressText(read.family, read.value + BigInt(count)) : text;
    })
    .join(",");
}

/** What a machine of the lab joins its first one with. */
export async function joinArguments(world: World, first: string): Promise<readonly string[]> {
  const { code, stdout, stderr } = await labExec(world, first, [...world.processes.self.program, "token", "create", "--ttl", "10m"]);
  if (code !== 0) throw new UserError(`lab machine "${first}" lets nobody join: ${stderr.trim()}`);
  return stdout.trim().split(" ").slice(1);
}

async function workersOf(world: World, name: string): Promise<readonly string[]> {
  return (await labList(world)).filter((machine) => machine.fabric === name && machine.name !== name).map((machine) => machine.name);
}

/** What has to be seen inside at the same path: the installation, and the Node that runs it. */
export function seenInside(world: World): readonly string[] {
  const { program } = world.processes.self;
  const entry = program.at(-1) ?? "";
  const installation = entry.endsWith("/src/hosts/main.ts")
    ? entry.slice(0, -"/src/hosts/main.ts".length)
    : entry.slice(0, entry.lastIndexOf("/"));
  const [node = ""] = program;
  const isInside = node.startsWith(`${installation}/`) || node.startsWith("/usr/");
  return isInside ? [installation] : [installation, node.slice(0, node.lastIndexOf("/"))];
}

const addressesOf = ({ address, ipv6Address }: { readonly address: string; readonly ipv6Address?: string }) =>
  ipv6Address === undefined ? address : `${address},${ipv6Address}`;

async function list(world: World): Promise<number> {
  const machines = await labList(world);
  const rows = machines.map(({ name, apiPort, running, ...machine }) => [
    name,
    addressesOf(machine),
    apiPort === undefined ? "" : `127.0.0.1:${apiPort}`,
    running ? "running" : "stopped",
  ]);
  const table = [["NAME", "ADDRESS", "API", "STATE"], ...rows];
  const width = (column: number) => Math.max(16, ...table.map((row) => row[column]?.length ?? 0)) + 2;
  for (const row of table)
    world.processes.self.writeOut(
      `${row
        .map((cell, column) => cell.padEnd(width(column)))
        .join("")
        .trimEnd()}\n`,
    );
  return 0;
}

async function exec(world: World, arguments_: readonly string[]): Promise<number> {
  const split = arguments_.indexOf("--");
  const before = split < 0 ? arguments_.slice(0, 1) : arguments_.slice(0, split);
  const inside = split < 0 ? arguments_.slice(1) : arguments_.slice(split + 1);
  const { name } = read(before);
  // The clone is seen inside at the same path: whoever stands in it can call ./keelson there too.
  const fromHere = ["sh", "-c", 'cd "$0" 2>/dev/null; exec "$@"', world.processes.self.folder];
  const { code, signal } = await labAttach(world, name, [...fromHere, ...(inside.length > 0 ? inside : ["sh"])]);
  return code ?? (signal === undefined ? 1 : 128);
}

/** One half of the way in from outside; started by lab up. */
async function forward(scope: Scope, world: World, [side, name = "", port = "0"]: readonly string[]): Promise<number> {
  if (side === "inside") await forwardInside(scope, world);
  else if (side === "outside") await forwardOutside(scope, world, name, Number(port));
  else throw new UserError("lab forward is started by lab up", "Usage: keelson lab forward inside | outside NAME PORT");
  return 0;
}
