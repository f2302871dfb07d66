// Every Node with what runs on it, kept up to date by changes, and ahead of them by what was just decided.
//
// Invariants:
// - A Pod counts on one Node at most. A decided ("assumed") Pod counts from the decision on; the watch confirms it, a failed binding takes it back.
// - Sums are kept by adding and taking away, and equal a sum over the Node's Pods at all times.
import type { Node } from "#api/core/node/node.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import { objectKey } from "#client/informer.ts";
import { amount, type HostPort, needsOf, sameNeeds } from "./pod-needs.ts";

export interface NodeState {
  readonly node: Node;
  /** By resource, in the units of PodNeeds; "pods" counts Pods. */
  readonly allocatable: ReadonlyMap<string, number>;
  readonly requested: ReadonlyMap<string, number>;
  readonly likelyCpu: number;
  readonly likelyMemory: number;
  readonly pods: ReadonlyMap<string, Pod>;
  readonly ports: readonly HostPort[];
}

interface MutableNodeState extends NodeState {
  node: Node;
  allocatable: ReadonlyMap<string, number>;
  readonly requested: Map<string, number>;
  likelyCpu: number;
  likelyMemory: number;
  readonly pods: Map<string, Pod>;
  ports: readonly HostPort[];
}

export class SchedulerCache {
  readonly #nodes = new Map<string, MutableNodeState>();
  /** Pods of Nodes that are not known (yet). */
  readonly #homeless = new Map<string, Map<string, Pod>>();
  readonly #placed = new Map<string, { readonly node: string; readonly pod: Pod; readonly assumed: boolean }>();

  get nodes(): ReadonlyMap<string, NodeState> {
    return this.#nodes;
  }

  setNode(node: Node): void {
    const { name } = node.metadata;
    const allocatable = new Map(
      Object.entries(node.status.allocatable ?? node.status.capacity ?? {}).map(([resource, quantity]) => [
        resource,
        amount(resource, quantity),
      ]),
    );
    const state = this.#nodes.get(name);
    if (state) {
      state.node = node;
      state.allocatable = allocatable;
      return;
    }
    this.#nodes.set(name, { node, allocatable, requested: new Map(), likelyCpu: 0, likelyMemory: 0, pods: new Map(), ports: [] });
    for (const [key, pod] of this.#homeless.get(name) ?? []) this.#count(name, key, pod);
    this.#homeless.delete(name);
  }

  deleteNode(name: string): void {
    const state = this.#nodes.get(name);
    if (!state) return;
    this.#nodes.delete(name);
    if (state.pods.size > 0) this.#homeless.set(name, new Map(state.pods));
  }

  /** A decision: the Pod counts on the Node from now on. */
  assume(pod: Pod, node: string): void {
    this.#place(pod, node, true);
  }

  /** The decision could not be carried out. */
  forget(pod: Pod): void {
    const key = objectKey(pod);
    const placed = this.#placed.get(key);
    if (placed?.assumed && placed.pod.metadata.uid === pod.metadata.uid) this.#remove(key);
  }

  /** What the watch says of a Pod that has a Node. */
  setPod(pod: Pod): void {
    const finished = pod.status.phase === "Succeeded" || pod.status.phase === "Failed";
    if (finished || !pod.spec.nodeName) this.deletePod(pod);
    else this.#place(pod, pod.spec.nodeName, false);
  }

  deletePod(pod: Pod): void {
    const key = objectKey(pod);
    if (this.#placed.get(key)?.pod.metadata.uid === pod.metadata.uid) this.#remove(key);
  }

  isPlaced(pod: Pod): boolean {
    return this.#placed.get(objectKey(pod))?.pod.metadata.uid === pod.metadata.uid;
  }

  #place(pod: Pod, node: string, assumed: boolean): void {
    const key = objectKey(pod);
    const before = this.#placed.get(key);
    if (before && before.node === node && before.pod.metadata.uid === pod.metadata.uid && asksTheSame(before.pod, pod)) {
      if (before.assumed !== assumed) this.#placed.set(key, { node, pod: before.pod, assumed });
      return;
    }
    if (before) this.#remove(key);
    this.#placed.set(key, { node, pod, assumed });
    this.#count(node, key, pod);
  }

  #remove(key: string): void {
    const placed = this.#placed.get(key);
    if (!placed) return;
    this.#placed.delete(key);
    const state = this.#nodes.get(placed.node);
    if (!state) {
      const homeless = this.#homeless.get(placed.node);
      homeless?.delete(key);
      if (homeless?.size === 0) this.#homeless.delete(placed.node);
      return;
    }
    state.pods.delete(key);
    this.#sum(state, placed.pod, -1);
    if (needsOf(placed.pod).ports.length > 0) state.ports = [...state.pods.values()].flatMap((pod) => needsOf(pod).ports);
  }

  #count(node: string, key: string, pod: Pod): void {
    const state = this.#nodes.get(node);
    if (!state) {
      const homeless = this.#homeless.get(node) ?? new Map<string, Pod>();
      homeless.set(key, pod);
      this.#homeless.set(node, homeless);
      return;
    }
    state.pods.set(key, pod);
    this.#sum(state, pod, 1);
    const { ports } = needsOf(pod);
    if (ports.length > 0) state.ports = [...state.ports, ...ports];
  }

  #sum(state: MutableNodeState, pod: Pod, sign: 1 | -1): void {
    const { requests, likelyCpu, likelyMemory } = needsOf(pod);
    for (const [resource, value] of requests) state.requested.set(resource, (state.requested.get(resource) ?? 0) + sign * value);
    state.likelyCpu += sign * likelyCpu;
    state.likelyMemory += sign * likelyMemory;
  }
}

/** Whether the Pod counts for as much as before: then nothing needs to be summed anew. What a Pod asks for changes only by resizing. */
function asksTheSame(before: Pod, after: Pod): boolean {
  return before.spec === after.spec || sameNeeds(needsOf(before), needsOf(after));
}
