// What of a Pod may change once it is there: very little, since it may run already.
import { deepEqual } from "#schema/derive/equal.ts";
import { forbidden, invalid } from "#schema/derive/field-error.ts";
import { writeJson } from "#schema/derive/json.ts";
import type { FieldError } from "#schema/kind.ts";
import { rangeErrors } from "#api/meta/rules.ts";
import type { Container } from "./container.ts";
import type { Pod } from "./pod.ts";
import type { PodSpec } from "./pod-spec.ts";
import { resizeErrors } from "./resize-rules.ts";
import type { Toleration } from "./scheduling.ts";

const mayChange = [
  "`spec.containers[*].image`",
  "`spec.initContainers[*].image`",
  "`spec.activeDeadlineSeconds`",
  "`spec.tolerations` (only additions to existing tolerations)",
  "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)",
];

export function podUpdateErrors(pod: Pod, old: Pod, subresource: string): readonly FieldError[] {
  if (subresource === "ephemeralcontainers") return ephemeralErrors(pod, old);
  const spec = pod.spec;
  const counts = (["containers", "initContainers"] as const).filter(
    (field) => (spec[field] ?? []).length !== (old.spec[field] ?? []).length,
  );
  if (counts.length > 0) return counts.map((field) => forbidden(`spec.${field}`, "pod updates may not add or remove containers"));
  const errors = [
    ...deadlineErrors(spec, old.spec),
    ...tolerationErrors(spec.tolerations ?? [], old.spec.tolerations ?? []),
    ...gateErrors(spec, old.spec),
    ...(subresource === "resize" ? resizeErrors(pod, old) : []),
  ];
  const allowed = withAllowedChanges(old.spec, spec, subresource);
  if (!deepEqual(allowed, spec)) {
    const detail = `pod updates may not change fields other than ${mayChange.join(",")}\n${differences(allowed, spec)}`;
    errors.push(forbidden("spec", detail));
  }
  return errors;
}

function deadlineErrors({ activeDeadlineSeconds: now }: PodSpec, { activeDeadlineSeconds: before }: PodSpec): readonly FieldError[] {
  const at = "spec.activeDeadlineSeconds";
  if (now === undefined) return before === undefined ? [] : [invalid(at, now, "must not update from a positive integer to nil value")];
  const errors = [...rangeErrors(now, at, 0, 2_147_483_647)];
  if (before !== undefined && before < now) errors.push(invalid(at, now, "must be less than or equal to previous value"));
  return errors;
}

/** Tolerations may be added, and a time to leave changed; what was tolerated stays so. */
function tolerationErrors(now: readonly Toleration[], before: readonly Toleration[]): readonly FieldError[] {
  const kept = new Set(now.map(identityOf));
  if (before.every((toleration) => kept.has(identityOf(toleration)))) return [];
  return [forbidden("spec.tolerations", "existing toleration can not be modified except its tolerationSeconds")];
}

function identityOf({ key, operator, value, effect }: Toleration): string {
  return writeJson([key ?? "", operator ?? "", value ?? "", effect ?? ""]);
}

function gateErrors({ schedulingGates = [] }: PodSpec, { schedulingGates: before = [] }: PodSpec): readonly FieldError[] {
  const known = new Set(before.map(({ name }) => name));
  return schedulingGates
    .filter(({ name }) => !known.has(name))
    .map(({ name }) => forbidden("spec.schedulingGates", `only deletion is allowed, but found new scheduling gate '${name}'`));
}

/** The old spec with those fields of the new one that may differ. */
function withAllowedChanges(old: PodSpec, spec: PodSpec, subresource: string): PodSpec {
  const resizing = subresource === "resize";
  const { initContainers } = old;
  const grace =
    Number(old.terminationGracePeriodSeconds) < 0 && spec.terminationGracePeriodSeconds === 1 ? 1 : old.terminationGracePeriodSeconds;
  const gated = (old.schedulingGates ?? []).length > 0;
  return {
    ...old,
    containers: old.containers.map((container, index) => withChanges(container, spec.containers[index], resizing)),
    ...(initContainers && {
      initContainers: initContainers.map((container, index) => withChanges(container, spec.initContainers?.[index], resizing)),
    }),
    activeDeadlineSeconds: spec.activeDeadlineSeconds,
    tolerations: spec.tolerations,
    schedulingGates: spec.schedulingGates,
    terminationGracePeriodSeconds: grace,
    // While gates hold the Pod back, where it may go can still be narrowed.
    ...(gated && { nodeSelector: narrowed(old.nodeSelector, spec.nodeSelector), affinity: old.affinity ?? spec.affinity }),
    ...(resizing && { resources: spec.resources }),
  };
}

function withChanges(old: Container, container: Container | undefined, resizing: boolean): Container {
  if (container === undefined) return old;
  return { ...old, image: container.image, ...(resizing && { resources: container.resources, resizePolicy: container.resizePolicy }) };
}

function narrowed(old: PodSpec["nodeSelector"], now: PodSpec["nodeSelector"]): PodSpec["nodeSelector"] {
  return Object.entries(old ?? {}).every(([key, value]) => now !== undefined && Object.hasOwn(now, key) && now[key] === value) ? now : old;
}

/** The fields that differ, before and after. */
function differences(before: PodSpec, after: PodSpec): string {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort() as (keyof PodSpec)[];
  const lines = names
    .filter((name) => !deepEqual(before[name], after[name]))
    .flatMap((name) => [
      ...(before[name] === undefined ? [] : [`- ${name}: ${writeJson(before[name])}`]),
      ...(after[name] === undefined ? [] : [`+ ${name}: ${writeJson(after[name])}`]),
    ]);
  return lines.join("\n");
}

/** Ephemeral containers come, and never change or go; nothing else changes on that way. */
function ephemeralErrors(pod: Pod, old: Pod): readonly FieldError[] {
  if (old.metadata.annotations?.["kubernetes.io/config.mirror"] !== undefined) {
    return [forbidden("[]", "static pods do not support ephemeral containers")];
  }
  const now = new Map((pod.spec.ephemeralContainers ?? []).map((container, index) => [container.name, { container, index }]));
  const errors: FieldError[] = [];
  for (const before of old.spec.ephemeralContainers ?? []) {
    const found = now.get(before.name);
    if (found === undefined)
      errors.push(
        forbidden("spec.ephemeralContainers", `existing ephemeral containers ${JSON.stringify(before.name)} may not be removed\n`),
      );
    else if (!deepEqual(found.container, before)) {
      errors.push(
        forbidden("spec.ephemeralContainers", `existing ephemeral containers ${JSON.stringify(before.name)} may not be changed\n`),
      );
    }
  }
  return errors;
}
