// The healing table: everything in a node is killed with -9 in turn, comes back by itself, and nothing is lost.
import assert from "node:assert/strict";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { rootScope } from "#base/scope.ts";
import { healingTable } from "#cli/lab/trial.ts";
import { cannotMakeMachines, machineFor, node, repository, uniqueName, world } from "../support/lab-machine.ts";

const keelson = `${node} --disable-warning=ExperimentalWarning ${path.join(repository, "src/hosts/main.ts")}`;
const skip = cannotMakeMachines("containerd", "runc", "ctr", "nft");

/** Generous: the machine that runs the tests does other things. */
const limitSeconds: Readonly<Record<string, number>> = {
  kubelet: 20,
  "Pod object": 20,
  DNS: 30,
  "disk full on the node": 90,
  "whole machine's power cut": 60,
};
const killed = [
  "application process",
  "Pod object",
  "containerd",
  "scheduler",
  "controller manager",
  "API server",
  "kubelet",
  "proxy",
  "DNS",
  "supervisor",
  "disk full on the node",
  "whole machine's power cut",
];

async function heals(context: TestContext, { address, systemd }: { readonly address: string; readonly systemd: boolean }): Promise<void> {
  const name = uniqueName(systemd ? "heal-systemd" : "heal");
  const machine = await machineFor(context, { name, address, systemd, diskMegabytes: 3_000 });
  await machine.sh(`${keelson} up`);
  const scope = rootScope("healing test", (error) => {
    throw error;
  });
  context.after(() => scope.stop());
  const results = await healingTable(scope, world, { name });
  assert.deepEqual(
    results.map((result) => result.killed),
    killed.filter((what) => what !== "supervisor" || !systemd),
  );
  for (const { killed: what, seconds, lost } of results) {
    assert.deepEqual(lost, [], `lost when ${what} was killed`);
    assert.ok(seconds !== undefined && seconds < (limitSeconds[what] ?? 10), `${what}: ${seconds} s`);
  }
}

test("whatever is killed comes back, and nothing is lost", { skip, timeout: 300_000 }, (context) =>
  heals(context, { address: "192.168.51.35", systemd: false }),
);

test("the same under systemd", { skip: skip || cannotMakeMachines("/lib/systemd/systemd"), timeout: 300_000 }, (context) =>
  heals(context, { address: "192.168.51.36", systemd: true }),
);
