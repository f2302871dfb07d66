// Keeps one Pod of a template on every Node it is meant for, and moves them to a new template a few at a time.
import { ControllerRevision } from "#api/apps/controller-revision/controller-revision.ts";
import { DaemonSet, type DaemonSetStatus } from "#api/apps/daemon-set/daemon-set.ts";
import { Node } from "#api/core/node/node.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { isAvailable, isReady, isTerminating, readySince } from "#api/core/pod/readiness.ts";
import { labelOf } from "#api/meta/selects.ts";
import { deepEqual } from "#schema/derive/equal.ts";
import { parseTime } from "#schema/time.ts";
import { claim, claimable } from "../claim.ts";
import { again, controller, create, may, type Related, remove, status, type Step, tell, together, updateStatus } from "../controller.ts";
import { scaledValue } from "../scaled-value.ts";
import { currentRevision, forgetOld, hashOf, recordTemplate } from "./history.ts";
import { hashLabel, nodeOf, placementOn, podFor } from "./placement.ts";

/** All Nodes; a change of one concerns every DaemonSet, when it can change where Pods belong. */
const nodes: Related<DaemonSet, Node> = {
  kind: Node,
  find: (_, all) => all.list(),
  wakes: ({ type, object, old }, sets) => {
    const placing = ({ metadata, spec }: Node) => [metadata.labels, spec.taints, spec.unschedulable];
    if (type === "changed" && deepEqual(placing(object), placing(old))) return [];
    return sets.list().map(({ metadata }) => `${metadata.namespace}/${metadata.name}`);
  },
};

export const daemonSetController = controller({
  name: "daemonset-controller",
  for: DaemonSet,
  reads: {
    pods: claimable(DaemonSet, Pod, (set) => set.spec.selector),
    revisions: claimable(DaemonSet, ControllerRevision, (set) => set.spec.selector),
    nodes,
  },
  writes: [
    may(Pod, "create", "patch", "delete"),
    may(ControllerRevision, "create", "update", "patch", "delete"),
    may(DaemonSet, "update"),
    may(status(DaemonSet), "update"),
  ],
  decide,
});

interface Observed {
  readonly object: DaemonSet;
  readonly pods: readonly Pod[];
  readonly revisions: readonly ControllerRevision[];
  readonly nodes: readonly Node[];
  readonly now: number;
}

/** The most Pods made or deleted in one round. */
const burst = 250;
/** A Pod that failed is replaced no sooner than this after it was made, so that one that always fails does not keep everybody busy. */
const failedMilliseconds = 10_000;

export function decide({ object: set, pods: candidates, revisions: known, nodes: all, now }: Observed): readonly Step[] {
  const { selector } = set.spec;
  if (Object.keys(selector?.matchLabels ?? {}).length === 0 && (selector?.matchExpressions ?? []).length === 0)
    return [tell(set, "Warning", "SelectingAll", "This daemon set is selecting all pods. A non-empty selector is required.")];
  const { mine: pods, steps: podClaims } = claim(set, selector, Pod, candidates);
  const { mine: revisions, steps: revisionClaims } = claim(set, selector, ControllerRevision, known);
  const claims = [...podClaims, ...revisionClaims];
  if (set.metadata.deletionTimestamp) return claims;

  const recorded = recordTemplate(set, revisions);
  const current = currentRevision(set, revisions);
  if (recorded.length > 0 || !current) return [...claims, ...recorded];
  const places = placesOf(set, all, pods, hashOf(current), now);
  const changes = manage(set, places, hashOf(current), now);
  return [
    ...claims,
    ...changes,
    ...(changes.length === 0 && set.spec.updateStrategy.type === "RollingUpdate" ? roll(set, places, hashOf(current)) : []),
    ...forgetOld(set, revisions, pods),
    ...report(set, places, now),
  ];
}

/** A Node, or the name of one that is gone, and the Pods there. */
interface Place {
  readonly node: string;
  readonly shouldRun: boolean;
  readonly mayStay: boolean;
  /** Oldest first. */
  readonly pods: readonly Pod[];
  readonly isUpdated: (pod: Pod) => boolean;
  readonly isUp: (pod: Pod) => boolean;
}

