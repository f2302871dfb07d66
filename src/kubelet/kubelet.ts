// The node's agent: takes Pods from the manifests folder and from the API, has each one made real by a worker of its own, and tells
// the API what became of it.
import type { Scope } from "#base/scope.ts";
import type { Node } from "#api/core/node/node.ts";
import type { Container } from "#api/core/pod/container.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import type { Client } from "#client/client.ts";
import type { Runtime } from "#cri/runtime.ts";
import type { World } from "#platform/world.ts";
import type { StartProber } from "./probes.ts";

/** The parts of KubeletConfiguration that the core reads, in our units. */
export interface KubeletOptions {
  /** "/var/lib/kubelet". */
  readonly rootFolder: string;
  /** "/var/log/pods". */
  readonly podLogsFolder: string;
  /** "/var/log/containers". */
  readonly containerLogsFolder: string;
  /** The folder of static Pods' manifests; none when absent. */
  readonly staticPodFolder?: string | undefined;
  readonly clusterDns: readonly string[];
  readonly clusterDomain: string;
  /** The node's resolv.conf; "" gives Pods none of it. */
  readonly resolverFile: string;
  /** Where Pods' cgroups hang: "/" gives /kubepods. Undefined where cgroups are nobody's business (simulated nodes). */
  readonly cgroupRoot: string | undefined;
  readonly maxPods: number;
  readonly containerLogMaxBytes: number;
  readonly containerLogMaxFiles: number;
  /** Memory of the machine, for oom_score_adj. */
  readonly memoryBytes: number;
}

export interface KubeletNeeds {
  readonly nodeName: string;
  readonly runtime: Runtime;
  /** Absent: static Pods only, nothing is reported. */
  readonly client?: Client | undefined;
  readonly options: KubeletOptions;
  readonly startProber: StartProber;
  /** This node's addresses for status.hostIPs, the primary one first. */
  readonly hostIPs: () => readonly string[];
  /** The Node object as this node last knew it: labels for selectors, allocatable for admission. Undefined until registered. */
  readonly node: () => Node | undefined;
}

/** What the 10250 server and the node's status read. */
export interface Kubelet {
  /** All Pods of this node as last seen, with the status this kubelet computed. */
  pods(): readonly Pod[];
  pod(namespace: string, name: string): Pod | undefined;
  /** The newest container of this name (init and ephemeral ones too); `previous` the one before it. */
  container(namespace: string, pod: string, container: string, options?: { readonly previous?: boolean }): FoundContainer | undefined;
  /** The ready sandbox of a Pod: where ports are forwarded to. */
  sandboxId(namespace: string, pod: string): string | undefined;
  /** Whether the first list of Pods is there and what ran before the start was found again. */
  readonly ready: boolean;
}

export interface FoundContainer {
  readonly pod: Pod;
  readonly spec: Container;
  readonly id: string;
  readonly running: boolean;
  /** The file the runtime writes, which rotation renames to `<logPath>.<time>`. */
  readonly logPath: string;
}
