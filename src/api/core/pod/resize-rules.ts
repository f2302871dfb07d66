// What may change of a Pod's amounts while it runs: processor and memory of containers that keep running, and not the class of service.
import { deepEqual } from "#schema/derive/equal.ts";
import { forbidden, invalid } from "#schema/derive/field-error.ts";
import type { FieldError } from "#schema/kind.ts";
import type { Container } from "./container.ts";
import type { Pod } from "./pod.ts";
import { qualityOfService } from "./quality-of-service.ts";
import { isSidecar } from "./resources.ts";

const mutable = ["cpu", "memory"] as const;
const mirror = "kubernetes.io/config.mirror";

export function resizeErrors(pod: Pod, old: Pod): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (pod.metadata.annotations?.[mirror] !== undefined) errors.push(forbidden("metadata", "static pods do not support resize"));
  const pairs = (["containers", "initContainers"] as const).flatMap((list) =>
    (pod.spec[list] ?? []).map((container, index) => ({
      container,
      before: old.spec[list]?.[index],
      path: `spec.${list}[${index}]`,
      list,
    })),
  );
  for (const { container, before, path, list } of pairs) {
    if (before === undefined || deepEqual(container.resources, before.resources)) continue;
    if (list === "initContainers" && !isSidecar(container))
      errors.push(forbidden(`${path}.resources`, "resources for non-sidecar init containers are immutable"));
    errors.push(...containerErrors(container, before, path));
  }
  if ((old.status.qosClass ?? qualityOfService(old)) !== qualityOfService(pod))
    errors.push(invalid("spec", qualityOfService(pod), "Pod QOS Class may not change as a result of resizing"));
  return errors;
}

function containerErrors(container: Container, before: Container, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const side of ["requests", "limits"] as const) {
    const now = container.resources[side] ?? {};
    const then = before.resources[side] ?? {};
    for (const name of mutable) {
      if (Object.hasOwn(then, name) && !Object.hasOwn(now, name))
        errors.push(forbidden(`${path}.resources.${side}`, `resource ${side} cannot be removed`));
    }
    const others = (list: Readonly<Record<string, string>>) =>
      Object.entries(list)
        .filter(([name]) => !mutable.includes(name as never))
        .sort();
    if (!deepEqual(others(now), others(then)))
      errors.push(forbidden(`${path}.resources.${side}`, "only cpu and memory resources are mutable"));
  }
  if (!deepEqual(container.resources.claims, before.resources.claims))
    errors.push(forbidden(`${path}.resources`, "only cpu and memory resources are mutable"));
  return errors;
}
