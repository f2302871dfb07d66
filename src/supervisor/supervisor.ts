// The supervisor: loads units, starts a target's in order, keeps them as their files say, answers on its socket.
// It knows nothing of Kubernetes. When its scope stops it leaves the units running; the next one adopts them.
import type { Scope } from "#base/scope.ts";
import type { World } from "#platform/world.ts";
import { type Supervisor, SupervisorError, type UnitStatus } from "./contract.ts";
import { serveControl } from "./control.ts";
import { findGroupFolder } from "./control-group.ts";
import { type ManagedUnit, manageUnit, type Places } from "./managed-unit.ts";
import { isAlwaysReached, OrderError, type Transaction, transactionFor } from "./order.ts";
import { inactive, isActive, isStarting, type Phase, type Result } from "./unit.ts";
import { loadUnits, type UnitSet } from "./unit-folders.ts";
import { isUnitName, type SpecifierFacts } from "./unit-syntax.ts";

export interface SupervisorOptions {
  /** Searched in this order, such as /etc/systemd/system and /lib/systemd/system. */
  readonly unitFolders: readonly string[];
  /** Started at once, with everything it wants and requires. */
  readonly target: string;
  /** Default /run/keelson. Holds supervisor.sock and the units' states. */
  readonly runFolder?: string;
  /** Default /var/log/keelson/journal. */
  readonly journalFolder?: string;
}

export const defaultRunFolder = "/run/keelson";
export const defaultJournalFolder = "/var/log/keelson/journal";

