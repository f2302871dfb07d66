// Which of the kernel's UDP flows lead where no endpoint is any more. Pure.
//
// A connection's target is chosen once, with its first packet. UDP has no end that the kernel could see: as long as a client keeps sending
// from the same port, its packets go on to an endpoint that is gone, or, where there was none at first, to the Service's own address.
import type { ForwardedPort } from "../rules.ts";

/** All flows to one address and port that are answered by `answering`. */
export interface Flows {
  readonly address: string;
  readonly port: number;
  readonly answering: string;
}

/** Reads what `conntrack -L -p udp` prints. */
export function readFlows(text: string): readonly Flows[] {
  const found = new Map<string, Flows>();
  for (const line of text.split("\n")) {
    const words = line.split(/\s+/);
    const values = (name: string) => words.flatMap((word) => (word.startsWith(`${name}=`) ? [word.slice(name.length + 1)] : []));
    const [answering] = values("src").slice(1);
    const [address] = values("dst");
    const port = Number(values("dport")[0]);
    if (address && answering && port > 0) found.set(`${address} ${port} ${answering}`, { address, port, answering });
  }
  return [...found.values()];
}

export function staleFlows(flows: readonly Flows[], ports: readonly ForwardedPort[], ownAddresses: ReadonlySet<string>): readonly Flows[] {
  const serving = new Map<string, Set<string>>();
  const serves = (key: string, port: ForwardedPort) => {
    const known = serving.get(key) ?? new Set();
    serving.set(key, known);
    for (const { ip } of port.serving) known.add(ip);
  };
  for (const port of ports) {
    if (port.protocol !== "udp") continue;
    for (const address of [...port.clusterIps, ...port.externalIps, ...port.balancerIps]) serves(`${address} ${port.port}`, port);
    if (port.nodePort > 0) serves(`${port.nodePort}`, port);
  }
  return flows.filter(({ address, port, answering }) => {
    const valid = serving.get(`${address} ${port}`) ?? (ownAddresses.has(address) ? serving.get(`${port}`) : undefined);
    return valid !== undefined && !valid.has(answering);
  });
}

/** What of the forwarding decides over UDP flows; while it stays the same, none becomes stale. */
export function udpForwarding(ports: readonly ForwardedPort[]): string {
  return ports
    .filter(({ protocol }) => protocol === "udp")
    .map((port) => {
      const addresses = [...port.clusterIps, ...port.externalIps, ...port.balancerIps];
      return `${addresses.join(",")} ${port.port} ${port.nodePort} ${port.serving.map(({ ip }) => ip).join(",")}`;
    })
    .join("\n");
}
