// Which ways lead to the Pods of the other nodes, by their addresses of one family. Pure: from what the cluster says of its nodes and what
// this machine can reach.
//
// What nodes say of themselves is not believed blindly: a range counts when it is a part of the Pods' range, overlaps no other, and comes
// with an address outside of the cluster's own ranges. Everything that goes into commands was read into numbers and written again.
import { addressText, contains, type Family, familyOf, type IpRange, overlap, rangeText, readAddress, readRange } from "#base/ip.ts";

export interface NetworkNode {
  readonly name: string;
  /** The node's own addresses, the preferred one first. */
  readonly addresses: readonly string[];
  /** The ranges of its Pods. */
  readonly ranges: readonly string[];
}

/** How a packet to another node leaves this machine. */
export interface Way {
  readonly device: string;
  /** Whether a router stands between: it does not know of Pods. */
  readonly isRouted: boolean;
}

export interface Route {
  /** "10.244.1.0/24". */
  readonly range: string;
  /** The other node's address. */
  readonly node: string;
  /** The interface, for nodes on the same link; "tunnel" for those behind a router. */
  readonly through: { readonly device: string } | "tunnel";
}

export interface NetworkPlan {
  readonly family: Family;
  /** This node's Pods'; undefined until the cluster gave it one. */
  readonly ownRange: string | undefined;
  readonly ownAddress: string | undefined;
  readonly routes: readonly Route[];
  /** What was left out, and why: for the log. */
  readonly faults: readonly string[];
}

export interface PlanFacts {
  readonly nodeName: string;
  readonly nodes: readonly NetworkNode[];
  /** Of the family that the plan is for, as is the next. */
  readonly podRange: string;
  readonly serviceRange: string;
  /** By another node's address; undefined where it cannot be reached now. */
  readonly wayTo: (address: string) => Way | undefined;
}

export function networkPlan({ nodeName, nodes, podRange, serviceRange, wayTo }: PlanFacts): NetworkPlan {
  const family = familyOf(podRange);
  const clusters = [podRange, serviceRange].flatMap((text) => readRange(text) ?? []);
  const all = readRange(podRange);
  const faults: string[] = [];
  const taken: { readonly name: string; readonly range: IpRange }[] = [];
  const own = nodes.find(({ name }) => name === nodeName);
  const addressOf = (node: NetworkNode | undefined) => {
    const addresses = (node?.addresses ?? []).flatMap((text) => readAddress(text) ?? []);
    const found = addresses.find((one) => one.family === family && !clusters.some((range) => contains(range, one)));
    return found && addressText(family, found.value);
  };

  const rangesOf = ({ name, ranges }: NetworkNode): readonly IpRange[] =>
    ranges.flatMap((text) => {
      if (familyOf(text) !== family) return [];
      const range = readRange(text);
      if (!range || !all || range.prefix < all.prefix || !overlap(all, range)) {
        faults.push(`node ${name} has the range ${text}, which is no part of ${podRange}`);
        return [];
      }
      const other = taken.find((one) => overlap(one.range, range));
      if (other) {
        faults.push(`node ${name} has the range ${text}, which overlaps that of node ${other.name}`);
        return [];
      }
      taken.push({ name, range });
      return [range];
    });

  // Our own first: no other node can take it from us.
  const [ownRange] = own ? rangesOf(own) : [];
  const routes: Route[] = [];
  for (const node of nodes.filter(({ name }) => name !== nodeName).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const address = addressOf(node);
    for (const range of rangesOf(node)) {
      if (address === undefined) {
        faults.push(`node ${node.name} has no ${family} address`);
        continue;
      }
      const way = wayTo(address);
      if (!way) {
        faults.push(`node ${node.name} at ${address} cannot be reached`);
        continue;
      }
      routes.push({
        range: rangeText(range),
        node: address,
        through: way.isRouted ? "tunnel" : { device: way.device },
      });
    }
  }
  return {
    family,
    ownRange: ownRange && rangeText(ownRange),
    ownAddress: addressOf(own),
    routes,
    faults,
  };
}
