// Starts one container: its image, its making, its start, its postStart hook. What cannot be started is held back for a while, and the
// reason is kept for the status.
import { ScopeStopped } from "#base/scope.ts";
import { errorText, type TellEvent } from "../images/image-puller.ts";
import type { AnyContainer } from "../layout.ts";
import type { ContainerStop } from "./container-stop.ts";
import { createContainer } from "./create-container.ts";
import type { Step, Waiting } from "./decide.ts";
import { ContainerConfigError } from "./environment.ts";
import { runHook } from "./hooks.ts";
import type { PodWork } from "./pod-work.ts";
import type { Preparation } from "./preparation.ts";

/** The first failure of a pull is shown this long before the wait begins, whose reason is another. */
const failureShownMilliseconds = 1_000;

export class ContainerStart {
  readonly #work: PodWork;
  readonly #preparation: Preparation;
  readonly #stop: ContainerStop;
  readonly #held = new Map<string, Waiting>();
  readonly #starting = new Set<string>();
  readonly #unhooked = new Map<string, string>();

  constructor(work: PodWork, preparation: Preparation, stop: ContainerStop) {
    this.#work = work;
    this.#preparation = preparation;
    this.#stop = stop;
  }

  /** Containers that could not be made or started, by name. */
  get held(): ReadonlyMap<string, Waiting> {
    return this.#held;
  }

  /** Containers whose postStart hook runs. */
  get starting(): ReadonlySet<string> {
    return this.#starting;
  }

  /** Why the postStart hooks of containers failed, by id. */
  get unhooked(): ReadonlyMap<string, string> {
    return this.#unhooked;
  }

  /** The container was removed. */
  forget(id: string): void {
    this.#unhooked.delete(id);
  }

  /** What containers refer to has changed. */
  configurationChanged(): void {
    for (const [name, { reason }] of this.#held) if (reason === "CreateContainerConfigError") this.#held.delete(name);
  }

  /** True when something may be different now, which is always. */
  async start({ container, attempt, restart }: Extract<Step, { do: "start" }>): Promise<true> {
    const { needs, world, files, pod, observed } = this.#work;
    const tell: TellEvent = (type, reason, message) => this.#work.event(type, reason, message, container);
    const image = await needs.images.ensure(pod, container, tell, () => {
      this.#held.delete(container.name);
      this.#work.wake();
    });
    if (image.type === "pulling") return this.#hold(container, { reason: this.#creatingReason() });
    if (image.type === "failed") {
      tell("Warning", "Failed", `Error: ${image.reason}`);
      const until = image.until === undefined ? this.#work.retryAt() : Math.max(image.until, world.clock.now() + failureShownMilliseconds);
      return this.#hold(container, { ...image, until });
    }
    const { sandbox } = observed;
    if (!sandbox) return true;
    let id: string;
    try {
      id = await createContainer(world, needs, {
        ...{ pod, container, attempt, image: image.image, observed, files, fields: this.#work.fields },
        warn: (reason, message) => tell("Warning", reason, message),
        ...{ sandboxId: sandbox.id, sandbox: await this.#preparation.configOfSandbox(sandbox.metadata.attempt) },
      });
    } catch (error) {
      const { message } = error as Error;
      tell("Warning", "Failed", `Error: ${message}`);
      const reason = error instanceof ContainerConfigError ? "CreateContainerConfigError" : "CreateContainerError";
      return this.#hold(container, { reason, message, until: this.#work.retryAt() });
    }
    tell("Normal", "Created", "Container created");
    try {
      await needs.runtime.startContainer(id);
    } catch (error) {
      const { message } = error as Error;
      tell("Warning", "Failed", `Error: ${message}`);
      this.#noteRestart(restart);
      return this.#hold(container, { reason: "RunContainerError", message, until: this.#work.retryAt() });
    }
    tell("Normal", "Started", "Container started");
    this.#noteRestart(restart);
    this.#held.delete(container.name);
    this.#work.background("link log", () => files.linkLog({ id, name: container.name, attempt }));
    if (container.lifecycle?.postStart) this.#postStart(container, id);
    return true;
  }

  #noteRestart(restart: { key: string; since: number } | undefined): void {
    if (restart) this.#work.restarts.next(restart.key, restart.since);
  }

  #hold(container: AnyContainer, waiting: Waiting): true {
    this.#held.set(container.name, waiting);
    return true;
  }

  #creatingReason(): string {
    return (this.#work.pod.spec.initContainers ?? []).length > 0 ? "PodInitializing" : "ContainerCreating";
  }

  #postStart(container: AnyContainer, id: string): void {
    const { scope, world, needs } = this.#work;
    this.#starting.add(id);
    this.#work.background("postStart", async () => {
      try {
        const tell: TellEvent = (type, reason, message) => this.#work.event(type, reason, message, container);
        const target = { containerId: id, container, podIP: this.#work.podIP, tell };
        await runHook(scope, world, needs.runtime, container.lifecycle?.postStart ?? {}, target);
        this.#starting.delete(id);
      } catch (error) {
        if (error instanceof ScopeStopped) throw error;
        this.#starting.delete(id);
        this.#unhooked.set(id, errorText(error));
        // What went wrong may hold secrets: events, which many may read, say only that it did.
        this.#work.event("Warning", "FailedPostStartHook", "PostStartHook failed", container);
        const graceSeconds = Number(this.#work.pod.spec.terminationGracePeriodSeconds ?? 30);
        this.#stop.stop({ do: "stop", container: { id, name: container.name }, why: "FailedPostStartHook", graceSeconds, hook: true });
      }
      this.#work.wake();
    });
  }
}
