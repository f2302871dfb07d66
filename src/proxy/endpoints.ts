// Which endpoints of a Service's port connections go to, seen from this machine. Pure.
import type { ServicePort } from "#api/core/service/service.ts";
import { addressesOf } from "./addresses.ts";
import type { Endpoint, EndpointSlice } from "#api/discovery.k8s.io/endpoint-slice/endpoint-slice.ts";

export interface Target {
  readonly ip: string;
  readonly port: number;
  /** On this machine. */
  readonly isLocal: boolean;
}

/** Where this machine is. */
export interface Place {
  /** The name of its Node. */
  readonly node: string;
  /** The Node's label topology.kubernetes.io/zone. */
  readonly zone: string | undefined;
}

export interface PortTargets {
  /** Where connections go that may go to any machine: those that are ready and near by; failing that, those that still serve while they end. */
  readonly cluster: readonly Target[];
  /** The same among those on this machine. */
  readonly local: readonly Target[];
  /** All that serve, ending or not, wherever they are. */
  readonly serving: readonly Target[];
}

interface Candidate extends Target {
  readonly state: "ready" | "ending";
  readonly zones: readonly string[];
  readonly nodes: readonly string[];
}

export function targetsOf(port: ServicePort, slices: readonly EndpointSlice[], place: Place): PortTargets {
  const candidates = new Map<string, Candidate>();
  for (const slice of slices) {
    const matched = slice.ports.find(({ name, protocol }) => (name ?? "") === (port.name ?? "") && (protocol ?? "TCP") === port.protocol);
    if (!matched?.port) continue;
    for (const endpoint of slice.endpoints) {
      const state = stateOf(endpoint);
      if (slice.addressType === "FQDN") continue;
      const [ip] = addressesOf(endpoint.addresses.slice(0, 1), slice.addressType);
      if (!state || !ip) continue;
      const key = `${ip} ${matched.port}`;
      // While an endpoint moves from one slice to another it is in both; what is ready counts.
      if (candidates.get(key)?.state === "ready") continue;
      candidates.set(key, {
        ip,
        port: matched.port,
        isLocal: endpoint.nodeName === place.node,
        state,
        zones: (endpoint.hints?.forZones ?? []).map(({ name }) => name),
        nodes: (endpoint.hints?.forNodes ?? []).map(({ name }) => name),
      });
    }
  }
  const all = [...candidates.values()].sort((left, right) => (left.ip < right.ip ? -1 : left.ip > right.ip ? 1 : left.port - right.port));
  const ready = all.filter(({ state }) => state === "ready");
  const local = all.filter(({ isLocal }) => isLocal);
  const localReady = local.filter(({ state }) => state === "ready");
  return {
    cluster: (ready.length > 0 ? nearest(ready, place) : all).map(target),
    local: (localReady.length > 0 ? localReady : local).map(target),
    serving: all.map(target),
  };
}

const target = ({ ip, port, isLocal }: Candidate): Target => ({ ip, port, isLocal });

function stateOf({ conditions }: Endpoint): Candidate["state"] | undefined {
  if (conditions.ready ?? true) return "ready";
  return conditions.serving && conditions.terminating ? "ending" : undefined;
}

/** As the hints say, where every endpoint has one and some are meant for this place; all of them otherwise. */
function nearest(ready: readonly Candidate[], { node, zone }: Place): readonly Candidate[] {
  if (ready.every(({ nodes }) => nodes.length > 0)) {
    const ours = ready.filter(({ nodes }) => nodes.includes(node));
    if (ours.length > 0) return ours;
  }
  if (zone !== undefined && ready.every(({ zones }) => zones.length > 0)) {
    const ours = ready.filter(({ zones }) => zones.includes(zone));
    if (ours.length > 0) return ours;
  }
  return ready;
}
