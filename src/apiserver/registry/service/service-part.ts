// Services get their cluster address and node ports here. Who holds what is settled by claims, in the very transaction that writes the
// Service (see `Hooks.claims`); the sets below only remember what is likely taken, so that a free one is found quickly.
import { Service, type ServiceSpec } from "#api/core/service/service.ts";
import { hasClusterIP, hasHealthCheck, hasNodePorts } from "#api/core/service/service-strategy.ts";
import { StatusError } from "#api/meta/status-error.ts";
import type { World } from "#platform/world.ts";
import type { FieldError } from "#schema/kind.ts";
import { invalid } from "../invalid.ts";
import { resourcePart, type ResourcePart, type WriteContext } from "../resource.ts";
import { type AddressRange, addressNumber, addressText, parseRange, staticBand } from "./cluster-ips.ts";
import type { ServiceRanges } from "./ranges.ts";

export function servicePart({ clusterIps, nodePorts }: ServiceRanges): ResourcePart {
  const range = parseRange(clusterIps);
  const ips = new Taken("serviceips/", range.size);
  const ports = new Taken("nodeports/", nodePorts.last - nodePorts.first + 1);

  async function given(service: Service, old: Service | undefined, write: WriteContext): Promise<Service> {
    await ips.learn(write);
    await ports.learn(write);
    const families = withFamilies(service);
    const addressed = withClusterIp(families, range, ips, write.world);
    return withNodePorts(addressed, old, nodePorts, ports, write.world);
  }

  return resourcePart<Service>({
    kind: Service,
    returnsDeleted: true,
    hooks: {
      beforeCreate: (service, write) => given(service, undefined, write),
      beforeUpdate(service, old, write) {
        const before = old.spec.clusterIP ?? "";
        if (hasClusterIP(service.spec) && hasClusterIP(old.spec) && before !== "" && service.spec.clusterIP !== before) {
          const value = service.spec.clusterIPs ?? [service.spec.clusterIP ?? ""];
          throw invalid(Service, service.metadata.name, [
            { type: "Invalid", field: "spec.clusterIPs[0]", value, detail: "may not change once set" },
          ]);
        }
        return given(service, old, write);
      },
      claims: claimsOfService,
      claimTaken(claim, service, { sent }) {
        const asked = sent as Service | undefined;
        if (claim.startsWith("serviceips/")) {
          const ip = claim.slice("serviceips/".length);
          ips.add(claim);
          if (asked?.spec.clusterIP === ip || asked?.spec.clusterIPs?.includes(ip))
            throw addressRefused(service, ip, "provided IP is already allocated");
          return;
        }
        const port = Number(claim.slice("nodeports/".length));
        ports.add(claim);
        const index = asked?.spec.ports?.findIndex(({ nodePort }) => nodePort === port) ?? -1;
        if (index >= 0) throw portRefused(service, index, port, "provided port is already allocated");
      },
      stored(service, old) {
        for (const claim of old ? claimsOfService(old) : []) (claim.startsWith("serviceips/") ? ips : ports).delete(claim);
        for (const claim of service ? claimsOfService(service) : []) (claim.startsWith("serviceips/") ? ips : ports).add(claim);
      },
    },
  });
}

/** What is likely taken. Learnt from the Services there are; kept up to date with this server's own writes. */
class Taken {
  readonly #prefix: string;
  readonly #size: number;
  readonly #claims = new Set<string>();
  #learnt = false;

  constructor(prefix: string, size: number) {
    this.#prefix = prefix;
    this.#size = size;
  }

