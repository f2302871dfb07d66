// The scheduler: watches Pods and Nodes, decides for one Pod after the other, and binds what it decided side by side.
import type { Scope } from "#base/scope.ts";
import { Binding } from "#api/core/binding/binding.ts";
import { Node } from "#api/core/node/node.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { isReason } from "#api/meta/status-error.ts";
import type { Client } from "#client/client.ts";
import { startEventRecorder } from "#client/event-recorder.ts";
import { type Change, objectKey } from "#client/informer.ts";
import type { Informers } from "#client/informers.ts";
import { startWorkQueue } from "#client/work-queue.ts";
import type { World } from "#platform/world.ts";
import type { Kind, KubernetesObject } from "#schema/kind.ts";
import { deepEqual } from "#schema/derive/equal.ts";
import { formatTime } from "#schema/time.ts";
import { SchedulerCache } from "./cache.ts";
import { followVolumes } from "./cluster-volumes.ts";
import { schedule } from "./cycle.ts";
import { allPlugins } from "./plugins/all.ts";
import { needsOf, sameNeeds } from "./pod-needs.ts";
import { SchedulingQueue, type Taken } from "./queue.ts";
import { bindVolumes, VolumeBindingError } from "./volume-binding.ts";

export interface SchedulerNeeds {
  readonly client: Client;
  readonly informers: Informers;
  /** Which Pods are ours, by spec.schedulerName. Default "default-scheduler". */
  readonly schedulerName?: string;
}

/** Bindings on their way to the server at one time. */
const bindingsMax = 256;
/** Refusals on their way to the server at one time. */
const refusalsMax = 8;

