// Ends containers in the background: the preStop hook and the container's own end share one grace period.
import { ScopeStopped } from "#base/scope.ts";
import { errorText } from "../images/image-puller.ts";
import { allContainers } from "../layout.ts";
import type { Step } from "./decide.ts";
import { runHook } from "./hooks.ts";
import type { PodWork } from "./pod-work.ts";

const graceSecondsMin = 2;

export class ContainerStop {
  readonly #work: PodWork;
  readonly #stopping = new Set<string>();

  constructor(work: PodWork) {
    this.#work = work;
  }

  /** Containers being stopped. */
  get stopping(): ReadonlySet<string> {
    return this.#stopping;
  }

  /** There is less time than was said. */
  hurry(graceSeconds: number): void {
    for (const id of this.#stopping) this.#work.background("hurry", () => this.#work.needs.runtime.stopContainer(id, graceSeconds));
  }

  stop({ container: { id, name }, why, graceSeconds, hook }: Extract<Step, { do: "stop" }>): void {
    if (this.#stopping.has(id)) return;
    this.#stopping.add(id);
    const { runtime, prober } = this.#work.needs;
    const { clock } = this.#work.world;
    const container = allContainers(this.#work.pod).find((one) => one.name === name);
    this.#work.event("Normal", "Killing", why, container);
    prober.stop(id);
    this.#work.background("stop container", async () => {
      try {
        const startedAt = clock.monotonic();
        if (hook && container?.lifecycle?.preStop && graceSeconds > 0) await this.#preStop(id, container, graceSeconds);
        const { ending } = this.#work;
        const grace = ending ? Math.min(graceSeconds, ending.graceSeconds) : graceSeconds;
        const spent = (clock.monotonic() - startedAt) / 1_000;
        await runtime.stopContainer(id, grace === 0 ? 0 : Math.max(graceSecondsMin, grace - spent));
      } finally {
        this.#stopping.delete(id);
        this.#work.wake();
      }
    });
  }

  async #preStop(containerId: string, container: ReturnType<typeof allContainers>[number], graceSeconds: number): Promise<void> {
    const { scope, world, needs, podIP } = this.#work;
    try {
      await runHook(scope, world, needs.runtime, container.lifecycle?.preStop ?? {}, { containerId, container, podIP }, graceSeconds);
    } catch (error) {
      if (error instanceof ScopeStopped) throw error;
      this.#work.event("Warning", "FailedPreStopHook", `PreStopHook failed: ${errorText(error)}`, container);
    }
  }
}