  /** Reads all Services the first time, and when next to nothing seems to be left. */
  async learn({ registry }: WriteContext): Promise<void> {
    if (this.#learnt && this.#claims.size < this.#size - 1) return;
    const { items } = await registry.of(Service).list("");
    this.#claims.clear();
    for (const claim of items.flatMap(claimsOfService)) if (claim.startsWith(this.#prefix)) this.#claims.add(claim);
    this.#learnt = true;
  }

  add(claim: string): void {
    this.#claims.add(claim);
  }

  delete(claim: string): void {
    this.#claims.delete(claim);
  }

  /** The first free number from a random one on that is not in `without`; undefined when there is none. */
  free(world: World, from: number, count: number, claimOf: (at: number) => string, without?: ReadonlySet<number>): number | undefined {
    const start = world.random.integer(count);
    for (let step = 0; step < count; step++) {
      const at = from + ((start + step) % count);
      if (!this.#claims.has(claimOf(at)) && !without?.has(at)) return at;
    }
    return undefined;
  }
}

function claimsOfService({ spec }: Service): readonly string[] {
  const ips = hasClusterIP(spec) ? (spec.clusterIPs ?? []).filter((ip) => ip !== "None" && ip !== "") : [];
  const ports = hasNodePorts(spec) ? (spec.ports ?? []).flatMap(({ nodePort }) => (nodePort ? [nodePort] : [])) : [];
  const health = spec.healthCheckNodePort && hasHealthCheck(spec) ? [spec.healthCheckNodePort] : [];
  return [...ips.map((ip) => `serviceips/${ip}`), ...[...new Set([...ports, ...health])].map((port) => `nodeports/${port}`)];
}

function withSpec(service: Service, spec: Partial<ServiceSpec>): Service {
  return { ...service, spec: { ...service.spec, ...spec } };
}

/** This cluster speaks IPv4 to Services. */
function withFamilies(service: Service): Service {
  const { spec, metadata } = service;
  if (!hasClusterIP(spec)) return service;
  const errors: FieldError[] = [];
  if (spec.ipFamilyPolicy === "RequireDualStack") {
    const detail = "this cluster is not configured for dual-stack services";
    errors.push({ type: "Invalid", field: "spec.ipFamilyPolicy", value: spec.ipFamilyPolicy, detail });
  }
  for (const [index, family] of (spec.ipFamilies ?? []).entries()) {
    if (family !== "IPv4")
      errors.push({ type: "Invalid", field: `spec.ipFamilies[${index}]`, value: family, detail: "not configured on this cluster" });
  }
  if (errors.length > 0) throw invalid(Service, metadata.name, errors);
  return withSpec(service, { ipFamilyPolicy: spec.ipFamilyPolicy ?? "SingleStack", ipFamilies: ["IPv4"] });
}

function withClusterIp(service: Service, range: AddressRange, taken: Taken, world: World): Service {
  const { spec } = service;
  if (!hasClusterIP(spec)) return service;
  const wanted = spec.clusterIP || spec.clusterIPs?.[0] || "";
  if (wanted === "None") return withSpec(service, { clusterIP: "None", clusterIPs: ["None"] });
  if (wanted !== "") {
    const number = addressNumber(wanted);
    if (number === undefined) {
      const detail = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)";
      throw invalid(Service, service.metadata.name, [{ type: "Invalid", field: "spec.clusterIPs[0]", value: wanted, detail }]);
    }
    if (number < range.first || number >= range.first + range.size) {
      throw addressRefused(
        service,
        wanted,
        `the provided IP (${wanted}) is not in the valid range. The range of valid IPs is ${range.text}`,
      );
    }
    return withSpec(service, { clusterIP: wanted, clusterIPs: [wanted] });
  }
  const band = staticBand(range.size);
  const claimOf = (at: number): string => `serviceips/${addressText(at)}`;
  const free = taken.free(world, range.first + band, range.size - band, claimOf) ?? taken.free(world, range.first, band, claimOf);
  if (free === undefined)
    throw new StatusError("InternalError", "Internal error occurred: failed to allocate a serviceIP: range is full", {});
  const address = addressText(free);
  return withSpec(service, { clusterIP: address, clusterIPs: [address] });
}

function withNodePorts(service: Service, old: Service | undefined, range: ServiceRanges["nodePorts"], taken: Taken, world: World): Service {
  const { spec } = service;
  const wantsPorts = hasNodePorts(spec) && !(spec.type === "LoadBalancer" && spec.allocateLoadBalancerNodePorts === false);
  if (!hasNodePorts(spec)) return service;
  const mine = new Map<string, number>();
  const before = new Set((old?.spec.ports ?? []).map(({ nodePort }) => nodePort));
  const used = new Set((spec.ports ?? []).flatMap(({ nodePort }) => (nodePort ? [nodePort] : [])));
  const pick = (): number => {
    const count = range.last - range.first + 1;
    const free = taken.free(world, range.first, count, (at) => `nodeports/${at}`, used);
    if (free === undefined)
      throw new StatusError("InternalError", "Internal error occurred: failed to allocate a nodePort: range is full", {});
    used.add(free);
    return free;
  };
  const ports = (spec.ports ?? []).map((port, index) => {
    if (port.nodePort) {
      if ((port.nodePort < range.first || port.nodePort > range.last) && !before.has(port.nodePort)) {
        const detail = `provided port is not in the valid range. The range of valid ports is ${range.first}-${range.last}`;
        throw portRefused(service, index, port.nodePort, detail);
      }
      mine.set(`${port.port}`, port.nodePort);
      return port;
    }
    if (!wantsPorts) return port;
    // The same port under another protocol shares its node port.
    const nodePort = mine.get(`${port.port}`) ?? pick();
    mine.set(`${port.port}`, nodePort);
    return { ...port, nodePort };
  });
  const health = hasHealthCheck(spec) && !spec.healthCheckNodePort ? { healthCheckNodePort: pick() } : {};
  return withSpec(service, { ports, ...health });
}

function addressRefused({ metadata, spec }: Service, ip: string, why: string): StatusError {
  const value = spec.clusterIPs ?? [ip];
  return invalid(Service, metadata.name, [
    { type: "Invalid", field: "spec.clusterIPs", value, detail: `failed to allocate IP ${ip}: ${why}` },
  ]);
}

function portRefused({ metadata }: Service, index: number, port: number, detail: string): StatusError {
  return invalid(Service, metadata.name, [{ type: "Invalid", field: `spec.ports[${index}].nodePort`, value: port, detail }]);
}
