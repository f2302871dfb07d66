// The rules of ConfigMaps.
import { invalid, tooLong } from "#schema/derive/field-error.ts";
import { utf8Length } from "#schema/derive/metadata-validation.ts";
import type { FieldError } from "#schema/kind.ts";
import { dataSizeMax, decodedLength, keyErrors, sealErrors } from "#api/core/data-rules.ts";
import type { ConfigMap } from "./config-map.ts";

export function configMapErrors(map: ConfigMap, { old }: { readonly old?: ConfigMap }): readonly FieldError[] {
  const { data = {}, binaryData = {} } = map;
  const errors = [...keyErrors(data, "data"), ...keyErrors(binaryData, "binaryData")];
  for (const key of Object.keys(data)) {
    if (Object.hasOwn(binaryData, key)) errors.push(invalid(`data[${key}]`, key, "duplicate of key present in binaryData"));
  }
  const sizes = [...Object.values(data).map(utf8Length), ...Object.values(binaryData).map(decodedLength)];
  if (sizes.reduce((sum, size) => sum + size, 0) > dataSizeMax) errors.push(tooLong("[]", dataSizeMax));
  return [...errors, ...sealErrors(map, old, ["data", "binaryData"])];
}
