// The rules of CSIStorageCapacities.
import { invalid } from "#schema/derive/field-error.ts";
import { dns1123SubdomainProblems } from "#schema/derive/formats.ts";
import type { FieldError } from "#schema/kind.ts";
import { compareQuantities } from "#schema/quantity.ts";
import { selectorErrors } from "#api/meta/rules.ts";
import type { CSIStorageCapacity } from "./csi-storage-capacity.ts";

export function csiStorageCapacityErrors(object: CSIStorageCapacity): readonly FieldError[] {
  const { nodeTopology, storageClassName, capacity, maximumVolumeSize } = object;
  const errors: FieldError[] = nodeTopology ? [...selectorErrors(nodeTopology, "nodeTopology")] : [];
  for (const problem of storageClassName === "" ? [] : dns1123SubdomainProblems(storageClassName))
    errors.push(invalid("storageClassName", storageClassName, problem));
  for (const [name, quantity] of Object.entries({ capacity, maximumVolumeSize })) {
    if (quantity !== undefined && compareQuantities(quantity, "0") < 0)
      errors.push(invalid(name, quantity, "must be greater than or equal to 0"));
  }
  return errors;
}
