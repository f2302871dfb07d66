// A container runtime as a kubelet sees it on a bad day. Every call may be refused, hang until its deadline, come late, be done with the
// answer lost, or be done after the caller gave up; the runtime itself may be gone for a while; and events get lost.
//
// Invariants:
// - What the runtime keeps is never wrong: only calls, answers and events are.
// - A call never ends after its connection: a kubelet that dies is rid of its calls at once, though the runtime may go on with them.
// - With a chance of 0 no random number is drawn.
import type { Scope } from "#base/scope.ts";
import type { Runtime, RuntimeEvent } from "#cri/runtime.ts";
import { GrpcError } from "#platform/network.ts";
import type { World } from "#platform/world.ts";

/** What goes wrong on one machine; changed at any time. */
export class RuntimeFaults {
  /** Of a call to go wrong, 0 to 1. */
  chance = 0;
  /** Which calls: all, those that do something, or those of one name. */
  calls: "all" | "actions" | (string & {}) = "all";
  /** How often what went wrong was which, for tests that want to see something happen. */
  readonly counts = new Map<string, number>();
  #isGone = false;
  readonly #world: World;
  readonly #restarted = new Set<() => void>();

  constructor(world: World) {
    this.#world = world;
  }

  get isGone(): boolean {
    return this.#isGone;
  }

  /** The runtime's daemon ends, and is back after a while; containers go on. */
  restart(milliseconds: number): void {
    if (this.#isGone) return;
    this.#isGone = true;
    for (const tell of this.#restarted) tell();
    this.#world.clock.timer(milliseconds, () => {
      this.#isGone = false;
      for (const tell of this.#restarted) tell();
    });
  }

  /** Calls back when the daemon ends and when it is back. */
  onRestart(scope: Scope, tell: () => void): void {
    this.#restarted.add(tell);
    scope.defer("restarts", () => {
      this.#restarted.delete(tell);
    });
  }

  count(what: string): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }
}

const lookMilliseconds = 10_000;
const doMilliseconds = 240_000;
const lateMillisecondsMax = 30_000;
const reconnectMilliseconds = 500;
/** Those that only look. */
const looks = new Set([
  ...["version", "status", "sandboxes", "sandboxStatus", "containers", "containerStatus", "images", "imageStatus", "imageFileSystem"],
  ...["containerStats", "sandboxStats"],
]);
const kinds = ["error", "hang", "late", "answer lost", "done late"] as const;
/** What runtimes say when something is wrong with them: unknown, deadline exceeded, internal, unavailable. */
const codes = [2, 4, 13, 14] as const;

/** The connection of one kubelet, as long as the scope lasts. */
export function faultyRuntime(scope: Scope, world: World, runtime: Runtime, faults: RuntimeFaults): Runtime {
  const pending = new Set<(error: Error) => void>();
  const drop = (message: string) => {
    for (const reject of [...pending]) reject(new GrpcError(14, message));
  };
  scope.signal.addEventListener("abort", () => drop("the connection is closed"), { once: true });
  faults.onRestart(scope, () => drop("error reading from server: EOF"));
  const wait = (milliseconds: number) => new Promise<void>((resolve) => world.clock.timer(milliseconds, resolve));

  function call(name: string, act: () => Promise<unknown>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const end = (error: Error) => {
        pending.delete(end);
        reject(error);
      };
      pending.add(end);
      attempt(name, act).then(
        (value) => {
          pending.delete(end);
          resolve(value);
        },
        (error: Error) => end(error),
      );
    });
  }

  function isMeant(name: string): boolean {
    return faults.calls === "all" || (faults.calls === "actions" ? !looks.has(name) : faults.calls === name);
  }

  async function attempt(name: string, act: () => Promise<unknown>): Promise<unknown> {
    if (faults.isGone) throw new GrpcError(14, "connection refused");
    if (faults.chance === 0 || !isMeant(name) || world.random.fraction() >= faults.chance) return act();
    const kind = kinds[world.random.integer(kinds.length)] as (typeof kinds)[number];
    faults.count(`${name}: ${kind}`);
    const isLook = looks.has(name);
    const deadline = isLook ? lookMilliseconds : doMilliseconds;
    switch (kind) {
      case "error":
        throw new GrpcError(codes[world.random.integer(codes.length)] as number, "injected failure");
      case "hang":
        await wait(deadline);
        throw new GrpcError(4, "context deadline exceeded");
      case "late": {
        const late = world.random.integer(lateMillisecondsMax);
        await wait(Math.min(late, deadline));
        if (late >= deadline) throw new GrpcError(4, "context deadline exceeded");
        return act();
      }
      case "answer lost":
        await act();
        throw new GrpcError(14, "error reading from server: connection reset by peer");
      case "done late":
        world.clock.timer(world.random.integer(lateMillisecondsMax), () => void act().catch(() => {}));
        throw new GrpcError(4, "context deadline exceeded");
    }
  }

  function watch(own: Scope, told: (event: RuntimeEvent) => void): void {
    const resyncSoon = () => world.clock.timer(reconnectMilliseconds, () => !own.stopped && !scope.stopped && told({ type: "resync" }));
    faults.onRestart(own, resyncSoon);
    runtime.watch(own, (event) => {
      if (scope.stopped || faults.isGone) return;
      // A stream that broke is opened again, and what was missed is looked up.
      if (faults.chance > 0 && world.random.fraction() < faults.chance) resyncSoon();
      else told(event);
    });
  }

  return new Proxy(runtime, {
    get: (target, name: string) => {
      if (name === "watch") return watch;
      const method = target[name as keyof Runtime] as unknown;
      if (typeof method !== "function") return method;
      return (...parameters: unknown[]) => call(name, () => (method as (...all: unknown[]) => Promise<unknown>)(...parameters));
    },
  });
}
