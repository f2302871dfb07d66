// How names are answered.

export interface DnsSettings {
  /** "cluster.local". */
  readonly domain: string;
  /** How long the cluster's own answers may be kept, in seconds. */
  readonly seconds: number;
  /** Whether 1-2-3-4.NAMESPACE.pod.DOMAIN stands for that address. */
  readonly answersPods: boolean;
  /** Names with addresses of their own. */
  readonly hosts: ReadonlyMap<string, readonly string[]>;
  /** How long it goes on answering when it is told to end, so that clients can learn that it does. */
  readonly lameduckMilliseconds: number;
  /** Who is asked for other names; the longest zone that fits counts. */
  readonly zones: readonly ForwardedZone[];
}

export interface ForwardedZone {
  /** "" for all names, or "example.org". */
  readonly zone: string;
  /** "address" or "address:port", IPv6 addresses with a port in brackets. */
  readonly upstreams: readonly string[];
  readonly order: "random" | "round_robin" | "sequential";
  /** How long answers are kept at most, in seconds; 0 keeps none. */
  readonly cacheSeconds: number;
}

/** The zone a name belongs to. */
export function zoneOf(name: string, zones: readonly ForwardedZone[]): ForwardedZone | undefined {
  let best: ForwardedZone | undefined;
  for (const zone of zones) {
    const fits = zone.zone === "" || name === zone.zone || name.endsWith(`.${zone.zone}`);
    if (fits && (!best || zone.zone.length > best.zone.length)) best = zone;
  }
  return best;
}

/** "10.0.0.1", "10.0.0.1:5353", "[fd00::1]:5353" or "fd00::1"; undefined for what is none of them. */
export function upstreamAddress(text: string): { readonly host: string; readonly port: number } | undefined {
  const bracketed = /^\[([0-9a-fA-F:.]+)\](?::(\d{1,5}))?$/.exec(text);
  const plain = bracketed ?? /^(\d+\.\d+\.\d+\.\d+)(?::(\d{1,5}))?$/.exec(text) ?? /^([0-9a-fA-F:]*:[0-9a-fA-F:.]*)$/.exec(text);
  const port = Number(plain?.[2] ?? 53);
  return plain && port > 0 && port < 65_536 ? { host: plain[1] as string, port } : undefined;
}