export async function startScheduler(scope: Scope, world: World, needs: SchedulerNeeds): Promise<void> {
  const { client, informers, schedulerName = "default-scheduler" } = needs;
  const pods = informers.for(Pod);
  const nodes = informers.for(Node);
  const cache = new SchedulerCache();
  const queue = new SchedulingQueue(scope, world);
  const events = startEventRecorder(scope, world, client, { component: schedulerName });
  /** The newest reason of each Pod that waits to be written into it. */
  const refusals = new Map<string, { readonly uid: string; readonly message: string }>();
  const telling = startWorkQueue(scope, world, { workers: refusalsMax }, tellRefused);
  const wakes = allPlugins.flatMap((plugin) => (plugin.wakes ?? []).map((wake) => ({ plugin: plugin.name, wake })));

  const volumes = followVolumes(informers);
  await Promise.all([pods.synced, nodes.synced, volumes.synced]);
  scope.throwIfStopped();
  scope.defer(
    "Nodes",
    nodes.onChange((change) => {
      if (change.type === "deleted") cache.deleteNode(change.object.metadata.name);
      else cache.setNode(change.object);
      happened(Node, change);
    }),
  );
  scope.defer("Pods", pods.onChange(podChanged));
  scope.defer("volumes", volumes.onChange(happened));
  scope.start("decisions", decide);

  function podChanged(change: Change<Pod>): void {
    const { type, object: pod, old } = change;
    const isPlaced = Boolean(pod.spec.nodeName);
    if (type === "deleted") {
      queue.delete(pod);
      if (cache.isPlaced(pod)) {
        cache.deletePod(pod);
        happened(Pod, change);
      }
    } else if (isPlaced) {
      if (!old?.spec.nodeName) queue.delete(pod);
      cache.setPod(pod);
      if (type !== "changed" || !old.spec.nodeName) return;
      if (!cache.isPlaced(pod)) happened(Pod, { type: "deleted", object: pod, old });
      else if (!sameNeeds(needsOf(old), needsOf(pod))) happened(Pod, change);
    } else if (waitsForUs(pod)) {
      if (type === "added" || !old || !waitsForUs(old)) queue.add(pod);
      else queue.update(pod, !deepEqual(pod.spec, old.spec) || !deepEqual(pod.metadata.labels, old.metadata.labels));
    } else queue.delete(pod);
  }

  function waitsForUs(pod: Pod): boolean {
    return (
      !pod.spec.nodeName &&
      !pod.metadata.deletionTimestamp &&
      (pod.spec.schedulerName ?? "default-scheduler") === schedulerName &&
      pod.status.phase !== "Succeeded" &&
      pod.status.phase !== "Failed" &&
      !pod.spec.schedulingGates?.length
    );
  }

  function happened(kind: Kind, { type, object, old }: Change<KubernetesObject>): void {
    const concerned = wakes.filter(({ wake }) => wake.kind === kind && wake.when === type);
    if (concerned.length === 0) return;
    queue.wake((pod, refusedBy) =>
      concerned.some(({ plugin, wake }) => refusedBy.includes(plugin) && (wake.if?.(pod, object, old) ?? true)),
    );
  }

  async function decide(task: Scope): Promise<void> {
    let binding = 0;
    let freed: (() => void) | undefined;
    for (;;) {
      const taken = await queue.next(task);
      if (!taken) return;
      const { pod } = taken;
      if (cache.isPlaced(pod)) continue;
      const movesBefore = queue.moves;
      const result = schedule({ pod, nodes: cache.nodes, plugins: allPlugins, chance: world.random.fraction(), volumes });
      if (result.node === undefined) {
        queue.refuse(taken, result.refusedBy, movesBefore);
        events.record(pod, "Warning", "FailedScheduling", result.message);
        refusals.set(objectKey(pod), { uid: pod.metadata.uid, message: result.message });
        telling.add(objectKey(pod));
        continue;
      }
      cache.assume(pod, result.node);
      volumes.reserve(pod, cache.nodes.get(result.node)?.node);
      binding += 1;
      task.start("binding", async () => {
        await bind(taken, result.node);
        binding -= 1;
        freed?.();
      });
      while (binding >= bindingsMax && !task.stopped) {
        await new Promise<void>((resolve) => {
          freed = resolve;
        });
      }
    }
  }

  async function bind(taken: Taken, node: string): Promise<void> {
    const { pod } = taken;
    const { namespace, name, uid } = pod.metadata;
    try {
      await bindVolumes(scope, world, { client, volumes, pod, node });
      await client.createSubresource(Pod, { namespace, name }, "binding", Binding, {
        metadata: { namespace, name, uid },
        target: { apiVersion: "v1", kind: "Node", name: node },
      });
      events.record(pod, "Normal", "Scheduled", `Successfully assigned ${namespace}/${name} to ${node}`);
    } catch (error) {
      cache.forget(pod);
      happened(Pod, { type: "deleted", object: pod, old: pod });
      const newest = pods.get(objectKey(pod));
      if (isReason(error, "NotFound") || newest?.metadata.uid !== uid || !waitsForUs(newest)) return;
      world.log.warn("cannot bind a Pod", { pod: `${namespace}/${name}`, node, error: (error as Error).message });
      events.record(
        pod,
        "Warning",
        "FailedScheduling",
        error instanceof VolumeBindingError
          ? `running PreBind plugin "VolumeBinding": binding volumes: ${error.message}`
          : `binding rejected: running Bind plugin "DefaultBinder": ${(error as Error).message}`,
      );
      queue.refuse({ ...taken, pod: newest }, [], queue.moves);
    } finally {
      volumes.release(pod);
    }
  }

  /** Writes into the Pod why it waits, when that is not yet there. */
  async function tellRefused(key: string): Promise<void> {
    const refusal = refusals.get(key);
    const pod = pods.get(key);
    refusals.delete(key);
    if (!refusal || !pod || pod.metadata.uid !== refusal.uid || pod.spec.nodeName) return;
    const { message } = refusal;
    const before = pod.status.conditions?.find(({ type }) => type === "PodScheduled");
    if (before?.status === "False" && before.reason === "Unschedulable" && before.message === message) return;
    const condition = {
      type: "PodScheduled",
      status: "False",
      reason: "Unschedulable",
      message,
      ...(pod.metadata.generation !== undefined && { observedGeneration: pod.metadata.generation }),
      lastProbeTime: null,
      lastTransitionTime:
        before?.status === "False" ? (before.lastTransitionTime ?? formatTime(world.clock.now())) : formatTime(world.clock.now()),
    };
    try {
      await client.patch(Pod, pod.metadata, { status: { conditions: [condition] } }, { type: "strategic", subresource: "status" });
    } catch (error) {
      if (isReason(error, "NotFound")) return;
      if (!refusals.has(key)) refusals.set(key, refusal);
      throw error;
    }
  }
}
