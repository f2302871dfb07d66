// Events about a Pod that are told once, or once in a while, however often the worker comes by.
import { allContainers, fullName } from "../layout.ts";
import type { PodWork } from "./pod-work.ts";

/** Between two events that say the same container waits. */
const backOffMilliseconds = 10_000;

export class Announcements {
  readonly #work: PodWork;
  readonly #backOffs = new Map<string, number>();
  #lost: string | undefined;

  constructor(work: PodWork) {
    this.#work = work;
  }

  /** A sandbox is made anew: once for each that was lost. */
  sandboxChanged(): void {
    const lost = this.#work.observed.sandboxes[0]?.id;
    if (lost === undefined || lost === this.#lost) return;
    this.#lost = lost;
    this.#work.event("Normal", "SandboxChanged", "Pod sandbox changed, it will be killed and re-created.");
  }

  backOff(name: string): void {
    const now = this.#work.world.clock.now();
    if ((this.#backOffs.get(name) ?? 0) > now - backOffMilliseconds) return;
    this.#backOffs.set(name, now);
    const { pod } = this.#work;
    const container = allContainers(pod).find((one) => one.name === name);
    this.#work.event("Warning", "BackOff", `Back-off restarting failed container ${name} in pod ${fullName(pod)}`, container);
  }
}
