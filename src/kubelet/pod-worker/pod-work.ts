// What the parts of one Pod's worker share: what they need of the node, what is known of the Pod, and how they tell.
import type { Node } from "#api/core/node/node.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import type { PodStatus } from "#api/core/pod/pod-status.ts";
import { type Scope, ScopeStopped } from "#base/scope.ts";
import type { EventRecorder } from "#client/event-recorder.ts";
import type { World } from "#platform/world.ts";
import type { Cgroups } from "../cgroups/cgroups.ts";
import { errorText, type ImagePuller } from "../images/image-puller.ts";
import { type AnyContainer, fullName, isControlPlane } from "../layout.ts";
import type { Prober } from "../probes.ts";
import type { HandlerOf } from "../runtime-classes.ts";
import type { UserNamespaces } from "../user-namespaces.ts";
import type { BackOffs } from "./back-off.ts";
import type { CreationNeeds } from "./create-container.ts";
import { eventSubject } from "./event-subject.ts";
import type { FieldContext } from "./field-paths.ts";
import { nothingObserved, type ObservedPod } from "./observed.ts";
import { PodFiles } from "./pod-files.ts";
import type { ResizeVerdict } from "./resizing.ts";
import type { Resolver } from "./sandbox-config.ts";

export interface PodWorkerNeeds extends CreationNeeds {
  readonly runtimeName: () => string;
  readonly cgroups: Cgroups | undefined;
  readonly images: ImagePuller;
  readonly prober: Prober;
  readonly recorder: EventRecorder;
  readonly restarts: { readonly ordinary: BackOffs; readonly urgent: BackOffs };
  readonly resolver: () => Promise<Resolver>;
  readonly runtimeHandler: HandlerOf;
  readonly userNamespaces: UserNamespaces;
  readonly hostIPs: () => readonly string[];
  readonly node: () => Node | undefined;
  /** Whether this node has room for a Pod of its own with these amounts instead of those it has. */
  readonly judgeResize: (pod: Pod) => ResizeVerdict;
  /** Told every new status. */
  readonly report: (pod: Pod, status: PodStatus) => void;
  /** The Pod has ended and nothing of it runs: bring that to the API. */
  readonly ended: (pod: Pod, status: PodStatus) => Promise<void>;
  /** Nothing is left of the Pod on this node: the worker is done. */
  readonly finished: (uid: string) => void;
}

const retryMilliseconds = { ordinary: 10_000, urgent: 1_000 };

export class PodWork {
  readonly scope: Scope;
  readonly world: World;
  readonly needs: PodWorkerNeeds;
  readonly files: PodFiles;
  /** Looks at the Pod again, soon. */
  readonly wake: () => void;
  /** The Pod as the API or the manifest last gave it. */
  pod: Pod;
  observed: ObservedPod = nothingObserved;
  /** Set once the Pod is to go. */
  ending: { readonly graceSeconds: number } | undefined;
  /** Containers that were stopped because their definition changed, by id. */
  readonly replaced = new Set<string>();

  constructor(scope: Scope, world: World, needs: PodWorkerNeeds, pod: Pod, wake: () => void) {
    this.scope = scope;
    this.world = world;
    this.needs = needs;
    this.pod = pod;
    this.wake = wake;
    this.files = new PodFiles(world, needs.options, pod);
  }

  event(type: "Normal" | "Warning", reason: string, message: string, container?: AnyContainer): void {
    this.needs.recorder.record(eventSubject(this.pod, container), type, reason, message);
  }

  /** Does something beside the worker's steps; a failure is not the Pod's. */
  background(name: string, act: () => Promise<void>): void {
    this.scope.start(name, async () => {
      try {
        await act();
      } catch (error) {
        if (error instanceof ScopeStopped) throw error;
        this.world.log.debug(`cannot ${name}`, { pod: fullName(this.pod), error: errorText(error) });
      }
    });
  }

  /** Where the Pod is reached; the node's address for Pods on its network. */
  get podIP(): string {
    return (this.pod.spec.hostNetwork ? this.needs.hostIPs()[0] : this.observed.sandbox?.ips[0]) ?? "127.0.0.1";
  }

  /** What fieldRef and resourceFieldRef read. */
  get fields(): FieldContext {
    const hostIPs = this.needs.hostIPs();
    const podIPs = this.pod.spec.hostNetwork ? hostIPs : (this.observed.sandbox?.ips ?? []);
    return { podIPs, hostIPs, allocatable: this.needs.node()?.status.allocatable ?? {} };
  }

  get restarts(): BackOffs {
    return isControlPlane(this.pod) ? this.needs.restarts.urgent : this.needs.restarts.ordinary;
  }

  get retryMilliseconds(): number {
    return isControlPlane(this.pod) ? retryMilliseconds.urgent : retryMilliseconds.ordinary;
  }

  retryAt(): number {
    return this.world.clock.now() + this.retryMilliseconds;
  }
}
