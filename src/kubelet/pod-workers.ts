// The Pods of this node, each with its worker: who gets one, what it is told, and what the API hears of it.
//
// Invariants:
// - A Pod of the API is its uid; a static Pod is its name as well: of one name never two run at once.
// - Mirrors have no worker: they show what the static Pod's worker says.
import type { Scope } from "#base/scope.ts";
import type { Node } from "#api/core/node/node.ts";
import { Pod } from "#api/core/pod/pod.ts";
import type { PodStatus } from "#api/core/pod/pod-status.ts";
import { conditionOf } from "#api/meta/conditions.ts";
import { isReason } from "#api/meta/status-error.ts";
import type { Client } from "#client/client.ts";
import { objectKey } from "#client/informer.ts";
import type { World } from "#platform/world.ts";
import { sameJson } from "#schema/derive/json-objects.ts";
import { formatTime } from "#schema/time.ts";
import { admit, judgeResize, type Rejection } from "./admission.ts";
import type { EvictablePod } from "./eviction/eviction.ts";
import type { FoundPod } from "./housekeeping.ts";
import { annotations, isCritical, isMirror, isStatic, namespaceOf } from "./layout.ts";
import type { NodePods } from "./node-pods.ts";
import { isAlive } from "./pod-worker/observed.ts";
import type { ResizeVerdict } from "./pod-worker/resizing.ts";
import { victimsFor } from "./preemption.ts";
import type { PodWorkerNeeds } from "./pod-worker/pod-work.ts";
import { PodWorker } from "./pod-worker/pod-worker.ts";
import { sameForeign } from "./status/ownership.ts";
import { type StatusManager, statusPatch } from "./status/status-manager.ts";

/** How workers reach the API; absent where there is none. */
export interface PodsApi {
  readonly client: Client;
  readonly pods: NodePods;
  readonly statuses: StatusManager;
}

export interface PodWorkersNeeds extends Omit<PodWorkerNeeds, "report" | "ended" | "finished" | "judgeResize"> {
  readonly api: PodsApi | undefined;
  readonly node: () => Node | undefined;
  /** Why a Pod that could run here is not taken now. */
  readonly refuses: (pod: Pod) => Rejection | undefined;
}

export class PodWorkers {
  readonly #scope: Scope;
  readonly #world: World;
  readonly #needs: PodWorkersNeeds;
  readonly #workerNeeds: PodWorkerNeeds;
  readonly #entries = new Map<string, { readonly scope: Scope; readonly worker: PodWorker }>();
  #static: readonly Pod[] = [];
  /** Those that an earlier kubelet started, until they are ended: whoever comes after one of the same name waits. */
  #formerStatic: readonly FoundPod[] = [];
  /** Critical Pods for which others are ending. */
  readonly #awaitingRoom = new Map<string, Pod>();

