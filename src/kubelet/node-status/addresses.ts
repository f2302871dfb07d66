// Which address is the Node's: the one that was given, else that of the interface with the default route, else the first that leaves the machine.
import type { NodeAddress } from "#api/core/node/node.ts";
import type { World } from "#platform/world.ts";
import { readIfThere } from "./machine.ts";

/** The Node's addresses, the primary one first; undefined while the machine has none. */
export async function nodeAddress(world: World, given: string | undefined): Promise<string | undefined> {
  const first = given?.split(",")[0]?.trim();
  if (first && first !== "0.0.0.0" && first !== "::") return first;
  const family = first === "::" ? 6 : 4;
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

export function nodeAddresses(address: string | undefined, hostname: string): readonly NodeAddress[] {
  return [...(address ? [{ type: "InternalIP", address }] : []), { type: "Hostname", address: hostname }];
}