export async function startSupervisor(scope: Scope, world: World, options: SupervisorOptions): Promise<Supervisor> {
  const { files, clock, log } = world;
  const places: Places = {
    runFolder: options.runFolder ?? defaultRunFolder,
    journalFolder: options.journalFolder ?? defaultJournalFolder,
    groupFolder: await findGroupFolder(world),
  };
  await files.makeFolder(`${places.runFolder}/units`, { mode: 0o700 });
  await files.makeFolder(places.journalFolder, { mode: 0o750 });
  const facts = await readFacts(world);
  const managed = new Map<string, ManagedUnit>();
  const goals = new Set([options.target]);
  const since = clock.now();
  const ending = Promise.withResolvers<void>();
  const ready = Promise.withResolvers<void>();
  let warnings: readonly string[] =
    places.groupFolder === undefined ? ["no cgroup can be made here: the processes of a unit are found by their session"] : [];
  let set: UnitSet = { units: new Map(), wantedBy: new Map() };

  const supervisor: Supervisor = {
    status: () => ({
      target: options.target,
      processId: world.processes.self.id,
      since,
      units: [...managed.values()].map(statusOf),
      warnings,
    }),
    async start(name) {
      await load(name);
      const failed = await run(plan(name));
      const own = failed.get(name);
      if (own !== undefined) throw new SupervisorError(own);
    },
    async stop(name) {
      await stopWithDependents(known(name), new Set());
    },
    async restart(name) {
      const unit = managed.get(name);
      if (!unit) return supervisor.start(name);
      await reread();
      await unit.send({ kind: "restart" });
      const { phase, result } = await unit.until(isSettled);
      if (phase === "failed" || phase === "auto-restart") throw new SupervisorError(failure(name, result));
    },
    async reload(name) {
      const unit = known(name);
      if ((unit.unit.service?.reload.length ?? 0) === 0)
        throw new SupervisorError(`Failed to reload ${name}: Job type reload is not applicable for unit ${name}.`);
      await unit.send({ kind: "reload" });
      await unit.until((phase) => phase !== "reload");
    },
    reloadFiles: () => reread(),
    async stopAll() {
      const stopped = new Map<string, Promise<void>>();
      await Promise.all([...managed.values()].map((unit) => stopInOrder(unit, stopped)));
      if (places.groupFolder !== undefined) await world.processes.run("/bin/rmdir", [places.groupFolder]);
    },
    async exit() {
      await supervisor.stopAll();
      ending.resolve();
    },
    ended: ending.promise,
    journal: (name) => known(name).journal,
  };

  await serveControl(scope, world, { path: `${places.runFolder}/supervisor.sock`, supervisor, ready: ready.promise });
  await load(options.target);
  const transaction = plan(options.target);
  const states = await adoptAll();
  ready.resolve();
  scope.start(`start ${options.target}`, async () => {
    await run(transaction, (name) => states.get(name) === "stopped");
    for (const [name, left] of states)
      if (left === "lost" && !transaction.units.includes(name))
        await supervisor.start(name).catch((error) => log.warn("cannot start a unit again", { unit: name, error: String(error) }));
  });
  return supervisor;

  function known(name: string): ManagedUnit {
    const unit = managed.get(name);
    if (!unit) throw new SupervisorError(`Unit ${name} not loaded.`);
    return unit;
  }

  /** Makes the unit known with everything it leads to. */
  async function load(name: string): Promise<void> {
    if (!isUnitName(name)) throw new SupervisorError(`"${name}" is not a unit's name: it ends in .service or .target`);
    goals.add(name);
    await reread();
  }

  async function reread(): Promise<void> {
    set = await loadUnits(world, options.unitFolders, [...goals], facts);
    for (const [name, unit] of set.units) {
      const present = managed.get(name);
      if (present) present.update(unit);
      else managed.set(name, manageUnit(scope.child(name), world, unit, places));
    }
    for (const [name, unit] of managed)
      if (!set.units.has(name) && (unit.state === inactive || unit.state.phase === "inactive")) managed.delete(name);
  }

  function plan(name: string): Transaction {
    if (!set.units.has(name) && isAlwaysReached(name)) return { units: [], waits: new Map(), warnings: [] };
    try {
      const transaction = transactionFor(name, set.units, set.wantedBy);
      for (const warning of transaction.warnings) log.warn(warning);
      warnings = [...new Set([...warnings, ...transaction.warnings])].slice(-100);
      return transaction;
    } catch (error) {
      throw error instanceof OrderError ? new SupervisorError(error.message) : error;
    }
  }

  /** Starts each unit once those it waits for are up or have failed. Returns what failed, and why. */
  async function run(transaction: Transaction, skip: (name: string) => boolean = () => false): Promise<ReadonlyMap<string, string>> {
    const failed = new Map<string, string>();
    const done = new Map<string, Promise<void>>();
    for (const name of transaction.units) {
      const unit = managed.get(name);
      if (!unit) continue;
      const earlier = (transaction.waits.get(name) ?? []).map((wait) => done.get(wait));
      done.set(
        name,
        Promise.all(earlier).then(() => (skip(name) ? undefined : startOne(unit, failed))),
      );
    }
    await Promise.all(done.values());
    return failed;
  }

  async function startOne(managedUnit: ManagedUnit, failed: Map<string, string>): Promise<void> {
    const { unit } = managedUnit;
    const missing = unit.requires.find((required) => failed.has(required) && unit.after.includes(required));
    if (missing !== undefined) {
      const message = `Dependency failed for ${unit.description}: ${missing} did not start.`;
      failed.set(unit.name, message);
      await managedUnit.send({ kind: "dependency-failed", message });
      return;
    }
    for (const enemy of unit.conflicts) await managed.get(enemy)?.send({ kind: "stop" });
    await managedUnit.send({ kind: "start" });
    const { phase, result } = await managedUnit.until(isSettled);
    if (phase === "failed" || phase === "auto-restart") failed.set(unit.name, failure(unit.name, result));
  }

  async function stopWithDependents(managedUnit: ManagedUnit, seen: Set<string>): Promise<void> {
    const { name } = managedUnit.unit;
    if (seen.has(name)) return;
    seen.add(name);
    for (const other of managed.values())
      if (other.unit.requires.includes(name) && other.state.phase !== "inactive") await stopWithDependents(other, seen);
    await stopAndWait(managedUnit);
  }

  /** Each after those that come after it. Walks depth first, so that a cycle is cut where it closes. */
  function stopInOrder(managedUnit: ManagedUnit, stopped: Map<string, Promise<void>>, above: readonly string[] = []): Promise<void> {
    const { name, before } = managedUnit.unit;
    const path = [...above, name];
    const known = stopped.get(name);
    if (known) return known;
    const later = [...managed.values()].filter(
      ({ unit }) => !path.includes(unit.name) && (unit.after.includes(name) || before.includes(unit.name)),
    );
    const promise = Promise.all(later.map((unit) => stopInOrder(unit, stopped, path))).then(() => stopAndWait(managedUnit));
    stopped.set(name, promise);
    return promise;
  }

  async function stopAndWait(managedUnit: ManagedUnit): Promise<void> {
    await managedUnit.send({ kind: "stop" });
    await managedUnit.until((phase) => phase === "inactive" || phase === "failed");
  }

  /** Units that an earlier supervisor ran, whether or not the target still leads to them. */
  async function adoptAll(): Promise<ReadonlyMap<string, "adopted" | "lost" | "stopped" | "fresh">> {
    for (const file of await files.list(`${places.runFolder}/units`)) {
      const name = file.replace(/\.json$/, "");
      if (file.endsWith(".json") && isUnitName(name)) goals.add(name);
    }
    await reread();
    return new Map(await Promise.all([...managed].map(async ([name, unit]) => [name, await unit.adopt()] as const)));
  }
}

/** A start has come to its end, well or not; a unit that will be started again counts as failed. */
function isSettled(phase: Phase): boolean {
  return isActive(phase) || phase === "failed" || phase === "inactive" || phase === "auto-restart";
}

function failure(name: string, result: Result): string {
  return `Job for ${name} failed with result '${result}'. See its journal.`;
}

function statusOf({ unit, state }: ManagedUnit): UnitStatus {
  const { phase, result, mainId, restarts, since } = state;
  const active = isActive(phase)
    ? "active"
    : isStarting(phase)
      ? "activating"
      : phase.startsWith("stop")
        ? "deactivating"
        : phase === "failed"
          ? "failed"
          : "inactive";
  return {
    name: unit.name,
    description: unit.description,
    active,
    phase,
    result,
    mainId,
    restarts,
    since,
    after: unit.after,
    sources: unit.sources,
    warnings: unit.warnings,
  };
}

async function readFacts(world: World): Promise<SpecifierFacts> {
  const line = async (path: string) => (await world.files.readText(path).catch(() => "")).trim().replaceAll("-", "");
  return {
    hostname: world.network.hostname(),
    machineId: await line("/etc/machine-id"),
    bootId: await line("/proc/sys/kernel/random/boot_id"),
  };
}
