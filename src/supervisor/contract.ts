// What a supervisor can be asked, in its own process or through its socket.
import type { Journal } from "./journal.ts";
import type { Phase, Result } from "./unit.ts";

export interface UnitStatus {
  readonly name: string;
  readonly description: string;
  readonly active: "active" | "activating" | "deactivating" | "inactive" | "failed";
  readonly phase: Phase;
  readonly result: Result;
  readonly mainId: number | undefined;
  readonly restarts: number;
  /** Milliseconds since 1970 of the last change of phase. */
  readonly since: number;
  readonly after: readonly string[];
  readonly sources: readonly string[];
  readonly warnings: readonly string[];
}

export interface SupervisorStatus {
  readonly target: string;
  readonly processId: number;
  readonly since: number;
  readonly units: readonly UnitStatus[];
  readonly warnings: readonly string[];
}

/** A command that cannot be carried out, in words for whoever gave it. */
export class SupervisorError extends Error {
  override readonly name = "SupervisorError";
}

export interface Supervisor {
  status(): SupervisorStatus;
  /** Resolves when the unit and all it needs are up. Throws SupervisorError when it failed. */
  start(name: string): Promise<void>;
  stop(name: string): Promise<void>;
  restart(name: string): Promise<void>;
  /** Runs the unit's ExecReload=. */
  reload(name: string): Promise<void>;
  /** Reads the unit files again. */
  reloadFiles(): Promise<void>;
  /** Stops every unit, in the reverse of the starting order. */
  stopAll(): Promise<void>;
  /** Stops every unit, after which `ended` resolves: the supervisor's process can end. */
  exit(): Promise<void>;
  readonly ended: Promise<void>;
  journal(name: string): Journal;
}
