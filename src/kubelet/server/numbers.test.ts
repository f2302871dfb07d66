import assert from "node:assert/strict";
import { test } from "node:test";
import { Pod } from "#api/core/pod/pod.ts";
import { Metrics } from "#component/metrics.ts";
import { simulatedRuntime } from "#cri/simulated/simulated-runtime.ts";
import { simulatedWorld } from "#platform/simulated/world.ts";
import { complete } from "#schema/derive/defaults.ts";
import { readCgroup } from "./cgroup-readings.ts";
import { addKubeletMetrics, measuredRuntime } from "./kubelet-metrics.ts";
import { ProbeMetrics } from "./probe-metrics.ts";
import { interfacesOf, nanoCores } from "./usage.ts";

const probe = { httpGet: { port: 80 } };
const pod = complete(Pod, {
  metadata: { name: "web", namespace: "a", uid: "u" },
  spec: { containers: [{ name: "main", livenessProbe: probe, readinessProbe: probe }] },
  status: { containerStatuses: [{ name: "main", state: { running: {} } }] },
});

test("probes are counted by outcome and timed, and forgotten with their Pod", () => {
  const metrics = new ProbeMetrics();
  const [container] = pod.spec.containers;
  assert.ok(container?.livenessProbe && container.readinessProbe);
  const target = { pod, container, containerId: "c", startedAt: 0, podIP: "" };
  metrics.count(target, container.livenessProbe, "success", 0.02);
  metrics.count(target, container.livenessProbe, "warning", 0.02);
  metrics.count(target, container.livenessProbe, "failure", 20);
  const text = metrics.text([pod]);
  const of = 'container="main",namespace="a",pod="web"';
  assert.match(text, new RegExp(`^prober_probe_total\\{${of},pod_uid="u",probe_type="Liveness",result="successful"\\} 2$`, "m"));
  assert.match(text, /result="failed"\} 1$/m);
  assert.match(text, new RegExp(`^prober_probe_duration_seconds_bucket\\{${of},probe_type="Liveness",le="0.025"\\} 2$`, "m"));
  assert.match(text, /le="10"\} 2\n.*le="\+Inf"\} 3$/m);
  assert.equal(metrics.text([]), "");
});

test("what the runtime is asked is counted, failures apart", async () => {
  const world = simulatedWorld({ seed: 1 });
  const metrics = new Metrics();
  const runtime = measuredRuntime(world, simulatedRuntime(world), metrics);
  await runtime.images();
  await assert.rejects(runtime.startContainer("none"));
  addKubeletMetrics(world, metrics, { nodeName: "n", version: "v", pods: () => [pod] });
  const text = metrics.text();
  assert.match(text, /^kubelet_runtime_operations_total\{operation_type="list_images"\} 1$/m);
  assert.match(text, /^kubelet_runtime_operations_errors_total\{operation_type="start_container"\} 1$/m);
  assert.match(text, /^kubelet_running_pods 1$/m);
  assert.match(text, /^kubelet_running_containers\{container_state="running"\} 1$/m);
});

test("cgroups of both versions tell the same things", async () => {
  const world = simulatedWorld({ seed: 1 });
  const write = async (path: string, text: string) => {
    await world.files.makeFolder(path.slice(0, path.lastIndexOf("/")));
    await world.files.write(path, text);
  };
  await write("/sys/fs/cgroup/cpu/kubepods/p/c/cpu.stat", "nr_periods 5\nnr_throttled 2\nthrottled_time 1500000000\n");
  await write("/sys/fs/cgroup/memory/kubepods/p/c/memory.limit_in_bytes", "9223372036854771712\n");
  await write("/sys/fs/cgroup/blkio/kubepods/p/c/blkio.throttle.io_service_bytes", "8:0 Read 10\n8:0 Write 20\n8:16 Read 1\nTotal 31\n");
  const first = await readCgroup(world, 1, "/kubepods/p/c");
  assert.deepEqual([first.periods, first.throttledPeriods, first.throttledSeconds, first.limitBytes], [5, 2, 1.5, 0]);
  assert.deepEqual([first.readBytes, first.writtenBytes, first.cacheBytes], [11, 20, undefined]);
  await write(
    "/sys/fs/cgroup/kubepods/p/d/cpu.stat",
    "usage_usec 3\nuser_usec 1000000\nnr_periods 5\nnr_throttled 2\nthrottled_usec 1500000\n",
  );
  await write("/sys/fs/cgroup/kubepods/p/d/cpu.max", "20000 100000\n");
  await write("/sys/fs/cgroup/kubepods/p/d/memory.max", "max\n");
  await write("/sys/fs/cgroup/kubepods/p/d/io.stat", "8:0 rbytes=10 wbytes=20 rios=1\n");
  const second = await readCgroup(world, 2, "/kubepods/p/d");
  assert.deepEqual([second.userSeconds, second.throttledSeconds, second.cpuQuota, second.cpuPeriod], [1, 1.5, 20_000, 100_000]);
  assert.deepEqual([second.limitBytes, second.readBytes, second.writtenBytes], [0, 10, 20]);
});

test("rates and interfaces", () => {
  assert.equal(nanoCores({ at: 0, cpuNanoseconds: 0 }, { at: 2_000, cpuNanoseconds: 1e9 }), 500_000_000);
  assert.equal(nanoCores({ at: 5, cpuNanoseconds: 5 }, { at: 5, cpuNanoseconds: 9 }), undefined);
  const text = "Inter-| Receive\n face |bytes\n    lo: 1 1 0 0 0 0 0 0 1 1 0 0 0 0 0 0\n  eth0: 10 1 2 0 0 0 0 0 30 1 4 0 0 0 0 0\n";
  assert.deepEqual(interfacesOf(text), [{ name: "eth0", rxBytes: 10, rxErrors: 2, txBytes: 30, txErrors: 4 }]);
});
