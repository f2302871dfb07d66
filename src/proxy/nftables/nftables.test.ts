import assert from "node:assert/strict";
import { test } from "node:test";
import type { World } from "#platform/world.ts";
import { tableLoader } from "./nftables.ts";
import { readListing } from "./listing.ts";
import { renewing, replacing, type Table } from "./table.ts";

const none: Table = { family: "ip", name: "kube-proxy", sets: new Map(), maps: new Map(), chains: new Map() };
const changed: Table = { ...none, chains: new Map([["refuse", { rules: ["reject"] }]]) };

test("rules are loaded where they changed, or anew; what nft refuses over known rules is loaded whole", async () => {
  const loads: string[] = [];
  let refusals = 0;
  const world = {
    processes: {
      async run(_: string, __: readonly string[], { input }: { readonly input: string }) {
        if (input.startsWith("list ")) return { code: 0, stdout: "", stderr: "" };
        loads.push(input.includes("delete table") ? "whole" : input.includes("flush table") ? "anew" : "part");
        refusals -= 1;
        return refusals >= 0 ? { code: 1, stderr: "No such file" } : { code: 0, stderr: "" };
      },
    },
    log: { warn: () => {} },
  } as unknown as World;
  const loader = tableLoader(world);
  await loader.load(none);
  await loader.load(none);
  assert.deepEqual(loads.splice(0), ["whole"]);
  await loader.load(changed);
  await loader.load(changed, true);
  assert.deepEqual(loads.splice(0), ["part", "anew"]);
  refusals = 1;
  await loader.load(none);
  assert.deepEqual(loads.splice(0), ["part", "whole"]);
  refusals = 2;
  await assert.rejects(loader.load(none, true), /nft refused the rules: No such file/);
  loads.length = 0;
  await loader.load(none);
  assert.deepEqual(loads, ["whole"], "after a failure nothing is taken as known");
});

test("of a table that is there from before, what the kernel filled stays", () => {
  const text = `table ip kube-proxy {
\tset affinity-a {
\t\ttype ipv4_addr
\t\tsize 65535
\t\tflags dynamic,timeout
\t\ttimeout 3h
\t}
\tset cluster-ips {
\t\ttype ipv4_addr
\t}
}
table ip other {
\tset elsewhere {
\t\ttype ipv4_addr
\t}
}
table ip kube-proxy {
\tmap service-ips {
\t\ttype ipv4_addr . inet_proto . inet_service : verdict
\t}
}
table ip kube-proxy {
\tchain old {
\t}
\tchain nat-output {
\t\ttype nat hook output priority -100; policy accept;
\t}
}
`;
  const found = readListing(text, none) as Table;
  assert.deepEqual([[...found.sets.keys()], [...found.maps.keys()]], [["affinity-a", "cluster-ips"], ["service-ips"]]);
  assert.deepEqual(
    [...found.sets].map(([, { elements }]) => elements !== undefined),
    [false, true],
  );
  const kept = new Map([["affinity-a", { definition: "type ipv4_addr; flags dynamic,timeout; timeout 10800s;" }]]);
  const lines = renewing(found, { ...none, sets: kept }).split("\n");
  assert.ok(lines.includes("delete chain ip kube-proxy old") && lines.includes("flush set ip kube-proxy cluster-ips"));
  assert.ok(!lines.some((line) => /^(flush|delete) set .* affinity-a$/.test(line)));
  assert.equal(readListing(text, { family: "ip", name: "kube-network-policies" }), undefined);
});

test("what a key belongs to is said in no more than nft takes, however long its name", () => {
  const elements = new Map([["10.0.0.1", { verdict: "drop", note: `${"n".repeat(63)}/${"p".repeat(253)}` }]]);
  const text = replacing({ ...none, maps: new Map([["ingress", { type: "ipv4_addr", elements }]]) });
  assert.equal(/comment "([^"]*)"/.exec(text)?.[1]?.length, 128);
});
