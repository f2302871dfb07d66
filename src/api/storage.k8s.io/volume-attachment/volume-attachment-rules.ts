// The rules of VolumeAttachments.
import { deepEqual } from "#schema/derive/equal.ts";
import { invalid, required } from "#schema/derive/field-error.ts";
import type { FieldError } from "#schema/kind.ts";
import { driverNameErrors } from "#api/core/persistent-volume/persistent-volume-rules.ts";
import type { VolumeAttachment } from "./volume-attachment.ts";

export function volumeAttachmentErrors(
  { spec }: VolumeAttachment,
  { old, subresource }: { readonly old?: VolumeAttachment; readonly subresource: string },
): readonly FieldError[] {
  if (subresource !== "") return [];
  const { persistentVolumeName, inlineVolumeSpec } = spec.source;
  const errors = [...driverNameErrors(spec.attacher, "spec.attacher")];
  if (persistentVolumeName === undefined && inlineVolumeSpec === undefined)
    errors.push(required("spec.source", "must specify exactly one of inlineVolumeSpec and persistentVolumeName"));
  if (persistentVolumeName !== undefined && inlineVolumeSpec !== undefined)
    errors.push({
      type: "Forbidden",
      field: "spec.source",
      detail: "must specify exactly one of inlineVolumeSpec and persistentVolumeName",
    });
  if (persistentVolumeName === "") errors.push(required("spec.source.persistentVolumeName", "must specify non empty persistentVolumeName"));
  if (old && !deepEqual(spec, old.spec)) errors.push(invalid("spec", spec, "field is immutable"));
  return errors;
}
