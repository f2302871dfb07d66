// What a controller is: it declares what it reads and writes, and decides; the runner (runner.ts) watches, wakes and does.
//
//   export const replicaSetController = controller({
//     name: "replicaset-controller", for: ReplicaSet,
//     reads: { pods: ownedBy(ReplicaSet, Pod) },
//     writes: [may(Pod, "create", "update", "delete"), may(status(ReplicaSet), "update")],
//     decide,                                   // ({ object, pods }) => readonly Step[], pure
//   });
import type { Scope } from "#base/scope.ts";
import type { Client, ListOptions, ObjectName } from "#client/client.ts";
import type { EventRecorder, EventType } from "#client/event-recorder.ts";
import type { Change, Informer } from "#client/informer.ts";
import type { Informers } from "#client/informers.ts";
import type { World } from "#platform/world.ts";
import type { Json } from "#schema/field.ts";
import type { Kind, KubernetesObject, Verb } from "#schema/kind.ts";
import type { Draft } from "#schema/message.ts";
import { runDecider } from "./runner.ts";

/** What components are told at start that is true for the whole cluster. */
export interface ClusterFacts {
  /** "cluster.local". */
  readonly clusterDomain: string;
  /** Of which each Node gets a part of so many bits: one range of each family at most, none where others see to that. */
  readonly clusterCidrs: readonly { readonly range: string; readonly nodeMaskSize: number }[];
  /** "10.96.0.0/12", or of both families "10.96.0.0/12,fd00::/112". */
  readonly serviceClusterIpRange: string;
  /** PEM bundle that Pods trust; published as kube-root-ca.crt. */
  readonly rootCa: string;
  /** The CA that signs certificates for kubelets and clients; absent where signing is not this process's work. */
  readonly signer?: { readonly certificate: string; readonly key: string };
  /** How long signed certificates are valid at most. Default a year. */
  readonly certificateMilliseconds?: number;
  /** How long a Node may be silent before it counts as lost. Default 50 s. */
  readonly nodeMonitorGraceMilliseconds?: number;
  /** The same, for Nodes that never reported. Default 60 s. */
  readonly nodeStartupGraceMilliseconds?: number;
  /** How fast Nodes that are not ready lose their Pods. Default: one in ten seconds, none in a small zone that is mostly lost. */
  readonly evictionRates?: {
    readonly nodes: number;
    readonly secondary: number;
    readonly largeClusterSize: number;
    readonly unhealthyZone: number;
  };
  /** Ended Pods that may stay. Default 12,500. */
  readonly terminatedPodsMax?: number;
}

export interface ControllerNeeds {
  readonly client: Client;
  readonly informers: Informers;
  readonly events: EventRecorder;
  readonly facts: ClusterFacts;
}

/** One RBAC rule in the making. */
export interface Permission {
  readonly group: string;
  readonly resource: string;
  readonly verbs: readonly (Verb | "approve" | "sign" | "escalate" | "bind" | "impersonate")[];
  readonly names?: readonly string[];
}

export interface Controller {
  /** As in --controllers and in the names of roles: "replicaset-controller". */
  readonly name: string;
  /** What is known beyond reading and writing kinds. */
  readonly reads: readonly Kind[];
  readonly writes: readonly Permission[];
  /** Starts tasks in `scope` and returns once they are started. */
  run(scope: Scope, world: World, needs: ControllerNeeds): void | Promise<void>;
}

export function may(target: Kind | Subresource, ...verbs: Permission["verbs"]): Permission {
  return "subresource" in target
    ? { group: target.kind.group, resource: `${target.kind.plural}/${target.subresource}`, verbs }
    : { group: target.group, resource: target.plural, verbs };
}

export interface Subresource {
  readonly kind: Kind;
  readonly subresource: string;
}
export const status = (kind: Kind): Subresource => ({ kind, subresource: "status" });
export const subresource = (kind: Kind, name: string): Subresource => ({ kind, subresource: name });

