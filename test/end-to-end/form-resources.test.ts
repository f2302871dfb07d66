// Time limit: 10 minutes.
// What Pods may use: cgroups, quality of service, limits of processes, overhead, and amounts that change in place.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Amount, cgroupFilesOf } from "../support/cgroup-files.ts";
import { bundledKeelson } from "../support/bundled.ts";
import { cannotMakeMachines, eventually, uniqueName } from "../support/lab-machine.ts";
import { busyboxImage, nodeFor, nodePrograms, registryPrograms, startRegistry, untilTold } from "../support/lab-node.ts";

const skip = cannotMakeMachines(...nodePrograms, ...registryPrograms, "curl");
const address = "192.168.92.20";
const mebibyte = 2 ** 20;
const kubeletConfig = "/var/lib/kubelet/config.yaml";

test("What Pods may use", { skip, timeout: 9 * 60_000 }, async (context) => {
  const lab = await nodeFor(context, { name: uniqueName("e2e-amounts"), address });
  const { machine, kubectl, tryKubectl, apply } = lab;
  await startRegistry(machine);
  const nodeName = await kubectl("get nodes -o jsonpath={.items[0].metadata.name}");
  const inPod = (pod: string, text: string) => kubectl(["exec", pod, "--", "sh", "-c", text]);
  const field = (pod: string, at: string) => kubectl(["get", "pod", pod, "-o", `jsonpath={${at}}`]);
  const ready = (pod: string) => kubectl(`wait --for=condition=Ready pod/${pod} --timeout=60s`);
  const failed = (pod: string, seconds = 60) =>
    eventually(`${pod} is Failed`, seconds, async () => {
      const text = await field(pod, ".status.phase}|{.status.reason}|{.status.message");
      return text.startsWith("Failed|") ? text.slice("Failed|".length) : undefined;
    });
  const cgroups = await cgroupFilesOf(machine);
  /** An amount of the Pod's own cgroup. */
  const ofPod = async (pod: string, amount: Amount): Promise<string> => {
    const uid = await field(pod, ".metadata.uid");
    const folder = await machine.sh(`find ${cgroups.memory}/kubepods -type d -name pod${uid}`);
    return cgroups.read(amount, await machine.sh(`cat ${cgroups.pathOf(amount, folder.slice(cgroups.memory.length))}`));
  };
  /** An amount of the Pod's container, as that sees it. */
  const inside = async (pod: string, amount: Amount): Promise<string> =>
    cgroups.read(amount, await inPod(pod, `cat ${cgroups.pathOf(amount)}`));

  const restartKubelet = async (): Promise<void> => {
    const { stdout } = await machine.run([...(await bundledKeelson()), "status"]);
    const id = /kubelet.*process (\d+)/.exec(stdout)?.[1];
    assert.ok(id, stdout);
    await machine.sh(`kill ${id}`);
  };

  // The kubelet is started anew with room for a few hundred MiB more than what runs already.
  await machine.sh(`
used=$(cat ${cgroups.pathOf("used", "/kubepods")})
total=$(($(sed -n 's/^MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo) * 1024))
cat >>${kubeletConfig} <<END
podPidsLimit: 40
kubeReserved: {memory: "$((total - used - ${600 * mebibyte}))"}
evictionHard: {memory.available: 100Mi}
END`);
  const before = await kubectl(["get", "node", nodeName, "-o", "jsonpath={.status.allocatable.memory}"]);
  await restartKubelet();
  await eventually("the kubelet runs with its new configuration", 60, async () => {
    const { stdout } = await tryKubectl(["get", "node", nodeName, "-o", "jsonpath={.status.allocatable.memory}"]);
    return stdout !== "" && stdout !== before ? true : undefined;
  });
  await apply(objects(nodeName));

  await context.test("NODE-140: a Pod's cgroup hangs by its quality of service, with its shares, quota and memory", async () => {
    await Promise.all(["guaranteed", "burstable", "best-effort"].map(ready));
    const pods = ["guaranteed", "burstable", "best-effort"];
    assert.deepEqual(await Promise.all(pods.map((pod) => field(pod, ".status.qosClass"))), ["Guaranteed", "Burstable", "BestEffort"]);
    const folders = await Promise.all(
      pods.map(async (pod) => machine.sh(`find ${cgroups.memory}/kubepods -type d -name pod${await field(pod, ".metadata.uid")}`)),
    );
    assert.deepEqual(
      folders.map((folder) => folder.replace(/pod[0-9a-f-]{36}$/, "")),
      ["", "burstable/", "besteffort/"].map((level) => `${cgroups.memory}/kubepods/${level}`),
    );
    assert.deepEqual(
      await Promise.all([
        ofPod("guaranteed", "shares"),
        ofPod("guaranteed", "quota"),
        ofPod("guaranteed", "memory"),
        ofPod("burstable", "shares"),
        ofPod("burstable", "quota"),
        ofPod("best-effort", "shares"),
      ]),
      [cgroups.shares(102), "10000", String(32 * mebibyte), cgroups.shares(51), "-1", cgroups.shares(2)],
    );
    assert.equal(await inside("guaranteed", "memory"), String(32 * mebibyte));
  });

  await context.test("NODE-141: who asked for least is ended first when the kernel runs out of memory", async () => {
    const scores = await Promise.all(["best-effort", "burstable"].map((pod) => inPod(pod, "cat /proc/1/oom_score_adj")));
    assert.equal(scores[0], "1000");
    assert.ok(Number(scores[1]) >= 3 && Number(scores[1]) < 1000, scores[1]);
  });

  await context.test("NODE-142: amounts of the Pod as a whole limit containers that have none of their own", async () => {
    await ready("as-a-whole");
    assert.equal(await field("as-a-whole", ".status.qosClass"), "Burstable");
    assert.equal(await ofPod("as-a-whole", "memory"), String(64 * mebibyte));
    assert.equal(await inside("as-a-whole", "memory"), String(64 * mebibyte));
    assert.equal(await inside("as-a-whole", "quota"), "20000");
  });

  await context.test("NODE-143: a Pod has no more processes than podPidsLimit", async () => {
    assert.equal(await ofPod("best-effort", "processes"), "40");
    const { stdout, stderr } = await tryKubectl([
      "exec",
      "best-effort",
      "--",
      "sh",
      "-c",
      "for count in $(seq 60); do sleep 2 & done; kill $(jobs -p)",
    ]);
    assert.match(stdout + stderr, /can't fork|Resource temporarily unavailable/);
  });

  await context.test("NODE-144: all Pods together have what is not reserved", async () => {
    const allocatable = await kubectl(["get", "node", nodeName, "-o", "jsonpath={.status.allocatable.memory}"]);
    const limit = Number(await machine.sh(`cat ${cgroups.pathOf("memory", "/kubepods")}`));
    assert.ok(Math.abs(limit - 100 * mebibyte - Number.parseInt(allocatable, 10) * 1024) <= 4096, `${limit} ${allocatable}`);
  });

  await context.test("NODE-145: overhead counts for the Pod's cgroup and for the node", async () => {
    await ready("costly");
    assert.equal(await ofPod("costly", "memory"), String((32 + 16) * mebibyte));
    assert.match(await kubectl(["describe", "node", nodeName]), /costly +0 \(0%\) +0 \(0%\) +48Mi /);
  });

  await context.test("NODE-146: huge pages the node does not have are not promised", async () => {
    const pages = await kubectl(["get", "node", nodeName, "-o", "jsonpath={.status.capacity.hugepages-2Mi}"]);
    assert.equal(pages, "0");
    const [reason, message] = (await failed("huge")).split("|");
    assert.equal(reason, "OutOfhugepages-2Mi");
    assert.match(
      message ?? "",
      /^Pod was rejected: Node didn't have enough resource: hugepages-2Mi, requested: 4194304, used: 0, capacity: 0$/,
    );
  });

  /** Changes the amounts of a Pod's only container, as `kubectl edit --subresource=resize` does. */
  const resize = async (pod: string, resources: object): Promise<string> => {
    const whole = JSON.parse(await kubectl(`get pod ${pod} -o json`));
    Object.assign(whole.spec.containers[0], { resources });
    const path = `/api/v1/namespaces/default/pods/${pod}/resize`;
    const { code, stderr } = await tryKubectl(["replace", "--raw", path, "-f", "-"], { input: JSON.stringify(whole) });
    return code === 0 ? "" : stderr;
  };
  const main = ".status.containerStatuses[0]";
  const given = (pod: string, wanted: string) =>
    eventually(`${pod} has ${wanted}`, 60, async () => {
      const text = await field(pod, `${main}.resources.requests.cpu}|{${main}.resources.limits.memory}|{${main}.restartCount`);
      return text === wanted ? true : undefined;
    });
  const pending = (pod: string, reason: string) =>
    eventually(`${pod} is ${reason}`, 30, async () => {
      const condition = ".status.conditions[?(@.type=='PodResizePending')]";
      const [found, message] = (await field(pod, `${condition}.reason}|{${condition}.message`)).split("|");
      return found === reason ? message : undefined;
    });

  await context.test("NODE-150: processor and memory of a running container change in place", async () => {
    await ready("growing");
    await given("growing", "50m|32Mi|0");
    assert.equal(await resize("growing", { requests: { cpu: "100m", memory: "32Mi" }, limits: { cpu: "200m", memory: "64Mi" } }), "");
    await given("growing", "100m|64Mi|0");
    assert.equal(await inside("growing", "memory"), String(64 * mebibyte));
    assert.equal(await inside("growing", "quota"), "20000");
    assert.equal(await ofPod("growing", "shares"), cgroups.shares(102));
    assert.equal(await ofPod("growing", "memory"), String(64 * mebibyte));
    assert.equal(await ofPod("growing", "quota"), "20000");
    assert.equal(await field("growing", `${main}.allocatedResources.cpu`), "100m");
    const events = await kubectl("describe pod growing");
    assert.match(events, /Normal +ResizeStarted .*Pod resize started: \{"containers":\[\{"name":"main"/);
    assert.match(events, /Normal +ResizeCompleted .*Pod resize completed: .*"generation":2\}/);
    assert.equal(await resize("growing", { requests: { cpu: "50m", memory: "16Mi" }, limits: { cpu: "100m", memory: "48Mi" } }), "");
    await given("growing", "50m|48Mi|0");
    assert.equal(await ofPod("growing", "memory"), String(48 * mebibyte));
  });

  await context.test("NODE-151: what asks to be restarted for it is, and keeps its new amounts", async () => {
    await ready("restarting");
    assert.equal(await resize("restarting", { requests: { cpu: "50m", memory: "16Mi" }, limits: { memory: "64Mi" } }), "");
    await given("restarting", "50m|64Mi|1");
    assert.match(await kubectl("describe pod restarting"), /Killing .*Container main resize requires restart/);
    await ready("restarting");
    assert.equal(await inside("restarting", "memory"), String(64 * mebibyte));
  });

  await context.test(
    "NODE-152: more than the node can ever give is Infeasible, more than it can give now is Deferred until it can",
    async () => {
      const limits = { memory: "32Mi" };
      await ready("waiting");
      assert.equal(await resize("waiting", { requests: { cpu: "1000", memory: "16Mi" }, limits }), "");
      assert.match(
        (await pending("waiting", "Infeasible")) ?? "",
        /^Node didn't have enough capacity: cpu, requested: 1000000, capacity: \d+$/,
      );
      const capacity = Math.round(
        Number.parseFloat(await kubectl(["get", "node", nodeName, "-o", "jsonpath={.status.allocatable.cpu}"])) * 1000,
      );
      assert.equal(await resize("waiting", { requests: { cpu: `${capacity - 300}m`, memory: "16Mi" }, limits }), "");
      assert.match(
        (await pending("waiting", "Deferred")) ?? "",
        /^Node didn't have enough resource: cpu, requested: \d+, used: \d+, capacity: \d+$/,
      );
      assert.equal(await field("waiting", `${main}.resources.requests.cpu`), "50m");
      assert.equal(await resize("waiting", { requests: { cpu: "60m", memory: "16Mi" }, limits }), "");
      await given("waiting", "60m|32Mi|0");
      assert.equal(await field("waiting", ".status.conditions[?(@.type=='PodResizePending')].status"), "");
    },
  );

  await context.test("NODE-153: a resize keeps the class of service and takes nothing away", async () => {
    assert.match(await resize("best-effort", { requests: { cpu: "10m" } }), /Pod QOS Class may not change as a result of resizing/);
    assert.match(await resize("waiting", { requests: { cpu: "60m", memory: "16Mi" } }), /resource limits cannot be removed/);
    const disk = { requests: { cpu: "60m", memory: "16Mi", "ephemeral-storage": "1Mi" }, limits: { memory: "32Mi" } };
    assert.match(await resize("waiting", disk), /only cpu and memory resources are mutable/);
  });

  await context.test("NODE-147: huge pages are told, given and mounted", async (context) => {
    const setting = "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages";
    const before = await machine.sh(`cat ${setting}`);
    context.after(() => machine.sh(`echo ${before} >${setting}`));
    if (Number(await machine.sh(`echo $((${before} + 8)) >${setting}; cat ${setting}`)) < 8)
      return context.skip("the kernel has no memory in one piece for huge pages");
    await restartKubelet();
    await eventually("the node has huge pages", 40, async () =>
      (await kubectl(["get", "node", nodeName, "-o", "jsonpath={.status.allocatable.hugepages-2Mi}"])) === "0" ? undefined : true,
    );
    const mount = "volumeMounts: [{name: pages, mountPath: /pages}]";
    const limits = "resources: {limits: {hugepages-2Mi: 4Mi, cpu: 200m, memory: 16Mi}}";
    await apply(waiting("huge-pages", nodeName, `${limits}, ${mount}`, "volumes: [{name: pages, emptyDir: {medium: HugePages}}]"));
    await ready("huge-pages");
    assert.match(await inPod("huge-pages", "grep ' /pages ' /proc/mounts"), /^nodev \/pages hugetlbfs rw.*pagesize=2M/);
    assert.match(await kubectl(["describe", "node", nodeName]), /hugepages-2Mi +4Mi \(25%\) +4Mi \(25%\)/);
    await kubectl("delete pod huge-pages");
    assert.equal(await machine.sh("grep hugetlbfs /proc/mounts | grep pods || true"), "");
  });
});

const wait = `command: [sh, -c, "${untilTold}"]`;
const pod = (name: string, nodeName: string, container: string, more = "") => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}}
spec:
  nodeName: ${nodeName}
  terminationGracePeriodSeconds: 1
  containers:
  - {name: main, image: "${busyboxImage}", ${container}}
  ${more}
---`;
const waiting = (name: string, nodeName: string, container = "tty: false", more = "") => pod(name, nodeName, `${wait}, ${container}`, more);

const resizable = "resources: {requests: {cpu: 50m, memory: 16Mi}, limits: {memory: 32Mi}}";

const objects = (nodeName: string) => `
apiVersion: node.k8s.io/v1
kind: RuntimeClass
metadata: {name: costly}
handler: runc
overhead: {podFixed: {memory: 16Mi}}
---
${waiting("guaranteed", nodeName, "resources: {limits: {cpu: 100m, memory: 32Mi}}")}
${waiting("burstable", nodeName, "resources: {requests: {cpu: 50m, memory: 32Mi}}")}
${waiting("best-effort", nodeName)}
${waiting("as-a-whole", nodeName, "tty: false", "resources: {limits: {cpu: 200m, memory: 64Mi}, requests: {cpu: 20m, memory: 16Mi}}")}
${["growing", "waiting"].map((name) => waiting(name, nodeName, resizable)).join("\n")}
${waiting("restarting", nodeName, `${resizable}, resizePolicy: [{resourceName: memory, restartPolicy: RestartContainer}]`)}
${waiting("huge", nodeName, `resources: {limits: {hugepages-2Mi: 4Mi, cpu: 200m, memory: 16Mi}}`)}
${waiting("costly", nodeName, "resources: {limits: {memory: 32Mi}}", "runtimeClassName: costly")}
`;
