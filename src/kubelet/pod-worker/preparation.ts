// What a Pod has before its first container: its cgroup, its sandbox and its volumes. Tried again with growing pauses.
import type { SandboxConfig } from "#cri/runtime.ts";
import { errorText } from "../images/image-puller.ts";
import { fullName } from "../layout.ts";
import type { Step } from "./decide.ts";
import { isAlive } from "./observed.ts";
import type { PodWork } from "./pod-work.ts";
import { checkUserNamespaces, dnsOf, sandboxConfig } from "./sandbox-config.ts";

/** Doubled with each failure in a row. */
const firstMilliseconds = 200;
const maxMilliseconds = 10_000;
const volumesRetryMilliseconds = 10_000;

export class Preparation {
  readonly #work: PodWork;
  #blockedUntil: number | undefined;
  #failures = 0;
  #volumesReady = false;
  #volumesDue: number | undefined;
  #sandboxConfig: SandboxConfig | undefined;

  constructor(work: PodWork) {
    this.#work = work;
  }

  get volumesReady(): boolean {
    return this.#volumesReady;
  }

  /** When volumes are to be brought up to date. */
  get volumesDue(): number | undefined {
    return this.#volumesDue;
  }

  get blockedUntil(): number | undefined {
    return this.#blockedUntil;
  }

  /** The volumes' content may be old. */
  volumesAreOld(): void {
    this.#volumesDue = 0;
    if (!this.#volumesReady) this.#blockedUntil = undefined;
  }

  /** Afterwards there is more, or a time to wait for. */
  async prepare({ attempt, sandbox, volumes }: Extract<Step, { do: "prepare" }>): Promise<void> {
    const [sandboxOutcome, volumesOutcome] = await Promise.allSettled([
      sandbox ? this.#makeSandbox(attempt) : undefined,
      volumes ? this.#makeVolumes() : undefined,
    ]);
    if (sandboxOutcome.status === "fulfilled" && volumesOutcome.status === "fulfilled") {
      this.#blockedUntil = undefined;
      this.#failures = 0;
      return;
    }
    const wait = Math.min(firstMilliseconds * 2 ** Math.min(this.#failures, 10), maxMilliseconds);
    this.#failures += 1;
    this.#blockedUntil = this.#work.world.clock.now() + wait;
    if (sandboxOutcome.status === "rejected") {
      const failure = sandboxOutcome.reason as Error;
      if (failure instanceof PodCgroupError) this.#work.event("Warning", "FailedCreatePodContainer", failure.message);
      else this.#work.event("Warning", "FailedCreatePodSandBox", `Failed to create pod sandbox: ${errorText(failure)}`);
    }
    if (volumesOutcome.status === "rejected") this.#work.event("Warning", "FailedMount", (volumesOutcome.reason as Error).message);
  }

  async refreshVolumes(): Promise<void> {
    const { world } = this.#work;
    if (!this.#volumesReady || this.#volumesDue === undefined || this.#volumesDue > world.clock.now()) return;
    try {
      await this.#makeVolumes();
    } catch (error) {
      this.#volumesDue = world.clock.now() + volumesRetryMilliseconds;
      this.#work.event("Warning", "FailedMount", (error as Error).message);
    }
  }

  async configOfSandbox(attempt: number): Promise<SandboxConfig> {
    if (this.#sandboxConfig?.metadata.attempt !== attempt) {
      const { pod, needs } = this.#work;
      const cgroupParent = needs.cgroups?.parentOf(pod) ?? "";
      const resolver = await needs.resolver();
      const users = await needs.userNamespaces.of(pod);
      this.#sandboxConfig = sandboxConfig(pod, attempt, { options: needs.options, resolver, cgroupParent, users });
    }
    return this.#sandboxConfig;
  }

  async #makeSandbox(attempt: number): Promise<void> {
    const { pod, needs, files } = this.#work;
    const handler = await needs.runtimeHandler(pod.spec.runtimeClassName);
    checkUserNamespaces(pod, handler, needs.node());
    await this.#makeCgroup();
    const config = await this.configOfSandbox(attempt);
    for (const { reason, message } of dnsOf(pod, needs.options, await needs.resolver()).warnings)
      this.#work.event("Warning", reason, message);
    await files.makeLogFolder();
    await needs.runtime.runSandbox(config, handler);
  }

  async #makeCgroup(): Promise<void> {
    const { pod, needs, world } = this.#work;
    try {
      await needs.cgroups?.make(pod);
    } catch (error) {
      const message = `unable to ensure pod container exists: failed to create container for ${needs.cgroups?.parentOf(pod)} : ${(error as Error).message}`;
      world.log.warn("cannot make a Pod's cgroup; trying again", { pod: fullName(pod), error: (error as Error).message });
      throw new PodCgroupError(message);
    }
  }

  async #makeVolumes(): Promise<void> {
    const { pod, needs, fields, observed } = this.#work;
    this.#volumesDue = undefined;
    const due = await needs.volumes.mount(pod, fields, { isAtRest: !observed.containers.some(isAlive) });
    // What became old meanwhile is due already.
    this.#volumesDue ??= due;
    this.#volumesReady = true;
  }
}

class PodCgroupError extends Error {
  override readonly name = "PodCgroupError";
}
