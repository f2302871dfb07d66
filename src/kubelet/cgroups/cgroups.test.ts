import assert from "node:assert/strict";
import { test } from "node:test";
import { Pod } from "#api/core/pod/pod.ts";
import { FileError, type Files } from "#platform/files.ts";
import { simulatedWorld } from "#platform/simulated/world.ts";
import { complete } from "#schema/derive/defaults.ts";
import { allPodsWrites, findHierarchies, type Hierarchies, podWrites, qualityWrites, startCgroups, weightOf } from "./cgroups.ts";

const one: Hierarchies = { version: 1, controllers: ["cpu,cpuacct", "memory", "pids"] };
const two: Hierarchies = { version: 2, controllers: ["cpuset", "cpu", "io", "memory", "pids"] };

function newPod(resources: object): Pod {
  return complete(Pod, { metadata: { name: "web", uid: "u1" }, spec: { containers: [{ name: "main", image: "x", resources }] } });
}

const burstable = newPod({ requests: { cpu: "500m" }, limits: { cpu: "1", memory: "64Mi" } });

test("the tree is told apart by its files", async () => {
  const world = simulatedWorld({ seed: 1 });
  for (const name of ["memory", "cpu", "unified"]) {
    await world.files.makeFolder(`/sys/fs/cgroup/${name}`);
    await world.files.write(`/sys/fs/cgroup/${name}/cgroup.procs`, "");
  }
  await world.files.makeFolder("/sys/fs/cgroup/hugetlb");
  assert.deepEqual(await findHierarchies(world), { version: 1, controllers: ["cpu", "memory", "unified"] });
  const other = simulatedWorld({ seed: 1 });
  await other.files.makeFolder("/sys/fs/cgroup");
  await other.files.write("/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory\n");
  assert.deepEqual(await findHierarchies(other), { version: 2, controllers: ["cpuset", "cpu", "io", "memory"] });
});

test("CGROUP1 version 1: shares, quota and memory go to their own hierarchies", () => {
  assert.deepEqual(podWrites(one, "/kubepods/burstable/podu1", burstable), [
    { path: "/sys/fs/cgroup/cpu,cpuacct/kubepods/burstable/podu1/cpu.shares", value: "512" },
    { path: "/sys/fs/cgroup/cpu,cpuacct/kubepods/burstable/podu1/cpu.cfs_period_us", value: "100000" },
    { path: "/sys/fs/cgroup/cpu,cpuacct/kubepods/burstable/podu1/cpu.cfs_quota_us", value: "100000" },
    { path: "/sys/fs/cgroup/memory/kubepods/burstable/podu1/memory.limit_in_bytes", value: "67108864" },
  ]);
  assert.deepEqual(podWrites(one, "/kubepods/besteffort/podu1", newPod({})), [
    { path: "/sys/fs/cgroup/cpu,cpuacct/kubepods/besteffort/podu1/cpu.shares", value: "2" },
  ]);
});

test("CGROUP1 version 2: weight, cpu.max and memory.max, and controllers are passed down", () => {
  const writes = podWrites(two, "/kubepods/burstable/podu1", burstable);
  const values = Object.fromEntries(
    writes.filter(({ value }) => !value.startsWith("+")).map(({ path, value }) => [path.split("/").at(-1), value]),
  );
  assert.deepEqual(values, { "cpu.weight": String(weightOf(512)), "cpu.max": "100000 100000", "memory.max": "67108864" });
  const passed = qualityWrites(two, "/node/kubepods", false).filter(({ value }) => value === "+memory");
  assert.deepEqual(
    passed.map(({ path }) => path),
    ["", "/node", "/node/kubepods"].map((path) => `/sys/fs/cgroup${path}/cgroup.subtree_control`),
  );
  assert.deepEqual([weightOf(2), weightOf(1024), weightOf(262144)], [1, 39, 10000]);
});