/** How the objects of one kind relate to the controller's own: which belong to one object, and whom a change wakes. */
export interface Related<T extends KubernetesObject, O extends KubernetesObject> {
  readonly kind: Kind<O>;
  /** Called once, to add the indexes that `find` and `wakes` need. */
  prepare?(others: Informer<O>, own: Informer<T>): void;
  find(object: T, others: Informer<O>): readonly O[];
  /** Keys of the controller's objects to look at again. */
  wakes(change: Change<O>, own: Informer<T>): readonly string[];
}

// Relations of different kinds stand in one record.
// oxlint-disable-next-line typescript/no-explicit-any
export type Relations<T extends KubernetesObject> = Readonly<Record<string, Related<T, any>>>;
type Found<R> = { readonly [K in keyof R]: R[K] extends Related<never, infer O> ? readonly O[] : never };

export type Observed<T extends KubernetesObject, R> = { readonly object: T; readonly now: number; readonly facts: ClusterFacts } & Found<R>;

/** One thing to do. Steps are done in order; the first that fails ends the round, and the object comes back after a growing time. */
export type Step =
  | {
      readonly do: "create";
      readonly kind: Kind;
      readonly object: Draft<KubernetesObject>;
      readonly announce?: Announcement;
      readonly ifMissing?: boolean;
      /** What to do when another object has the name; the round goes on after it. */
      readonly ifTaken?: (other: KubernetesObject) => readonly Step[];
    }
  | { readonly do: "update"; readonly kind: Kind; readonly object: KubernetesObject; readonly announce?: Announcement }
  | { readonly do: "update status"; readonly kind: Kind; readonly object: KubernetesObject }
  | { readonly do: "patch"; readonly kind: Kind; readonly object: KubernetesObject; readonly patch: Json; readonly subresource?: string }
  | {
      readonly do: "delete";
      readonly kind: Kind;
      readonly object: KubernetesObject;
      readonly announce?: Announcement;
      readonly propagation?: "Background" | "Foreground" | "Orphan";
      readonly graceSeconds?: number;
    }
  | { readonly do: "tell"; readonly about: KubernetesObject; readonly type: EventType; readonly reason: string; readonly message: string }
  /** Side by side, in growing batches, so that a first failure does not fail a thousand times. */
  | { readonly do: "together"; readonly steps: readonly Step[] }
  /** Does what `ifFailed` says when one of the steps fails; the round fails all the same. */
  | { readonly do: "attempt"; readonly steps: readonly Step[]; readonly ifFailed: (reason: string) => readonly Step[] }
  /** For what cannot be undone: goes on by what the server has now, since the local copy may be older. */
  | {
      readonly do: "ask";
      readonly kind: Kind;
      readonly options: ListOptions;
      readonly then: (live: readonly KubernetesObject[]) => readonly Step[];
    }
  /** Look again after a while even if nothing changes. */
  | { readonly do: "again"; readonly afterMilliseconds: number };

/** Typed ways to say a step. */
export const create = <T extends KubernetesObject>(
  kind: Kind<T>,
  object: Draft<T>,
  options: {
    readonly announce?: Announcement;
    readonly ifMissing?: boolean;
    readonly ifTaken?: (other: T) => readonly Step[];
  } = {},
): Step => ({
  do: "create",
  kind,
  object: object as Draft<KubernetesObject>,
  ...(options as { readonly ifTaken?: (other: KubernetesObject) => readonly Step[] }),
});
export const update = <T extends KubernetesObject>(kind: Kind<T>, object: T, announce?: Announcement): Step => ({
  do: "update",
  kind,
  object,
  ...(announce && { announce }),
});
export const updateStatus = <T extends KubernetesObject>(kind: Kind<T>, object: T): Step => ({ do: "update status", kind, object });
export const patch = <T extends KubernetesObject>(kind: Kind<T>, object: T, change: Draft<T>, subresource?: string): Step => ({
  do: "patch",
  kind,
  object,
  patch: change as Json,
  ...(subresource && { subresource }),
});
export const remove = <T extends KubernetesObject>(
  kind: Kind<T>,
  object: T,
  options: {
    readonly announce?: Announcement;
    readonly propagation?: "Background" | "Foreground" | "Orphan";
    readonly graceSeconds?: number;
  } = {},
): Step => ({ do: "delete", kind, object, ...options });
export const tell = (about: KubernetesObject, type: EventType, reason: string, message: string): Step => ({
  do: "tell",
  about,
  type,
  reason,
  message,
});
export const together = (steps: readonly Step[]): Step => ({ do: "together", steps });
export const attempt = (steps: readonly Step[], ifFailed: (reason: string) => readonly Step[]): Step => ({
  do: "attempt",
  steps,
  ifFailed,
});
export const ask = <T extends KubernetesObject>(
  kind: Kind<T>,
  options: ListOptions,
  then: (live: readonly T[]) => readonly Step[],
): Step => ({ do: "ask", kind, options, then: then as (live: readonly KubernetesObject[]) => readonly Step[] });
export const again = (afterMilliseconds: number): Step => ({ do: "again", afterMilliseconds });

