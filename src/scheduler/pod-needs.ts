// What a Pod asks of a Node, worked out once for all Nodes: numbers instead of quantities.
import type { Pod } from "#api/core/pod/pod.ts";
import { podRequests } from "#api/core/pod/resources.ts";
import { quantityToMilli, quantityToNumber } from "#schema/quantity.ts";

export interface HostPort {
  readonly ip: string;
  readonly protocol: string;
  readonly port: number;
}

export interface PodNeeds {
  /** Amounts by resource: cpu in thousandths, everything else in whole units. */
  readonly requests: ReadonlyMap<string, number>;
  /** Like requests, with what a container is taken to use that asks for nothing: 100m of cpu, 200 MiB of memory. */
  readonly likelyCpu: number;
  readonly likelyMemory: number;
  readonly ports: readonly HostPort[];
}

const silentCpu = 100;
const silentMemory = 200 * 1024 * 1024;

const known = new WeakMap<Pod["spec"], PodNeeds>();

export function needsOf(pod: Pod): PodNeeds {
  let needs = known.get(pod.spec);
  if (!needs) {
    needs = workOut(pod);
    known.set(pod.spec, needs);
  }
  return needs;
}

export function amount(resource: string, quantity: string): number {
  return resource === "cpu" ? quantityToMilli(quantity) : quantityToNumber(quantity);
}

function workOut(pod: Pod): PodNeeds {
  const requests = new Map<string, number>();
  for (const [resource, quantity] of Object.entries(podRequests(pod))) {
    const value = amount(resource, quantity);
    if (value > 0) requests.set(resource, value);
  }
  const silent = (resource: string) =>
    pod.spec.containers.filter((container) => container.resources?.requests?.[resource] === undefined).length;
  return {
    requests,
    likelyCpu: (requests.get("cpu") ?? 0) + silent("cpu") * silentCpu,
    likelyMemory: (requests.get("memory") ?? 0) + silent("memory") * silentMemory,
    ports: hostPorts(pod),
  };
}

function hostPorts(pod: Pod): readonly HostPort[] {
  const ports: HostPort[] = [];
  for (const container of [
    ...pod.spec.containers,
    ...(pod.spec.initContainers ?? []).filter(({ restartPolicy }) => restartPolicy === "Always"),
  ]) {
    for (const { hostPort, hostIP, protocol } of container.ports ?? []) {
      if (hostPort) ports.push({ ip: hostIP || "0.0.0.0", protocol: protocol ?? "TCP", port: hostPort });
    }
  }
  return ports;
}

export function portsClash(left: HostPort, right: HostPort): boolean {
  return (
    left.port === right.port &&
    left.protocol === right.protocol &&
    (left.ip === right.ip || [left.ip, right.ip].some((ip) => ip === "0.0.0.0" || ip === "::"))
  );
}

export function sameNeeds(left: PodNeeds, right: PodNeeds): boolean {
  if (left.likelyCpu !== right.likelyCpu || left.likelyMemory !== right.likelyMemory) return false;
  if (left.requests.size !== right.requests.size || left.ports.length !== right.ports.length) return false;
  for (const [resource, value] of left.requests) if (right.requests.get(resource) !== value) return false;
  return left.ports.every(({ ip, protocol, port }, at) => {
    const other = right.ports[at] as HostPort;
    return ip === other.ip && protocol === other.protocol && port === other.port;
  });
}
