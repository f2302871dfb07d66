// Ends containers in the background: the preStop hook, the wait for those that end first, and the container's own end share one grace
// period.
import { ScopeStopped } from "#base/scope.ts";
import { errorText } from "../images/image-puller.ts";
import { type AnyContainer, allContainers } from "../layout.ts";
import { Deadline } from "./deadline.ts";
import type { Step } from "./decide.ts";
import { type HookTarget, runHook } from "./hooks.ts";
import type { PodWork } from "./pod-work.ts";

/** However little of the grace period is left, a container gets this long between being told and being killed. */
const graceSecondsMin = 2;

/** Before it is tried again, where the runtime could not end it. */
const failureMilliseconds = 2_000;

type Stop = Extract<Step, { do: "stop" }>;

interface Stopping {
  readonly name: string;
  readonly deadline: Deadline;
  /** The runtime has been asked to end it. */
  isAsked: boolean;
  readonly done: Promise<void>;
}

export class ContainerStop {
  readonly #work: PodWork;
  readonly #stopping = new Map<string, Stopping>();

  constructor(work: PodWork) {
    this.#work = work;
  }

  /** Containers being stopped. */
  get stopping(): ReadonlySet<string> {
    return new Set(this.#stopping.keys());
  }

  /** There is less time than was said. */
  hurry(graceSeconds: number): void {
    for (const [id, { deadline, isAsked }] of this.#stopping) {
      if (graceSeconds * 1_000 >= deadline.remaining) continue;
      deadline.shorten(graceSeconds * 1_000);
      if (isAsked) this.#work.background("hurry", () => this.#work.needs.runtime.stopContainer(id, graceSeconds));
    }
  }

  stop(step: Stop): void {
    const { id, name } = step.container;
    if (this.#stopping.has(id)) return;
    const container = allContainers(this.#work.pod).find((one) => one.name === name);
    this.#work.event("Normal", "Killing", step.why, container);
    if (step.replace) this.#work.replaced.add(id);
    this.#work.needs.prober.stopRestarts(id);
    const deadline = new Deadline(this.#work.scope, this.#work.world.clock, step.graceSeconds * 1_000);
    let isDone = () => {};
    const done = new Promise<void>((resolve) => {
      isDone = resolve;
    });
    const stopping: Stopping = { name, deadline, isAsked: false, done };
    this.#stopping.set(id, stopping);
    this.#work.background("stop container", async () => {
      try {
        await this.#end(step, container, stopping);
      } catch (error) {
        if (error instanceof ScopeStopped) throw error;
        this.#work.event("Warning", "FailedKillPod", `error killing pod: ${errorText(error)}`);
        await this.#work.world.clock.sleep(this.#work.scope, failureMilliseconds);
      } finally {
        deadline.cancel();
        this.#stopping.delete(id);
        isDone();
        this.#work.wake();
      }
    });
  }

  async #end(
    { container: { id }, graceSeconds, hook, after = [] }: Stop,
    container: AnyContainer | undefined,
    own: Stopping,
  ): Promise<void> {
    const { deadline } = own;
    if (hook && container?.lifecycle?.preStop && graceSeconds > 0) await deadline.unless(this.#preStop(id, container));
    if (graceSeconds > 0) {
      const others = [...this.#stopping.values()].filter(({ name }) => after.includes(name));
      if (others.length > 0) await deadline.unless(Promise.all(others.map(({ done }) => done)));
    }
    this.#work.scope.throwIfStopped();
    own.isAsked = true;
    const { ending } = this.#work;
    const isAtOnce = graceSeconds === 0 || ending?.graceSeconds === 0;
    await this.#work.needs.runtime.stopContainer(id, isAtOnce ? 0 : Math.max(graceSecondsMin, deadline.remaining / 1_000));
  }

  async #preStop(containerId: string, container: AnyContainer): Promise<void> {
    const { scope, world, needs, podIP } = this.#work;
    try {
      const tell: HookTarget["tell"] = (type, reason, message) => this.#work.event(type, reason, message, container);
      await runHook(scope, world, needs.runtime, container.lifecycle?.preStop ?? {}, { containerId, container, podIP, tell });
    } catch (error) {
      if (error instanceof ScopeStopped) throw error;
      // What went wrong may hold secrets: it is logged, and events say only that it did.
      world.log.warn("a preStop hook failed", { container: container.name, error: errorText(error) });
      this.#work.event("Warning", "FailedPreStopHook", "PreStopHook failed", container);
    }
  }
}
