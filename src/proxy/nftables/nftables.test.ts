import assert from "node:assert/strict";
import { test } from "node:test";
import type { World } from "#platform/world.ts";
import { nftablesLoader } from "./nftables.ts";

test("rules are loaded when they changed or anew; what nft refuses over known rules is loaded whole", async () => {
  const loads: string[] = [];
  let refusals = 0;
  const world = {
    files: {
      makeFolder: async () => {},
      write: async (_: string, text: string) => void loads.push(text.includes("delete table") ? "whole" : "over"),
    },
    processes: { run: async () => ((refusals -= 1) >= 0 ? { code: 1, stderr: "No such file" } : { code: 0, stderr: "" }) },
    log: { warn: () => {} },
  } as unknown as World;
  const loader = nftablesLoader(world, { family: "IPv4", clusterCidrs: [], folder: "/run/p" });
  await loader.load([]);
  await loader.load([]);
  assert.deepEqual(loads.splice(0), ["whole"]);
  await loader.load([], true);
  assert.deepEqual(loads.splice(0), ["over"]);
  refusals = 1;
  await loader.load([], true);
  assert.deepEqual(loads.splice(0), ["over", "whole"]);
  refusals = 2;
  await assert.rejects(loader.load([], true), /nft refused the rules: No such file/);
  loads.length = 0;
  await loader.load([]);
  assert.deepEqual(loads, ["whole"], "after a failure nothing is taken as known");
});
