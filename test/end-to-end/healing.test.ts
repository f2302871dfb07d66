// Time limit: 15 minutes.
// The healing table on two machines: everything in the first is killed with -9 in turn, its disk filled, cables and power of both cut. All
// comes back by itself, and nothing is lost.
import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { rootScope } from "#base/scope.ts";
import { healingTable } from "#cli/lab/trial.ts";
import { joinWords, keelsonIn } from "../support/lab-cluster.ts";
import { cannotMakeMachines, machineFor, type TestMachine, uniqueName, world } from "../support/lab-machine.ts";

const skip = cannotMakeMachines("containerd", "runc", "ctr", "nft");

/** Generous: the machine that runs the tests does other things. */
const limitSeconds: Readonly<Record<string, number>> = {
  kubelet: 20,
  "Pod object": 20,
  DNS: 30,
  "disk full on the node": 90,
  "worker's network cut": 60,
  "control plane's network cut": 60,
  "worker's power cut": 60,
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
  "worker's network cut",
  "control plane's network cut",
  "worker's power cut",
  "whole machine's power cut",
];

async function heals(
  context: TestContext,
  { addresses: [address, other], systemd }: { readonly addresses: readonly [string, string]; readonly systemd: boolean },
): Promise<void> {
  const name = uniqueName(systemd ? "heal-systemd" : "heal");
  const machine = await machineFor(context, { name, address, systemd, diskMegabytes: 3_000 });
  const keelson = async (on: TestMachine, ...words: readonly string[]) => {
    const { code, text } = await keelsonIn(on, ...words);
    assert.equal(code, 0, text);
  };
  await keelson(machine, "up");
  const worker = await machineFor(context, { name: `${name}-2`, fabric: name, address: other, systemd });
  await keelson(worker, ...(await joinWords({ machine })));
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

test("whatever is killed comes back, and nothing is lost", { skip, timeout: 480_000 }, (context) =>
  heals(context, { addresses: ["192.168.51.35", "192.168.51.36"], systemd: false }),
);

test("the same under systemd", { skip: skip || cannotMakeMachines("/lib/systemd/systemd"), timeout: 480_000 }, (context) =>
  heals(context, { addresses: ["192.168.51.37", "192.168.51.38"], systemd: true }),
);
