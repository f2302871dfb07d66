// The rules of VolumeAttributesClasses.
import { required } from "#schema/derive/field-error.ts";
import type { FieldError } from "#schema/kind.ts";
import { driverNameErrors } from "#api/core/persistent-volume/persistent-volume-rules.ts";
import { parameterErrors, settledErrors } from "#api/storage.k8s.io/storage-class/storage-class-rules.ts";
import type { VolumeAttributesClass } from "./volume-attributes-class.ts";

export function volumeAttributesClassErrors(
  object: VolumeAttributesClass,
  { old }: { readonly old?: VolumeAttributesClass },
): readonly FieldError[] {
  const { driverName, parameters = {} } = object;
  const errors = [...driverNameErrors(driverName, "driverName")];
  if (Object.keys(parameters).length === 0) errors.push(required("parameters", "must contain at least one key/value pair"));
  errors.push(...parameterErrors(parameters, "parameters"));
  return old ? [...errors, ...settledErrors(object, old, ["driverName", "parameters"])] : errors;
}
