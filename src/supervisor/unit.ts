// The life of one unit as a state machine: what happened in, what to do out. Pure.
//
// A service goes inactive -> start-pre -> start -> start-post -> running, and by whatever end
// -> stop -> stop-sigterm -> stop-sigkill -> stop-post -> inactive, failed or auto-restart.
import type { Exit } from "#platform/processes.ts";
import type { Command, Service, Unit } from "./unit-file.ts";
import { describeExit, exitResult, isClean, wantsRestart } from "./unit-exit.ts";

export type Phase =
  | "inactive"
  | "start-pre"
  | "start"
  | "start-post"
  | "running"
  | "exited"
  | "reload"
  | "stop"
  | "stop-sigterm"
  | "stop-sigkill"
  | "stop-post"
  | "auto-restart"
  | "failed";
export type Result = "success" | "exit-code" | "signal" | "timeout" | "resources" | "start-limit-hit" | "dependency";
/** "main" is the service itself, "control" one of the commands around it. */
export type Role = "main" | "control";

export interface UnitState {
  readonly phase: Phase;
  /** Which command of the phase's list is running. */
  readonly index: number;
  readonly mainId: number | undefined;
  readonly controlId: number | undefined;
  /** What should become of the unit once it has stopped. */
  readonly afterwards: "policy" | "stay-stopped" | "start-again";
  readonly result: Result;
  readonly mainExit: Exit | undefined;
  readonly restarts: number;
  /** When it was started, for the start limit; newest last. */
  readonly starts: readonly number[];
  readonly since: number;
}

export type UnitEvent =
  | { readonly kind: "start" | "stop" | "restart" | "reload" | "timer" | "group-empty" }
  | { readonly kind: "spawned"; readonly role: Role; readonly id: number }
  | { readonly kind: "spawn-failed"; readonly role: Role; readonly message: string }
  | { readonly kind: "exited"; readonly id: number; readonly exit: Exit }
  | { readonly kind: "dependency-failed"; readonly message: string };

export type UnitStep =
  | { readonly kind: "spawn"; readonly role: Role; readonly command: Command }
  /** "all" is every process of the unit. */
  | { readonly kind: "kill"; readonly who: "main" | "control" | "all"; readonly signal: string }
  /** Replaces the unit's one timer; infinite: no timer. */
  | { readonly kind: "timer"; readonly milliseconds: number }
  /** Sends "group-empty" once no process of the unit is left. */
  | { readonly kind: "await-empty" }
  | { readonly kind: "say"; readonly message: string };

export interface Decision {
  readonly state: UnitState;
  readonly steps: readonly UnitStep[];
}

export const inactive: UnitState = {
  phase: "inactive",
  index: 0,
  mainId: undefined,
  controlId: undefined,
  afterwards: "policy",
  result: "success",
  mainExit: undefined,
  restarts: 0,
  starts: [],
  since: 0,
};

/** True in the phases where a unit counts as up. */
export function isActive(phase: Phase): boolean {
  return phase === "running" || phase === "exited" || phase === "reload";
}

/** True while a start is still under way, so that units after this one wait. */
export function isStarting(phase: Phase): boolean {
  return phase === "start-pre" || phase === "start" || phase === "start-post" || phase === "auto-restart";
}

export function decide(unit: Unit, state: UnitState, event: UnitEvent, now: number): Decision {
  return unit.service ? new ServiceMachine(unit, unit.service, state, now).take(event) : decideTarget(unit, state, event, now);
}

function decideTarget(unit: Unit, state: UnitState, event: UnitEvent, now: number): Decision {
  switch (event.kind) {
    case "start":
    case "restart":
      return isActive(state.phase)
        ? { state, steps: [] }
        : { state: { ...state, phase: "running", result: "success", since: now }, steps: [say(`Reached target ${unit.description}.`)] };
    case "stop":
      return isActive(state.phase)
        ? { state: { ...state, phase: "inactive", since: now }, steps: [say(`Stopped target ${unit.description}.`)] }
        : { state, steps: [] };
    case "dependency-failed":
      return { state: { ...state, phase: "failed", result: "dependency", since: now }, steps: [say(event.message)] };
    default:
      return { state, steps: [] };
  }
}

