// The `kubernetes` Service in "default", and the endpoints behind it: every API server that is alive. Each says so with a key of its own
// that the store forgets when it is not renewed; whoever comes round next takes the addresses of all keys there are.
import { Endpoints } from "#api/core/endpoints/endpoints.ts";
import { Service } from "#api/core/service/service.ts";
import { EndpointSlice } from "#api/discovery.k8s.io/endpoint-slice/endpoint-slice.ts";
import { isTrue } from "#api/meta/conditions.ts";
import { ServiceCIDR } from "#api/networking.k8s.io/service-cidr/service-cidr.ts";
import { isReason } from "#api/meta/status-error.ts";
import { familyOf } from "#base/ip.ts";
import type { Scope } from "#base/scope.ts";
import { sameJson } from "#schema/derive/json-objects.ts";
import { formatTime } from "#schema/time.ts";
import { prefixEnd } from "#store/store.ts";
import { addressAt, parseRange } from "../registry/service/address-range.ts";
import { defaultServiceRanges } from "../registry/service/ranges.ts";
import type { StartTaskNeeds } from "./post-start.ts";
import { makeMissing } from "./system-objects.ts";

const namespace = "default";
const name = "kubernetes";
const folder = "/registry/masterleases/";
const renewMilliseconds = 10_000;
const leaseSeconds = 15;

export async function keepKubernetesService(scope: Scope, needs: StartTaskNeeds, through: () => void): Promise<void> {
  const { registry, store, options } = needs;
  const { advertise } = options;
  if (!advertise) return through();
  const key = folder + advertise.address;
  const value = leaseValue(needs, key, advertise.address);
  scope.defer("leave the kubernetes Service", async () => {
    await store.transact({ conditions: [], operations: [{ type: "delete", key }] }).catch(() => {});
  });
  for (;;) {
    await store.transact({ conditions: [], operations: [{ type: "put", key, value, timeToLiveSeconds: leaseSeconds }] });
    const { items } = await store.range(folder, prefixEnd(folder));
    const addresses = items
      .map((item) => item.key.slice(folder.length))
      .filter(isReachable)
      .sort();
    const ranges = (options.services ?? defaultServiceRanges).clusterIps.split(",");
    await keepServiceRanges(needs, ranges);
    await makeMissing(needs, Service, {
      metadata: { namespace, name, labels: { component: "apiserver", provider: "kubernetes" } },
      spec: {
        type: "ClusterIP",
        clusterIP: addressAt(parseRange(ranges[0] as string), 1),
        ports: [{ name: "https", port: 443, protocol: "TCP", targetPort: advertise.port }],
      },
    });
    await keepEndpoints(needs, addresses, advertise.port);
    await keepSlice(needs, addresses, advertise.port);
    through();
    await registry.world.clock.sleep(scope, renewMilliseconds);
  }
}

/** Endpoints with the one address, as upstream's servers write and read them. */
function leaseValue({ registry }: StartTaskNeeds, key: string, address: string): Uint8Array {
  const resource = registry.kinds.find(Endpoints.group, Endpoints.version, Endpoints.plural);
  if (!resource) return new TextEncoder().encode(JSON.stringify({ address }));
  const endpoints = { kind: "Endpoints", apiVersion: "v1", metadata: {}, subsets: [{ addresses: [{ ip: address }] }] };
  return registry.storages.of(resource).valueOf(key, endpoints as unknown as Endpoints);
}

/** What this server hands out addresses from, told as a ServiceCIDR. */
async function keepServiceRanges(needs: StartTaskNeeds, cidrs: readonly string[]): Promise<void> {
  const { registry } = needs;
  if (!registry.kinds.find(ServiceCIDR.group, ServiceCIDR.version, ServiceCIDR.plural)) return;
  await makeMissing(needs, ServiceCIDR, { metadata: { name }, spec: { cidrs } });
  const lastTransitionTime = formatTime(registry.world.clock.now());
  const message = "Kubernetes default Service CIDR is ready";
  const ready = { type: "Ready", status: "True", reason: "", message, lastTransitionTime } as const;
  await updated(() =>
    registry
      .of(ServiceCIDR)
      .update(
        "",
        name,
        (current) =>
          isTrue(current.status.conditions, "Ready") ? current : { ...current, status: { ...current.status, conditions: [ready] } },
        { subresource: "status" },
      ),
  );
}

/** Endpoints may not be in the loopback range: a server that is only there has none. */
function isReachable(address: string): boolean {
  return !address.startsWith("127.") && address !== "::1";
}

async function keepEndpoints(needs: StartTaskNeeds, addresses: readonly string[], port: number): Promise<void> {
  if (!needs.registry.kinds.find("", "v1", Endpoints.plural)) return;
  const ports = [{ name: "https", port, protocol: "TCP" as const }];
  const subsets = addresses.length === 0 ? undefined : [{ addresses: addresses.map((ip) => ({ ip })), ports }];
  const labels = { "endpointslice.kubernetes.io/skip-mirror": "true" };
  await makeMissing(needs, Endpoints, { metadata: { namespace, name, labels }, ...(subsets && { subsets }) });
  await updated(() =>
    needs.registry
      .of(Endpoints)
      .update(
        namespace,
        name,
        ({ subsets: before, ...current }) =>
          (sameJson(before, subsets)
            ? { ...current, ...(before && { subsets: before }) }
            : { ...current, ...(subsets && { subsets }) }) as Endpoints,
      ),
  );
}

async function keepSlice(needs: StartTaskNeeds, addresses: readonly string[], port: number): Promise<void> {
  if (!needs.registry.kinds.find(EndpointSlice.group, "v1", EndpointSlice.plural)) return;
  const endpoints = addresses.map((address) => ({ addresses: [address], conditions: { ready: true } }));
  const ports = [{ name: "https", port, protocol: "TCP" as const }];
  await makeMissing(needs, EndpointSlice, {
    metadata: { namespace, name, labels: { "kubernetes.io/service-name": name } },
    addressType: familyOf(addresses[0] ?? ""),
    endpoints,
    ports,
  });
  await updated(() =>
    needs.registry
      .of(EndpointSlice)
      .update(namespace, name, (current) =>
        sameJson(current.endpoints, endpoints) && sameJson(current.ports, ports)
          ? current
          : ({ ...current, endpoints, ports } as EndpointSlice),
      ),
  );
}

/** Someone may have deleted it in between; the next round makes it again. */
async function updated(write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch (error) {
    if (!isReason(error, "NotFound")) throw error;
  }
}
