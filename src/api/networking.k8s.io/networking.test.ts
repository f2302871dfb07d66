import assert from "node:assert/strict";
import { test } from "node:test";
import type { Kind, KubernetesObject } from "#schema/kind.ts";
import type { Draft } from "#schema/message.ts";
import { complete } from "#schema/derive/defaults.ts";
import { fieldErrorText, validate } from "#schema/derive/validation.ts";
import { canonicalAddress } from "#base/ip.ts";
import { IngressClass } from "./ingress-class/ingress-class.ts";
import { Ingress } from "./ingress/ingress.ts";
import { IPAddress } from "./ip-address/ip-address.ts";
import { NetworkPolicy } from "./network-policy/network-policy.ts";
import { ServiceCIDR } from "./service-cidr/service-cidr.ts";

function made<T extends KubernetesObject>(kind: Kind<T>, draft: Draft<T>): T {
  const metadata = { name: "a", resourceVersion: "1", ...(kind.scope === "namespaced" && { namespace: "default" }), ...draft.metadata };
  return complete(kind, { ...draft, metadata } as Draft<T>);
}
function errorsOf<T extends KubernetesObject>(kind: Kind<T>, draft: Draft<T>, old?: Draft<T>): readonly string[] {
  return validate(kind, made(kind, draft), old && made(kind, old)).map(fieldErrorText);
}
function row<T extends KubernetesObject>(kind: Kind<T>, draft: Draft<T>): string {
  return (kind.columns ?? []).map((column) => String(column.read(made(kind, draft) as never, { now: 0 }))).join(" | ");
}

test("a NetworkPolicy limits what comes in, and what goes out where it says something about that", () => {
  assert.deepEqual(made(NetworkPolicy, { spec: {} }).spec.policyTypes, ["Ingress"]);
  assert.deepEqual(made(NetworkPolicy, { spec: { egress: [{}] } }).spec.policyTypes, ["Ingress", "Egress"]);
  assert.equal(made(NetworkPolicy, { spec: { ingress: [{ ports: [{ port: 80 }] }] } }).spec.ingress?.[0]?.ports?.[0]?.protocol, "TCP");
  assert.equal(row(NetworkPolicy, { spec: { podSelector: { matchLabels: { app: "web" } } } }), "a | app=web | <unknown>");
});

test("what a NetworkPolicy may not say", () => {
  const ingress = (rule: object) => errorsOf(NetworkPolicy, { spec: { ingress: [rule] } });
  assert.deepEqual(ingress({ ports: [{ port: 80, endPort: 90 }], from: [{ podSelector: {}, namespaceSelector: {} }] }), []);
  assert.deepEqual(ingress({ from: [{ ipBlock: { cidr: "10.0.0.0/8", except: ["10.1.0.0/16"] } }] }), []);
  assert.deepEqual(ingress({ from: [{}] }), ["spec.ingress[0].from[0]: Required value: must specify a peer"]);
  assert.deepEqual(ingress({ from: [{ podSelector: {}, ipBlock: { cidr: "10.0.0.0/8" } }] }), [
    "spec.ingress[0].from[0]: Forbidden: may not specify both ipBlock and another peer",
  ]);
  assert.deepEqual(ingress({ from: [{ ipBlock: { cidr: "10.1.0.0/16", except: ["10.1.0.0/16", "10.0.0.0/8"] } }] }), [
    'spec.ingress[0].from[0].ipBlock.except[0]: Invalid value: "10.1.0.0/16": must be a strict subset of `cidr`',
    'spec.ingress[0].from[0].ipBlock.except[1]: Invalid value: "10.0.0.0/8": must be a strict subset of `cidr`',
  ]);
  assert.deepEqual(ingress({ ports: [{ port: 90, endPort: 80 }] }), [
    "spec.ingress[0].ports[0].endPort: Invalid value: 90: must be greater than or equal to `port`",
  ]);
  assert.deepEqual(ingress({ ports: [{ port: "web", endPort: 80 }] }), [
    "spec.ingress[0].ports[0].endPort: Invalid value: 80: may not be specified when `port` is non-numeric",
  ]);
  assert.deepEqual(ingress({ ports: [{ endPort: 80 }] }), [
    "spec.ingress[0].ports[0].endPort: Invalid value: 80: may not be specified when `port` is not specified",
  ]);
  assert.deepEqual(errorsOf(NetworkPolicy, { spec: { policyTypes: ["Sideways"] } }), [
    'spec.policyTypes[0]: Unsupported value: "Sideways": supported values: "Egress", "Ingress"',
  ]);
});

const backend = { service: { name: "web", port: { number: 80 } } };