class ServiceMachine {
  readonly #unit: Unit;
  readonly #service: Service;
  readonly #now: number;
  readonly #steps: UnitStep[] = [];
  #state: UnitState;

  constructor(unit: Unit, service: Service, state: UnitState, now: number) {
    this.#unit = unit;
    this.#service = service;
    this.#state = state;
    this.#now = now;
  }

  take(event: UnitEvent): Decision {
    switch (event.kind) {
      case "start":
        this.#onStart();
        break;
      case "restart":
        this.#onRestart();
        break;
      case "stop":
        this.#onStop();
        break;
      case "reload":
        this.#onReload();
        break;
      case "timer":
        this.#onTimer();
        break;
      case "group-empty":
        this.#onGroupEmpty();
        break;
      case "spawned":
        this.#onSpawned(event.role, event.id);
        break;
      case "spawn-failed":
        this.#say(`Failed to spawn: ${event.message}`);
        this.#onSpawnFailed(event.role);
        break;
      case "exited":
        this.#onExited(event.id, event.exit);
        break;
      case "dependency-failed":
        this.#say(event.message);
        this.#state = { ...this.#state, result: "dependency" };
        this.#enter("failed");
        break;
    }
    return { state: this.#state, steps: this.#steps };
  }

  #onStart(): void {
    const { phase } = this.#state;
    if (phase === "inactive" || phase === "failed" || phase === "auto-restart") this.#begin();
    else if (phase.startsWith("stop")) this.#state = { ...this.#state, afterwards: "start-again" };
  }

