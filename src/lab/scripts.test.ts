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
  assert.match(script, /link add eth0 address 02:00:c0:a8:33:0a type veth peer name toc0a8330a netns 'keelson-both.outside'/);
  assert.match(script, /-n 'keelson-both.outside' route add unreachable default/);
});

test("an IPv6 address is the machine's on the same link, and where it leads ends likewise", () => {
  const script = outsideScript({ ...options, ipv6Address: "fd00:51::10" });
  assert.match(script, /address replace fd00:51::1\/64 dev netc0a833 nodad\n.*address add fd00:51::10\/64 dev eth0 nodad\n/);
  assert.match(script, /-n 'keelson-both.outside' -6 route replace unreachable default/);
  assert.doesNotMatch(outsideScript(options), /ipv6|-6/);
});

test("a machine may have other programs than the holding one, once it is made", () => {
  assert.doesNotMatch(insideScript(options), /cp "\$program"/);
  assert.match(
    insideScript({ ...options, programs: "/opt/it's" }),
    /if \[ -n "\$fresh" \]; then\n {2}for program in '\/opt\/it'\\''s'\/\*; do/,
  );
});

test("with cgroup v2 alone, processes stay below the machine's top group", () => {
  assert.match(insideScript(options), /echo 0 >\/sys\/fs\/cgroup\/init\/cgroup.procs/);
  assert.match(enterScript(options.places, options.groups, 7), /keelson-one\/init\/cgroup.procs/);
  assert.match(launchScript(options), /echo \$\$ >'\/sys\/fs\/cgroup\/keelson-one\/cgroup.procs'/);
  assert.match(forwardScript(options.places, options.groups, 0), /keelson-one\/outside\/cgroup.procs/);
});
