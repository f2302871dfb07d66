// The rules of ServiceCIDRs.
import { invalid, required } from "#schema/derive/field-error.ts";
import { canonicalAddress, parseCidr } from "#base/ip.ts";
import { deepEqual } from "#schema/derive/equal.ts";
import type { FieldError } from "#schema/kind.ts";
import type { ServiceCIDR } from "./service-cidr.ts";

export function serviceCidrErrors(
  { spec: { cidrs = [] } }: ServiceCIDR,
  { old, subresource }: { readonly old?: ServiceCIDR; readonly subresource: string },
): readonly FieldError[] {
  if (subresource !== "") return [];
  if (old) {
    // A second family may join; what is there stays.
    const before = old.spec.cidrs ?? [];
    const isUpgrade = before.length === 1 && cidrs.length === 2 && cidrs[0] === before[0];
    if (!isUpgrade && !deepEqual(before, cidrs)) return [invalid("spec.cidrs", cidrs, "field is immutable")];
  }
  if (cidrs.length === 0) return [required("spec.cidrs", "at least one CIDR required")];
  if (cidrs.length > 2) return [invalid("spec", { cidrs }, "must only hold 2 values")];
  const errors = cidrs.flatMap((cidr, index) => rangeErrors(cidr, `spec.cidrs[${index}]`));
  const [first, second] = cidrs.map((cidr) => parseCidr(cidr));
  if (first && second && first.address.length === second.address.length)
    errors.push(invalid("spec", { cidrs }, "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/96"));
  return errors;
}

function rangeErrors(cidr: string, path: string): readonly FieldError[] {
  const range = parseCidr(cidr);
  if (!range) return [invalid(path, cidr, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)")];
  const first = range.address.map((byte, index) => {
    const bits = Math.min(8, Math.max(0, range.bits - index * 8));
    return byte & (0xff << (8 - bits));
  });
  const canonical = `${canonicalAddress(first)}/${range.bits}`;
  return canonical === cidr ? [] : [invalid(path, cidr, `must be in canonical form ("${canonical}")`)];
}
