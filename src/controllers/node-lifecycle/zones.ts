// How fast Nodes that are not ready may lose their Pods. Nodes fail alone; when many of a zone fail at once, it is more likely that the zone
// cannot be reached, and moving all its Pods would do harm. Pure.
//
// Invariants:
// - While no Node of any zone is ready, nothing is evicted: then it is more likely that we are the ones who are cut off.
import type { Node } from "#api/core/node/node.ts";

export interface EvictionRates {
  /** Nodes a second, in a zone that is well, and in one that is wholly lost. */
  readonly nodes: number;
  /** Nodes a second, in a zone of which many are lost, if it is large. */
  readonly secondary: number;
  /** Zones of more Nodes than this are large; in others of which many Nodes are lost, nothing is evicted. */
  readonly largeClusterSize: number;
  /** The part of a zone's Nodes that must be lost for "many". */
  readonly unhealthyZone: number;
}

export const defaultRates: EvictionRates = { nodes: 0.1, secondary: 0.01, largeClusterSize: 50, unhealthyZone: 0.55 };

export type ZoneState = "Normal" | "PartialDisruption" | "FullDisruption";

export interface ZoneCount {
  readonly ready: number;
  readonly lost: number;
}

/** Fewer lost Nodes than this are never "many". */
const manyNodes = 3;
const excludedLabel = "node.kubernetes.io/exclude-disruption";

/** Region and zone as one name; empty where the Node has neither. */
export function zoneOf({ metadata: { labels = {} } }: Node): string {
  const region = labels["topology.kubernetes.io/region"] ?? labels["failure-domain.beta.kubernetes.io/region"] ?? "";
  const zone = labels["topology.kubernetes.io/zone"] ?? labels["failure-domain.beta.kubernetes.io/zone"] ?? "";
  return region === "" && zone === "" ? "" : `${region}:\0:${zone}`;
}

/** How many Nodes of each zone are ready; those that are not to count do not. */
export function countZones(nodes: readonly Node[], isReady: (node: Node) => boolean): ReadonlyMap<string, ZoneCount> {
  const zones = new Map<string, { ready: number; lost: number }>();
  for (const node of nodes) {
    if (Object.hasOwn(node.metadata.labels ?? {}, excludedLabel)) continue;
    const zone = zoneOf(node);
    const count = zones.get(zone) ?? { ready: 0, lost: 0 };
    if (isReady(node)) count.ready += 1;
    else count.lost += 1;
    zones.set(zone, count);
  }
  return zones;
}

export function zoneState({ ready, lost }: ZoneCount, { unhealthyZone }: EvictionRates): ZoneState {
  if (ready === 0 && lost > 0) return "FullDisruption";
  return lost >= manyNodes && lost / (lost + ready) >= unhealthyZone ? "PartialDisruption" : "Normal";
}

/** Nodes of a zone that may be given up in a second. */
export function evictionRate(count: ZoneCount, rates: EvictionRates): number {
  if (zoneState(count, rates) !== "PartialDisruption") return rates.nodes;
  return count.ready + count.lost > rates.largeClusterSize ? rates.secondary : 0;
}

/** Whether no Node at all is ready. */
export function isAllLost(zones: ReadonlyMap<string, ZoneCount>, rates: EvictionRates): boolean {
  return zones.size > 0 && [...zones.values()].every((count) => zoneState(count, rates) === "FullDisruption");
}

/** Nodes that wait to be given up, each zone's at its own pace. */
export class EvictionQueue {
  readonly #zones = new Map<string, { readonly waiting: Set<string>; rate: number; lastAt: number }>();

  /** What each zone may do from now on; a zone that is not named has no Nodes. */
  setRates(rates: ReadonlyMap<string, number>): void {
    for (const [zone, { waiting }] of this.#zones) if (!rates.has(zone) && waiting.size === 0) this.#zones.delete(zone);
    for (const [zone, rate] of rates) this.#zone(zone).rate = rate;
  }

  add(zone: string, name: string): void {
    if (!this.#zone(zone).waiting.has(name)) this.remove(name);
    this.#zone(zone).waiting.add(name);
  }

  remove(name: string): void {
    for (const { waiting } of this.#zones.values()) waiting.delete(name);
  }

  clear(): void {
    for (const { waiting } of this.#zones.values()) waiting.clear();
  }

  /** Those whose turn it is, and when it is the next one's, in milliseconds like `now`. */
  due(now: number): { readonly names: readonly string[]; readonly nextAt: number | undefined } {
    const names: string[] = [];
    let nextAt: number | undefined;
    for (const zone of this.#zones.values()) {
      const [first, ...others] = zone.waiting;
      if (first === undefined || zone.rate <= 0) continue;
      const pause = 1_000 / zone.rate;
      const at = zone.lastAt + pause;
      if (at <= now) {
        zone.waiting.delete(first);
        zone.lastAt = now;
        names.push(first);
        if (others.length > 0) nextAt = Math.min(nextAt ?? Number.POSITIVE_INFINITY, now + pause);
      } else nextAt = Math.min(nextAt ?? Number.POSITIVE_INFINITY, at);
    }
    return { names, nextAt };
  }

  #zone(name: string) {
    const known = this.#zones.get(name);
    if (known) return known;
    const made = { waiting: new Set<string>(), rate: 0, lastAt: Number.NEGATIVE_INFINITY };
    this.#zones.set(name, made);
    return made;
  }
}
