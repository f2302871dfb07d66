// What the worker of a Pod and the prober tell each other: which container to probe, and what came of it.
import type { Scope } from "#base/scope.ts";
import type { Container } from "#api/core/pod/container.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import type { Probe } from "#api/core/pod/probe.ts";
import type { EventRecorder } from "#client/event-recorder.ts";
import type { Runtime } from "#cri/runtime.ts";
import type { World } from "#platform/world.ts";

/** A running container to probe. */
export interface ProbeTarget {
  readonly pod: Pod;
  readonly container: Container;
  /** The runtime's id, without "containerd://". */
  readonly containerId: string;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  /** Where HTTP, TCP and gRPC probes go: the Pod's address, or the node's for Pods on its network. */
  readonly podIP: string;
  /** What was said of this very container before, as by a kubelet that ended since. */
  readonly before?: { readonly started: boolean; readonly ready: boolean } | undefined;
}

export interface ProbeState {
  /** No startup probe, or it has succeeded. */
  readonly started: boolean;
  /** No readiness probe, or it last succeeded; never before the container is started. */
  readonly ready: boolean;
  /** A startup or liveness probe failed as often as it may: the container is to be restarted. Stays until `stop`. */
  readonly failed?: {
    readonly probe: "startup" | "liveness";
    /** Instead of the Pod's own grace period. */
    readonly graceSeconds?: number | undefined;
  };
}

export interface Prober {
  /** Begins to probe; nothing happens when the container is probed already. Without probes it is started and ready at once. */
  start(target: ProbeTarget): void;
  stop(containerId: string): void;
  /** The container is being ended: only whether it is ready is asked any more. */
  stopRestarts(containerId: string): void;
  /** Undefined for containers that are not probed. */
  state(containerId: string): ProbeState | undefined;
}

export interface ProberNeeds {
  readonly runtime: Runtime;
  /** Tells "Unhealthy" events: `Readiness probe failed: ...`. */
  readonly recorder: EventRecorder;
  /** To be called when the state of a container's probes changed. */
  readonly changed: (containerId: string) => void;
  /** Hears of every attempt, for who counts them. */
  readonly attempted?: (target: ProbeTarget, probe: Probe, result: "success" | "warning" | "failure" | "unknown", seconds: number) => void;
}

export type StartProber = (scope: Scope, world: World, needs: ProberNeeds) => Prober;
