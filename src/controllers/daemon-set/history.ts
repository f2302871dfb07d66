// The templates a DaemonSet had, each kept as a ControllerRevision: what `kubectl rollout undo` goes back to.
import { ControllerRevision } from "#api/apps/controller-revision/controller-revision.ts";
import { DaemonSet } from "#api/apps/daemon-set/daemon-set.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import { isControlledBy, newControllerReference } from "#api/meta/owner.ts";
import { labelOf } from "#api/meta/selects.ts";
import { deepEqual } from "#schema/derive/equal.ts";
import type { JsonObject } from "#schema/field.ts";
import { create, remove, type Step, update, updateStatus } from "../controller.ts";
import { templateHash } from "../template-hash.ts";
import { hashLabel } from "./placement.ts";

const dataOf = ({ spec }: DaemonSet): JsonObject => ({
  spec: { template: { ...(spec.template as unknown as JsonObject), $patch: "replace" } },
});

export function currentRevision(set: DaemonSet, revisions: readonly ControllerRevision[]): ControllerRevision | undefined {
  const data = dataOf(set);
  return revisions.find((revision) => deepEqual(revision.data, data));
}

/** Steps after which the current template has the newest revision; none when it has. */
export function recordTemplate(set: DaemonSet, revisions: readonly ControllerRevision[]): readonly Step[] {
  const current = currentRevision(set, revisions);
  const newest = Math.max(0, ...revisions.filter((one) => one !== current).map((one) => Number(one.revision)));
  if (current) return Number(current.revision) > newest ? [] : [update(ControllerRevision, { ...current, revision: newest + 1 })];
  const { collisionCount } = set.status;
  const hash = templateHash(set.spec.template, collisionCount);
  const { name, namespace } = set.metadata;
  return [
    create(
      ControllerRevision,
      {
        metadata: {
          name: `${name}-${hash}`,
          namespace,
          labels: { ...set.spec.template.metadata.labels, [hashLabel]: hash },
          ...(set.metadata.annotations && { annotations: set.metadata.annotations }),
          ownerReferences: [newControllerReference(set)],
        },
        data: dataOf(set),
        revision: newest + 1,
      },
      {
        ifTaken: (other) =>
          isControlledBy(other, set) && currentRevision(set, [other])
            ? []
            : [updateStatus(DaemonSet, { ...set, status: { ...set.status, collisionCount: (collisionCount ?? 0) + 1 } })],
      },
    ),
  ];
}

/** Lets revisions go that no Pod has, beyond as many as are kept. */
export function forgetOld(set: DaemonSet, revisions: readonly ControllerRevision[], pods: readonly Pod[]): readonly Step[] {
  const live = new Set(pods.map(({ metadata }) => labelOf(metadata.labels ?? {}, hashLabel)));
  const current = currentRevision(set, revisions);
  const idle = revisions.filter((one) => one !== current && !live.has(hashOf(one)));
  return [...idle]
    .sort((left, right) => Number(left.revision) - Number(right.revision))
    .slice(0, Math.max(0, idle.length - (set.spec.revisionHistoryLimit ?? 10)))
    .map((revision) => remove(ControllerRevision, revision));
}

export const hashOf = ({ metadata }: ControllerRevision): string => labelOf(metadata.labels ?? {}, hashLabel) ?? "";