test("an Ingress has somewhere to lead to, and paths that are paths", () => {
  assert.deepEqual(errorsOf(Ingress, { spec: { defaultBackend: backend } }), []);
  assert.match(errorsOf(Ingress, { spec: {} })[0] ?? "", /either `defaultBackend` or `rules` must be specified$/);
  const path = (text: string, pathType?: string) =>
    errorsOf(Ingress, { spec: { rules: [{ host: "*.example.com", http: { paths: [{ path: text, pathType, backend }] } }] } });
  assert.deepEqual(path("/a", "Prefix"), []);
  assert.deepEqual(path("/a"), ["spec.rules[0].http.paths[0].pathType: Required value: pathType must be specified"]);
  assert.deepEqual(path("a//b", "Exact"), [
    'spec.rules[0].http.paths[0].path: Invalid value: "a//b": must be an absolute path',
    "spec.rules[0].http.paths[0].path: Invalid value: \"a//b\": must not contain '//'",
  ]);
  assert.deepEqual(errorsOf(Ingress, { spec: { rules: [{ host: "10.0.0.1" }] } }), [
    'spec.rules[0].host: Invalid value: "10.0.0.1": must be a DNS name, not an IP address',
  ]);
  assert.deepEqual(errorsOf(Ingress, { spec: { defaultBackend: { service: { name: "web", port: {} } } } }), [
    "spec.defaultBackend: Required value: port name or number is required",
  ]);
  const rules = ["a", "b", "c", "d"].map((host) => ({ host: `${host}.example.com` }));
  const status = { loadBalancer: { ingress: [{ ip: "10.0.0.1" }] } };
  assert.equal(
    row(Ingress, { spec: { ingressClassName: "nginx", rules, tls: [{}] }, status }),
    "a | nginx | a.example.com,b.example.com,c.example.com + 1 more... | 10.0.0.1 | 80, 443 | <unknown>",
  );
});

test("an IngressClass names its controller, for ever", () => {
  const spec = { controller: "example.com/ingress" };
  assert.deepEqual(errorsOf(IngressClass, { spec }), []);
  assert.deepEqual(errorsOf(IngressClass, { spec: {} }), ["spec.controller: Required value"]);
  assert.deepEqual(errorsOf(IngressClass, { spec: { controller: "example.com/other" } }, { spec }), [
    'spec.controller: Invalid value: "example.com/other": field is immutable',
  ]);
  const parameters = { apiGroup: "example.com", kind: "Settings", name: "a" };
  assert.equal(row(IngressClass, { spec: { ...spec, parameters } }), "a | example.com/ingress | Settings.example.com/a | <unknown>");
  assert.deepEqual(errorsOf(IngressClass, { spec: { ...spec, parameters: { ...parameters, scope: "Namespace" } } }), [
    "spec.parameters.namespace: Required value: `parameters.scope` is set to 'Namespace'",
  ]);
});

test("an IPAddress is named by an address in its one form", () => {
  const spec = { parentRef: { resource: "services", namespace: "default", name: "web" } };
  const named = (name: string) => errorsOf(IPAddress, { metadata: { name }, spec });
  assert.deepEqual(named("10.0.0.1"), []);
  assert.deepEqual(named("2001:db8::1"), []);
  assert.deepEqual(named("2001:db8:0::1"), ['metadata.name: Invalid value: "2001:db8:0::1": must be in canonical form ("2001:db8::1")']);
  assert.equal(row(IPAddress, { metadata: { name: "10.0.0.1" }, spec }), "10.0.0.1 | services/default/web | <unknown>");
  assert.equal(canonicalAddress(Uint8Array.from({ length: 16 }, () => 0)), "::");
});

test("a ServiceCIDR has one range of each family", () => {
  const cidrs = (...all: string[]) => errorsOf(ServiceCIDR, { spec: { cidrs: all } });
  assert.deepEqual(cidrs("10.96.0.0/12", "fd00::/108"), []);
  assert.deepEqual(cidrs(), ["spec.cidrs: Required value: at least one CIDR required"]);
  assert.deepEqual(cidrs("10.96.0.1/12"), ['spec.cidrs[0]: Invalid value: "10.96.0.1/12": must be in canonical form ("10.96.0.0/12")']);
  assert.match(cidrs("10.0.0.0/16", "10.1.0.0/16")[0] ?? "", /no more than one IP for each IP family/);
  const old = { spec: { cidrs: ["10.96.0.0/12"] } };
  assert.deepEqual(errorsOf(ServiceCIDR, { spec: { cidrs: ["10.96.0.0/12", "fd00::/108"] } }, old), []);
  assert.match(errorsOf(ServiceCIDR, { spec: { cidrs: ["10.0.0.0/12"] } }, old)[0] ?? "", /field is immutable$/);
});
