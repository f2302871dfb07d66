import assert from "node:assert/strict";
import { test } from "node:test";
import { Service } from "#api/core/service/service.ts";
import { EndpointSlice } from "#api/discovery.k8s.io/endpoint-slice/endpoint-slice.ts";
import { complete } from "#schema/derive/defaults.ts";
import type { Draft } from "#schema/message.ts";
import { types } from "./message.ts";
import { answer, type Observed } from "./zone.ts";

const service = (name: string, spec: Draft<Service["spec"]>): Service => complete(Service, { metadata: { name, namespace: "a" }, spec });
const services = [
  service("web", {
    clusterIP: "10.96.0.9",
    clusterIPs: ["10.96.0.9", "fd00::9"],
    ports: [
      { name: "http", port: 80 },
      { name: "dns", port: 53, protocol: "UDP" },
    ],
  }),
  service("many", { clusterIP: "None", clusterIPs: ["None"], ports: [{ name: "http", port: 80 }] }),
  service("both", { clusterIP: "None", clusterIPs: ["None"], ports: [{ name: "http", port: 80 }] }),
  service("empty", { clusterIP: "None", clusterIPs: ["None"] }),
  service("away", { type: "ExternalName", externalName: "example.org" }),
];
const slice: EndpointSlice = complete(EndpointSlice, {
  metadata: { name: "many-1", namespace: "a", labels: { "kubernetes.io/service-name": "many" } },
  addressType: "IPv4",
  ports: [{ name: "http", port: 8080 }],
  endpoints: [
    { addresses: ["10.0.0.1"], hostname: "db-0", conditions: { ready: true } },
    { addresses: ["10.0.0.2"], conditions: { ready: true } },
    { addresses: ["10.0.0.3"], hostname: "db-1", conditions: { ready: false } },
  ],
});
const ofBoth = (addressType: "IPv4" | "IPv6", ip: string): EndpointSlice =>
  complete(EndpointSlice, {
    metadata: { name: `both-${addressType}`, namespace: "a" },
    addressType,
    ports: [{ name: "http", port: 8080 }],
    endpoints: [{ addresses: [ip], hostname: "db", conditions: { ready: true } }],
  });
const [four, six] = [ofBoth("IPv4", "10.0.0.7"), ofBoth("IPv6", "fd00::7")];
const observed: Observed = {
  domain: "cluster.local",
  seconds: 5,
  answersPods: true,
  addressesFor: () => undefined,
  service: (namespace, name) =>
    namespace === "kube-system" && name === "kube-dns"
      ? service("kube-dns", { clusterIP: "10.96.0.10", clusterIPs: ["10.96.0.10"] })
      : namespace === "a"
        ? services.find(({ metadata }) => metadata.name === name)
        : undefined,
  hasNamespace: (name) => name === "a",
  slicesOf: (_, name) => (name === "many" ? [slice] : name === "both" ? [four, six] : []),
  nameOf: (address) => (["10.96.0.9", "fd00::9"].includes(address) ? "web.a.svc.cluster.local" : undefined),
};

/** The answers as text; "unknown" for a name that is not there, "outside" for one that is not ours. */
function ask(name: string, type: keyof typeof types): string {
  const full = name.endsWith(".arpa") || name === "" ? name || "cluster.local" : `${name}.cluster.local`;
  const found = answer({ name: full, spelled: full, type: types[type], class: 1 }, observed);
  if (!found) return "outside";
  if (found.code === 3) return "unknown";
  assert.equal(found.code, 0);
  return found.answers
    .map((record) => {
      switch (record.type) {
        case "A":
        case "AAAA":
          return record.address;
        case "SRV":
          return `${record.port} ${record.target}`;
        case "TXT":
          return record.text;
        case "SOA":
          return "soa";
        default:
          return record.target;
      }
    })
    .join(", ");
}

test("addresses of Services: one, both families, those behind a headless one, the other name of an external one", () => {
  assert.equal(ask("web.a.svc", "A"), "10.96.0.9");
  assert.equal(ask("web.a.svc", "AAAA"), "fd00::9");
  assert.equal(ask("many.a.svc", "A"), "10.0.0.1, 10.0.0.2");
  assert.equal(ask("many.a.svc", "AAAA"), "");
  assert.equal(ask("empty.a.svc", "A"), "unknown");
  assert.equal(ask("away.a.svc", "A"), "example.org");
});

test("Pods of a headless Service by host name, or by address where they have none; those that are not ready are not told", () => {
  assert.equal(ask("db-0.many.a.svc", "A"), "10.0.0.1");
  assert.equal(ask("10-0-0-2.many.a.svc", "A"), "10.0.0.2");
  assert.equal(ask("db-1.many.a.svc", "A"), "unknown");
});

test("ports by name and protocol", () => {
  assert.equal(ask("_http._tcp.web.a.svc", "SRV"), "80 web.a.svc.cluster.local");
  assert.equal(ask("_dns._udp.web.a.svc", "SRV"), "53 web.a.svc.cluster.local");
  assert.equal(ask("_http._udp.web.a.svc", "SRV"), "unknown");
  assert.equal(ask("_http._tcp.many.a.svc", "SRV"), "8080 db-0.many.a.svc.cluster.local, 8080 10-0-0-2.many.a.svc.cluster.local");
  assert.equal(ask("_http._tcp.web.a.svc", "A"), "");
});

test("a Pod of two families has one name with an address of each", () => {
  assert.equal(ask("_http._tcp.both.a.svc", "SRV"), "8080 db.both.a.svc.cluster.local");
  assert.deepEqual([ask("db.both.a.svc", "A"), ask("db.both.a.svc", "AAAA")], ["10.0.0.7", "fd00::7"]);
});

test("names that are between names are there without anything; what is below no namespace or Service is not", () => {
  for (const name of ["svc", "pod", "a.svc", "a.pod"]) assert.equal(ask(name, "A"), "", name);
  for (const name of ["b.svc", "b.pod", "none.a.svc", "web.b.svc", "x.web.a.svc", "nothing"]) assert.equal(ask(name, "A"), "unknown", name);
});

test("a Pod's address as a name, the version, the zone's own records", () => {
  assert.equal(ask("10-0-0-7.a.pod", "A"), "10.0.0.7");
  assert.equal(ask("fd00--7.a.pod", "AAAA"), "fd00::7");
  assert.equal(ask("10-0-0-700.a.pod", "A"), "unknown");
  assert.equal(ask("dns-version", "TXT"), "1.1.0");
  assert.equal(ask("", "SOA"), "soa");
  assert.equal(ask("", "NS"), "ns.dns.cluster.local");
  assert.equal(ask("ns.dns", "A"), "10.96.0.10");
  assert.equal(ask("", "A"), "");
});

test("what an address belongs to; others' addresses are asked for outside", () => {
  assert.equal(ask("9.0.96.10.in-addr.arpa", "PTR"), "web.a.svc.cluster.local");
  assert.equal(ask("1.1.1.1.in-addr.arpa", "PTR"), "outside");
  const sixteen = (last: string) => `${last}.${"0.".repeat(27)}0.0.d.f.ip6.arpa`;
  assert.equal(ask(sixteen("9"), "PTR"), "web.a.svc.cluster.local");
  for (const name of [sixteen("8"), sixteen("x"), "9.ip6.arpa"]) assert.equal(ask(name, "PTR"), "outside", name);
});
