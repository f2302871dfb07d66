// One Pod made real, by one worker: looks, decides, does, looks again; then says what it saw.
//
// Invariants:
// - Steps of a Pod run one at a time; only stopping containers, pulling images and hooks go on beside, and wake the worker when done.
// - A worker that was told to end never starts anything again.
import { type Scope, ScopeStopped } from "#base/scope.ts";
import type { Node } from "#api/core/node/node.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import type { PodStatus } from "#api/core/pod/pod-status.ts";
import type { EventRecorder } from "#client/event-recorder.ts";
import type { SandboxConfig } from "#cri/runtime.ts";
import type { Timer } from "#platform/clock.ts";
import type { World } from "#platform/world.ts";
import type { Cgroups } from "../cgroups/cgroups.ts";
import { errorText, type ImagePuller, type TellEvent } from "../images/image-puller.ts";
import { type AnyContainer, allContainers, fullName, isControlPlane } from "../layout.ts";
import type { Prober } from "../probes.ts";
import { podStatus } from "../status/pod-status.ts";
import type { BackOffs } from "./back-off.ts";
import { createContainer, type CreationNeeds } from "./create-container.ts";
import { type Decision, decide, type Situation, type Step, type Waiting } from "./decide.ts";
import { ContainerConfigError } from "./environment.ts";
import { eventSubject } from "./event-subject.ts";
import type { FieldContext } from "./field-paths.ts";
import { runHook } from "./hooks.ts";
import { isAlive, nothingObserved, observe, type ObservedPod } from "./observed.ts";
import { PodFiles } from "./pod-files.ts";
import { type Resolver, sandboxConfig } from "./sandbox-config.ts";

export interface PodWorkerNeeds extends CreationNeeds {
  readonly runtimeName: () => string;
  readonly cgroups: Cgroups | undefined;
  readonly images: ImagePuller;
  readonly prober: Prober;
  readonly recorder: EventRecorder;
  readonly restarts: { readonly ordinary: BackOffs; readonly urgent: BackOffs };
  readonly resolver: () => Promise<Resolver>;
  readonly hostIPs: () => readonly string[];
  readonly node: () => Node | undefined;
  /** Told every new status. */
  readonly report: (pod: Pod, status: PodStatus) => void;
  /** The Pod has ended and nothing of it runs: bring that to the API. */
  readonly ended: (pod: Pod, status: PodStatus) => Promise<void>;
  /** Nothing is left of the Pod on this node: the worker is done. */
  readonly finished: (uid: string) => void;
}

const retryMilliseconds = { ordinary: 10_000, urgent: 1_000 };
/** After a failed sandbox or volume: doubled with each failure in a row. */
const prepareFirstMilliseconds = 200;
const prepareMaxMilliseconds = 10_000;
/** After the runtime could not be asked. */
const failureMilliseconds = 2_000;
/** The runtime hears of an exit a moment after its events tell of it. */
const exitLookMilliseconds = 10;
const exitLooksMax = 9;
const stepsMax = 200;
const stopSecondsMin = 2;

export class PodWorker {
  readonly uid: string;
  readonly #scope: Scope;
  readonly #world: World;
  readonly #needs: PodWorkerNeeds;
  readonly #files: PodFiles;
  #pod: Pod;
  #own: PodStatus | undefined;
  #observed: ObservedPod = nothingObserved;
  #ending: { readonly graceSeconds: number } | undefined;
  #failure: { readonly reason: string; readonly message: string } | undefined;
  #startTime: number | undefined;
  #volumesReady = false;
  #volumesDue: number | undefined;
  #blockedUntil: number | undefined;
  #prepareFailures = 0;
  #isReleased = false;
  #sandboxConfig: SandboxConfig | undefined;
  #woken = true;
  #busy = false;
  #wake: (() => void) | undefined;
  #timer: Timer | undefined;
  readonly #stopping = new Set<string>();
  readonly #starting = new Set<string>();
  readonly #held = new Map<string, Waiting>();
  readonly #messages = new Map<string, string>();
  readonly #exits = new Map<string, number>();
  readonly #toldBackOff = new Map<string, number>();

