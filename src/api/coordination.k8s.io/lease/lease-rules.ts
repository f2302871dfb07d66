// The rules of Leases.
import { invalid } from "#schema/derive/field-error.ts";
import type { FieldError } from "#schema/kind.ts";
import type { Lease } from "./lease.ts";

export function leaseErrors({ spec }: Lease): readonly FieldError[] {
  const { leaseDurationSeconds, leaseTransitions, holderIdentity } = spec;
  const errors: FieldError[] = [];
  if (leaseDurationSeconds !== undefined && leaseDurationSeconds <= 0) {
    errors.push(invalid("spec.leaseDurationSeconds", leaseDurationSeconds, "must be greater than 0"));
  }
  if (leaseTransitions !== undefined && leaseTransitions < 0) {
    errors.push(invalid("spec.leaseTransitions", leaseTransitions, "must be greater than or equal to 0"));
  }
  if (holderIdentity === "") errors.push(invalid("spec.holderIdentity", holderIdentity, "must not be empty"));
  return errors;
}
