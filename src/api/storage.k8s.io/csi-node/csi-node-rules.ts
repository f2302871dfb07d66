// The rules of CSINodes.
import { deepEqual } from "#schema/derive/equal.ts";
import { invalid, required } from "#schema/derive/field-error.ts";
import { qualifiedNameProblems } from "#schema/derive/formats.ts";
import type { FieldError } from "#schema/kind.ts";
import { driverNameErrors } from "#api/core/persistent-volume/persistent-volume-rules.ts";
import type { CSINode } from "./csi-node.ts";

const nodeIdBytesMax = 192;

export function csiNodeErrors({ spec }: CSINode, { old }: { readonly old?: CSINode }): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [index, { name, nodeID, topologyKeys = [] }] of spec.drivers.entries()) {
    const at = `spec.drivers[${index}]`;
    errors.push(...driverNameErrors(name, `${at}.name`));
    if (nodeID.length > nodeIdBytesMax) errors.push(invalid(`${at}.nodeID`, nodeID, `must be ${nodeIdBytesMax} characters or less`));
    for (const [position, key] of topologyKeys.entries()) {
      if (key === "") errors.push(required(`${at}.topologyKeys`));
      else if (topologyKeys.indexOf(key) !== position)
        errors.push({ type: "Duplicate", field: `${at}.topologyKeys`, value: key, detail: "" });
      for (const problem of key === "" ? [] : qualifiedNameProblems(key)) errors.push(invalid(`${at}.topologyKeys`, key, problem));
    }
  }
  for (const before of old?.spec.drivers ?? []) {
    const now = spec.drivers.find(({ name }) => name === before.name);
    if (now && !deepEqual({ ...now, allocatable: undefined }, { ...before, allocatable: undefined }))
      errors.push(invalid("spec.drivers", now, "field is immutable"));
  }
  return errors;
}
