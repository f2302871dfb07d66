// Every task has a scope. Stopping a scope stops its children and runs its clean-ups, newest first.
//
// Invariants:
// - A stopped scope starts nothing: `start` and `child` on it throw ScopeStopped.
// - `stop` is idempotent; all its callers wait for the same end.
// - A task that throws anything but ScopeStopped fails its scope; the failure travels up to the nearest `onFailure`.
import { assert } from "./assert.ts";

/** Thrown out of waits whose scope was stopped. Tasks let it pass; scopes swallow it. */
export class ScopeStopped extends Error {
  override readonly name = "ScopeStopped";
  constructor(scope: string) {
    super(`scope "${scope}" was stopped`);
  }
}

export type FailureHandler = (error: unknown, path: string) => void;

interface Cleanup {
  readonly name: string;
  readonly run: () => void | Promise<void>;
}

/** A handle on one task: `done` resolves when it ended, however it ended; `stop` stops it alone. */
export interface Task {
  readonly name: string;
  readonly done: Promise<void>;
  stop(): Promise<void>;
}

export class Scope {
  readonly name: string;
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  readonly #parent: Scope | undefined;
  readonly #onFailure: FailureHandler | undefined;
  readonly #cleanups = new Set<Cleanup>();
  #stopping: Promise<void> | undefined;

  constructor(name: string, parent: Scope | undefined, onFailure: FailureHandler | undefined) {
    this.name = name;
    this.#parent = parent;
    this.#onFailure = onFailure;
    this.signal = this.#controller.signal;
  }

  get stopped(): boolean {
    return this.signal.aborted;
  }

  /** "cluster/kubelet/pod-worker": the names from the root down to here. */
  get path(): string {
    return this.#parent ? `${this.#parent.path}/${this.name}` : this.name;
  }

  /** A scope that ends before this one does. `onFailure` keeps its tasks' failures from travelling further up. */
  child(name: string, onFailure?: FailureHandler): Scope {
    this.throwIfStopped();
    const child = new Scope(name, this, onFailure);
    const cleanup = { name, run: () => child.stop() };
    this.#cleanups.add(cleanup);
    child.#forget = () => this.#cleanups.delete(cleanup);
    return child;
  }

  #forget: () => void = () => {};

  /** Runs `task` in a child scope of its own. */
  start(name: string, task: (scope: Scope) => void | Promise<void>): Task {
    const scope = this.child(name);
    const done = (async () => {
      try {
        await task(scope);
      } catch (error) {
        if (!(error instanceof ScopeStopped)) scope.fail(error);
      }
      await scope.stop();
    })();
    return { name, done, stop: () => scope.stop().then(() => done) };
  }

  /** Registers a clean-up; it runs when the scope stops. Returns a function that takes it back without running it. */
  defer(name: string, run: () => void | Promise<void>): () => void {
    this.throwIfStopped();
    const cleanup = { name, run };
    this.#cleanups.add(cleanup);
    return () => this.#cleanups.delete(cleanup);
  }

  /** Reports a failure to the nearest `onFailure` above; without any, the failure is thrown to the host as unhandled. */
  fail(error: unknown): void {
    let scope: Scope | undefined = this;
    while (scope && !scope.#onFailure) scope = scope.#parent;
    if (!scope) throw error;
    assert(scope.#onFailure, "a scope with a failure handler was found");
    scope.#onFailure(error, this.path);
  }

  throwIfStopped(): void {
    if (this.stopped) throw new ScopeStopped(this.path);
  }

  /** Stops children and runs clean-ups, newest first. Failures of clean-ups are reported, and the rest still runs. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop();
    return this.#stopping;
  }

  async #stop(): Promise<void> {
    this.#controller.abort(new ScopeStopped(this.path));
    while (this.#cleanups.size > 0) {
      const newest = [...this.#cleanups].at(-1) as Cleanup;
      this.#cleanups.delete(newest);
      try {
        await newest.run();
      } catch (error) {
        if (!(error instanceof ScopeStopped)) this.fail(error);
      }
    }
    this.#forget();
  }
}

/** The scope a host makes once; every other scope descends from it. */
export function rootScope(name: string, onFailure: FailureHandler): Scope {
  return new Scope(name, undefined, onFailure);
}
