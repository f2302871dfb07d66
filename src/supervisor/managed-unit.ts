// Performs what a unit's state machine decides: starts and signals processes, keeps the timer, notes the state under /run.
//
// Events of one unit are handled one after the other. The state file is written before anything else is done about an event,
// so that a supervisor started after this one was killed goes on from there.
import type { Scope } from "#base/scope.ts";
import type { Timer } from "#platform/clock.ts";
import type { Exit } from "#platform/processes.ts";
import type { World } from "#platform/world.ts";
import { type ControlGroup, controlGroup } from "./control-group.ts";
import { type Journal, openJournal } from "./journal.ts";
import { launchOf, parseEnvironmentFile, servicePath } from "./launch.ts";
import { decide, inactive, isActive, isStarting, type Phase, type Role, type UnitEvent, type UnitState, type UnitStep } from "./unit.ts";
import type { Command, Service, Unit } from "./unit-file.ts";

const lookMilliseconds = 200;

export interface ManagedUnit {
  readonly unit: Unit;
  readonly state: UnitState;
  readonly journal: Journal;
  /** Takes a new reading of the unit's file; it holds from the next command on. */
  update(unit: Unit): void;
  /** Handles the event, and resolves once its steps were performed. */
  send(event: UnitEvent): Promise<void>;
  /** Resolves when the phase satisfies `wanted`. */
  until(wanted: (phase: Phase) => boolean): Promise<UnitState>;
  /** Takes over what an earlier supervisor left. True when the unit was up, or on its way, and is not any more. */
  adopt(): Promise<"adopted" | "lost" | "stopped" | "fresh">;
}

export interface Places {
  /** Holds state files and pipes; does not survive a reboot. */
  readonly runFolder: string;
  readonly journalFolder: string;
  readonly groupFolder: string | undefined;
}

