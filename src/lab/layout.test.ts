import assert from "node:assert/strict";
import { test } from "node:test";
import { groupMounts, LabError, placesOf } from "./layout.ts";

test("a machine's name is safe in paths, namespaces and host names", () => {
  assert.equal(placesOf("node-1").group, "keelson-node-1");
  for (const name of ["", "a/b", "..", "A", "a.b", "-a", "a-", "a".repeat(31), "a b"]) assert.throws(() => placesOf(name), LabError, name);
});

test("the cgroup hierarchies of a hybrid machine, each once", () => {
  const mounts = `tmpfs /sys/fs/cgroup tmpfs rw 0 0
cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,nosuid,nodev,noexec,relatime,cpu,cpuacct 0 0
cgroup /sys/fs/cgroup/systemd cgroup rw,relatime,xattr,release_agent=/lib/x,name=systemd 0 0
cgroup2 /sys/fs/cgroup/unified cgroup2 rw,nosuid,nsdelegate 0 0
cgroup /elsewhere cgroup rw,relatime,cpu,cpuacct 0 0
`;
  assert.deepEqual(groupMounts(mounts), [
    { point: "/sys/fs/cgroup/cpu,cpuacct", version: 1, controllers: "cpu,cpuacct" },
    { point: "/sys/fs/cgroup/systemd", version: 1, controllers: "none,name=systemd" },
    { point: "/sys/fs/cgroup/unified", version: 2, controllers: "" },
  ]);
});
