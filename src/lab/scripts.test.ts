import assert from "node:assert/strict";
import { test } from "node:test";
import { placesOf } from "./layout.ts";
import { enterScript, forwardScript, insideScript, launchScript, type MachineOptions, outsideScript } from "./scripts.ts";

const options: MachineOptions = {
  name: "one",
  fabric: "both",
  address: "192.168.51.10",
  places: placesOf("one"),
  groups: [{ point: "/sys/fs/cgroup", version: 2, controllers: "" }],
  readOnlyPaths: ["/opt/it's here"],
  insideCommand: ["/bin/x", "it's"],
  systemd: false,
};

test("nothing that comes from outside can end its quotes", () => {
  assert.ok(insideScript(options).includes("'/var/lib/keelson-lab/one/root/opt/it'\\''s here'"));
});

test("the machine's link ends in a second namespace, not in the holding machine", () => {
  const script = outsideScript(options);
  assert.match(script, /link add eth0 type veth peer name toc0a8330a netns 'keelson-both.outside'/);
  assert.match(script, /-n 'keelson-both.outside' route add unreachable default/);
});

test("with cgroup v2 alone, processes stay below the machine's top group", () => {
  assert.match(insideScript(options), /echo 0 >\/sys\/fs\/cgroup\/init\/cgroup.procs/);
  assert.match(enterScript(options.places, options.groups, 7), /keelson-one\/init\/cgroup.procs/);
  assert.match(launchScript(options), /echo \$\$ >'\/sys\/fs\/cgroup\/keelson-one\/cgroup.procs'/);
  assert.match(forwardScript(options.places, options.groups, 0), /keelson-one\/outside\/cgroup.procs/);
});
