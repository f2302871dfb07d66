// The rules of EndpointSlices.
import { duplicate, invalid, required, tooMany } from "#schema/derive/field-error.ts";
import { dns1123LabelProblems, dns1123SubdomainProblems } from "#schema/derive/formats.ts";
import { parseIp } from "#base/ip.ts";
import type { FieldError } from "#schema/kind.ts";
import { endpointAddressErrors } from "#api/core/endpoints/endpoints-rules.ts";
import { portErrors } from "#api/meta/rules.ts";
import type { Endpoint, EndpointPort, EndpointSlice } from "./endpoint-slice.ts";

const endpointsMax = 1000;
const addressesMax = 100;
const portsMax = 20_000;

export function endpointSliceErrors(slice: EndpointSlice, { old }: { readonly old?: EndpointSlice }): readonly FieldError[] {
  const { endpoints, ports, addressType } = slice;
  const errors: FieldError[] = [];
  if (old !== undefined && old.addressType !== addressType) errors.push(invalid("addressType", addressType, "field is immutable"));
  if (endpoints.length > endpointsMax) return [...errors, tooMany("endpoints", endpoints.length, endpointsMax)];
  if (ports.length > portsMax) return [...errors, tooMany("ports", ports.length, portsMax)];
  errors.push(...endpoints.flatMap((endpoint, index) => endpointErrors(endpoint, addressType, `endpoints[${index}]`)));
  return [...errors, ...portsErrors(ports)];
}

function endpointErrors({ addresses, hostname, nodeName }: Endpoint, addressType: string, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (addresses.length === 0) errors.push(required(`${path}.addresses`, "must contain at least 1 address"));
  if (addresses.length > addressesMax) errors.push(tooMany(`${path}.addresses`, addresses.length, addressesMax));
  for (const [index, address] of addresses.slice(0, addressesMax).entries()) {
    errors.push(...addressErrors(address, addressType, `${path}.addresses[${index}]`));
  }
  if (hostname) errors.push(...dns1123LabelProblems(hostname).map((problem) => invalid(`${path}.hostname`, hostname, problem)));
  if (nodeName) errors.push(...dns1123SubdomainProblems(nodeName).map((problem) => invalid(`${path}.nodeName`, nodeName, problem)));
  return errors;
}

function addressErrors(address: string, addressType: string, path: string): readonly FieldError[] {
  if (addressType === "FQDN") {
    return address.includes(".")
      ? dns1123SubdomainProblems(address).map((problem) => invalid(path, address, problem))
      : [invalid(path, address, "should be a domain with at least two segments separated by dots")];
  }
  const bytes = parseIp(address);
  if (bytes !== undefined && bytes.length !== (addressType === "IPv6" ? 16 : 4)) {
    return [invalid(path, address, addressType === "IPv6" ? "must be an IPv6 address" : "must be an IPv4 address")];
  }
  return endpointAddressErrors(address, path);
}

function portsErrors(ports: readonly EndpointPort[]): readonly FieldError[] {
  const names = new Set<string>();
  return ports.flatMap(({ name, port }, index) => {
    const at = `ports[${index}]`;
    const errors: FieldError[] = [];
    if (name !== "") errors.push(...dns1123LabelProblems(name).map((problem) => invalid(`${at}.name`, name, problem)));
    if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
    names.add(name);
    if (port !== undefined) errors.push(...portErrors(port, `${at}.port`));
    return errors;
  });
}