export function manageUnit(scope: Scope, world: World, first: Unit, places: Places): ManagedUnit {
  const { clock, files, processes } = world;
  const name = first.name;
  const stateFile = `${places.runFolder}/units/${name}.json`;
  const mainFile = `${places.runFolder}/units/${name}.main`;
  const group: ControlGroup | undefined =
    places.groupFolder === undefined ? undefined : controlGroup(world, `${places.groupFolder}/${name}`);
  const journal = openJournal(scope, world, {
    name,
    identifier: name.replace(/\.service$/, ""),
    pipe: `${places.runFolder}/units/${name}.pipe`,
    path: `${places.journalFolder}/${name}.log`,
  });
  const waiters = new Set<() => void>();
  let unit = first;
  let state: UnitState = inactive;
  let timer: Timer | undefined;
  let awaitingEmpty = false;
  /** Leads the session of the last main process; finds the rest of the unit where there is no cgroup. */
  let leader: number | undefined;
  let queue: Promise<void> = Promise.resolve();

  for (const warning of unit.warnings) journal.say(warning);
  scope.defer("timer", () => timer?.cancel());

  return {
    get unit() {
      return unit;
    },
    get state() {
      return state;
    },
    journal,
    update(next) {
      if (next.warnings.join() !== unit.warnings.join()) for (const warning of next.warnings) journal.say(warning);
      unit = next;
    },
    send: (event) => send(event),
    async until(wanted) {
      while (!wanted(state.phase)) {
        scope.throwIfStopped();
        await new Promise<void>((resolve) => waiters.add(resolve));
      }
      return state;
    },
    adopt,
  };

  /** `stillMeant` is asked when the event's turn comes. */
  function send(event: UnitEvent, stillMeant: () => boolean = () => true): Promise<void> {
    const handled = queue.then(() => (scope.stopped || !stillMeant() ? undefined : handle(event)));
    queue = handled.catch(() => {});
    return handled;
  }

  /** For events that nobody waits for. */
  function post(event: UnitEvent, stillMeant?: () => boolean): void {
    send(event, stillMeant).catch((error) => {
      if (!scope.stopped) scope.fail(error);
    });
  }

  async function handle(event: UnitEvent): Promise<void> {
    const decision = decide(unit, state, event, clock.now());
    if (decision.state !== state) {
      state = decision.state;
      await note();
      for (const waiter of waiters) waiter();
      waiters.clear();
    }
    const isOver = decision.state.phase === "inactive" || decision.state.phase === "failed";
    for (const step of decision.steps) await perform(step);
    if (isOver) await group?.remove();
  }

  async function note(): Promise<void> {
    await files
      .replace(stateFile, JSON.stringify(state), { mode: 0o600 })
      .catch((error) => world.log.warn("cannot note a unit's state", { unit: name, error: String(error) }));
  }

  async function perform(step: UnitStep): Promise<void> {
    switch (step.kind) {
      case "say":
        journal.say(step.message);
        break;
      case "timer":
        setTimer(step.milliseconds);
        break;
      case "kill":
        await kill(step.who, step.signal);
        break;
      case "await-empty":
        awaitEmpty();
        break;
      case "spawn":
        if (unit.service) await spawn(unit.service, step.role, step.command);
        break;
    }
  }

  /** A timer that fired, and was replaced before its event's turn came, is not meant any more. */
  function setTimer(milliseconds: number): void {
    timer?.cancel();
    timer = undefined;
    if (!Number.isFinite(milliseconds)) return;
    const own = clock.timer(Math.min(milliseconds, 2 ** 31 - 1), () => post({ kind: "timer" }, () => timer === own));
    timer = own;
  }

  async function spawn(service: Service, role: Role, command: Command): Promise<void> {
    try {
      await journal.open();
      const groupFiles = group === undefined ? [] : [group.joinFile];
      await group?.make();
      if (role === "main") await files.remove(mainFile);
      const launch = launchOf(service, command, await environmentOf(service), {
        groupFiles,
        pipe: journal.pipe,
        mainFile: role === "main" ? mainFile : undefined,
      });
      const child = await processes.spawn(launch.program, {
        arguments: launch.arguments,
        environment: launch.environment,
        folder: "/",
        stdin: "ignore",
        stdout: "ignore",
        stderr: "ignore",
        detached: true,
      });
      if (role === "main") leader = child.id;
      child.exited.then((exit) => post({ kind: "exited", id: child.id, exit }));
      post({ kind: "spawned", role, id: child.id });
    } catch (error) {
      post({ kind: "spawn-failed", role, message: error instanceof Error ? error.message : String(error) });
    }
  }

  async function environmentOf(service: Service): Promise<ReadonlyMap<string, string>> {
    const environment = new Map([
      ["PATH", servicePath],
      ["LANG", "C.UTF-8"],
      ["INVOCATION_ID", world.crypto.uuid().replaceAll("-", "")],
    ]);
    if (service.user !== undefined) for (const [key, value] of await userEnvironment(service.user)) environment.set(key, value);
    for (const [key, value] of service.environment) environment.set(key, value);
    for (const { path, optional } of service.environmentFiles) {
      const text = await files.readText(path).catch((error) => {
        if (optional) return "";
        throw new Error(`Failed to load environment file ${path}: ${error instanceof Error ? error.message : String(error)}`);
      });
      for (const [key, value] of parseEnvironmentFile(text)) environment.set(key, value);
    }
    if (state.mainId !== undefined) environment.set("MAINPID", String(state.mainId));
    return environment;
  }

  async function userEnvironment(user: string): Promise<readonly (readonly [string, string])[]> {
    const entries = (await files.readText("/etc/passwd").catch(() => "")).split("\n").map((line) => line.split(":"));
    const entry = entries.find(([login, , uid]) => login === user || uid === user);
    if (!entry) throw new Error(`Failed to determine user credentials: no user ${user}`);
    return [
      ["USER", entry[0] ?? user],
      ["LOGNAME", entry[0] ?? user],
      ["HOME", entry[5] ?? "/"],
    ];
  }

  async function kill(who: "main" | "control" | "all", signal: string): Promise<void> {
    if (who === "main" && state.mainId !== undefined) processes.signal(state.mainId, signal);
    else if (who === "control" && state.controlId !== undefined) processes.signal(-state.controlId, signal);
    else if (who === "all") {
      await group?.signal(signal);
      if (group === undefined && leader !== undefined) processes.signal(-leader, signal);
      if (group === undefined && state.controlId !== undefined) processes.signal(-state.controlId, signal);
    }
  }

  async function isEmpty(): Promise<boolean> {
    if (group) return (await group.processes()).length === 0;
    return leader === undefined || !processes.signal(-leader, 0);
  }

  function awaitEmpty(): void {
    if (awaitingEmpty) return;
    awaitingEmpty = true;
    const look = async (): Promise<void> => {
      const empty = await isEmpty();
      if (scope.stopped) return;
      if (!empty && (state.phase === "stop-sigterm" || state.phase === "stop-sigkill")) {
        if (state.phase === "stop-sigkill") await group?.signal("SIGKILL");
        clock.timer(20, () => void look());
        return;
      }
      awaitingEmpty = false;
      if (empty) await group?.remove();
      post({ kind: "group-empty" });
    };
    void look();
  }

  async function adopt(): Promise<"adopted" | "lost" | "stopped" | "fresh"> {
    const left = readState(await files.readText(stateFile).catch(() => ""));
    if (!left) return "fresh";
    const mainId = await livingMain();
    const kept = { ...inactive, restarts: left.restarts, starts: left.starts, afterwards: left.afterwards };
    if (unit.kind === "target" || (left.phase === "exited" && mainId === undefined)) {
      state = { ...left, mainId: undefined, controlId: undefined, phase: isActive(left.phase) ? left.phase : "inactive" };
      return isActive(left.phase) ? "adopted" : "fresh";
    }
    if (mainId !== undefined) {
      leader = mainId;
      state = { ...left, phase: unit.service?.type === "oneshot" ? "start" : "running", mainId, controlId: undefined, result: "success" };
      await journal.open();
      journal.say(`Adopted ${unit.description}, main process ${mainId}.`);
      watchAdopted(mainId);
      await note();
      if (!left.phase.startsWith("stop")) return "adopted";
      await send({ kind: left.afterwards === "start-again" ? "restart" : "stop" });
      return "stopped";
    }
    state = kept;
    const wasUp = isActive(left.phase) || isStarting(left.phase) || left.afterwards === "start-again";
    if (group && unit.service?.killMode === "control-group") await endLeftovers(group);
    if (wasUp) {
      state = { ...state, restarts: left.restarts + 1 };
      journal.say(`Main process of ${unit.description} ended while no supervisor ran.`);
    }
    return wasUp ? "lost" : left.afterwards === "stay-stopped" ? "stopped" : "fresh";
  }

  /** So that the next start finds their ports and files free. */
  async function endLeftovers(left: ControlGroup): Promise<void> {
    for (let attempt = 0; attempt < 50 && (await left.processes()).length > 0; attempt += 1) {
      await left.signal("SIGKILL");
      await clock.sleep(scope, 20);
    }
  }

  async function livingMain(): Promise<number | undefined> {
    const [id = "", started = ""] = (await files.readText(mainFile).catch(() => "")).trim().split(" ");
    return /^\d+$/.test(id) && started !== "" && (await startTime(world, Number(id))) === started ? Number(id) : undefined;
  }

  /** An adopted process is not our child: it is looked at until it is gone, and its exit code stays unknown. */
  function watchAdopted(id: number): void {
    scope.start(`main process ${id} of ${name}`, async (task) => {
      const started = await startTime(world, id);
      while (started !== undefined && (await startTime(world, id)) === started) await clock.sleep(task, lookMilliseconds);
      const exit: Exit = {};
      post({ kind: "exited", id, exit });
    });
  }
}

/** A process's start in ticks since boot, which tells it from a later one of the same id; undefined when it is gone or a zombie. */
async function startTime(world: World, id: number): Promise<string | undefined> {
  const stat = await world.files.readText(`/proc/${id}/stat`).catch(() => "");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return fields[0] === "Z" || fields[0] === "X" ? undefined : fields[19];
}

function readState(text: string): UnitState | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || !("phase" in value) || typeof value.phase !== "string") return undefined;
    return { ...inactive, ...(value as Partial<UnitState>) };
  } catch {
    return undefined;
  }
}
