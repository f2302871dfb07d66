import assert from "node:assert/strict";
import { test } from "node:test";
import type { World } from "#platform/world.ts";
import { nftablesLoader } from "./nftables.ts";
import type { Forwarding } from "./ruleset.ts";

const none: Forwarding = { ports: [], nodePortAddresses: undefined };
const changed: Forwarding = { ports: [], nodePortAddresses: ["192.168.1.1"] };

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
  const loader = nftablesLoader(world, { family: "IPv4", clusterCidrs: [], masqueradesAll: false, masqueradeBit: 14 });
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