/** Events told about `about` when the step is done or fails; `{name}` in the message stands for the made or deleted object's name, `{error}` for the reason. */
export interface Announcement {
  readonly about: KubernetesObject;
  readonly done?: { readonly type?: EventType; readonly reason: string; readonly message: string };
  readonly failed?: { readonly type?: EventType; readonly reason: string; readonly message: string };
}

export interface ControllerDeclaration<T extends KubernetesObject, R extends Relations<T>> {
  readonly name: string;
  readonly for: Kind<T>;
  readonly reads?: R;
  readonly writes: readonly Permission[];
  /** Objects worked on side by side. Default 5. */
  readonly workers?: number;
  /** Pure: what to do, given everything observed. */
  decide(observed: Observed<T, R>): readonly Step[];
  /** What to do about an object of ours that is gone, known by name only. */
  gone?(name: ObjectName, facts: ClusterFacts): readonly Step[];
}

/** A controller that decides. */
export function controller<T extends KubernetesObject, const R extends Relations<T> = {}>(
  declaration: ControllerDeclaration<T, R>,
): Controller {
  return {
    name: declaration.name,
    reads: [declaration.for, ...Object.values(declaration.reads ?? {}).map((related) => related.kind)],
    writes: declaration.writes,
    run: (scope, world, needs) =>
      runDecider(scope, world, needs, declaration as unknown as ControllerDeclaration<KubernetesObject, Relations<KubernetesObject>>),
  };
}

/** A controller whose work is not a decision about one object; `because` says why. */
export function freeController(declaration: Controller & { readonly because: string }): Controller {
  return declaration;
}

/** Several decisions under one name. */
export function combinedController(name: string, parts: readonly Controller[]): Controller {
  return {
    name,
    reads: [...new Set(parts.flatMap(({ reads }) => reads))],
    writes: parts.flatMap(({ writes }) => writes),
    async run(scope, world, needs) {
      for (const part of parts) await part.run(scope, world, needs);
    },
  };
}

/** All objects of the kind in the object's namespace (or all, outside namespaces); `concerns` says whom a change wakes. */
export function inNamespace<T extends KubernetesObject, O extends KubernetesObject>(
  kind: Kind<O>,
  concerns: (object: T, other: O) => boolean,
): Related<T, O> {
  return {
    kind,
    find: (object, others) => others.list(object.metadata.namespace).filter((other) => concerns(object, other)),
    wakes: ({ object, old }, own) =>
      own
        .list(object.metadata.namespace)
        .filter((one) => concerns(one, object) || (old !== undefined && concerns(one, old)))
        .map(({ metadata }) => (metadata.namespace ? `${metadata.namespace}/${metadata.name}` : metadata.name)),
  };
}

/** Objects of the same name and namespace. */
export function sameName<T extends KubernetesObject, O extends KubernetesObject>(kind: Kind<O>): Related<T, O> {
  const key = ({ metadata }: KubernetesObject) => (metadata.namespace ? `${metadata.namespace}/${metadata.name}` : metadata.name);
  return {
    kind,
    find: (object, others) => [others.get(key(object))].filter((one) => one !== undefined),
    wakes: ({ object }) => [key(object)],
  };
}