  constructor(scope: Scope, world: World, needs: PodWorkerNeeds, pod: Pod) {
    this.uid = pod.metadata.uid;
    this.#scope = scope;
    this.#world = world;
    this.#needs = needs;
    this.#pod = pod;
    this.#files = new PodFiles(world, needs.options, pod);
    scope.start("work", (task) => this.#run(task));
  }

  /** The Pod with the status last computed here. */
  get pod(): Pod {
    if (!this.#own) return this.#pod;
    const own = this.#own;
    const foreign = (this.#pod.status.conditions ?? []).filter(({ type }) => !own.conditions?.some((one) => one.type === type));
    return { ...this.#pod, status: { ...this.#pod.status, ...own, conditions: [...(own.conditions ?? []), ...foreign] } };
  }

  /** Looking or doing: containers may exist that were not seen yet. */
  get isBusy(): boolean {
    return this.#busy;
  }

  get observed(): ObservedPod {
    return this.#observed;
  }

  /** True when nothing of the Pod will be started again. */
  get isOver(): boolean {
    const { phase } = this.pod.status;
    return this.#ending !== undefined || phase === "Succeeded" || phase === "Failed";
  }

  update(pod: Pod, { wake = true } = {}): void {
    this.#pod = pod;
    if (wake) this.wake();
  }

  /** Stops the Pod; called again with less grace, it hurries. */
  end(graceSeconds: number): void {
    const before = this.#ending;
    if (before && before.graceSeconds <= graceSeconds) return;
    this.#ending = { graceSeconds };
    this.#needs.images.forget(this.uid);
    if (before) for (const id of this.#stopping) this.#background("hurry", () => this.#needs.runtime.stopContainer(id, graceSeconds));
    this.wake();
  }

  wake(): void {
    this.#woken = true;
    this.#wake?.();
  }

  /** Volumes' content may be old. */
  refreshVolumes(): void {
    this.#volumesDue = 0;
    for (const [name, { reason }] of this.#held) if (reason === "CreateContainerConfigError") this.#held.delete(name);
    if (!this.#volumesReady) this.#blockedUntil = undefined;
    this.wake();
  }

  owns(id: string): boolean {
    return this.#observed.containers.some((one) => one.id === id) || this.#observed.sandboxes.some((one) => one.id === id);
  }

  /** The runtime says that this container or sandbox ended. */
  changed(id: string): void {
    this.#exits.set(id, 0);
    this.wake();
  }

  async #run(task: Scope): Promise<void> {
    task.signal.addEventListener("abort", () => this.#wake?.());
    while (!task.stopped) {
      if (!this.#woken) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
        continue;
      }
      this.#woken = false;
      this.#timer?.cancel();
      try {
        this.#busy = true;
        if (await this.#sync(task)) return this.#needs.finished(this.uid);
      } catch (error) {
        if (error instanceof ScopeStopped || task.stopped) throw error;
        this.#world.log.warn("cannot bring a Pod forward; trying again", { pod: fullName(this.#pod), error: errorText(error) });
        this.#wakeAfter(failureMilliseconds);
      } finally {
        this.#busy = false;
      }
    }
  }

  /** True when the Pod has ended and nothing is left to do. */
  async #sync(task: Scope): Promise<boolean> {
    for (let count = 0; count < stepsMax && !task.stopped; count++) {
      await this.#look();
      const situation = this.#situation();
      const decision = decide(situation);
      let progress = false;
      // What may take long is preceded by a status that says what is waited for.
      if (!this.#own && decision.steps.some((step) => step.do === "prepare")) this.#tell(decision);
      for (const step of decision.steps) {
        if (step.do === "finish") {
          await this.#finish(decision);
          return true;
        }
        progress = (await this.#perform(step)) || progress;
      }
      if (progress) continue;
      await this.#refreshDueVolumes();
      const wasOver = this.isOver;
      this.#tell(decision);
      if (this.isOver && !wasOver) continue;
      await this.#release();
      const times = [decision.wakeAt, this.#volumesDue, this.#exitLookAt()].filter((time) => time !== undefined);
      if (times.length > 0) this.#wakeAfter(Math.max(1, Math.min(...times) - this.#world.clock.now()));
      return false;
    }
    this.#wakeAfter(this.#retryMilliseconds);
    return false;
  }

  async #look(): Promise<void> {
    const { runtime, prober, hostIPs } = this.#needs;
    this.#observed = await observe(runtime, this.uid, this.#observed);
    const { containers, sandboxes } = this.#observed;
    this.#startTime ??= this.#pod.status.startTime ? undefined : sandboxes.at(-1)?.createdAt;
    for (const [id, looks] of this.#exits) {
      const isStill = containers.some((one) => one.id === id && isAlive(one)) || sandboxes.some((one) => one.id === id && one.ready);
      if (!isStill || looks >= exitLooksMax) this.#exits.delete(id);
      else this.#exits.set(id, looks + 1);
    }
    const specs = new Map(allContainers(this.#pod).map((container) => [container.name, container]));
    const podIP = (this.#pod.spec.hostNetwork ? hostIPs()[0] : this.#observed.sandbox?.ips[0]) ?? "127.0.0.1";
    for (const found of containers) {
      const container = specs.get(found.name);
      if (found.state === "running" && container && !this.#starting.has(found.id) && !this.#stopping.has(found.id)) {
        const startedAt = found.startedAt ?? found.createdAt;
        prober.start({ pod: this.#pod, container, containerId: found.id, startedAt, podIP });
      } else if (found.state === "exited") {
        prober.stop(found.id);
        if (!this.#messages.has(found.id)) this.#messages.set(found.id, await this.#files.lastWords(found));
      }
    }
  }

  #situation(): Situation {
    const { prober } = this.#needs;
    const now = this.#world.clock.now();
    this.#startTime ??= now;
    const restarts = isControlPlane(this.#pod) ? this.#needs.restarts.urgent : this.#needs.restarts.ordinary;
    return {
      pod: this.pod,
      now,
      observed: this.#observed,
      ending: this.#ending,
      hasFailed: this.#failure !== undefined,
      volumesReady: this.#volumesReady,
      startTime: this.#startTime,
      probe: (id) => prober.state(id),
      stopping: this.#stopping,
      starting: this.#starting,
      held: this.#held,
      blockedUntil: this.#blockedUntil,
      restartBlockedUntil: (key, since) => restarts.blockedUntil(key, since, now),
      restartDelay: (key) => restarts.milliseconds(key),
    };
  }

  #tell({ waiting }: Decision): PodStatus {
    const { prober, hostIPs, runtimeName, report } = this.#needs;
    const { phase } = this.pod.status;
    // What is over and was never seen running here, or is seen no more, stays as it was said to be.
    if ((phase === "Succeeded" || phase === "Failed") && this.#observed.containers.length === 0) return this.pod.status;
    const status = podStatus({
      pod: this.pod,
      now: this.#world.clock.now(),
      observed: this.#observed,
      startTime: this.#startTime ?? this.#world.clock.now(),
      waiting,
      starting: this.#starting,
      probe: (id) => prober.state(id),
      hostIPs: hostIPs(),
      runtimeName: runtimeName(),
      messages: this.#messages,
      ending: this.#ending !== undefined || this.#failure !== undefined,
      failure: this.#failure,
    });
    this.#own = status;
    report(this.#pod, status);
    return status;
  }

  /** True when something may be different now. */
  async #perform(step: Step): Promise<boolean> {
    const { runtime } = this.#needs;
    switch (step.do) {
      case "prepare":
        return this.#prepare(step);
      case "start":
        return this.#start(step);
      case "stop":
        this.#stop(step);
        return false;
      case "remove":
        await this.#removeContainer(step.containerId);
        return true;
      case "stopSandbox":
        await runtime.stopSandbox(step.sandboxId);
        return true;
      case "removeSandbox":
        await runtime.removeSandbox(step.sandboxId);
        return true;
      case "fail":
        this.#failure = { reason: step.reason, message: step.message };
        this.#event("Warning", step.reason, step.message);
        return true;
      case "backOff":
        this.#tellBackOff(step.container.name);
        return false;
      case "finish":
        return false;
    }
  }

  async #removeContainer(id: string): Promise<void> {
    await this.#needs.runtime.removeContainer(id);
    this.#messages.delete(id);
    const found = this.#observed.containers.find((one) => one.id === id);
    if (found) await this.#files.removeLog(found);
  }

  /** A Pod that is over keeps its ended containers for their logs, and nothing else. */
  async #release(): Promise<void> {
    const { containers, sandboxes } = this.#observed;
    if (this.#isReleased || this.#ending || !this.isOver || containers.some(isAlive) || sandboxes.some(({ ready }) => ready)) return;
    await this.#needs.volumes.unmount(this.uid);
    await this.#needs.cgroups?.remove(this.uid);
    this.#isReleased = true;
  }

  async #prepare({ attempt, sandbox, volumes }: Extract<Step, { do: "prepare" }>): Promise<boolean> {
    const outcomes = await Promise.allSettled([
      sandbox ? this.#makeSandbox(attempt) : undefined,
      volumes ? this.#makeVolumes() : undefined,
    ]);
    const failures = outcomes.filter((outcome) => outcome.status === "rejected");
    if (failures.length === 0) {
      this.#blockedUntil = undefined;
      this.#prepareFailures = 0;
      return true;
    }
    const wait = Math.min(prepareFirstMilliseconds * 2 ** Math.min(this.#prepareFailures, 10), prepareMaxMilliseconds);
    this.#prepareFailures += 1;
    this.#blockedUntil = this.#world.clock.now() + wait;
    const [sandboxOutcome, volumesOutcome] = outcomes;
    if (sandboxOutcome.status === "rejected")
      this.#event("Warning", "FailedCreatePodSandBox", `Failed to create pod sandbox: ${errorText(sandboxOutcome.reason)}`);
    if (volumesOutcome.status === "rejected") this.#event("Warning", "FailedMount", (volumesOutcome.reason as Error).message);
    return sandboxOutcome.status === "fulfilled" && sandbox;
  }

  async #makeSandbox(attempt: number): Promise<void> {
    const { runtime, cgroups } = this.#needs;
    await cgroups?.make(this.#pod);
    const config = await this.#configOfSandbox(attempt);
    await this.#files.makeLogFolder();
    await runtime.runSandbox(config, this.#pod.spec.runtimeClassName ?? "");
  }

  async #configOfSandbox(attempt: number): Promise<SandboxConfig> {
    if (this.#sandboxConfig?.metadata.attempt !== attempt) {
      const { cgroups, options, resolver } = this.#needs;
      const cgroupParent = cgroups?.parentOf(this.#pod) ?? "";
      this.#sandboxConfig = sandboxConfig(this.#pod, attempt, { options, resolver: await resolver(), cgroupParent });
    }
    return this.#sandboxConfig;
  }

  async #makeVolumes(): Promise<void> {
    this.#volumesDue = await this.#needs.volumes.mount(this.#pod, this.#fieldContext());
    this.#volumesReady = true;
  }

  async #refreshDueVolumes(): Promise<void> {
    if (!this.#volumesReady || this.#volumesDue === undefined || this.#volumesDue > this.#world.clock.now() || this.isOver) return;
    try {
      await this.#makeVolumes();
    } catch (error) {
      this.#volumesDue = this.#world.clock.now() + retryMilliseconds.ordinary;
      this.#event("Warning", "FailedMount", (error as Error).message);
    }
  }

  #fieldContext(): FieldContext {
    const { hostIPs, node } = this.#needs;
    const podIPs = this.#pod.spec.hostNetwork ? hostIPs() : (this.#observed.sandbox?.ips ?? []);
    return { podIPs, hostIPs: hostIPs(), allocatable: node()?.status.allocatable ?? {} };
  }

  async #start({ container, attempt, restart }: Extract<Step, { do: "start" }>): Promise<boolean> {
    const { runtime, images } = this.#needs;
    const tell: TellEvent = (type, reason, message) => this.#event(type, reason, message, container);
    const image = await images.ensure(this.#pod, container, tell, () => {
      this.#held.delete(container.name);
      this.wake();
    });
    if (image.type === "pulling") return this.#hold(container, { reason: this.#creatingReason() });
    if (image.type === "failed") {
      tell("Warning", "Failed", `Error: ${image.reason}`);
      // The first failure is shown before the wait begins, whose reason is another.
      const until = image.until === undefined ? this.#retryAt() : Math.max(image.until, this.#world.clock.now() + 1_000);
      return this.#hold(container, { ...image, until });
    }
    const sandbox = this.#observed.sandbox;
    if (!sandbox) return true;
    let id: string;
    try {
      id = await createContainer(this.#world, this.#needs, {
        ...{ pod: this.#pod, container, attempt, image: image.image, observed: this.#observed, files: this.#files },
        ...{ sandboxId: sandbox.id, sandbox: await this.#configOfSandbox(sandbox.metadata.attempt), fields: this.#fieldContext() },
      });
    } catch (error) {
      const { message } = error as Error;
      tell("Warning", "Failed", `Error: ${message}`);
      const reason = error instanceof ContainerConfigError ? "CreateContainerConfigError" : "CreateContainerError";
      return this.#hold(container, { reason, message, until: this.#retryAt() });
    }
    tell("Normal", "Created", "Container created");
    try {
      await runtime.startContainer(id);
    } catch (error) {
      const { message } = error as Error;
      tell("Warning", "Failed", `Error: ${message}`);
      this.#noteRestart(restart);
      return this.#hold(container, { reason: "RunContainerError", message, until: this.#retryAt() });
    }
    tell("Normal", "Started", "Container started");
    this.#noteRestart(restart);
    this.#held.delete(container.name);
    this.#background("link log", () => this.#files.linkLog({ id, name: container.name, attempt }));
    if (container.lifecycle?.postStart) this.#postStart(container, id);
    return true;
  }

  #noteRestart(restart: { key: string; since: number } | undefined): void {
    if (!restart) return;
    const restarts = isControlPlane(this.#pod) ? this.#needs.restarts.urgent : this.#needs.restarts.ordinary;
    restarts.next(restart.key, restart.since, this.#world.clock.now());
  }

  #hold(container: AnyContainer, waiting: Waiting): boolean {
    this.#held.set(container.name, waiting);
    return true;
  }

  #creatingReason(): string {
    return (this.#pod.spec.initContainers ?? []).length > 0 ? "PodInitializing" : "ContainerCreating";
  }

  #postStart(container: AnyContainer, id: string): void {
    this.#starting.add(id);
    this.#background("postStart", async () => {
      try {
        await runHook(
          this.#scope,
          this.#world,
          this.#needs.runtime,
          container.lifecycle?.postStart ?? {},
          this.#hookTarget(container, id),
          0,
        );
        this.#starting.delete(id);
      } catch (error) {
        this.#starting.delete(id);
        this.#event("Warning", "FailedPostStartHook", `PostStartHook failed: ${errorText(error)}`, container);
        const found = this.#observed.containers.find((one) => one.id === id);
        if (found) {
          const graceSeconds = Number(this.#pod.spec.terminationGracePeriodSeconds ?? 30);
          this.#stop({ do: "stop", container: found, why: "FailedPostStartHook", graceSeconds, hook: true });
        }
      }
      this.wake();
    });
  }

  #hookTarget(container: AnyContainer, containerId: string) {
    const podIP = (this.#pod.spec.hostNetwork ? this.#needs.hostIPs()[0] : this.#observed.sandbox?.ips[0]) ?? "127.0.0.1";
    return { containerId, container, podIP };
  }

  #stop({ container: { id, name }, why, graceSeconds, hook }: Extract<Step, { do: "stop" }>): void {
    if (this.#stopping.has(id)) return;
    this.#stopping.add(id);
    const container = allContainers(this.#pod).find((one) => one.name === name);
    const { runtime, prober } = this.#needs;
    this.#event("Normal", "Killing", why, container);
    prober.stop(id);
    this.#background("stop container", async () => {
      try {
        const startedAt = this.#world.clock.monotonic();
        const preStop = container?.lifecycle?.preStop;
        if (hook && preStop && graceSeconds > 0) {
          try {
            await runHook(this.#scope, this.#world, runtime, preStop, this.#hookTarget(container, id), graceSeconds);
          } catch (error) {
            if (error instanceof ScopeStopped) throw error;
            this.#event("Warning", "FailedPreStopHook", `PreStopHook failed: ${errorText(error)}`, container);
          }
        }
        const grace = this.#ending ? Math.min(graceSeconds, this.#ending.graceSeconds) : graceSeconds;
        const spent = (this.#world.clock.monotonic() - startedAt) / 1_000;
        await runtime.stopContainer(id, grace === 0 ? 0 : Math.max(stopSecondsMin, grace - spent));
      } finally {
        this.#stopping.delete(id);
        this.wake();
      }
    });
  }

  /** The Pod has ended: everything of it is taken away, then the API is told. */
  async #finish(decision: Decision): Promise<void> {
    const { cgroups, volumes, runtime } = this.#needs;
    const status = this.#tell(decision);
    await volumes.unmount(this.uid);
    await cgroups?.remove(this.uid);
    await this.#needs.ended(this.#pod, status);
    for (const { id } of this.#observed.sandboxes) await runtime.removeSandbox(id);
    await this.#files.removeLogs(this.#observed.containers);
  }

  #tellBackOff(name: string): void {
    const now = this.#world.clock.now();
    if ((this.#toldBackOff.get(name) ?? 0) > now - retryMilliseconds.ordinary) return;
    this.#toldBackOff.set(name, now);
    const container = allContainers(this.#pod).find((one) => one.name === name);
    this.#event("Warning", "BackOff", `Back-off restarting failed container ${name} in pod ${fullName(this.#pod)}`, container);
  }

  #event(type: "Normal" | "Warning", reason: string, message: string, container?: AnyContainer): void {
    this.#needs.recorder.record(eventSubject(this.#pod, container), type, reason, message);
  }

  #background(name: string, act: () => Promise<void>): void {
    this.#scope.start(name, async () => {
      try {
        await act();
      } catch (error) {
        if (error instanceof ScopeStopped) throw error;
        this.#world.log.debug(`cannot ${name}`, { pod: fullName(this.#pod), error: errorText(error) });
      }
    });
  }

  get #retryMilliseconds(): number {
    return isControlPlane(this.#pod) ? retryMilliseconds.urgent : retryMilliseconds.ordinary;
  }

  #retryAt(): number {
    return this.#world.clock.now() + this.#retryMilliseconds;
  }

  #exitLookAt(): number | undefined {
    if (this.#exits.size === 0) return undefined;
    return this.#world.clock.now() + exitLookMilliseconds * 2 ** (Math.min(...this.#exits.values()) - 1);
  }

  #wakeAfter(milliseconds: number): void {
    this.#timer?.cancel();
    this.#timer = this.#world.clock.timer(milliseconds, () => this.wake());
  }
}
