// Whole machines inside this one: namespaces of every kind, an overlay of this machine's files, cgroups of their own, no uplink.
//
// Everything of a machine can be found by its name alone (folder, network namespaces, cgroups), so that taking it down works
// whatever was killed before. No mount of it is seen outside its own mount namespace.
import type { Exit, RunResult } from "#platform/processes.ts";
import type { World } from "#platform/world.ts";
import { addressText, readAddress } from "#base/ip.ts";
import {
  fabricLinks,
  fabricNamespace,
  type GroupMount,
  groupMounts,
  LabError,
  type LabMachine,
  type LabPlaces,
  labsFolder,
  placesOf,
} from "./layout.ts";
import { enterScript, forwardScript, insideScript, launchScript, type MachineOptions, outsideScript } from "./scripts.ts";

export interface LabOptions {
  readonly name: string;
  /** Machines of one fabric reach each other; its own name when absent. Machines of a fabric are made one after the other. */
  readonly fabric?: string;
  /** Default 192.168.51.10. With one of IPv6 too: "192.168.51.10,fd00:51::10". */
  readonly address?: string;
  /** The 127.0.0.1 port for the API; any free one when absent. */
  readonly apiPort?: number;
  /** Seen inside at the same path, read-only: the installation and what runs it. */
  readonly readOnlyPaths?: readonly string[];
  /** Starts forwardInside and forwardOutside: run with ["inside"] and ["outside", name, port]. Without it there is no way in. */
  readonly forwardCommand?: readonly string[];
  /** systemd as the first process, instead of a reaper. */
  readonly systemd?: boolean;
  /** A disk of its own of this size, in memory: one that can be filled. */
  readonly diskMegabytes?: number;
  /** A folder of programs that it has instead of this machine's own: another containerd, another runc. */
  readonly programs?: string;
}

export interface ListedLab extends LabMachine {
  readonly running: boolean;
}

const bootMilliseconds = 30_000;
const downMilliseconds = 20_000;
/** The cgroup, below the machine's, of the far half of the way in. */
const wayIn = "outside";

/** Makes and starts a machine. Resolves once its first process is in place and the way in is open. */
export async function labUp(world: World, options: LabOptions): Promise<LabMachine> {
  const { name, fabric = name, systemd = false, readOnlyPaths = [], forwardCommand = [] } = options;
  const addresses = readAddresses(options.address ?? "192.168.51.10");
  const places = placesOf(name);
  placesOf(fabric);
  await checkFree(world, addresses, { name, fabric });
  await checkMachine(world, systemd);
  await clearLeftovers(world, places, name);
  const { diskMegabytes, programs } = options;
  const settings = {
    name,
    fabric,
    ...addresses,
    systemd,
    readOnlyPaths,
    forwardCommand,
    ...(diskMegabytes !== undefined && { diskMegabytes }),
    ...(programs !== undefined && { programs }),
  };
  const claimed = await world.processes.run("sh", ["-c", 'mkdir -p "$0" && mkdir -m 755 "$1"', labsFolder, places.folder]);
  if (claimed.code !== 0) throw new LabError(`lab machine "${name}" is being made by someone else: ${claimed.stderr.trim()}`);
  try {
    await world.files.write(places.fabricFile, fabric);
    return await raise(world, settings, options.apiPort);
  } catch (error) {
    await labDown(world, name).catch((second) =>
      world.log.warn("cannot clean up after a failed start", { lab: name, error: String(second) }),
    );
    throw error;
  }
}

/** The power is gone: every process ends at this moment, and whatever was not on the disk is lost. The way in from outside stays. */
export async function labCrash(world: World, name: string): Promise<void> {
  const machine = await runningMachine(world, name);
  world.processes.signal(machine.initId, "SIGKILL");
  await removeRunning(world, placesOf(name), { keepWayIn: true });
}

/** Starts a machine that crashed, on the same disk, with the same address or another. */
export async function labBoot(world: World, name: string, { address }: { readonly address?: string } = {}): Promise<LabMachine> {
  const machine = await readMachine(world, placesOf(name));
  if (!machine) throw new LabError(`there is no lab machine "${name}"`);
  if ((await startTime(world, machine.initId)) === machine.initStarted) throw new LabError(`lab machine "${name}" runs already`);
  const addresses = address === undefined ? undefined : readAddresses(address);
  if (addresses) await checkFree(world, addresses, machine);
  await removeRunning(world, placesOf(name), { keepWayIn: true });
  return raise(world, { ...machine, ...addresses }, machine.apiPort);
}

