// The rules of PersistentVolumeClaims, and of the templates they are made from.
import { deepEqual } from "#schema/derive/equal.ts";
import { forbidden, invalid, required } from "#schema/derive/field-error.ts";
import { dns1123SubdomainProblems } from "#schema/derive/formats.ts";
import { writeJson } from "#schema/derive/json.ts";
import type { FieldError } from "#schema/kind.ts";
import { compareQuantities } from "#schema/quantity.ts";
import { accessModeErrors } from "#api/core/persistent-volume/persistent-volume-rules.ts";
import { selectorErrors } from "#api/meta/rules.ts";
import type { PersistentVolumeClaim, PersistentVolumeClaimSpec } from "./persistent-volume-claim.ts";

export function persistentVolumeClaimErrors(
  claim: PersistentVolumeClaim,
  { old, subresource }: { readonly old?: PersistentVolumeClaim; readonly subresource: string },
): readonly FieldError[] {
  if (subresource !== "") return [];
  const errors = [...claimSpecErrors(claim.spec, "spec")];
  return old ? [...errors, ...changeErrors(claim, old)] : errors;
}

export function claimSpecErrors(spec: PersistentVolumeClaimSpec, path: string): readonly FieldError[] {
  const { accessModes, selector, resources, storageClassName, dataSource, dataSourceRef } = spec;
  const size = resources.requests?.["storage"];
  const errors = [...accessModeErrors(accessModes, `${path}.accessModes`, "at least 1 access mode is required")];
  if (selector) errors.push(...selectorErrors(selector, `${path}.selector`));
  if (size === undefined) errors.push(required(`${path}.resources[storage]`));
  else if (compareQuantities(size, "0") <= 0) errors.push(invalid(`${path}.resources[storage]`, size, "must be greater than zero"));
  if (storageClassName) {
    for (const problem of dns1123SubdomainProblems(storageClassName))
      errors.push(invalid(`${path}.storageClassName`, storageClassName, problem));
  }
  for (const [name, source] of Object.entries({ dataSource, dataSourceRef })) {
    if (source && !source.apiGroup && source.kind !== "PersistentVolumeClaim")
      errors.push(invalid(`${path}.${name}`, source.kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup"));
  }
  if (
    dataSource &&
    dataSourceRef &&
    (dataSource.apiGroup !== dataSourceRef.apiGroup || dataSource.kind !== dataSourceRef.kind || dataSource.name !== dataSourceRef.name)
  )
    errors.push(invalid(path, `${path}.dataSource`, `must match ${path}.dataSourceRef`));
  return errors;
}

/** A bound claim may ask for more; an unbound one may be told its volume. Nothing else changes. */
function changeErrors(
  { spec, status }: PersistentVolumeClaim,
  { spec: old, status: oldStatus }: PersistentVolumeClaim,
): readonly FieldError[] {
  const errors: FieldError[] = [];
  const isBound = oldStatus.phase === "Bound";
  const { volumeName } = old;
  const allowed: PersistentVolumeClaimSpec = {
    ...old,
    ...(!volumeName && spec.volumeName && { volumeName: spec.volumeName }),
    ...(isBound && { resources: { ...old.resources, requests: spec.resources.requests } }),
    ...(isBound && spec.volumeAttributesClassName !== undefined && { volumeAttributesClassName: spec.volumeAttributesClassName }),
    ...(old.storageClassName === undefined && !volumeName && spec.storageClassName && { storageClassName: spec.storageClassName }),
  };
  if (!deepEqual(withoutNothing(allowed), withoutNothing(spec))) {
    const rule = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
    errors.push(forbidden("spec", `${rule}\n${differences(allowed, spec)}`));
  }
  const [size = "0", oldSize = "0", reached = "0"] = [
    spec.resources.requests?.["storage"],
    old.resources.requests?.["storage"],
    status.capacity?.["storage"],
  ];
  if (compareQuantities(size, oldSize) < 0 && compareQuantities(size, reached) <= 0)
    errors.push(forbidden("spec.resources.requests.storage", "field can not be less than status.capacity"));
  return errors;
}

/** What is said to be undefined is not said. */
function withoutNothing(spec: PersistentVolumeClaimSpec): object {
  return Object.fromEntries(Object.entries(spec).filter(([, value]) => value !== undefined));
}

function differences(before: PersistentVolumeClaimSpec, after: PersistentVolumeClaimSpec): string {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort() as (keyof PersistentVolumeClaimSpec)[];
  const lines = names
    .filter((name) => !deepEqual(before[name], after[name]))
    .flatMap((name) => [
      ...(before[name] === undefined ? [] : [`- ${name}: ${writeJson(before[name])}`]),
      ...(after[name] === undefined ? [] : [`+ ${name}: ${writeJson(after[name])}`]),
    ]);
  return lines.join("\n");
}
