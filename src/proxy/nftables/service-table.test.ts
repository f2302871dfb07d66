import assert from "node:assert/strict";
import { test } from "node:test";
import type { Target } from "../endpoints.ts";
import type { ForwardedPort } from "../rules.ts";
import { serviceTable } from "./service-table.ts";
import { changing, renewing, replacing } from "./table.ts";

const targets: readonly Target[] = [
  { ip: "10.244.0.5", port: 8080, isLocal: true },
  { ip: "10.244.1.5", port: 8080, isLocal: false },
];
const web: ForwardedPort = {
  name: "default/web:http",
  protocol: "tcp",
  port: 80,
  clusterIps: ["10.96.0.20"],
  externalIps: [],
  balancerIps: [],
  sourceRanges: "everything",
  nodePort: 30080,
  cluster: targets,
  local: targets.slice(0, 1),
  serving: targets,
  insideStays: false,
  outsideStays: false,
  affinitySeconds: 0,
};
const unserved = { ...web, cluster: [], local: [], serving: [] };

const options = { family: "IPv4", clusterCidrs: ["10.244.0.0/16"], masqueradesAll: false, masqueradeBit: 14 } as const;
const tableOf = (...ports: readonly ForwardedPort[]) => serviceTable({ ports, nodePortAddresses: undefined }, options);
const textOf = (...ports: readonly ForwardedPort[]) => replacing(tableOf(...ports));
/** The rules of the only chain whose name begins so. */
function chain(start: string, ...ports: readonly ForwardedPort[]): readonly string[] {
  const found = [...tableOf(...ports).chains].filter(([name]) => name.startsWith(start));
  assert.equal(found.length, 1, `one chain ${start}…`);
  return found[0]?.[1].rules ?? [];
}

test("a Service's address and node port lead to its endpoints, one after the other by chance", () => {
  const text = textOf(web);
  assert.match(text, /10\.96\.0\.20 \. tcp \. 80 comment "default\/web:http" : goto service-default-web-http-tcp-80-/);
  assert.match(text, /tcp \. 30080 comment "default\/web:http" : goto external-/);
  assert.match(text, /numgen random mod 2 vmap \{ 0 : goto endpoint-\S+-10-244-0-5-8080, 1 : goto endpoint-\S+-10-244-1-5-8080 \}/);
  assert.match(text, /meta l4proto tcp dnat to 10\.244\.1\.5:8080/);
});

test("a Service without endpoints refuses connections at once, at its address and its node port", () => {
  const elements = (name: string) => tableOf(unserved).maps.get(name)?.elements;
  assert.equal(elements("no-endpoint-services")?.get("10.96.0.20 . tcp . 80")?.verdict, "goto refuse");
  assert.equal(elements("no-endpoint-nodeports")?.get("tcp . 30080")?.verdict, "goto refuse");
  assert.equal((elements("service-ips")?.size ?? 0) + (elements("service-nodeports")?.size ?? 0), 0);
});

test("where connections stay on the machine and its Pods are elsewhere, they are dropped", () => {
  const away = { ...web, local: [], cluster: targets.slice(1), serving: targets.slice(1) };
  assert.equal(chain("service-", { ...away, insideStays: true }).at(-1), "drop");
  const outside = chain("external-", { ...away, outsideStays: true });
  assert.equal(outside.at(-1), "drop");
  assert.match(outside[0] ?? "", /^ip saddr \{ 10\.244\.0\.0\/16 \} goto cluster-/, "Pods are inside");
  assert.match(outside[2] ?? "", /^fib saddr type local goto cluster-/, "so is the machine itself");
});

test("outside traffic that stays keeps its source; other gets the machine's address", () => {
  assert.ok(chain("external-", web).includes("meta mark set meta mark or 0x4000"));
  assert.ok(!chain("external-", { ...web, outsideStays: true }).includes("meta mark set meta mark or 0x4000"));
});

