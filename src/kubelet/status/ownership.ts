// What of a Pod's status is its node's, and what belongs to others who write it too: theirs is taken as they last wrote it, and never written.
import type { PodCondition, PodStatus } from "#api/core/pod/pod-status.ts";
import { sameJson } from "#schema/derive/json-objects.ts";

const foreignFields = [
  "nominatedNodeName",
  "resourceClaimStatuses",
  "extendedResourceClaimStatus",
  "nodeAllocatableResourceClaimStatuses",
] as const satisfies readonly (keyof PodStatus)[];

const ownConditions: ReadonlySet<string> = new Set([
  "PodReadyToStartContainers",
  "Initialized",
  "Ready",
  "ContainersReady",
  "PodScheduled",
  "AllContainersRestarting",
  "PodResizePending",
  "PodResizeInProgress",
]);

export function isForeignField(name: string): boolean {
  return (foreignFields as readonly string[]).includes(name);
}

/** Whether the node may write the condition: its own, and what nobody has written before it (as why it ends the Pod). */
export function mayWrite({ type }: PodCondition, before: PodStatus): boolean {
  return ownConditions.has(type) || !before.conditions?.some((one) => one.type === type);
}

/** The node's status, with what is others' as the API has it. */
export function withForeign(own: PodStatus, api: PodStatus): PodStatus {
  const kept = Object.fromEntries(Object.entries(own).filter(([name]) => !isForeignField(name)));
  const theirs = foreignConditions(api);
  const ours = (own.conditions ?? []).filter(({ type }) => !theirs.some((one) => one.type === type));
  return { ...api, ...kept, conditions: [...ours, ...theirs] };
}

/** Whether nothing of what is others' differs. */
export function sameForeign(before: PodStatus, after: PodStatus): boolean {
  return (
    foreignFields.every((name) => sameJson(before[name] as never, after[name] as never)) &&
    sameJson(sorted(foreignConditions(before)) as never, sorted(foreignConditions(after)) as never)
  );
}

function foreignConditions({ conditions = [] }: PodStatus): readonly PodCondition[] {
  return conditions.filter(({ type }) => !ownConditions.has(type));
}

function sorted(conditions: readonly PodCondition[]): readonly PodCondition[] {
  return conditions.toSorted((a, b) => (a.type < b.type ? -1 : 1));
}
