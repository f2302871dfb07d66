// Which IPv6 address others reach this machine by, from what the kernel tells: it has several on every interface, and some come and go.
import { addressText, contains, readAddress, readRange } from "#base/ip.ts";
import type { World } from "#platform/world.ts";

/** Flags of an address: made for a while so that nobody is recognised by it, about to end, found to be another's. */
const unfit = 0x01 | 0x20 | 0x08;
const globalScope = "00";

/** That of the interface with the default route where there is one. `others` are ranges that are the cluster's and not the machine's. */
export async function ownIpv6Address(world: World, others: readonly string[]): Promise<string | undefined> {
  const read = (path: string) => world.files.readText(path).catch(() => "");
  const [addresses, routes] = await Promise.all([read("/proc/net/if_inet6"), read("/proc/net/ipv6_route")]);
  return chosenAddress(addresses, routes, others);
}

/** `addresses` and `routes` are /proc/net/if_inet6 and ipv6_route. The same of several every time: the lowest. */
export function chosenAddress(addresses: string, routes: string, others: readonly string[]): string | undefined {
  const ranges = others.flatMap((text) => readRange(text) ?? []);
  const found = rowsOf(addresses)
    .flatMap(([hex = "", , , scope, flags = "", device]) => {
      const text = (hex.match(/.{4}/g) ?? []).join(":");
      const address = readAddress(text);
      const isFit = scope === globalScope && (Number.parseInt(flags, 16) & unfit) === 0 && device !== "lo";
      return isFit && address && !ranges.some((range) => contains(range, address)) ? [{ ...address, device }] : [];
    })
    .sort((one, other) => (one.value < other.value ? -1 : 1));
  const gateway = defaultDevice(routes);
  const chosen = found.find(({ device }) => device === gateway) ?? found[0];
  return chosen && addressText(chosen.family, chosen.value);
}

function defaultDevice(routes: string): string | undefined {
  const [best] = rowsOf(routes)
    .filter(([destination = "", length, , , , , , , , device]) => /^0+$/.test(destination) && length === "00" && device !== "lo")
    .map((fields) => ({ metric: Number.parseInt(fields[5] ?? "", 16), device: fields[9] }))
    .sort((one, other) => one.metric - other.metric);
  return best?.device;
}

const rowsOf = (table: string): readonly (readonly string[])[] =>
  table
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.trim().split(/\s+/));