  constructor(scope: Scope, world: World, needs: PodWorkersNeeds) {
    this.#scope = scope;
    this.#world = world;
    this.#needs = needs;
    this.#workerNeeds = {
      ...needs,
      report: (pod, status) => this.#report(pod, status),
      ended: (pod) => this.#ended(pod),
      finished: (uid) => this.#finished(uid),
      judgeResize: (pod) => this.#judgeResize(pod),
    };
  }

  all(): readonly PodWorker[] {
    return [...this.#entries.values()].map(({ worker }) => worker);
  }

  get(uid: string): PodWorker | undefined {
    return this.#entries.get(uid)?.worker;
  }

  find(namespace: string, name: string): PodWorker | undefined {
    return this.all().find(({ pod }) => pod.metadata.name === name && namespaceOf(pod) === namespace);
  }

  get staticPods(): readonly Pod[] {
    return this.#static;
  }

  /** The static Pods of this node are these; returns the keys of all that were or are. */
  setStatic(pods: readonly Pod[]): readonly string[] {
    const keys = new Set([...this.#static, ...pods].map(objectKey));
    this.#static = pods;
    this.#reconcileStatic();
    return [...keys];
  }

  /** Before the first manifests are read. */
  holdStatic(former: readonly FoundPod[]): void {
    this.#formerStatic = former;
  }

  formerStaticGone(isGone: (former: FoundPod) => boolean): void {
    this.#formerStatic = this.#formerStatic.filter((former) => !isGone(former));
    this.#reconcileStatic();
  }

  /** A Pod of the API is new or different. */
  seen(pod: Pod): void {
    if (isMirror(pod)) {
      const own = this.get(pod.metadata.annotations?.[annotations.configMirror] ?? "");
      if (own) this.#needs.api?.statuses.set(pod, mirrored(pod, own.pod.status));
      return;
    }
    const { deletionTimestamp } = pod.metadata;
    const worker = this.get(pod.metadata.uid);
    if (!worker) {
      if (deletionTimestamp === undefined && pod.status.startTime === undefined && !this.#isAdmitted(pod)) return;
      const started = this.#start(pod);
      if (deletionTimestamp !== undefined) started.end(deletionGrace(pod));
      return;
    }
    const before = worker.pod;
    worker.update(pod, { wake: !isEcho(pod, before) });
    if (deletionTimestamp !== undefined) worker.end(deletionGrace(pod));
    const isSame = (key: "labels" | "annotations") => sameJson(before.metadata[key], pod.metadata[key]);
    if (!isSame("labels") || !isSame("annotations")) worker.refreshVolumes();
  }

  /** A Pod is gone from the API. */
  removed(pod: Pod): void {
    this.#awaitingRoom.delete(pod.metadata.uid);
    this.#needs.api?.statuses.forget(pod.metadata.uid);
    this.get(pod.metadata.uid)?.end(deletionGrace(pod));
  }

  /** Pods that are not over, as the eviction sees them. */
  evictable(): readonly EvictablePod[] {
    return this.all()
      .filter(({ isOver }) => !isOver)
      .map((worker) => ({
        pod: worker.pod,
        get hasEnded() {
          return !worker.observed.containers.some(isAlive);
        },
        fail: (failure) => worker.fail(failure),
      }));
  }

  /** The runtime tells of a container or sandbox; one that nobody knows yet may be of any worker that is at work. */
  changed(id: string): void {
    const owners = this.all().filter((worker) => worker.owns(id));
    const told = owners.length > 0 ? owners : this.all().filter(({ isBusy }) => isBusy);
    for (const worker of told) worker.changed(id);
  }

  #start(pod: Pod): PodWorker {
    const own = this.#scope.child(`pod ${pod.metadata.namespace}/${pod.metadata.name}`);
    const worker = new PodWorker(own, this.#world, this.#workerNeeds, pod);
    this.#entries.set(pod.metadata.uid, { scope: own, worker });
    return worker;
  }

  /** A Pod that is not admitted is told so, or waits for others to make room for it. */
  #isAdmitted(pod: Pod): boolean {
    this.#awaitingRoom.delete(pod.metadata.uid);
    const others = this.all().filter(({ isOver }) => !isOver);
    const judge = (rest: readonly Pod[]) => admit(pod, rest, this.#needs.node(), this.#needs.options);
    const why = this.#needs.refuses(pod) ?? judge(others.map((worker) => worker.pod));
    if (!why) return true;
    if (isCritical(pod) && why.reason.startsWith("OutOf") && this.#makeRoom(pod, others, judge)) return false;
    this.#reject(pod, why);
    return false;
  }

  /** Has others end, so that a critical Pod can start when they have. False when that would not help. */
  #makeRoom(pod: Pod, others: readonly PodWorker[], judge: (rest: readonly Pod[]) => Rejection | undefined): boolean {
    const pods = others.map((worker) => worker.pod);
    const victims = victimsFor(pod, pods, (rest) => judge(rest) === undefined);
    if (victims === undefined) return false;
    for (const [index, worker] of others.entries()) {
      if (!victims.includes(pods[index] as Pod) || worker.hasFailed) continue;
      this.#needs.recorder.record(worker.pod, "Warning", "Preempting", preempted.message);
      worker.fail(preempted);
    }
    this.#awaitingRoom.set(pod.metadata.uid, pod);
    return true;
  }

  #reject(pod: Pod, why: Rejection): void {
    this.#needs.recorder.record(pod, "Warning", why.reason, why.message);
    const { generation } = pod.metadata;
    const observed = generation === undefined ? {} : { observedGeneration: generation };
    const startTime = formatTime(this.#world.clock.now());
    this.#needs.api?.statuses.set(pod, { ...pod.status, phase: "Failed", ...why, startTime, ...observed });
  }

  /** A manifest that changed is a new Pod, which starts when the old one of its name is gone. */
  #reconcileStatic(): void {
    const wanted = new Map(this.#static.map((pod) => [pod.metadata.uid, pod]));
    for (const worker of this.all()) {
      if (isStatic(worker.pod) && !wanted.has(worker.uid)) worker.end(Number(worker.pod.spec.terminationGracePeriodSeconds ?? 30));
    }
    for (const [uid, pod] of wanted) {
      const key = objectKey(pod);
      const isThere = this.all().some((worker) => objectKey(worker.pod) === key);
      const isHeld = this.#formerStatic.some((former) => former.key === key && former.uid !== uid);
      if (!this.#entries.has(uid) && !isThere && !isHeld) this.#start(pod);
    }
  }

  #report(pod: Pod, status: PodStatus): void {
    const { api } = this.#needs;
    if (status.phase !== pod.status.phase && (status.phase === "Succeeded" || status.phase === "Failed")) this.#roomCame();
    if (!isStatic(pod)) return api?.statuses.set(pod, status);
    const mirror = api?.pods.get(objectKey(pod));
    if (mirror?.metadata.annotations?.[annotations.configMirror] === pod.metadata.uid) api?.statuses.set(mirror, mirrored(mirror, status));
  }

  async #ended(pod: Pod): Promise<void> {
    const { api } = this.#needs;
    const { uid, namespace, name } = pod.metadata;
    if (!api || isStatic(pod) || api.pods.get(objectKey(pod))?.metadata.uid !== uid) return;
    await api.statuses.written(uid);
    try {
      await api.client.delete(Pod, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid } });
      api.pods.observeDeleted(pod);
    } catch (error) {
      if (!isReason(error, "NotFound", "Conflict")) throw error;
    }
  }

  #finished(uid: string): void {
    const entry = this.#entries.get(uid);
    this.#entries.delete(uid);
    this.#formerStatic = this.#formerStatic.filter((former) => former.uid !== uid);
    for (const restarts of Object.values(this.#needs.restarts)) restarts.forget(`${uid}_`);
    this.#needs.images.forget(uid);
    void entry?.scope.stop();
    this.#reconcileStatic();
    this.#roomCame();
  }

  #judgeResize(pod: Pod): ResizeVerdict {
    const others = this.all().filter((worker) => !worker.isOver && worker.uid !== pod.metadata.uid);
    return judgeResize(
      pod,
      others.map((worker) => worker.pod),
      this.#needs.node(),
    );
  }

  /** There may be room for Pods that wait to start, or to have more: those of the highest priority first. */
  #roomCame(): void {
    for (const pod of [...this.#awaitingRoom.values()]) this.seen(pod);
    const waiting = this.all().filter(({ isResizePending }) => isResizePending);
    for (const worker of waiting.sort((a, b) => (b.pod.spec.priority ?? 0) - (a.pod.spec.priority ?? 0))) worker.reconsider();
  }
}

const preempted = {
  reason: "Preempting",
  message: "Preempted in order to admit critical pod",
  disruption: "Pod was preempted by Kubelet to accommodate a critical pod.",
} as const;

/** Most changes are the echo of what this kubelet wrote. */
function isEcho(pod: Pod, before: Pod): boolean {
  const { generation } = before.metadata;
  return (
    generation !== undefined &&
    generation === pod.metadata.generation &&
    sameForeign(before.status, pod.status) &&
    statusPatch(pod.status, before.status) === undefined
  );
}

/** The status of a static Pod as its mirror has it: what did not change since before a restart keeps its time. */
function mirrored({ status: { conditions: before } }: Pod, status: PodStatus): PodStatus {
  const conditions = status.conditions?.map((condition) => {
    const old = conditionOf(before, condition.type);
    return old?.status === condition.status ? { ...condition, lastTransitionTime: old.lastTransitionTime } : condition;
  });
  return { ...status, conditions };
}

function deletionGrace({ metadata, spec }: Pod): number {
  // Also who wants it gone at once lets containers hear of it.
  return Math.max(1, Number(metadata.deletionGracePeriodSeconds ?? spec.terminationGracePeriodSeconds ?? 30));
}
