import assert from "node:assert/strict";
import { test } from "node:test";
import { groupFolder } from "./control-group.ts";

const v1Mounts =
  "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory\n39 31 0:36 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n40 31 0:37 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n";

test("cgroup v1 and hybrid: the name=systemd hierarchy", () => {
  assert.equal(groupFolder("9:name=systemd:/\n8:pids:/\n0::/\n", v1Mounts), "/sys/fs/cgroup/systemd");
  assert.equal(groupFolder("9:name=systemd:/a/b\n0::/\n", v1Mounts), "/sys/fs/cgroup/systemd/a/b");
  assert.equal(groupFolder("8:pids:/..\n0::/\n", v1Mounts), "/sys/fs/cgroup/pids");
});

test("cgroup v2, and a container's view of its part of it", () => {
  assert.equal(groupFolder("0::/init.scope\n", "30 1 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"), "/sys/fs/cgroup/init.scope");
  assert.equal(groupFolder("0::/docker/x/y\n", "30 1 0:26 /docker/x /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"), "/sys/fs/cgroup/y");
});

test("a supervisor inside a unit of another does not nest slices, and no cgroups is no folder", () => {
  assert.equal(groupFolder("9:name=systemd:/system.slice/keelson.service\n", v1Mounts), "/sys/fs/cgroup/systemd");
  assert.equal(groupFolder("", ""), undefined);
});