/** Its cable leads nowhere any more, and nobody tells it. */
export async function labCut(world: World, name: string): Promise<void> {
  const { fabric, address } = await runningMachine(world, name);
  await succeed(world, "ip", ["-n", fabricNamespace(fabric), "link", "set", fabricLinks(address).port, "nomaster"]);
}

/** Plugs a machine in that was cut off. */
export async function labJoin(world: World, name: string): Promise<void> {
  const { fabric, address } = await runningMachine(world, name);
  const { bridge, port } = fabricLinks(address);
  await succeed(world, "ip", ["-n", fabricNamespace(fabric), "link", "set", port, "master", bridge]);
}

type Settings = Pick<
  LabMachine,
  "name" | "fabric" | "address" | "ipv6Address" | "systemd" | "readOnlyPaths" | "forwardCommand" | "diskMegabytes" | "programs"
>;

async function raise(world: World, settings: Settings, apiPort = 0): Promise<LabMachine> {
  const { name, fabric, address, ipv6Address, systemd, readOnlyPaths, forwardCommand, diskMegabytes, programs } = settings;
  const { files, processes, clock } = world;
  const places = placesOf(name);
  const machine: MachineOptions = {
    name,
    fabric,
    address,
    ...(ipv6Address !== undefined && { ipv6Address }),
    places,
    groups: await groupsOf(world),
    readOnlyPaths,
    systemd,
    ...(diskMegabytes !== undefined && { diskMegabytes }),
    ...(programs !== undefined && { programs }),
    insideCommand: forwardCommand.length === 0 ? [] : [...forwardCommand, "inside"],
  };
  await files.makeFolder(places.root);
  await files.makeFolder(places.exchange);
  await files.write(`${places.folder}/launch.sh`, launchScript(machine));
  await files.write(`${places.folder}/inside.sh`, insideScript(machine));
  const started = await processes.run("sh", ["-c", outsideScript(machine)], { timeoutMilliseconds: bootMilliseconds });
  if (started.code !== 0) throw new LabError(`cannot make lab machine "${name}": ${started.stderr.trim()}`);
  const guardId = Number(started.stdout.trim());
  const deadline = clock.monotonic() + bootMilliseconds;
  while (!(await files.stat(`${places.exchange}/ready`))) {
    if (!processes.signal(guardId, 0) || clock.monotonic() > deadline)
      throw new LabError(
        `lab machine "${name}" did not start: ${(await files.readText(places.bootLog).catch(() => "")).trim().slice(-2_000)}`,
      );
    await pause(world, 20);
  }
  const initId = Number((await files.readText(`/proc/${guardId}/task/${guardId}/children`)).trim().split(" ")[0]);
  const initStarted = await startTime(world, initId);
  if (initStarted === undefined) throw new LabError(`lab machine "${name}" ended while it started`);
  const state: LabMachine = { ...settings, initId, initStarted, apiPort: undefined, createdAt: clock.now() };
  await files.replace(places.stateFile, JSON.stringify(state));
  if (forwardCommand.length === 0) return state;
  const opened = { ...state, apiPort: await openWayIn(world, machine, forwardCommand, apiPort) };
  await files.replace(places.stateFile, JSON.stringify(opened));
  return opened;
}