test("CGROUP2 on a recorded tree of version 2 a Pod's cgroup is made, listed and removed", async () => {
  const world = simulatedWorld({ seed: 1 });
  await world.files.makeFolder("/sys/fs/cgroup");
  world.processes.register("rmdir", async (program) => {
    await world.files.remove(program.arguments[0] as string, { recursive: true });
    return 0;
  });
  const cgroups = startCgroups(world, two, "/");
  await cgroups.make(burstable);
  assert.equal(cgroups.parentOf(burstable), "/kubepods/burstable/podu1");
  assert.equal(await world.files.readText("/sys/fs/cgroup/kubepods/burstable/podu1/memory.max"), "67108864");
  assert.equal(await world.files.readText("/sys/fs/cgroup/kubepods/besteffort/cpu.weight"), "1");
  assert.deepEqual(await cgroups.list(), ["u1"]);
  await cgroups.remove("u1");
  assert.deepEqual(await cgroups.list(), []);
});

test("CGROUP3 a limit that cannot be set is a warning; a cgroup that cannot be made fails, and is made when it can be", async () => {
  const world = simulatedWorld({ seed: 1 });
  const refused = new Set(["/sys/fs/cgroup/kubepods"]);
  const refuse = (path: string) => {
    if ([...refused].some((one) => path === one)) throw new FileError("EACCES", path, `permission denied: ${path}`);
  };
  const files: Files = new Proxy<Files>(world.files, {
    get(target, name) {
      const value = Reflect.get(target, name, target);
      if (typeof value !== "function") return value;
      return async (path: string, ...rest: unknown[]) => {
        refuse(path);
        return value.call(target, path, ...rest);
      };
    },
  });
  const cgroups = startCgroups({ ...world, files }, two, "/");
  await assert.rejects(cgroups.make(burstable), /permission denied/);
  refused.clear();
  refused.add("/sys/fs/cgroup/kubepods/burstable/podu1/memory.max");
  await cgroups.make(burstable);
  assert.equal(await world.files.readText("/sys/fs/cgroup/kubepods/burstable/podu1/cpu.max"), "100000 100000");
  const warnings = world.log.lines.filter(({ level }) => level === "warn").map(({ fields }) => fields["path"]);
  assert.deepEqual(warnings, ["/sys/fs/cgroup/kubepods/burstable/podu1/memory.max"]);
});

test("CGROUP4 all Pods together have limits, each Pod one of processes; Burstable ones share by what they asked for", async () => {
  const limits = { podsMemoryBytes: 1_000_000, podsMilliCpu: 2_000, podProcesses: 50 };
  assert.deepEqual(allPodsWrites(one, "/kubepods", limits), [
    { path: "/sys/fs/cgroup/cpu,cpuacct/kubepods/cpu.shares", value: "2048" },
    { path: "/sys/fs/cgroup/memory/kubepods/memory.limit_in_bytes", value: "1000000" },
  ]);
  const own = podWrites(one, "/kubepods/burstable/podu1", burstable, limits).at(-1);
  assert.deepEqual(own, { path: "/sys/fs/cgroup/pids/kubepods/burstable/podu1/pids.max", value: "50" });
  const world = simulatedWorld({ seed: 1 });
  await world.files.makeFolder("/sys/fs/cgroup");
  const cgroups = startCgroups(world, two, "/", limits);
  await cgroups.make(burstable);
  await cgroups.balance([burstable, newPod({})]);
  assert.equal(await world.files.readText("/sys/fs/cgroup/kubepods/burstable/cpu.weight"), String(weightOf(512)));
  assert.equal(await world.files.readText("/sys/fs/cgroup/kubepods/memory.max"), "1000000");
  assert.equal(await world.files.readText("/sys/fs/cgroup/kubepods/burstable/podu1/pids.max"), "50");
  await cgroups.resize(newPod({ requests: { cpu: "1" }, limits: { cpu: "2" } }));
  assert.equal(await world.files.readText("/sys/fs/cgroup/kubepods/burstable/podu1/memory.max"), "max");
});

test("CGROUP5 huge pages of a Pod are limited where the kernel counts them", () => {
  const huge = newPod({ limits: { "hugepages-2Mi": "4Mi", cpu: "1" } });
  const values = podWrites({ version: 2, controllers: ["hugetlb"] }, "/p", huge).filter(({ path }) => path.includes("hugetlb."));
  assert.deepEqual(values, [{ path: "/sys/fs/cgroup/p/hugetlb.2MB.max", value: "4194304" }]);
  assert.equal(
    podWrites(two, "/p", huge).some(({ path }) => path.includes("hugetlb.")),
    false,
  );
});
