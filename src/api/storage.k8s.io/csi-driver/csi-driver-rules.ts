// The rules of CSIDrivers.
import { deepEqual } from "#schema/derive/equal.ts";
import { duplicate, invalid, notSupported } from "#schema/derive/field-error.ts";
import type { FieldError } from "#schema/kind.ts";
import { driverNameErrors } from "#api/core/persistent-volume/persistent-volume-rules.ts";
import type { CSIDriver } from "./csi-driver.ts";

const lifecycleModes = ["Ephemeral", "Persistent"];
const tokenSecondsMin = 600;

export function csiDriverErrors({ metadata, spec }: CSIDriver, { old }: { readonly old?: CSIDriver }): readonly FieldError[] {
  const errors = [...driverNameErrors(metadata.name ?? "", "metadata.name")];
  for (const mode of spec.volumeLifecycleModes ?? [])
    if (!lifecycleModes.includes(mode)) errors.push(notSupported("spec.volumeLifecycleModes", mode, lifecycleModes));
  const audiences = new Set<string>();
  for (const [index, { audience, expirationSeconds }] of (spec.tokenRequests ?? []).entries()) {
    const at = `spec.tokenRequests[${index}]`;
    if (audiences.has(audience)) errors.push(duplicate(`${at}.audience`, audience));
    audiences.add(audience);
    if (expirationSeconds === undefined) continue;
    if (expirationSeconds < tokenSecondsMin)
      errors.push(invalid(`${at}.expirationSeconds`, expirationSeconds, "may not specify a duration less than 10 minutes"));
    if (expirationSeconds > 2 ** 32)
      errors.push(invalid(`${at}.expirationSeconds`, expirationSeconds, "may not specify a duration larger than 2^32 seconds"));
  }
  if (old && !deepEqual(spec.volumeLifecycleModes, old.spec.volumeLifecycleModes))
    errors.push(invalid("spec.volumeLifecycleModes", spec.volumeLifecycleModes, "field is immutable"));
  return errors;
}
