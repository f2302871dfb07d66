// The rules of IPAddresses.
import { invalid } from "#schema/derive/field-error.ts";
import { canonicalAddress, parseIp } from "#base/ip.ts";
import type { FieldError } from "#schema/kind.ts";
import type { IPAddress } from "./ip-address.ts";

export function ipAddressErrors({ metadata: { name = "" } }: IPAddress): readonly FieldError[] {
  const bytes = parseIp(name);
  if (!bytes) return [invalid("metadata.name", name, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")];
  const canonical = canonicalAddress(bytes);
  return canonical === name ? [] : [invalid("metadata.name", name, `must be in canonical form ("${canonical}")`)];
}
