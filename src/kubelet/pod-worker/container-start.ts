// Starts one container: its image, its making, its start, its postStart hook. What cannot be started is held back for a while, and the
// reason is kept for the status.
import type { Pod } from "#api/core/pod/pod.ts";
import type { ImageVolumeSource } from "#api/core/pod/volume.ts";
import { ScopeStopped } from "#base/scope.ts";
import type { Image } from "#cri/runtime.ts";
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
  /** What containers that wait for further images have already, by container and image. */
  readonly #brought = new Map<string, Map<string, Image>>();
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
    const volumes = imageVolumesOf(pod, container);
    const images = await this.#bring(container, volumes, tell);
    if (!images) return true;
    const [image, ...ofVolumes] = images as readonly [Image, ...Image[]];
    const { sandbox } = observed;
    if (!sandbox) return true;
    let id: string;
    try {
      for (const [index, { id: imageId }] of ofVolumes.entries())
        await needs.volumes.mountImage(pod, (volumes[index] as ImageVolume).name, imageId);
      id = await createContainer(world, needs, {
        ...{ pod, container, attempt, image, observed, files, fields: this.#work.fields },
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

  /** The images of a container and of its volumes, each brought once for a start; undefined where it has to wait for one. */
  async #bring(container: AnyContainer, volumes: readonly ImageVolume[], tell: TellEvent): Promise<readonly Image[] | undefined> {
    const { needs, world, pod } = this.#work;
    const brought = this.#brought.get(container.name) ?? new Map<string, Image>();
    this.#brought.set(container.name, brought);
    const done = () => {
      this.#held.delete(container.name);
      this.#work.wake();
    };
    const wanted = [
      container,
      ...volumes.map(({ image }) => ({ ...container, image: image.reference, imagePullPolicy: image.pullPolicy })),
    ];
    let isPulling = false;
    for (const one of wanted) {
      const name = one.image ?? "";
      if (brought.has(name)) continue;
      const outcome = await needs.images.ensure(pod, one, tell, done);
      if (outcome.type === "present") brought.set(name, outcome.image);
      else if (outcome.type === "pulling") isPulling = true;
      else {
        this.#brought.delete(container.name);
        tell("Warning", "Failed", `Error: ${outcome.reason}`);
        const shown = world.clock.now() + failureShownMilliseconds;
        this.#hold(container, { ...outcome, until: outcome.until === undefined ? this.#work.retryAt() : Math.max(outcome.until, shown) });
        return undefined;
      }
    }
    if (isPulling) {
      this.#hold(container, { reason: this.#creatingReason() });
      return undefined;
    }
    this.#brought.delete(container.name);
    return wanted.map(({ image = "" }) => brought.get(image) as Image);
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

interface ImageVolume {
  readonly name: string;
  readonly image: ImageVolumeSource;
}

/** The volumes of images that the container mounts. */
function imageVolumesOf({ spec }: Pod, { volumeMounts = [] }: AnyContainer): readonly ImageVolume[] {
  return (spec.volumes ?? []).flatMap(({ name, image }) =>
    image && volumeMounts.some((mount) => mount.name === name) ? [{ name, image }] : [],
  );
}
