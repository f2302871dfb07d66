// The rules of Endpoints, and of addresses that anything may be sent to.
import { invalid, required } from "#schema/derive/field-error.ts";
import { dns1123LabelProblems } from "#schema/derive/formats.ts";
import { parseIp } from "#base/ip.ts";
import type { FieldError } from "#schema/kind.ts";
import { portErrors } from "#api/meta/rules.ts";
import type { EndpointAddress, Endpoints } from "./endpoints.ts";

export function endpointsErrors({ subsets = [] }: Endpoints): readonly FieldError[] {
  return subsets.flatMap(({ addresses = [], notReadyAddresses = [], ports = [] }, index) => {
    const at = `subsets[${index}]`;
    const errors: FieldError[] = [];
    if (addresses.length === 0 && notReadyAddresses.length === 0)
      errors.push(required(at, "must specify `addresses` or `notReadyAddresses`"));
    errors.push(...addressesErrors(addresses, `${at}.addresses`), ...addressesErrors(notReadyAddresses, `${at}.notReadyAddresses`));
    for (const [position, { name, port }] of ports.entries()) {
      const portAt = `${at}.ports[${position}]`;
      if (!name && ports.length > 1) errors.push(required(`${portAt}.name`));
      if (name) errors.push(...dns1123LabelProblems(name).map((problem) => invalid(`${portAt}.name`, name, problem)));
      errors.push(...portErrors(port, `${portAt}.port`));
    }
    return errors;
  });
}

function addressesErrors(addresses: readonly EndpointAddress[], path: string): readonly FieldError[] {
  return addresses.flatMap(({ ip, hostname }, index) => [
    ...endpointAddressErrors(ip, `${path}[${index}].ip`),
    ...(hostname ? dns1123LabelProblems(hostname).map((problem) => invalid(`${path}[${index}].hostname`, hostname, problem)) : []),
  ]);
}

/** Traffic is not sent back to its sender, nor to everybody. */
export function endpointAddressErrors(ip: string, path: string): readonly FieldError[] {
  const bytes = parseIp(ip);
  if (bytes === undefined) return [invalid(path, ip, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)")];
  const [first, second, third] = bytes;
  const errors: FieldError[] = [];
  const zeros = bytes.every((byte) => byte === 0);
  const v4 = bytes.length === 4;
  if (zeros) errors.push(invalid(path, ip, "may not be unspecified (0.0.0.0 or ::)"));
  if (v4 ? first === 127 : bytes.slice(0, 15).every((byte) => byte === 0) && bytes[15] === 1) {
    errors.push(invalid(path, ip, "may not be in the loopback range (127.0.0.0/8, ::1/128)"));
  }
  if (v4 ? first === 169 && second === 254 : first === 0xfe && ((second ?? 0) & 0xc0) === 0x80) {
    errors.push(invalid(path, ip, "may not be in the link-local range (169.254.0.0/16, fe80::/10)"));
  }
  if (v4 ? first === 224 && second === 0 && third === 0 : first === 0xff && second === 0x02) {
    errors.push(invalid(path, ip, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"));
  }
  return errors;
}
