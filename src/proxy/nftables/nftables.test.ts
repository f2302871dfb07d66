import assert from "node:assert/strict";
import { test } from "node:test";
import type { World } from "#platform/world.ts";
import { tableLoader } from "./nftables.ts";
import { replacing, type Table } from "./table.ts";

const none: Table = { family: "ip", name: "kube-proxy", sets: new Map(), maps: new Map(), chains: new Map() };
const changed: Table = { ...none, chains: new Map([["refuse", { rules: ["reject"] }]]) };

test("rules are loaded where they changed, or anew; what nft refuses over known rules is loaded whole", async () => {
  const loads: string[] = [];
  let refusals = 0;
  const world = {
    processes: {
      async run(_: string, __: readonly string[], { input }: { readonly input: string }) {
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

test("what a key belongs to is said in no more than nft takes, however long its name", () => {
  const elements = new Map([["10.0.0.1", { verdict: "drop", note: `${"n".repeat(63)}/${"p".repeat(253)}` }]]);
  const text = replacing({ ...none, maps: new Map([["ingress", { type: "ipv4_addr", elements }]]) });
  assert.equal(/comment "([^"]*)"/.exec(text)?.[1]?.length, 128);
});
