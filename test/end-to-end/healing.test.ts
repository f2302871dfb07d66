// The healing table: everything in a node is killed with -9 in turn, comes back by itself, and nothing is lost.
import assert from "node:assert/strict";
import path from "node:path";
import { test } from "node:test";
import { rootScope } from "#base/scope.ts";
import { healingTable } from "#cli/lab/trial.ts";
import { cannotMakeMachines, machineFor, node, repository, uniqueName, world } from "../support/lab-machine.ts";

const keelson = `${node} --disable-warning=ExperimentalWarning ${path.join(repository, "src/hosts/main.ts")}`;
const skip = cannotMakeMachines("containerd", "runc", "ctr", "nft");

/** Generous: the machine that runs the tests does other things. */
const limitSeconds: Readonly<Record<string, number>> = { kubelet: 20, "Pod object": 20 };

test("whatever is killed comes back, and nothing is lost", { skip, timeout: 300_000 }, async (context) => {
  const name = uniqueName("heal");
  const machine = await machineFor(context, { name, address: "192.168.51.35" });
  await machine.sh(`${keelson} up`);
  const scope = rootScope("healing test", (error) => {
    throw error;
  });
  context.after(() => scope.stop());
  const results = await healingTable(scope, world, name);
  assert.deepEqual(
    results.map(({ killed }) => killed),
    ["application process", "Pod object", "containerd", "scheduler", "controller manager", "API server", "kubelet"],
  );
  for (const { killed, seconds, lost } of results) {
    assert.deepEqual(lost, [], `lost when ${killed} was killed`);
    assert.ok(seconds !== undefined && seconds < (limitSeconds[killed] ?? 10), `${killed}: ${seconds} s`);
  }
});