/** Starts the far half of the way in, in a cgroup of the machine's so that it ends with it. Returns the port. */
async function openWayIn(
  world: World,
  { places, name, groups }: MachineOptions,
  command: readonly string[],
  port: number,
): Promise<number> {
  const before = Number(await world.files.readText(`${places.folder}/port`).catch(() => "0"));
  if (
    before > 0 &&
    (await Promise.all(groups.map(({ point }) => processesBelow(world, `${point}/${places.group}/${wayIn}`)))).flat().length > 0
  )
    return before;
  const log = { path: `${places.folder}/forward.log` };
  const keeper = await world.processes.spawn("sh", {
    arguments: ["-c", forwardScript(places, groups, port), "keelson-lab-forward", ...command, "outside", name],
    folder: "/",
    stdin: "ignore",
    stdout: log,
    stderr: log,
    detached: true,
  });
  const deadline = world.clock.monotonic() + bootMilliseconds;
  for (;;) {
    const noted = await world.files.readText(`${places.folder}/port`).catch(() => "");
    if (noted !== "") return Number(noted);
    const printed = (await world.files.readText(log.path).catch(() => "")).trim();
    if (printed !== "" || world.clock.monotonic() > deadline || !world.processes.signal(keeper.id, 0))
      throw new LabError(`cannot open 127.0.0.1:${port} for lab machine "${name}": ${printed.slice(-2_000)}`);
    await pause(world, 20);
  }
}

/** Ends every process of the machine and removes all of it. Fine when there is none, or only parts. Returns whether there was anything. */
export async function labDown(world: World, name: string): Promise<boolean> {
  const places = placesOf(name);
  const { files, processes } = world;
  const machine = await readMachine(world, places);
  const fabric = machine?.fabric ?? ((await files.readText(places.fabricFile).catch(() => "")) || name);
  const isOwn = (namespace: string) => files.stat(`/run/netns/${namespace}`).then((info) => info !== undefined);
  const existed =
    machine !== undefined ||
    (await files.stat(places.folder)) !== undefined ||
    (await isOwn(places.namespace)) ||
    (fabric === name && (await isOwn(fabricNamespace(fabric))));
  if (machine && (await startTime(world, machine.initId)) === machine.initStarted) processes.signal(machine.initId, "SIGKILL");
  await removeRunning(world, places, { keepWayIn: false });
  await unmountBelow(world, places.folder);
  await files.remove(places.folder, { recursive: true });
  const others = await fabricsInUse(world);
  if (!others.has(fabric) && (await isOwn(fabricNamespace(fabric))))
    await succeed(world, "ip", ["netns", "delete", fabricNamespace(fabric)]);
  if (existed) await processes.run("rmdir", [labsFolder]);
  return existed;
}

/** Also of machines that are half made, or half gone. */
async function fabricsInUse(world: World): Promise<ReadonlySet<string>> {
  const names = await world.files.list(labsFolder).catch(() => []);
  return new Set(
    await Promise.all(names.map(async (name) => (await world.files.readText(placesOf(name).fabricFile).catch(() => "")) || name)),
  );
}

/** All that a machine is while it runs; its disk stays. */
async function removeRunning(world: World, places: LabPlaces, { keepWayIn }: { readonly keepWayIn: boolean }): Promise<void> {
  const groups = await groupsOf(world);
  const kept = keepWayIn ? wayIn : undefined;
  await endProcesses(world, places, groups, kept);
  if (await world.files.stat(`/run/netns/${places.namespace}`)) await succeed(world, "ip", ["netns", "delete", places.namespace]);
  for (const { point } of groups) await removeGroup(world, `${point}/${places.group}`, kept);
}

/** By cgroup: whoever was started in the machine is in one of its cgroups, or below. */
async function endProcesses(world: World, places: LabPlaces, groups: readonly GroupMount[], kept?: string): Promise<void> {
  const deadline = world.clock.monotonic() + downMilliseconds;
  for (;;) {
    const ids = new Set((await Promise.all(groups.map(({ point }) => processesBelow(world, `${point}/${places.group}`, kept)))).flat());
    ids.delete(world.processes.self.id);
    if (ids.size === 0) return;
    if (world.clock.monotonic() > deadline)
      throw new LabError(
        `cannot take down lab machine "${places.folder.slice(labsFolder.length + 1)}": processes ${[...ids].slice(0, 20).join(", ")} do not end`,
      );
    for (const id of ids) world.processes.signal(id, "SIGKILL");
    await pause(world, 50);
  }
}

async function processesBelow(world: World, folder: string, kept?: string): Promise<readonly number[]> {
  const ids: number[] = [];
  for (const group of await foldersBelow(world, folder)) {
    if (kept !== undefined && group === `${folder}/${kept}`) continue;
    const text = await world.files.readText(`${group}/cgroup.procs`).catch(() => "");
    ids.push(
      ...text
        .split("\n")
        .map(Number)
        .filter((id) => id > 0),
    );
  }
  return ids;
}

