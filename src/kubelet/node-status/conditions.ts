// The Node's four conditions from what was observed, in upstream's words. Pure.
import { conditionOf } from "#api/meta/conditions.ts";
import type { NodeCondition } from "#api/core/node/node.ts";
import type { RuntimeStatus } from "#cri/runtime.ts";
import { quantityToWhole } from "#schema/quantity.ts";
import { notReadyMessage } from "../shutdown/node-shutdown.ts";
import type { FileSystemSpace, Pressures } from "./machine.ts";

export interface Observed {
  /** Undefined while the runtime does not answer. */
  readonly runtime: RuntimeStatus | undefined;
  readonly pressures: Pressures;
  readonly memoryBytes: number;
  /** The file system of images and writable layers, where it is another than the node's own. */
  readonly imageFileSystem: FileSystemSpace | undefined;
  /** The machine is about to go down. */
  readonly isShuttingDown?: boolean | undefined;
  /** What the node is short of, where somebody keeps watch; absent: found from the thresholds here. */
  readonly underPressure?: ReadonlySet<string> | undefined;
  /** Signals and what they may not fall below: {"memory.available": "100Mi"}. */
  readonly thresholds: Readonly<Record<string, string>>;
}

type Verdict = Pick<NodeCondition, "type" | "status" | "reason" | "message">;

/** All four, in upstream's order. `now` is a Time; transition times move with the status only. */
export function nodeConditions(observed: Observed, before: readonly NodeCondition[] | undefined, now: string): readonly NodeCondition[] {
  return [memoryPressure(observed), diskPressure(observed), processPressure(observed), ready(observed)].map((verdict) => {
    const old = conditionOf(before, verdict.type);
    const lastTransitionTime = old?.status === verdict.status ? (old.lastTransitionTime ?? now) : now;
    return { ...verdict, lastHeartbeatTime: now, lastTransitionTime };
  });
}

/** Why the Node cannot take Pods; undefined when it can. */
export function whyNotReady(runtime: RuntimeStatus | undefined): string | undefined {
  if (!runtime) return "container runtime is down";
  const words = { RuntimeReady: "container runtime not ready", NetworkReady: "container runtime network not ready" } as const;
  const wrong = (["RuntimeReady", "NetworkReady"] as const).flatMap((type) => {
    const condition = runtime.conditions.find((one) => one.type === type);
    if (condition?.status) return [];
    if (!condition) return [`${words[type]}: condition ${type} is not set`];
    return [`${words[type]}: ${type}=false reason:${condition.reason} message:${condition.message}`];
  });
  if (wrong.length === 0) return undefined;
  return wrong.length === 1 ? wrong[0] : `[${wrong.join(", ")}]`;
}

function ready({ runtime, isShuttingDown }: Observed): Verdict {
  const why = isShuttingDown ? notReadyMessage : whyNotReady(runtime);
  return why === undefined
    ? { type: "Ready", status: "True", reason: "KubeletReady", message: "kubelet is posting ready status" }
    : { type: "Ready", status: "False", reason: "KubeletNotReady", message: why };
}

function memoryPressure({ pressures, memoryBytes, thresholds, underPressure }: Observed): Verdict {
  return (underPressure?.has("MemoryPressure") ?? isBelow(pressures.memoryAvailableBytes, memoryBytes, thresholds["memory.available"]))
    ? {
        type: "MemoryPressure",
        status: "True",
        reason: "KubeletHasInsufficientMemory",
        message: "kubelet has insufficient memory available",
      }
    : { type: "MemoryPressure", status: "False", reason: "KubeletHasSufficientMemory", message: "kubelet has sufficient memory available" };
}

function diskPressure({ pressures, imageFileSystem, thresholds, underPressure }: Observed): Verdict {
  const isFull = (space: FileSystemSpace | undefined, name: string) =>
    space !== undefined &&
    (isBelow(space.free, space.total, thresholds[`${name}.available`]) ||
      isBelow(space.inodesFree, space.inodes, thresholds[`${name}.inodesFree`]));
  return (underPressure?.has("DiskPressure") ?? (isFull(pressures.nodeFileSystem, "nodefs") || isFull(imageFileSystem, "imagefs")))
    ? { type: "DiskPressure", status: "True", reason: "KubeletHasDiskPressure", message: "kubelet has disk pressure" }
    : { type: "DiskPressure", status: "False", reason: "KubeletHasNoDiskPressure", message: "kubelet has no disk pressure" };
}

function processPressure({ pressures: { processes, processesMax }, thresholds, underPressure }: Observed): Verdict {
  const isShort = underPressure
    ? underPressure.has("PIDPressure")
    : processes !== undefined && processesMax !== undefined && isBelow(processesMax - processes, processesMax, thresholds["pid.available"]);
  return isShort
    ? { type: "PIDPressure", status: "True", reason: "KubeletHasInsufficientPID", message: "kubelet has insufficient PID available" }
    : { type: "PIDPressure", status: "False", reason: "KubeletHasSufficientPID", message: "kubelet has sufficient PID available" };
}

/** The threshold in whole units: a share of the total ("10%") or an amount ("100Mi"). */
export function thresholdOf(total: number, threshold: string | undefined): number {
  if (threshold === undefined) return 0;
  return threshold.endsWith("%") ? Math.floor((total * Number(threshold.slice(0, -1))) / 100) : quantityToWhole(threshold);
}

/** File systems without numbers (0 inodes in all) are never short. */
function isBelow(available: number, total: number, threshold: string | undefined): boolean {
  return threshold !== undefined && total > 0 && available < thresholdOf(total, threshold);
}
