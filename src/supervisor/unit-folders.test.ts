import assert from "node:assert/strict";
import { test } from "node:test";
import { type SimulatedWorld, simulatedWorld } from "#platform/simulated/world.ts";
import { disableUnit, enableUnit, loadUnit, loadUnits } from "./unit-folders.ts";

const folders = ["/etc/units", "/lib/units"];

async function machineWith(files: Readonly<Record<string, string>>): Promise<SimulatedWorld> {
  const world = simulatedWorld({ seed: 1 });
  for (const [path, text] of Object.entries({ "/etc/units/.keep": "", "/lib/units/.keep": "", ...files })) {
    await world.files.makeFolder(path.slice(0, path.lastIndexOf("/")));
    await world.files.write(path, text);
  }
  return world;
}

test("the first folder wins, drop-ins of all folders come by name", async () => {
  const world = await machineWith({
    "/lib/units/a.service": "[Service]\nExecStart=/lib\n",
    "/etc/units/a.service": "[Unit]\nDescription=etc\n[Service]\nExecStart=/etc\n",
    "/lib/units/a.service.d/20.conf": "[Unit]\nDescription=twenty\n",
    "/etc/units/a.service.d/10.conf": "[Unit]\nDescription=ten\n",
    "/lib/units/a.service.d/10.conf": "[Unit]\nDescription=hidden by the other 10\n[Service]\nRestart=always\n",
    "/etc/units/service.d/05.conf": "[Service]\nRestartSec=7\n",
  });
  const unit = await loadUnit(world, folders, "a.service", {});
  assert.deepEqual(unit?.sources, [
    "/etc/units/a.service",
    "/etc/units/service.d/05.conf",
    "/etc/units/a.service.d/10.conf",
    "/lib/units/a.service.d/20.conf",
  ]);
  assert.equal(unit.description, "twenty");
  assert.equal(unit.service?.restart, "no");
  assert.equal(unit.service.restartMilliseconds, 7_000);
});

test("an empty file masks a unit, a template makes an instance", async () => {
  const world = await machineWith({
    "/etc/units/a.service": "",
    "/lib/units/a.service": "[Service]\nExecStart=/x\n",
    "/lib/units/t@.service": "[Service]\nExecStart=/x %i\n",
  });
  assert.equal((await loadUnit(world, folders, "a.service", {}))?.unusable, "Unit a.service is masked.");
  assert.deepEqual((await loadUnit(world, folders, "t@one.service", {}))?.service?.start[0]?.words, ["/x", "one"]);
  assert.equal(await loadUnit(world, folders, "none.service", {}), undefined);
});

test("enabling links a unit to its target, and disabling takes it back; nothing else of the folder is read", async () => {
  const world = await machineWith({
    "/etc/units/a.service": "[Unit]\nRequires=b.service\n[Service]\nExecStart=/x\n[Install]\nWantedBy=all.target\n",
    "/etc/units/b.service": "[Service]\nExecStart=/x\n",
    "/etc/units/other.service": "[Service]\nExecStart=/x\n[Install]\nWantedBy=all.target\n",
    "/etc/units/all.target": "",
  });
  await enableUnit(world, "/etc/units", "a.service");
  const { units, wantedBy } = await loadUnits(world, folders, ["all.target"], {});
  assert.deepEqual([...units.keys()].sort(), ["a.service", "all.target", "b.service"]);
  assert.deepEqual(wantedBy.get("all.target"), ["a.service"]);
  await disableUnit(world, "/etc/units", "a.service");
  assert.deepEqual((await loadUnits(world, folders, ["all.target"], {})).wantedBy.get("all.target"), []);
  await assert.rejects(enableUnit(world, "/etc/units", "none.service"), /there is no/);
});

test("a target that is taken as reached brings nothing along, unless it is the goal", async () => {
  const world = await machineWith({
    "/etc/units/a.service": "[Unit]\nWants=network-online.target\n[Service]\nExecStart=/x\n",
    "/lib/units/network-online.target": "[Unit]\nDescription=Network is Online\n",
    "/lib/units/network-online.target.wants/wait.service": "[Service]\nExecStart=/wait\n",
  });
  assert.deepEqual([...(await loadUnits(world, folders, ["a.service"], {})).units.keys()], ["a.service"]);
  assert.deepEqual((await loadUnits(world, folders, ["network-online.target"], {})).wantedBy.get("network-online.target"), [
    "wait.service",
  ]);
});