/** The folder and all below it, the deepest first. */
async function foldersBelow(world: World, folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  if ((await world.files.stat(folder).catch(() => undefined))?.kind !== "folder") return found;
  for (const name of await world.files.list(folder).catch(() => [])) found.push(...(await foldersBelow(world, `${folder}/${name}`)));
  found.push(folder);
  return found;
}

/** A cgroup is busy for a moment after its last process ended. */
async function removeGroup(world: World, folder: string, kept?: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const all = await foldersBelow(world, folder);
    const stays = kept !== undefined && all.includes(`${folder}/${kept}`);
    const folders = stays ? all.filter((one) => one !== folder && one !== `${folder}/${kept}`) : all;
    if (folders.length === 0) return;
    await world.processes.run("rmdir", folders);
    if (attempt > 0) await pause(world, 50);
  }
  throw new LabError(`cannot remove cgroup ${folder}`);
}

async function unmountBelow(world: World, folder: string): Promise<void> {
  const points = (await world.files.readText("/proc/self/mounts")).split("\n").map((line) => line.split(" ")[1] ?? "");
  for (const point of points.reverse()) if (point.startsWith(`${folder}/`)) await succeed(world, "umount", ["-l", point]);
}

export async function labList(world: World): Promise<readonly ListedLab[]> {
  const machines: ListedLab[] = [];
  for (const name of await world.files.list(labsFolder).catch(() => [])) {
    const machine = await readMachine(world, placesOf(name)).catch(() => undefined);
    if (machine) machines.push({ ...machine, running: (await startTime(world, machine.initId)) === machine.initStarted });
  }
  return machines;
}

export interface LabCommand {
  readonly environment?: Readonly<Record<string, string>>;
  readonly input?: string;
  readonly timeoutMilliseconds?: number;
}

/** Runs a program inside the machine to its end and gathers what it printed. */
export async function labExec(world: World, name: string, command: readonly string[], options: LabCommand = {}): Promise<RunResult> {
  const { program, arguments: arguments_ } = await entering(world, name, command, options.environment);
  return world.processes.run(program, arguments_, {
    ...(options.input === undefined ? {} : { input: options.input }),
    ...(options.timeoutMilliseconds === undefined ? {} : { timeoutMilliseconds: options.timeoutMilliseconds }),
  });
}

/** Runs a program inside the machine with our own standard input and output. */
export async function labAttach(world: World, name: string, command: readonly string[], options: LabCommand = {}): Promise<Exit> {
  const { program, arguments: arguments_ } = await entering(world, name, command, options.environment);
  const child = await world.processes.spawn(program, { arguments: arguments_, stdin: "inherit", stdout: "inherit", stderr: "inherit" });
  return child.exited;
}

async function entering(
  world: World,
  name: string,
  command: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<{ program: string; arguments: readonly string[] }> {
  const places = placesOf(name);
  const machine = await runningMachine(world, name);
  const script = enterScript(places, await groupsOf(world), machine.initId);
  const { TERM = "dumb" } = world.processes.self.environment;
  const variables = {
    PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    HOME: "/root",
    LANG: "C.UTF-8",
    TERM,
    ...environment,
  };
  return {
    program: "sh",
    arguments: [
      "-c",
      script,
      "keelson-lab",
      "env",
      "-i",
      ...Object.entries(variables).map(([key, value]) => `${key}=${value}`),
      ...command,
    ],
  };
}

type Addresses = Pick<LabMachine, "address" | "ipv6Address">;

/** "192.168.51.10", or with one of IPv6 "192.168.51.10,fd00:51::10". */
function readAddresses(text: string): Addresses {
  const [address = "", ipv6Address, ...more] = text.split(",");
  checkAddress(address);
  if (ipv6Address === undefined) return { address };
  const read = readAddress(ipv6Address);
  const last = read && read.value % 2n ** 64n;
  if (more.length > 0 || read?.family !== "IPv6" || read.value >> 121n !== 0xfcn >> 1n || last === 0n || last === 1n)
    throw new LabError(
      `"${text}" cannot be a lab machine's addresses: beside one of IPv4 it has one of fc00::/7 that is not a subnet's first`,
    );
  return { address, ipv6Address: addressText("IPv6", read.value) };
}

/** Whether a machine of this name and fabric may have the addresses. */
async function checkFree(world: World, wanted: Addresses, { name, fabric }: Pick<LabMachine, "name" | "fabric">): Promise<void> {
  for (const other of await labList(world)) {
    if (other.fabric !== fabric || other.name === name) continue;
    const isTaken = (own: string | undefined) => own !== undefined && (own === other.address || own === other.ipv6Address);
    const taken = [wanted.address, wanted.ipv6Address].find(isTaken);
    if (taken !== undefined) throw new LabError(`${taken} is lab machine "${other.name}"'s already`);
  }
}

function checkAddress(address: string): void {
  const numbers = address.split(".").map(Number);
  const [first = 0, second = 0, , last = 0] = numbers;
  const isPrivate = first === 10 || (first === 192 && second === 168) || (first === 172 && second >= 16 && second < 32);
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(address) && numbers.every((number) => number < 256) && isPrivate && last > 1 && last < 255) return;
  throw new LabError(`"${address}" cannot be a lab machine's address: a private IPv4 address that does not end in 0, 1 or 255`);
}