  #onRestart(): void {
    const { phase } = this.#state;
    if (phase === "inactive" || phase === "failed" || phase === "auto-restart") this.#begin();
    else {
      this.#state = { ...this.#state, afterwards: "start-again" };
      if (!phase.startsWith("stop")) this.#beginStop("success");
    }
  }

  #onStop(): void {
    const { phase } = this.#state;
    this.#state = { ...this.#state, afterwards: "stay-stopped" };
    if (phase === "auto-restart") this.#enter("inactive");
    else if (phase !== "inactive" && phase !== "failed" && !phase.startsWith("stop")) this.#beginStop("success");
  }

  #onReload(): void {
    if (this.#state.phase !== "running" || this.#service.reload.length === 0) return;
    this.#enter("reload");
    this.#runNext(this.#service.reload, 0);
  }

  #begin(): void {
    const { startLimitMilliseconds, startLimitBurst } = this.#unit;
    const recent = this.#state.starts.filter((at) => at > this.#now - startLimitMilliseconds);
    if (startLimitMilliseconds > 0 && startLimitBurst > 0 && recent.length >= startLimitBurst) {
      this.#say("Start request repeated too quickly.");
      this.#state = { ...this.#state, result: "start-limit-hit", starts: recent };
      this.#enter("failed");
      return;
    }
    this.#state = {
      ...this.#state,
      result: "success",
      mainExit: undefined,
      mainId: undefined,
      controlId: undefined,
      afterwards: "policy",
      starts: [...recent, this.#now].slice(-100),
    };
    this.#say(`Starting ${this.#unit.description}...`);
    this.#enter("start-pre");
    this.#timer(this.#service.startTimeoutMilliseconds);
    this.#runNext(this.#service.startPre, 0);
  }

  /** Runs the command at `index` of the phase's list, or goes on to the next phase when there are no more. */
  #runNext(commands: readonly Command[], index: number): void {
    const command = commands[index];
    this.#state = { ...this.#state, index };
    if (command) this.#steps.push({ kind: "spawn", role: this.#state.phase === "start" ? "main" : "control", command });
    else this.#phaseDone();
  }

  #phaseDone(): void {
    const { type, remainAfterExit, startPost, start } = this.#service;
    switch (this.#state.phase) {
      case "start-pre":
        this.#enter("start");
        this.#runNext(start, 0);
        break;
      case "start":
        this.#enter("start-post");
        this.#runNext(startPost, 0);
        break;
      case "start-post":
        this.#timer(Number.POSITIVE_INFINITY);
        this.#say(type === "oneshot" && !remainAfterExit ? `Finished ${this.#unit.description}.` : `Started ${this.#unit.description}.`);
        if (type !== "oneshot") this.#enter("running");
        else if (remainAfterExit) this.#enter("exited");
        else this.#beginStop(this.#state.result);
        break;
      case "reload":
        this.#enter("running");
        this.#say(`Reloaded ${this.#unit.description}.`);
        break;
      case "stop":
        this.#terminate();
        break;
      case "stop-post":
        this.#finish();
        break;
      default:
        break;
    }
  }

  #onSpawned(role: Role, id: number): void {
    if (role === "control") this.#state = { ...this.#state, controlId: id };
    else {
      this.#state = { ...this.#state, mainId: id };
      if (this.#state.phase === "start" && this.#service.type !== "oneshot") this.#phaseDone();
    }
  }

  #onSpawnFailed(role: Role): void {
    if (this.#state.phase === "stop" || this.#state.phase === "stop-post") this.#phaseDone();
    else if (role === "main" || this.#state.phase !== "reload") this.#beginStop("resources");
    else this.#enter("running");
  }

  #onExited(id: number, exit: Exit): void {
    if (id === this.#state.controlId) this.#onControlExited(exit);
    else if (id === this.#state.mainId) this.#onMainExited(exit);
  }

  #onControlExited(exit: Exit): void {
    const { phase, index } = this.#state;
    const command = this.#listOf(phase)[index];
    this.#state = { ...this.#state, controlId: undefined };
    const clean = isClean(exit, this.#service) || command?.ignoreFailure === true;
    if (!clean) this.#say(`Control process exited, ${describeExit(exit)}`);
    if (phase === "stop-sigterm" || phase === "stop-sigkill") this.#maybeGone();
    else if (clean) this.#runNext(this.#listOf(phase), index + 1);
    else if (phase === "reload") this.#enter("running");
    else if (phase === "stop" || phase === "stop-post") {
      this.#fail(exitResult(exit));
      this.#phaseDone();
    } else this.#beginStop(exitResult(exit));
  }

  #onMainExited(exit: Exit): void {
    const { phase, index } = this.#state;
    const command = this.#service.start[phase === "start" ? index : 0];
    this.#state = { ...this.#state, mainId: undefined, mainExit: exit };
    const asked = phase.startsWith("stop") && exit.code === undefined && exit.signal === undefined;
    const clean = asked || isClean(exit, this.#service) || command?.ignoreFailure === true;
    if (!clean || phase === "running") this.#say(`Main process exited, ${describeExit(exit)}`);
    const result = clean ? "success" : exitResult(exit);
    switch (phase) {
      case "start":
        if (clean) this.#runNext(this.#service.start, index + 1);
        else this.#beginStop(result);
        break;
      case "start-post":
      case "running":
      case "reload":
        this.#beginStop(result);
        break;
      case "stop":
        this.#fail(result);
        break;
      case "stop-sigterm":
      case "stop-sigkill":
        if (!(exit.signal === "SIGKILL" && phase === "stop-sigkill")) this.#fail(result);
        this.#maybeGone();
        break;
      default:
        break;
    }
  }

  #listOf(phase: Phase): readonly Command[] {
    switch (phase) {
      case "start-pre":
        return this.#service.startPre;
      case "start":
        return this.#service.start;
      case "start-post":
        return this.#service.startPost;
      case "reload":
        return this.#service.reload;
      case "stop":
        return this.#service.stop;
      case "stop-post":
        return this.#service.stopPost;
      default:
        return [];
    }
  }

  /** ExecStop= runs only for a service that had come up. */
  #beginStop(result: Result): void {
    const cameUp = this.#state.phase === "running" || this.#state.phase === "exited" || this.#state.phase === "reload";
    this.#fail(result);
    if (this.#state.afterwards !== "policy") this.#say(`Stopping ${this.#unit.description}...`);
    if (!cameUp) {
      this.#terminate();
      return;
    }
    this.#enter("stop");
    this.#timer(this.#service.stopTimeoutMilliseconds);
    this.#runNext(this.#service.stop, 0);
  }

  #terminate(): void {
    const { killMode, killSignal, stopTimeoutMilliseconds } = this.#service;
    this.#enter("stop-sigterm");
    this.#timer(stopTimeoutMilliseconds);
    if (killMode === "control-group") this.#kill("all", killSignal);
    else if (killMode !== "none") {
      if (this.#state.mainId !== undefined) this.#kill("main", killSignal);
      if (this.#state.controlId !== undefined) this.#kill("control", killSignal);
    }
    this.#maybeGone();
  }

  #maybeGone(): void {
    const { killMode } = this.#service;
    if (killMode !== "none" && (this.#state.mainId !== undefined || this.#state.controlId !== undefined)) return;
    if (killMode === "mixed") this.#kill("all", "SIGKILL");
    if (killMode === "control-group" || killMode === "mixed") this.#steps.push({ kind: "await-empty" });
    else this.#gone();
  }

  #onGroupEmpty(): void {
    const { phase, mainId, controlId } = this.#state;
    if ((phase === "stop-sigterm" || phase === "stop-sigkill") && mainId === undefined && controlId === undefined) this.#gone();
  }

  #gone(): void {
    this.#enter("stop-post");
    this.#timer(this.#service.stopTimeoutMilliseconds);
    this.#runNext(this.#service.stopPost, 0);
  }

  #onTimer(): void {
    const { phase } = this.#state;
    switch (phase) {
      case "auto-restart":
        this.#state = { ...this.#state, restarts: this.#state.restarts + 1 };
        this.#say(`Scheduled restart job, restart counter is at ${this.#state.restarts}.`);
        this.#begin();
        break;
      case "start-pre":
      case "start":
      case "start-post":
        this.#say(`${phase} operation timed out. Terminating.`);
        this.#fail("timeout");
        this.#terminate();
        break;
      case "stop":
        this.#say("Stopping timed out. Terminating.");
        this.#fail("timeout");
        this.#terminate();
        break;
      case "stop-sigterm":
        this.#say(`State 'stop-sigterm' timed out. ${this.#service.sendKill ? "Killing." : "Skipping SIGKILL."}`);
        this.#fail("timeout");
        if (this.#service.sendKill) this.#killTheRest();
        else this.#gone();
        break;
      case "stop-sigkill":
        this.#say("Processes still around after SIGKILL. Ignoring.");
        this.#gone();
        break;
      case "stop-post":
        this.#fail("timeout");
        if (this.#state.controlId !== undefined) this.#kill("control", "SIGKILL");
        this.#finish();
        break;
      default:
        break;
    }
  }

  #killTheRest(): void {
    const { killMode, stopTimeoutMilliseconds } = this.#service;
    this.#enter("stop-sigkill");
    this.#timer(stopTimeoutMilliseconds);
    if (killMode === "control-group" || killMode === "mixed") this.#kill("all", "SIGKILL");
    if (this.#state.mainId !== undefined) this.#kill("main", "SIGKILL");
    if (this.#state.controlId !== undefined) this.#kill("control", "SIGKILL");
    this.#maybeGone();
  }

  #finish(): void {
    const { afterwards, result } = this.#state;
    this.#timer(Number.POSITIVE_INFINITY);
    this.#state = { ...this.#state, mainId: undefined, controlId: undefined };
    if (result !== "success") this.#say(`Failed with result '${result}'.`);
    if (afterwards === "start-again") {
      this.#enter("inactive");
      this.#begin();
    } else if (afterwards === "policy" && wantsRestart(this.#service, result, this.#state.mainExit)) {
      this.#enter("auto-restart");
      this.#timer(this.#service.restartMilliseconds);
    } else {
      if (afterwards === "stay-stopped") this.#say(`Stopped ${this.#unit.description}.`);
      this.#enter(result === "success" ? "inactive" : "failed");
    }
  }

  /** The first thing that went wrong is the unit's result. */
  #fail(result: Result): void {
    if (this.#state.result === "success") this.#state = { ...this.#state, result };
  }

  #enter(phase: Phase): void {
    this.#state = { ...this.#state, phase, index: 0, since: this.#now };
  }

  #timer(milliseconds: number): void {
    this.#steps.push({ kind: "timer", milliseconds });
  }

  #kill(who: "main" | "control" | "all", signal: string): void {
    this.#steps.push({ kind: "kill", who, signal });
  }

  #say(message: string): void {
    this.#steps.push(say(message));
  }
}

function say(message: string): UnitStep {
  return { kind: "say", message };
}