function placesOf(set: DaemonSet, all: readonly Node[], pods: readonly Pod[], hash: string, now: number): readonly Place[] {
  const { minReadySeconds = 0 } = set.spec;
  const there = new Map<string, Pod[]>();
  for (const pod of [...pods].sort(byAge)) {
    const node = nodeOf(pod) ?? "";
    const others = there.get(node);
    if (others) others.push(pod);
    else there.set(node, [pod]);
  }
  const isUpdated = (pod: Pod) => labelOf(pod.metadata.labels ?? {}, hashLabel) === hash;
  const isUp = (pod: Pod) => !isTerminating(pod) && isAvailable(pod, minReadySeconds, now);
  const places: Place[] = all.map((node) => {
    const { name } = node.metadata;
    const own = there.get(name) ?? [];
    there.delete(name);
    return { node: name, ...placementOn(node, set), pods: own, isUpdated, isUp };
  });
  // Pods of Nodes that are gone are the Pod garbage collector's, unless they never got there.
  const strays = [...there].map(([node, own]) => ({ node, pods: own.filter(({ spec }) => !spec.nodeName) }));
  return [...places, ...strays.map((stray) => ({ ...stray, shouldRun: false, mayStay: false, isUpdated, isUp }))];
}

/** Makes the Pods that are missing and deletes those that are too many, in the wrong place, or ended. */
function manage(set: DaemonSet, places: readonly Place[], hash: string, now: number): readonly Step[] {
  const missing: string[] = [];
  const surplus: Pod[] = [];
  const told: Step[] = [];
  let retryAt = Number.POSITIVE_INFINITY;
  const surge = limitsOf(set, places).maxSurge > 0;
  for (const { node, shouldRun, mayStay, pods, isUpdated, isUp } of places) {
    if (!mayStay) {
      surplus.push(...pods.filter((pod) => !isTerminating(pod)));
      continue;
    }
    if (shouldRun && pods.length === 0) missing.push(node);
    const running: Pod[] = [];
    for (const pod of pods) {
      if (isTerminating(pod)) continue;
      const { phase } = pod.status;
      if (phase !== "Failed" && phase !== "Succeeded") {
        running.push(pod);
        continue;
      }
      const replaceAt = parseTime(pod.metadata.creationTimestamp) + failedMilliseconds;
      if (replaceAt > now) {
        retryAt = Math.min(retryAt, replaceAt);
        continue;
      }
      const { namespace, name } = pod.metadata;
      surplus.push(pod);
      told.push(
        phase === "Failed"
          ? tell(set, "Warning", "FailedDaemonPod", `Found failed daemon pod ${namespace}/${name} on node ${node}, will try to kill it`)
          : tell(
              set,
              "Normal",
              "SucceededDaemonPod",
              `Found succeeded daemon pod ${namespace}/${name} on node ${node}, will try to delete it`,
            ),
      );
    }
    const updated = running.filter(isUpdated);
    const old = running.filter((pod) => !isUpdated(pod));
    if (surge && updated.length > 0 && old.length > 0) {
      surplus.push(...updated.slice(1), ...old.slice(1));
      if (isUp(updated[0] as Pod)) surplus.push(old[0] as Pod);
    } else surplus.push(...running.slice(1));
  }
  const makes = missing.slice(0, burst).map((node) =>
    create(Pod, podFor(set, node, hash), {
      announce: {
        about: set,
        done: { reason: "SuccessfulCreate", message: "Created pod: {name}" },
        failed: { reason: "FailedCreate", message: "Error creating: {error}" },
      },
    }),
  );
  return [
    ...told,
    ...deletions(set, surplus),
    ...(makes.length > 0 ? [together(makes)] : []),
    ...(Number.isFinite(retryAt) ? [again(Math.max(retryAt - now, 100))] : []),
  ];
}

function deletions(set: DaemonSet, pods: readonly Pod[]): readonly Step[] {
  if (pods.length === 0) return [];
  const announce = {
    about: set,
    done: { reason: "SuccessfulDelete", message: "Deleted pod: {name}" },
    failed: { reason: "FailedDelete", message: "Error deleting: {error}" },
  };
  return [together(pods.slice(0, burst).map((pod) => remove(Pod, pod, { announce })))];
}

