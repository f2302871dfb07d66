// Which ways lead to the Pods of the other nodes. Pure: from what the cluster says of its nodes and what this machine can reach.
//
// What nodes say of themselves is not believed blindly: a range counts when it is a part of the Pods' range, overlaps no other, and comes
// with an address outside of the cluster's own ranges. Everything that goes into commands was read into numbers and written again.
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
  readonly podRange: string;
  readonly serviceRange: string;
  /** By another node's address; undefined where it cannot be reached now. */
  readonly wayTo: (address: string) => Way | undefined;
}

export function networkPlan({ nodeName, nodes, podRange, serviceRange, wayTo }: PlanFacts): NetworkPlan {
  const all = readRange(podRange);
  const services = readRange(serviceRange);
  const faults: string[] = [];
  const taken: { readonly name: string; readonly range: Range }[] = [];
  const isForeign = (address: number) => !(all && contains(all, address)) && !(services && contains(services, address));
  const own = nodes.find(({ name }) => name === nodeName);
  const addressOf = (node: NetworkNode | undefined) =>
    node?.addresses.map(readAddress).find((address) => address !== undefined && isForeign(address));

  const rangesOf = ({ name, ranges }: NetworkNode): readonly Range[] =>
    ranges.flatMap((text) => {
      if (text.includes(":")) return [];
      const range = readRange(text);
      if (!range || !all || range.prefix < all.prefix || !contains(all, range.first)) {
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
        faults.push(`node ${node.name} has no address`);
        continue;
      }
      const way = wayTo(writeAddress(address));
      if (!way) {
        faults.push(`node ${node.name} at ${writeAddress(address)} cannot be reached`);
        continue;
      }
      routes.push({
        range: writeRange(range),
        node: writeAddress(address),
        through: way.isRouted ? "tunnel" : { device: way.device },
      });
    }
  }
  const ownAddress = addressOf(own);
  return {
    ownRange: ownRange && writeRange(ownRange),
    ownAddress: ownAddress === undefined ? undefined : writeAddress(ownAddress),
    routes,
    faults,
  };
}

interface Range {
  readonly first: number;
  readonly prefix: number;
}

function readRange(text: string): Range | undefined {
  const [address = "", length = ""] = text.split("/");
  const first = readAddress(address);
  const prefix = /^\d{1,2}$/.test(length) ? Number(length) : Number.NaN;
  return first !== undefined && prefix >= 8 && prefix <= 32 && first % 2 ** (32 - prefix) === 0 ? { first, prefix } : undefined;
}

export function readAddress(text: string): number | undefined {
  const parts = text.split(".");
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) < 256)) return undefined;
  return parts.reduce((sum, part) => sum * 256 + Number(part), 0);
}

const contains = ({ first, prefix }: Range, address: number) => address >= first && address < first + 2 ** (32 - prefix);
const overlap = (one: Range, other: Range) => contains(one, other.first) || contains(other, one.first);
const writeAddress = (address: number) => [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
const writeRange = ({ first, prefix }: Range) => `${writeAddress(first)}/${prefix}`;