test("a load balancer's address lets in the ranges it is told, and nobody when none of them is of this family", () => {
  const balanced = { ...web, balancerIps: ["203.0.113.9"], sourceRanges: ["198.51.100.0/24", "192.0.2.0/24"] };
  const rules = chain("balancer-", balanced);
  assert.match(rules[0] ?? "", /^ip saddr 198\.51\.100\.0\/24 goto external-/);
  assert.deepEqual([rules.length, rules[2]], [3, "drop"]);
  assert.match(tableOf(balanced).maps.get("service-ips")?.elements.get("203.0.113.9 . tcp . 80")?.verdict ?? "", /^goto balancer-/);
  assert.match(tableOf(balanced).maps.get("service-nodeports")?.elements.get("tcp . 30080")?.verdict ?? "", /^goto external-/);
  assert.deepEqual(chain("balancer-", { ...balanced, sourceRanges: [] }), ["drop"]);
});

test("node ports answer at the addresses they are told", () => {
  const services = (nodePortAddresses: readonly string[] | undefined) =>
    serviceTable({ ports: [web], nodePortAddresses }, options)
      .chains.get("services")
      ?.rules.join("\n") ?? "";
  assert.match(services(undefined), /fib daddr type local ip daddr != 127\.0\.0\.0\/8 meta l4proto \. th dport vmap @service-nodeports/);
  assert.match(services(["192.168.1.1"]), /ip daddr 192\.168\.1\.1 fib daddr type local meta/);
  assert.doesNotMatch(services([]), /nodeports/);
});

test("names that look alike as letters keep chains of their own", () => {
  const { chains } = tableOf(web, { ...web, name: "default/web-http", clusterIps: ["10.96.0.21"], nodePort: 0 });
  assert.equal([...chains.keys()].filter((name) => name.startsWith("service-")).length, 2);
});

test("who stays with which endpoint is kept when all is written anew; what is no longer used goes", () => {
  const stays = { ...web, affinitySeconds: 60 };
  const fewer = targets.slice(0, 1);
  const [before, after] = [tableOf(stays), tableOf({ ...stays, cluster: fewer, serving: fewer })];
  const text = renewing(before, after);
  assert.doesNotMatch(text, /delete table/);
  assert.match(text, /delete set ip kube-proxy affinity-\S+-10-244-1-5-8080-60\n/);
  assert.match(text, /delete chain ip kube-proxy endpoint-\S+-10-244-1-5-8080\n/);
  assert.doesNotMatch(text, /delete \S+ ip kube-proxy \S+-10-244-0-5-8080/);
  assert.match(replacing(after), /^add table ip kube-proxy\ndelete table ip kube-proxy\n/);
});

test("a change writes what differs and nothing else", () => {
  const other = { ...web, name: "default/other", clusterIps: ["10.96.0.21"], nodePort: 0 };
  assert.equal(changing(tableOf(web, other), tableOf(web, other)), "");
  const come = changing(tableOf(web), tableOf(web, other));
  assert.match(
    come,
    /add element ip kube-proxy service-ips \{ 10\.96\.0\.21 \. tcp \. 80 comment "default\/other" : goto service-default-other/,
  );
  assert.match(come, /add element ip kube-proxy cluster-ips \{ 10\.96\.0\.21 \}/);
  assert.doesNotMatch(come, /default-web/);
  const go = changing(tableOf(web, other), tableOf(web));
  assert.match(go, /delete element ip kube-proxy service-ips \{ 10\.96\.0\.21 \. tcp \. 80 \}/);
  assert.ok(go.indexOf("delete element") < go.indexOf("delete chain"), "a chain that a map names cannot go before the name");
  const empty = changing(tableOf(web), tableOf(unserved));
  assert.match(empty, /delete element ip kube-proxy service-ips [\s\S]*add element ip kube-proxy no-endpoint-services/);
  const moved = changing(tableOf(web), tableOf({ ...web, cluster: targets.slice(0, 1) }));
  assert.match(moved, /flush chain ip kube-proxy cluster-default-web/);
  assert.doesNotMatch(moved, /element/);
});