/** How many Nodes may be without an available Pod, or with two, while updating. Never both none. */
function limitsOf(set: DaemonSet, places: readonly Place[]): { readonly maxUnavailable: number; readonly maxSurge: number } {
  const { type, rollingUpdate } = set.spec.updateStrategy;
  if (type !== "RollingUpdate") return { maxUnavailable: 0, maxSurge: 0 };
  const desired = places.filter(({ shouldRun }) => shouldRun).length;
  const maxSurge = scaledValue(rollingUpdate?.maxSurge ?? 0, desired, "up");
  const maxUnavailable = scaledValue(rollingUpdate?.maxUnavailable ?? 1, desired, "up");
  return { maxSurge, maxUnavailable: maxSurge === 0 && maxUnavailable === 0 ? 1 : maxUnavailable };
}

function roll(set: DaemonSet, places: readonly Place[], hash: string): readonly Step[] {
  const { maxUnavailable, maxSurge } = limitsOf(set, places);
  const meant = places.filter(({ shouldRun, pods }) => shouldRun || pods.length > 0);
  const ofPlace = meant.map((place) => {
    const alive = place.pods.filter((pod) => !isTerminating(pod));
    return { ...place, updated: alive.find(place.isUpdated), old: alive.find((pod) => !place.isUpdated(pod)) };
  });
  const away = ofPlace.filter(({ updated, old, isUp }) => !(updated && isUp(updated)) && !(old && isUp(old)));
  if (maxSurge > 0) {
    const surging = ofPlace.filter(({ updated, old }) => updated && old).length;
    const wanting = ofPlace.filter(({ updated, old }) => !updated && old);
    const dead = wanting.filter((place) => away.includes(place));
    const next = wanting.filter((place) => !away.includes(place)).slice(0, Math.max(0, maxSurge - surging));
    const makes = [...dead, ...next].map(({ node }) =>
      create(Pod, podFor(set, node, hash), {
        announce: {
          about: set,
          done: { reason: "SuccessfulCreate", message: "Created pod: {name}" },
          failed: { reason: "FailedCreate", message: "Error creating: {error}" },
        },
      }),
    );
    return makes.length > 0 ? [together(makes.slice(0, burst))] : [];
  }
  const replaceable = away.flatMap(({ updated, old }) => (!updated && old ? [old] : []));
  const candidates = ofPlace.flatMap(({ updated, old, isUp }) => (!updated && old && isUp(old) ? [old] : []));
  return deletions(set, [...replaceable, ...candidates.slice(0, Math.max(0, maxUnavailable - away.length))]);
}

function report(set: DaemonSet, places: readonly Place[], now: number): readonly Step[] {
  const { minReadySeconds = 0 } = set.spec;
  const meant = places.filter(({ shouldRun }) => shouldRun);
  const present = meant.filter(({ pods }) => pods.length > 0);
  const first = present.map(({ pods, isUpdated, isUp }) => {
    const pod = pods.find((one) => !isTerminating(one) && isReady(one)) ?? pods.find((one) => !isTerminating(one)) ?? (pods[0] as Pod);
    return { pod, ready: isReady(pod) && !isTerminating(pod), up: isUp(pod), updated: isUpdated(pod) };
  });
  const available = first.filter(({ up }) => up).length;
  const updated = first.filter((one) => one.updated).length;
  const unavailable = meant.length - available;
  const next: DaemonSetStatus = {
    desiredNumberScheduled: meant.length,
    currentNumberScheduled: present.length,
    numberMisscheduled: places.filter(({ shouldRun, pods }) => !shouldRun && pods.length > 0).length,
    numberReady: first.filter(({ ready }) => ready).length,
    observedGeneration: set.metadata.generation ?? 0,
    ...(updated > 0 && { updatedNumberScheduled: updated }),
    ...(available > 0 && { numberAvailable: available }),
    ...(unavailable > 0 && { numberUnavailable: unavailable }),
    ...(set.status.collisionCount !== undefined && { collisionCount: set.status.collisionCount }),
    ...(set.status.conditions && { conditions: set.status.conditions }),
  };
  const soonest = Math.min(
    ...first.filter(({ ready, up }) => ready && !up).map(({ pod }) => (readySince(pod) ?? now) + minReadySeconds * 1000 - now),
  );
  return [
    ...(deepEqual(next, set.status) ? [] : [updateStatus(DaemonSet, { ...set, status: next })]),
    ...(Number.isFinite(soonest) ? [again(Math.max(soonest, 100))] : []),
  ];
}

const byAge = (left: Pod, right: Pod) =>
  parseTime(left.metadata.creationTimestamp) - parseTime(right.metadata.creationTimestamp) ||
  (left.metadata.name < right.metadata.name ? -1 : 1);