async function checkMachine(world: World, systemd: boolean): Promise<void> {
  const { platform, uid } = world.processes.self;
  if (platform !== "linux") throw new LabError(`lab machines need Linux, this is ${platform}`);
  if (uid !== 0) throw new LabError("lab machines need root: run this with sudo");
  const needed = ["unshare", "nsenter", "setsid", "ip", "mount", "pivot_root", "hostname", ...(systemd ? ["/lib/systemd/systemd"] : [])];
  const checked = await world.processes.run("sh", [
    "-c",
    'for tool; do command -v "$tool" >/dev/null || echo "$tool"; done',
    "check",
    ...needed,
  ]);
  const missing = checked.stdout
    .trim()
    .split("\n")
    .filter((tool) => tool !== "");
  if (missing.length > 0)
    throw new LabError(`lab machines need ${missing.join(", ")}: install util-linux, iproute2${systemd ? ", systemd" : ""}`);
}

async function clearLeftovers(world: World, places: LabPlaces, name: string): Promise<void> {
  const machine = await readMachine(world, places);
  if (machine && (await startTime(world, machine.initId)) === machine.initStarted)
    throw new LabError(`lab machine "${name}" is already up, since ${new Date(machine.createdAt).toISOString()}`);
  const info = await world.files.stat(places.folder);
  const isBeingMade = machine === undefined && info !== undefined && world.clock.now() - info.modifiedAt < bootMilliseconds;
  if (isBeingMade) throw new LabError(`lab machine "${name}" is being made by someone else; if not so, take it down first`);
  if (await labDown(world, name)) world.log.info("removed what was left of an earlier lab machine", { lab: name });
}

async function groupsOf(world: World): Promise<readonly GroupMount[]> {
  return groupMounts(await world.files.readText("/proc/self/mounts"));
}

async function runningMachine(world: World, name: string): Promise<LabMachine> {
  const machine = await readMachine(world, placesOf(name));
  if (machine && (await startTime(world, machine.initId)) === machine.initStarted) return machine;
  throw new LabError(`there is no running lab machine "${name}"`);
}

async function readMachine(world: World, places: LabPlaces): Promise<LabMachine | undefined> {
  try {
    return JSON.parse(await world.files.readText(places.stateFile)) as LabMachine;
  } catch {
    return undefined;
  }
}

/** A process's start in ticks since boot; undefined when it is gone or a zombie. */
async function startTime(world: World, id: number): Promise<string | undefined> {
  const stat = await world.files.readText(`/proc/${id}/stat`).catch(() => "");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
}

async function succeed(world: World, program: string, arguments_: readonly string[]): Promise<void> {
  const { code, stderr } = await world.processes.run(program, arguments_);
  if (code !== 0) throw new LabError(`${program} ${arguments_.join(" ")} failed: ${stderr.trim()}`);
}

function pause(world: World, milliseconds: number): Promise<void> {
  return new Promise((resolve) => world.clock.timer(milliseconds, resolve));
}
