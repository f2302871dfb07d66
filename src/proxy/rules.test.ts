import assert from "node:assert/strict";
import { test } from "node:test";
import { Service } from "#api/core/service/service.ts";
import { EndpointSlice, type Endpoint } from "#api/discovery.k8s.io/endpoint-slice/endpoint-slice.ts";
import { complete } from "#schema/derive/defaults.ts";
import type { Draft } from "#schema/message.ts";
import { healthCheckResponse } from "./health-checks.ts";
import { type ForwardedPort, forwardedPorts, healthChecks } from "./rules.ts";

const service = (spec: Draft<Service["spec"]>, more: Draft<Service> = {}): Service =>
  complete(Service, {
    metadata: { name: "web", namespace: "default", ...more.metadata },
    spec: { clusterIP: "10.96.0.20", clusterIPs: ["10.96.0.20"], ports: [{ port: 80, targetPort: 8080 }], ...spec },
    ...(more.status && { status: more.status }),
  });
const ready = (ip: string, nodeName = "other", more: Draft<Endpoint> = {}): Draft<Endpoint> => ({
  addresses: [ip],
  nodeName,
  conditions: { ready: true, serving: true, terminating: false },
  ...more,
});
const ending = (ip: string, nodeName = "other") => ready(ip, nodeName, { conditions: { ready: false, serving: true, terminating: true } });
const slice = (endpoints: readonly Draft<Endpoint>[], name = "web-1", addressType: "IPv4" | "IPv6" = "IPv4"): EndpointSlice =>
  complete(EndpointSlice, {
    metadata: { name, namespace: "default", labels: { "kubernetes.io/service-name": "web" } },
    addressType,
    endpoints,
    ports: [{ name: "", protocol: "TCP", port: 8080 }],
  });
const place = { node: "here", zone: "a", family: "IPv4" } as const;
function portOf(of: Service, endpoints: readonly Draft<Endpoint>[], more: object = {}): ForwardedPort {
  const [port] = forwardedPorts({ services: [of], slices: [slice(endpoints)], allowsExternalIps: false, ...place, ...more });
  assert.ok(port);
  return port;
}
const ips = (targets: readonly { readonly ip: string }[]) => targets.map(({ ip }) => ip);

test("ready endpoints are chosen; those that end only where none is ready, on this machine by itself", () => {
  const both = portOf(service({}), [ready("10.0.0.1"), ending("10.0.0.2", "here")]);
  assert.deepEqual([ips(both.cluster), ips(both.local), ips(both.serving)], [["10.0.0.1"], ["10.0.0.2"], ["10.0.0.1", "10.0.0.2"]]);
  const last = portOf(service({}), [ending("10.0.0.2"), ready("10.0.0.3", "here", { conditions: { ready: false } })]);
  assert.deepEqual([ips(last.cluster), ips(last.local)], [["10.0.0.2"], []]);
});

test("an endpoint in two slices at once is ready when one of them says so", () => {
  const slices = [slice([ending("10.0.0.1")], "a"), slice([ready("10.0.0.1")], "b")];
  const [port] = forwardedPorts({ services: [service({})], slices, allowsExternalIps: false, ...place });
  assert.deepEqual(ips(port?.cluster ?? []), ["10.0.0.1"]);
});

test("hints lead to the same node or zone, when every endpoint has them and some are meant for here", () => {
  const zone = (ip: string, name: string) => ready(ip, "other", { hints: { forZones: [{ name }] } });
  const both = (ip: string, name: string, nodeName: string) =>
    ready(ip, nodeName, { hints: { forZones: [{ name }], forNodes: [{ name: nodeName }] } });
  assert.deepEqual(ips(portOf(service({}), [zone("10.0.0.1", "a"), zone("10.0.0.2", "b")]).cluster), ["10.0.0.1"]);
  assert.equal(portOf(service({}), [zone("10.0.0.1", "a"), ready("10.0.0.2")]).cluster.length, 2, "one has no hint");
  assert.equal(portOf(service({}), [zone("10.0.0.1", "b"), zone("10.0.0.2", "b")]).cluster.length, 2, "none is meant for here");
  assert.equal(portOf(service({}), [zone("10.0.0.1", "a"), zone("10.0.0.2", "b")], { zone: undefined }).cluster.length, 2);
  assert.deepEqual(ips(portOf(service({}), [both("10.0.0.1", "a", "here"), both("10.0.0.2", "a", "other")]).cluster), ["10.0.0.1"]);
  assert.deepEqual(ips(portOf(service({}), [both("10.0.0.1", "a", "x"), both("10.0.0.2", "b", "y")]).cluster), ["10.0.0.1"]);
});

test("external IPs lead nowhere unless that is allowed; a balancer's addresses do, unless it is a proxy itself", () => {
  const spec = { externalIPs: ["192.0.2.1"], type: "LoadBalancer" } as const;
  const status = { loadBalancer: { ingress: [{ ip: "203.0.113.1" }, { ip: "203.0.113.2", ipMode: "Proxy" }] } };
  const port = portOf(service(spec, { status }), [ready("10.0.0.1")]);
  assert.deepEqual([port.externalIps, port.balancerIps], [[], ["203.0.113.1"]]);
  assert.deepEqual(portOf(service(spec, { status }), [], { allowsExternalIps: true }).externalIps, ["192.0.2.1"]);
});

test("each family has its own addresses and endpoints; what another proxy looks after is left alone", () => {
  const dual = service({ clusterIPs: ["10.96.0.20", "fd00::20"] });
  const slices = [slice([ready("10.0.0.1")]), slice([ready("fd00:1::1")], "six", "IPv6")];
  const [six] = forwardedPorts({ services: [dual], slices, allowsExternalIps: false, ...place, family: "IPv6" });
  assert.deepEqual([six?.clusterIps, ips(six?.cluster ?? [])], [["fd00::20"], ["fd00:1::1"]]);
  const others = service({}, { metadata: { labels: { "service.kubernetes.io/service-proxy-name": "x" } } });
  assert.deepEqual(forwardedPorts({ services: [others], slices, allowsExternalIps: false, ...place }), []);
});

test("a health check node port tells of the ready Pods of this machine, as load balancers know it", async () => {
  const spec = { type: "LoadBalancer", externalTrafficPolicy: "Local", healthCheckNodePort: 31000 } as const;
  const slices = [slice([ready("10.0.0.1", "here"), ending("10.0.0.2", "here"), ready("10.0.0.3")])];
  const checks = healthChecks({ services: [service(spec)], slices, ...place });
  assert.deepEqual(checks, [{ namespace: "default", name: "web", port: 31000, localEndpoints: 1 }]);
  assert.deepEqual(healthChecks({ services: [service({ ...spec, externalTrafficPolicy: "Cluster" })], slices, ...place }), []);
  const [check] = checks;
  assert.ok(check);
  const { status, headers, body } = healthCheckResponse(check, true);
  assert.deepEqual(JSON.parse(new TextDecoder().decode(body as Uint8Array)), {
    service: { namespace: "default", name: "web" },
    localEndpoints: 1,
    serviceProxyHealthy: true,
  });
  assert.deepEqual([status, headers["x-load-balancing-endpoint-weight"]], [200, "1"]);
  assert.equal(healthCheckResponse({ ...check, localEndpoints: 0 }, true).status, 503);
  assert.equal(healthCheckResponse(check, false).status, 503);
});
