import assert from "node:assert/strict";
import { test } from "node:test";
import type { World } from "#platform/world.ts";
import type { ForwardedPort } from "../rules.ts";
import { flowCleaner } from "./conntrack.ts";

const dns = (...ips: readonly string[]) =>
  [
    {
      protocol: "udp",
      port: 53,
      clusterIps: ["10.96.0.10"],
      externalIps: [],
      balancerIps: [],
      nodePort: 0,
      serving: ips.map((ip) => ({ ip, port: 53, isLocal: true })),
    },
  ] as unknown as readonly ForwardedPort[];

const listed = "udp 17 29 src=10.244.0.9 dst=10.96.0.10 sport=4 dport=53 src=10.244.0.5 dst=10.244.0.9 sport=53 dport=4 mark=0 use=1\n";

function fake(run: (words: readonly string[]) => { readonly code: number; readonly stdout?: string; readonly stderr?: string }) {
  const calls: string[] = [];
  const warnings: string[] = [];
  const world = {
    processes: {
      async run(program: string, words: readonly string[]) {
        calls.push([program, ...words].join(" "));
        return { stdout: "", stderr: "", ...run(words) };
      },
    },
    network: { addresses: () => [] },
    log: { warn: (message: string) => warnings.push(message) },
  } as unknown as World;
  return { world, calls, warnings };
}

test("flows are looked at when the endpoints of UDP ports changed, and stale ones ended together", async () => {
  const { world, calls } = fake((words) => ({ code: 0, stdout: words.includes("-L") ? listed : "" }));
  const cleaner = flowCleaner(world, "IPv4");
  await cleaner.clean([]);
  assert.deepEqual(calls, [], "no UDP port was ever there");
  await cleaner.clean(dns("10.244.0.5"));
  assert.deepEqual(calls.splice(0), ["conntrack -f ipv4 -p udp -L"]);
  await cleaner.clean(dns("10.244.0.5"));
  assert.deepEqual(calls, [], "nothing changed");
  await cleaner.clean(dns("10.244.0.6"));
  assert.deepEqual(calls, ["conntrack -f ipv4 -p udp -L", "conntrack -f ipv4 -p udp -D -d 10.96.0.10 --dport 53 -r 10.244.0.5"]);
});

test("what failed is done again with the next change; a missing program is said once", async () => {
  const failing = fake(() => ({ code: 1, stderr: "busy" }));
  const cleaner = flowCleaner(failing.world, "IPv6");
  await cleaner.clean(dns("10.244.0.5"));
  await cleaner.clean(dns("10.244.0.5"));
  assert.deepEqual([failing.calls.length, failing.warnings.length], [2, 2]);
  const missing = fake(() => {
    throw Object.assign(new Error("spawn conntrack ENOENT"), { code: "ENOENT" });
  });
  const other = flowCleaner(missing.world, "IPv4");
  await other.clean(dns("10.244.0.5"));
  await other.clean(dns("10.244.0.6"));
  assert.deepEqual([missing.calls.length, missing.warnings.length], [1, 1]);
});
