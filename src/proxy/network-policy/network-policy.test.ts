import assert from "node:assert/strict";
import { test } from "node:test";
import { Namespace } from "#api/core/namespace/namespace.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import { NetworkPolicy } from "#api/networking.k8s.io/network-policy/network-policy.ts";
import { complete } from "#schema/derive/defaults.ts";
import type { Draft } from "#schema/message.ts";
import { replacing } from "../nftables/table.ts";
import { isolatedPods } from "./isolation.ts";
import { policyTable } from "./policy-table.ts";

const pod = (
  name: string,
  ip: string,
  labels: object,
  more: { readonly namespace?: string; readonly node?: string; readonly spec?: object } = {},
): Pod =>
  ({
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, namespace: more.namespace ?? "default", labels },
    spec: {
      nodeName: more.node ?? "here",
      containers: [{ name: "c", ports: [{ name: "web", containerPort: 8080, protocol: "TCP" }] }],
      ...more.spec,
    },
    status: { phase: "Running", podIP: ip, podIPs: [{ ip }] },
  }) as unknown as Pod;

const server = pod("server", "10.0.0.1", { app: "server" });
const client = pod("client", "10.0.0.2", { app: "client" }, { node: "other" });
const stranger = pod("stranger", "10.0.0.3", { app: "client" }, { namespace: "else" });
const namespaces = ["default", "else"].map((name) => complete(Namespace, { metadata: { name, labels: { name } } } as Draft<Namespace>));
const policy = (spec: Draft<NetworkPolicy["spec"]>, name = "p"): NetworkPolicy =>
  complete(NetworkPolicy, { metadata: { name, namespace: "default" }, spec });
const tableFor = (policies: readonly NetworkPolicy[], pods = [server, client, stranger], family: "IPv4" | "IPv6" = "IPv4") =>
  policyTable(isolatedPods({ policies, pods, namespaces, node: "here" }), family);
const app = (name: string) => ({ podSelector: { matchLabels: { app: name } } });
/** The rules of the policy's own chain, with the members of sets in place of their names. */
function rulesOf(spec: Draft<NetworkPolicy["spec"]>, direction = "ingress", pods?: Pod[]): readonly string[] {
  const table = tableFor([policy({ ...app("server"), ...spec })], pods);
  const found = [...table.chains].find(([name]) => name.startsWith(`${direction}-`));
  return (found?.[1].rules ?? []).map((rule) =>
    rule.replace(/@(\S+)/g, (_, name: string) => `{${[...(table.sets.get(name)?.elements ?? [])].join(",")}}`),
  );
}

test("a Pod is isolated in the directions of the policies that select it, on its own machine only", () => {
  const isolated = isolatedPods({ policies: [policy({})], pods: [server, client, stranger], namespaces, node: "here" });
  assert.deepEqual(
    isolated.map(({ name, ingress, egress }) => [name, ingress?.length, egress]),
    [["default/server", 1, undefined]],
  );
  const table = tableFor([policy({ ...app("server"), policyTypes: ["Ingress", "Egress"] })]);
  assert.deepEqual([...(table.maps.get("ingress")?.elements.keys() ?? [])], ["10.0.0.1"]);
  assert.deepEqual([...(table.maps.get("egress")?.elements.keys() ?? [])], ["10.0.0.1"]);
  const own = [...table.chains].find(([name]) => name.startsWith("pod-ingress-"))?.[1].rules;
  assert.deepEqual([own?.[0], own?.at(-1)], ["ip saddr 10.0.0.1 accept", "drop"]);
});

test("Pods of the host's network, Pods that ended and Pods without an address are nobody's peers and are not isolated", () => {
  const host = pod("host", "192.168.1.1", { app: "server" }, { spec: { hostNetwork: true } });
  const ended = { ...pod("ended", "10.0.0.9", { app: "server" }), status: { phase: "Succeeded", podIP: "10.0.0.9" } } as Pod;
  assert.deepEqual(isolatedPods({ policies: [policy({})], pods: [host, ended], namespaces, node: "here" }), []);
});

test("peers: Pods of the own namespace, of chosen ones, both, ranges, everybody", () => {
  assert.deepEqual(rulesOf({ ingress: [{ from: [app("client")] }] }), ["ip saddr {10.0.0.2} accept"]);
  assert.deepEqual(rulesOf({ ingress: [{ from: [{ namespaceSelector: {} }] }] }), ["ip saddr {10.0.0.1,10.0.0.2,10.0.0.3} accept"]);
  const elsewhere = { namespaceSelector: { matchLabels: { name: "else" } } };
  assert.deepEqual(rulesOf({ ingress: [{ from: [{ ...app("client"), ...elsewhere }] }] }), ["ip saddr {10.0.0.3} accept"]);
  assert.deepEqual(rulesOf({ ingress: [{ from: [app("nobody")] }] }), ["ip saddr {} accept"]);
  assert.deepEqual(rulesOf({ ingress: [{}] }), ["accept"]);
  assert.deepEqual(rulesOf({ ingress: [] }), []);
  const block = { cidr: "192.0.2.1/24", except: ["192.0.2.0/25", "192.0.2.0/26"] };
  assert.deepEqual(rulesOf({ ingress: [{ from: [{ ipBlock: block }] }] }), [
    "ip saddr 192.0.2.0/24 ip saddr != 192.0.2.0/25 ip saddr != 192.0.2.0/26 accept",
  ]);
  assert.deepEqual(rulesOf({ ingress: [{ from: [{ ipBlock: { cidr: "0.0.0.0/0" } }] }] }), ["accept"]);
  assert.deepEqual(rulesOf({ ingress: [{ from: [{ ipBlock: { cidr: "fd00::/8" } }] }] }), []);
  assert.deepEqual(rulesOf({ egress: [{ to: [app("client")] }] }, "egress"), ["ip daddr {10.0.0.2} accept"]);
});

test("ports: by number, as a range, by name where the name is, and all of a protocol", () => {
  const ingress = (...ports: object[]) => rulesOf({ ingress: [{ ports }] });
  assert.deepEqual(ingress({ port: 80 }, { port: 53, protocol: "UDP" }, { port: 100, endPort: 200 }, { protocol: "SCTP" }), [
    "meta l4proto tcp th dport 80 accept",
    "meta l4proto udp th dport 53 accept",
    "meta l4proto tcp th dport 100-200 accept",
    "meta l4proto sctp accept",
  ]);
  assert.deepEqual(ingress({ port: "web" }), ["meta l4proto tcp ip daddr . th dport { 10.0.0.1 . 8080 } accept"]);
  assert.deepEqual(ingress({ port: "web", protocol: "UDP" }), []);
  assert.deepEqual(rulesOf({ egress: [{ to: [app("client")], ports: [{ port: "web" }] }] }, "egress"), [
    "ip daddr {10.0.0.2} meta l4proto tcp ip daddr . th dport { 10.0.0.2 . 8080 } accept",
  ]);
});

test("what a Pod is told to have as its address reaches the rules only if it is one", () => {
  const hostile = pod("hostile", "10.0.0.8 } ; flush ruleset", { app: "server" });
  assert.doesNotMatch(replacing(tableFor([policy({})], [hostile])), /flush/);
});

test("policies with the same peers share a set, and every chain that is named is there", () => {
  const two = ["a", "b"].map((name) => policy({ ingress: [{ from: [app("client")] }] }, name));
  const table = tableFor(two);
  assert.equal(table.sets.size, 1);
  const text = replacing(table);
  for (const [, name] of text.matchAll(/(?:jump|goto) (\S+)/g)) assert.ok(table.chains.has(name ?? ""), name);
});
