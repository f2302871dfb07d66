import assert from "node:assert/strict";
import { test } from "node:test";
import type { ForwardedPort } from "../rules.ts";
import { replacing, ruleset } from "./ruleset.ts";

export const web: ForwardedPort = {
  name: "default/web:http",
  protocol: "tcp",
  port: 80,
  clusterIps: ["10.96.0.20"],
  externalIps: [],
  nodePort: 30080,
  inside: [
    { ip: "10.244.0.5", port: 8080, isLocal: true },
    { ip: "10.244.1.5", port: 8080, isLocal: false },
  ],
  outside: [
    { ip: "10.244.0.5", port: 8080, isLocal: true },
    { ip: "10.244.1.5", port: 8080, isLocal: false },
  ],
  keepsSource: false,
  affinitySeconds: 0,
};

const options = { family: "IPv4", clusterCidrs: ["10.244.0.0/16"] } as const;

test("a Service's address and node port lead to its endpoints, one after the other by chance", () => {
  const text = ruleset([web], options).text;
  assert.match(text, /10\.96\.0\.20 \. tcp \. 80 comment "default\/web:http" : goto service-default-web-http-tcp-80-/);
  assert.match(text, /tcp \. 30080 comment "default\/web:http" : goto external-/);
  assert.match(text, /numgen random mod 2 vmap \{ 0 : goto endpoint-\S+-10-244-0-5-8080, 1 : goto endpoint-\S+-10-244-1-5-8080 \}/);
  assert.match(text, /meta l4proto tcp dnat to 10\.244\.1\.5:8080/);
});

test("a Service without endpoints refuses connections at once", () => {
  const text = ruleset([{ ...web, inside: [], outside: [], nodePort: 0 }], options).text;
  assert.match(text, /map no-endpoint-services \{[^}]*10\.96\.0\.20 \. tcp \. 80[^}]*goto refuse/);
  assert.doesNotMatch(text, /map service-ips \{[^}]*10\.96\.0\.20/);
});

test("names that look alike as letters keep chains of their own", () => {
  const text = ruleset([web, { ...web, name: "default/web-http", clusterIps: ["10.96.0.21"], nodePort: 0 }], options).text;
  const chains = [...text.matchAll(/chain (service-\S+)/g)].map(([, name]) => name);
  assert.equal(new Set(chains).size, 2);
});

test("who stays with which endpoint is kept over known rules; what is no longer used goes", () => {
  const stays = { ...web, affinitySeconds: 60 };
  const before = ruleset([stays], options);
  const after = ruleset([{ ...stays, inside: stays.inside.slice(0, 1), outside: stays.outside.slice(0, 1) }], options);
  const text = replacing(before, after);
  assert.doesNotMatch(text, /delete table/);
  assert.match(text, /delete set ip kube-proxy affinity-\S+-10-244-1-5-8080-60\n/);
  assert.match(text, /delete chain ip kube-proxy endpoint-\S+-10-244-1-5-8080\n/);
  assert.doesNotMatch(text, /delete \S+ ip kube-proxy \S+-10-244-0-5-8080/);
  assert.match(replacing(undefined, after), /^add table ip kube-proxy\ndelete table ip kube-proxy\n/);
});
