// The Pods bound to this node as the API shows them: an informer of its own, or a part of one that several nodes share.
import type { Pod } from "#api/core/pod/pod.ts";
import type { Informer } from "#client/informer.ts";

export type NodePods = Pick<Informer<Pod>, "synced" | "isSynced" | "get" | "onChange" | "observe" | "observeDeleted">;
