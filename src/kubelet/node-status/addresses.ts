// Which addresses are the Node's: those that were given, else of each family that the node is to have one of that of the interface with the
// default route, else the first that leaves the machine.
import type { NodeAddress } from "#api/core/node/node.ts";
import { ownIpv6Address } from "#component/machine-addresses.ts";
import type { World } from "#platform/world.ts";
import { familyOf } from "#base/ip.ts";
import { readIfThere } from "./machine.ts";

/** The primary one first; none while the machine has none. `podRanges` are those that the built-in Pod network gives Pods addresses of. */
export async function ownAddresses(world: World, given: string | undefined, podRanges: readonly string[]): Promise<readonly string[]> {
  const asked = (given ?? "").split(",").map((text) => text.trim());
  if (asked.every((text) => text !== "" && !isWildcard(text))) return asked;
  const families = podRanges.map(familyOf);
  const wanted = given || families.length === 0 ? [asked[0] === "::" ? "IPv6" : "IPv4"] : families;
  const found = await Promise.all(
    wanted.map((family) =>
      family === "IPv6" && families.includes("IPv6") ? ownIpv6Address(world, podRanges) : firstAddress(world, family === "IPv6" ? 6 : 4),
    ),
  );
  return found.filter((address) => address !== undefined);
}

const isWildcard = (text: string) => text === "0.0.0.0" || text === "::";

async function firstAddress(world: World, family: 4 | 6): Promise<string | undefined> {
  const outside = world.network.addresses().filter(({ internal, address }) => !internal && !address.startsWith("fe80:"));
  const preferred = [...outside.filter((one) => one.family === family), ...outside.filter((one) => one.family !== family)];
  const gateway = defaultInterface((await readIfThere(world, "/proc/net/route")) ?? "");
  return (preferred.find((one) => one.interface === gateway) ?? preferred[0])?.address;
}

/** The interface of the default route with the lowest metric, from /proc/net/route. */
export function defaultInterface(table: string): string | undefined {
  const routes = table
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[1] === "00000000" && fields[7] === "00000000")
    .map((fields) => ({ name: fields[0] as string, metric: Number(fields[6]) }));
  routes.sort((a, b) => a.metric - b.metric);
  return routes[0]?.name;
}

/** An address that is not there at the moment stays the Node's as long as no other of its family is. */
export function withMissing(found: readonly string[], before: readonly string[]): readonly string[] {
  if (found.length >= before.length) return found;
  return before.map((one) => found.find((other) => familyOf(other) === familyOf(one)) ?? one);
}

export function nodeAddresses(addresses: readonly string[], hostname: string): readonly NodeAddress[] {
  return [...addresses.map((address) => ({ type: "InternalIP", address })), { type: "Hostname", address: hostname }];
}
