// Services get their cluster address and node ports here. Who holds what is settled by claims, in the very transaction that writes the
// Service (see `Hooks.claims`); the sets below only remember what is likely taken, so that a free one is found quickly.
import { Service, type ServiceSpec } from "#api/core/service/service.ts";
import { hasClusterIP, hasHealthCheck, hasNodePorts } from "#api/core/service/service-strategy.ts";
import { StatusError } from "#api/meta/status-error.ts";
import { canonicalAddress, parseIp } from "#base/ip.ts";
import type { World } from "#platform/world.ts";
import { invalid } from "../invalid.ts";
import { resourcePart, type ResourcePart, type WriteContext } from "../resource.ts";
import { addressAt, type AddressRange, familyOf, isInRange, parseRange, staticBand } from "./address-range.ts";
import { withFamilies } from "./families.ts";
import type { ServiceRanges } from "./ranges.ts";

export function servicePart({ clusterIps, nodePorts }: ServiceRanges): ResourcePart {
  const ranges = clusterIps.split(",").map(parseRange);
  const ips = new Taken(
    "serviceips/",
    ranges.reduce((sum, { size }) => sum + size, 0),
  );
  const ports = new Taken("nodeports/", nodePorts.last - nodePorts.first + 1);

  async function given(service: Service, old: Service | undefined, write: WriteContext): Promise<Service> {
    await ips.learn(write);
    await ports.learn(write);
    const addressed = withClusterIps(withFamilies(service, old, ranges), ranges, ips, write.world);
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
          const wanted = [asked?.spec.clusterIP ?? "", ...(asked?.spec.clusterIPs ?? [])].find((one) => inOneForm(one) === ip);
          if (wanted !== undefined) throw addressRefused(service, wanted, "provided IP is already allocated");
          return;
        }
        const port = Number(claim.slice("nodeports/".length));
        ports.add(claim);
        const index = asked?.spec.ports?.findIndex(({ nodePort }) => nodePort === port) ?? -1;
        if (index >= 0) throw portRefused(service, index, port, "provided port is already allocated");
        if (asked?.spec.healthCheckNodePort === port) throw healthPortRefused(port, "provided port is already allocated");
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
  return [...ips.map((ip) => `serviceips/${inOneForm(ip)}`), ...[...new Set([...ports, ...health])].map((port) => `nodeports/${port}`)];
}

/** However its writer spelled it: one address belongs to one Service. */
function inOneForm(ip: string): string {
  const bytes = parseIp(ip);
  return bytes ? canonicalAddress(bytes) : ip;
}

function withSpec(service: Service, spec: Partial<ServiceSpec>): Service {
  return { ...service, spec: { ...service.spec, ...spec } };
}

/** An address of each family the Service has: the ones it names, and free ones for the rest. */
function withClusterIps(service: Service, ranges: readonly AddressRange[], taken: Taken, world: World): Service {
  const { spec } = service;
  if (!hasClusterIP(spec)) return service;
  const named = (spec.clusterIPs ?? []).length > 0 ? (spec.clusterIPs ?? []) : spec.clusterIP ? [spec.clusterIP] : [];
  if (named[0] === "None") return withSpec(service, { clusterIP: "None", clusterIPs: ["None"] });
  const addresses = (spec.ipFamilies ?? []).map((family, index) => {
    const range = ranges.find((one) => one.family === family);
    const wanted = named[index] ?? "";
    if (wanted === "") return freeAddress(range as AddressRange, taken, world);
    checkAddress(service, wanted, index, range);
    return wanted;
  });
  if (named.length > addresses.length) {
    const detail = "must be RequireDualStack or PreferDualStack when multiple IP families are specified";
    throw invalid(Service, service.metadata.name, [{ type: "Invalid", field: "spec.ipFamilyPolicy", value: spec.ipFamilyPolicy, detail }]);
  }
  return withSpec(service, { clusterIP: addresses[0] ?? "", clusterIPs: addresses });
}

function checkAddress(service: Service, wanted: string, index: number, range: AddressRange | undefined): void {
  const refused = (detail: string) =>
    invalid(Service, service.metadata.name, [{ type: "Invalid", field: `spec.clusterIPs[${index}]`, value: wanted, detail }]);
  if (parseIp(wanted) === undefined) throw refused("must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
  const family = service.spec.ipFamilies?.[index];
  if (familyOf(wanted) !== family) throw refused(`expected an ${family} value as indicated by \`ipFamilies[${index}]\``);
  if (!range || !isInRange(range, wanted)) {
    const detail = `the provided IP (${wanted}) is not in the valid range. The range of valid IPs is ${range?.text ?? "none"}`;
    throw addressRefused(service, wanted, detail);
  }
}

function freeAddress(range: AddressRange, taken: Taken, world: World): string {
  const band = staticBand(range.size);
  const claimOf = (at: number): string => `serviceips/${addressAt(range, at)}`;
  const free = taken.free(world, 1 + band, range.size - band, claimOf) ?? taken.free(world, 1, band, claimOf);
  if (free === undefined)
    throw new StatusError("InternalError", "Internal error occurred: failed to allocate a serviceIP: range is full", {});
  return addressAt(range, free);
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
  const asked = hasHealthCheck(spec) ? (spec.healthCheckNodePort ?? 0) : 0;
  if (asked > 0 && (asked < range.first || asked > range.last) && asked !== old?.spec.healthCheckNodePort)
    throw healthPortRefused(asked, `provided port is not in the valid range. The range of valid ports is ${range.first}-${range.last}`);
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

function healthPortRefused(port: number, why: string): StatusError {
  return new StatusError("InternalError", `Internal error occurred: failed to allocate requested HealthCheck NodePort ${port}: ${why}`, {});
}
