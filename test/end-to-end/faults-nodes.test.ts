// Time limit: 5 minutes.
// What becomes of Nodes that are not well, and of their Pods: taints, evictions in time, a machine that falls silent and returns, one that is
// gone for good, and a node that is emptied. One machine with a kubelet, and Nodes that exist in the API only.
// The rules are those of src/controllers/node-lifecycle/SPEC.md.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Node } from "#api/core/node/node.ts";
import type { Event } from "#api/core/event/event.ts";
import { cannotMakeMachines, eventually, uniqueName } from "../support/lab-machine.ts";
import { busyboxImage, nodeFor, nodePrograms, registryPrograms, startRegistry, untilTold } from "../support/lab-node.ts";
import { lifeOf } from "../support/pod-life.ts";

const skip = cannotMakeMachines(...nodePrograms, ...registryPrograms, "curl");

/** Shorter than the defaults, so that the test is. */
const graceSeconds = 20;
const startupSeconds = 10;

const waits = { name: "main", image: busyboxImage, command: ["sh", "-c", untilTold] };
const tolerates = (key: string, seconds?: number) => ({
  tolerations: [{ key, operator: "Exists", effect: "NoExecute", ...(seconds !== undefined && { tolerationSeconds: seconds }) }],
});
const ghost = (name: string) => ({
  apiVersion: "v1",
  kind: "Node",
  metadata: { name, labels: { "kubernetes.io/os": "linux" } },
  spec: { taints: [{ key: "ghost", effect: "NoSchedule" }] },
});

test("Nodes that are not well", { skip, timeout: 5 * 60_000 }, async (context) => {
  const lab = await nodeFor(context, { name: uniqueName("e2e-nodes"), address: "192.168.97.20" });
  const { machine, kubectl, tryKubectl } = lab;
  await startRegistry(machine);
  const life = lifeOf(lab);
  const own = await kubectl("get nodes -o jsonpath={.items[0].metadata.name}");
  const manifest = "/etc/kubernetes/manifests/kube-controller-manager.yaml";
  const managerPod = `kube-controller-manager-${own}`;
  const managerId = () => kubectl(`get pod -n kube-system ${managerPod} -o jsonpath={.status.containerStatuses[0].containerID}`);
  const before = await managerId();
  await machine.sh(
    `sed 's/^\\( *\\)- --kubeconfig=.*/&\\n\\1- --node-monitor-grace-period=${graceSeconds}s\\n\\1- --node-startup-grace-period=${startupSeconds}s/' ${manifest} >/tmp/manager.yaml; grep -q grace-period /tmp/manager.yaml; mv /tmp/manager.yaml ${manifest}`,
  );
  await eventually("the controllers have started anew", 60, async () => {
    const now = await managerId().catch(() => before);
    return now !== "" && now !== before ? true : undefined;
  });

  const node = async (name: string): Promise<Node> => JSON.parse(await kubectl(`get node ${name} -o json`));
  const taints = async (name: string) => ((await node(name)).spec.taints ?? []).map(({ key, effect }) => `${key}:${effect}`).sort();
  const untilTaints = (name: string, wanted: readonly string[], seconds = 60) =>
    eventually(`the taints of ${name} are ${wanted.join(", ")}`, seconds, async () => {
      const now = await taints(name);
      return now.join() === wanted.toSorted().join() ? true : undefined;
    }).catch(async (error: Error) => assert.deepEqual(await taints(name), wanted, error.message));
  const condition = async (name: string, type: string) => (await node(name)).status.conditions?.find((one) => one.type === type);
  const eventOf = (kind: string, name: string, reason: string, message: RegExp) =>
    eventually(`the event ${reason} of ${kind} ${name}`, 30, async () =>
      (JSON.parse(await kubectl("get events -A -o json")).items as readonly Event[]).find(
        (event) =>
          event.involvedObject?.kind === kind &&
          event.involvedObject.name === name &&
          event.reason === reason &&
          message.test(event.message ?? ""),
      ),
    );
  const untilGone = (name: string, seconds = 60) =>
    eventually(`Pod ${name} is gone`, seconds, async () => ((await tryKubectl(`get pod ${name}`)).code === 0 ? undefined : true));
  const patch = (name: string, change: object) =>
    kubectl(["patch", "node", name, "--subresource=status", "--type=strategic", "-p", JSON.stringify({ status: change })]);
  const report = (name: string, conditions: Readonly<Record<string, string>>) => {
    const now = new Date().toISOString();
    return patch(name, {
      conditions: Object.entries(conditions).map(([type, status]) => ({
        type,
        status,
        reason: "Test",
        lastHeartbeatTime: now,
        lastTransitionTime: now,
      })),
    });
  };

  for (const name of ["silent", "speaks"]) await kubectl("create -f -", { input: JSON.stringify(ghost(name)) });

  await context.test("NODE-361: kubectl cordon taints the Node unschedulable, kubectl uncordon takes it back", async () => {
    await kubectl(`cordon ${own}`);
    await untilTaints(own, ["node.kubernetes.io/unschedulable:NoSchedule"]);
    assert.match(await kubectl(`get node ${own} --no-headers`), / Ready,SchedulingDisabled /);
    await eventOf("Node", own, "NodeNotSchedulable", /status is now: NodeNotSchedulable$/);
    await life.create({ unplaced: { containers: [waits] } });
    await life.until(
      "unplaced",
      "it is said to be unschedulable",
      (pod) => life.condition(pod, "PodScheduled")?.reason === "Unschedulable",
    );
    await kubectl(`uncordon ${own}`);
    await untilTaints(own, []);
    await life.ready("unplaced");
  });

  await context.test("NODE-356: NoExecute taints evict Pods as these tolerate them, and say so; without the taint they stay", async () => {
    await life.create({
      "goes-now": { containers: [waits] },
      "goes-later": { containers: [waits], ...tolerates("trouble", 4) },
      cancelled: { containers: [waits], ...tolerates("trouble", 600) },
      stays: { containers: [waits], ...tolerates("trouble") },
    });
    for (const name of ["goes-now", "goes-later", "cancelled", "stays"]) await life.ready(name);
    await kubectl(["patch", "pod", "goes-now", "-p", JSON.stringify({ metadata: { finalizers: ["example.org/looked-at"] } })]);
    await kubectl("delete pod unplaced --wait=false");
    const started = performance.now();
    await kubectl(`taint node ${own} trouble=yes:NoExecute`);
    const evicted = await life.until("goes-now", "it is to go", ({ metadata }) => metadata.deletionTimestamp);
    const target = life.condition(evicted, "DisruptionTarget");
    assert.deepEqual(
      [target?.status, target?.reason, target?.message],
      ["True", "DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint"],
    );
    await kubectl(["patch", "pod", "goes-now", "--type=json", "-p", '[{"op":"remove","path":"/metadata/finalizers"}]']);
    await eventOf("Pod", "goes-now", "TaintManagerEviction", /^Marking for deletion Pod default\/goes-now$/);
    await untilGone("goes-later");
    assert.ok(performance.now() - started >= 3_900, "not before its time");
    await kubectl(`taint node ${own} trouble-`);
    await eventOf("Pod", "cancelled", "TaintManagerEviction", /^Cancelling deletion of Pod default\/cancelled$/);
    for (const name of ["cancelled", "stays"]) assert.equal((await life.pod(name)).metadata.deletionTimestamp, undefined);
  });

  await context.test("NODE-357: the time of a Pod that comes later begins with the Pod", async () => {
    await kubectl(`taint node ${own} trouble=yes:NoExecute --overwrite`);
    await life.settle();
    await life.create({ "comes-later": { containers: [waits], ...tolerates("trouble", 4) } });
    const { metadata } = await life.ready("comes-later");
    await untilGone("comes-later");
    assert.ok(Date.now() - Date.parse(metadata.creationTimestamp ?? "") >= 3_900);
    await kubectl(`taint node ${own} trouble-`);
  });

  await context.test("NODE-351: a Node that never reported is said never to have", async () => {
    await eventually("Ready is Unknown", 60, async () => ((await condition("silent", "Ready"))?.status === "Unknown" ? true : undefined));
    for (const type of ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"]) {
      const one = await condition("silent", type);
      assert.deepEqual(
        [one?.status, one?.reason, one?.message],
        ["Unknown", "NodeStatusNeverUpdated", "Kubelet never posted node status."],
      );
    }
    await eventOf("Node", "silent", "RegisteredNode", /^Node silent event: Registered Node silent in Controller$/);
  });

  await context.test("NODE-352: conditions bring taints, and what others tainted stays", async () => {
    const ghostTaint = "ghost:NoSchedule";
    await report("speaks", {
      Ready: "True",
      MemoryPressure: "True",
      DiskPressure: "True",
      PIDPressure: "True",
      NetworkUnavailable: "True",
    });
    const pressures = ["memory-pressure", "disk-pressure", "pid-pressure", "network-unavailable"];
    await untilTaints("speaks", [ghostTaint, ...pressures.map((name) => `node.kubernetes.io/${name}:NoSchedule`)]);
    await report("speaks", {
      Ready: "False",
      MemoryPressure: "False",
      DiskPressure: "False",
      PIDPressure: "False",
      NetworkUnavailable: "False",
    });
    await untilTaints("speaks", [ghostTaint, "node.kubernetes.io/not-ready:NoSchedule", "node.kubernetes.io/not-ready:NoExecute"]);
    const evicting = (await node("speaks")).spec.taints?.find(({ effect }) => effect === "NoExecute");
    assert.ok(Date.now() - Date.parse(evicting?.timeAdded ?? "") < 60_000);
    await report("speaks", { Ready: "True" });
    await untilTaints("speaks", [ghostTaint]);
  });

  await context.test("NODE-354: of several lost Nodes one after the other is given up, one in ten seconds", async () => {
    const both = ["silent", "speaks"] as const;
    const say = (ready: string) => Promise.all(both.map((name) => report(name, { Ready: ready })));
    const evicting = async () =>
      (await Promise.all(both.map(node))).flatMap(
        ({ spec }) => spec.taints?.filter(({ key, effect }) => key === "node.kubernetes.io/not-ready" && effect === "NoExecute") ?? [],
      );
    await say("True");
    for (const name of both) await untilTaints(name, ["ghost:NoSchedule"]);
    await say("False");
    const heartbeat = setInterval(() => void say("False").catch(() => {}), 4_000);
    try {
      const taintsOfBoth = await eventually("both are given up", 60, async () => {
        const found = await evicting();
        return found.length === 2 ? found : undefined;
      });
      const [first = 0, second = 0] = taintsOfBoth
        .map(({ timeAdded }) => Date.parse(timeAdded ?? ""))
        .toSorted((one, other) => one - other);
      assert.ok(second - first >= 9_000, `${second - first} ms apart`);
    } finally {
      clearInterval(heartbeat);
    }
  });

  await context.test("NODE-354: a small zone that is mostly lost gives up nobody, until fewer of it are", async () => {
    const zone = ["zone-1", "zone-2", "zone-3", "zone-4"];
    for (const name of zone) {
      const made = ghost(name);
      const labels = { ...made.metadata.labels, "topology.kubernetes.io/zone": "elsewhere" };
      await kubectl("create -f -", { input: JSON.stringify({ ...made, metadata: { name, labels } }) });
    }
    const well = new Set(zone);
    const say = () => Promise.all(zone.map((name) => report(name, { Ready: well.has(name) ? "True" : "False" })));
    await say();
    for (const name of zone) await untilTaints(name, ["ghost:NoSchedule"]);
    const heartbeat = setInterval(() => void say().catch(() => {}), 4_000);
    const lost = ["ghost:NoSchedule", "node.kubernetes.io/not-ready:NoSchedule"];
    const givenUp = "node.kubernetes.io/not-ready:NoExecute";
    try {
      well.delete("zone-1");
      await say();
      await untilTaints("zone-1", [...lost, givenUp]);
      for (const name of ["zone-2", "zone-3"]) well.delete(name);
      await say();
      for (const name of ["zone-2", "zone-3"]) await untilTaints(name, lost);
      // Well over the time after which the next would be.
      await new Promise((resolve) => setTimeout(resolve, 15_000));
      for (const name of ["zone-2", "zone-3"]) assert.deepEqual(await taints(name), lost);
      well.add("zone-1");
      await say();
      await eventually("one of two is given up", 30, async () =>
        (await Promise.all(["zone-2", "zone-3"].map(taints))).flat().includes(givenUp) ? true : undefined,
      );
    } finally {
      clearInterval(heartbeat);
    }
    await kubectl(["delete", "node", ...zone]);
  });

  // Its end is looked at below.
  const orphan = { nodeName: "silent", containers: [waits], tolerations: [{ operator: "Exists" }] };
  await life.create({ orphan });
  await kubectl(["patch", "pod", "orphan", "-p", JSON.stringify({ metadata: { finalizers: ["example.org/looked-at"] } })]);
  await kubectl("delete node silent");

  await context.test("NODE-360: Pods that are to go on a Node that is said to be out of service are not waited for", async () => {
    await life.create({ stuck: { nodeName: "speaks", containers: [waits], tolerations: [{ operator: "Exists" }] } });
    await report("speaks", { Ready: "False" });
    await kubectl("delete pod stuck --wait=false");
    await life.settle();
    assert.ok((await life.pod("stuck")).metadata.deletionTimestamp);
    await kubectl("taint node speaks node.kubernetes.io/out-of-service=nodeshutdown:NoExecute");
    await untilGone("stuck");
    await kubectl("taint node speaks node.kubernetes.io/out-of-service-");
  });

  await context.test("NODE-362: kubectl drain evicts Pods as their budgets allow", async () => {
    await lab.apply(`apiVersion: apps/v1
kind: Deployment
metadata: {name: guarded}
spec:
  replicas: 2
  selector: {matchLabels: {app: guarded}}
  template:
    metadata: {labels: {app: guarded}}
    spec: {terminationGracePeriodSeconds: 1, containers: [${JSON.stringify(waits)}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: guarded}
spec: {minAvailable: 1, selector: {matchLabels: {app: guarded}}}`);
    await kubectl("rollout status deployment/guarded --timeout=60s");
    await eventually("the budget is counted", 30, async () =>
      (await kubectl("get pdb guarded -o jsonpath={.status.disruptionsAllowed}")) === "1" ? true : undefined,
    );
    const drain = (seconds: number) =>
      tryKubectl(`drain ${own} --ignore-daemonsets --force --delete-emptydir-data --pod-selector=app=guarded --timeout=${seconds}s`, {
        seconds: seconds + 30,
      });
    const stopped = await drain(9);
    assert.notEqual(stopped.code, 0);
    assert.match(
      stopped.stderr,
      /error when evicting pods\/"guarded-[a-z0-9-]+" -n "default" \(will retry after 5s\): Cannot evict pod as it would violate the pod's disruption budget\./,
    );
    const left = JSON.parse(await kubectl("get pods -l app=guarded -o json")).items as readonly {
      readonly spec: { readonly nodeName?: string };
    }[];
    assert.equal(left.filter(({ spec }) => spec.nodeName === own).length, 1, "one had to stay, the other one waits for a node");
    await kubectl("delete pdb guarded");
    const done = await drain(30);
    assert.equal(done.code, 0, done.stderr);
    assert.match(done.stdout, new RegExp(`node/${own} drained`));
    await kubectl(`uncordon ${own}`);
    await kubectl("rollout status deployment/guarded --timeout=60s");
    await kubectl("delete deployment guarded --wait=false");
  });

  await context.test("NODE-359: the Pods of a Node that is removed are deleted, and say why", async () => {
    await eventOf("Node", "silent", "RemovingNode", /^Node silent event: Removing Node silent from Controller$/);
    const pod = await life.until("orphan", "it is to go", ({ metadata }) => metadata.deletionTimestamp, 120);
    const target = life.condition(pod, "DisruptionTarget");
    assert.deepEqual([pod.status.phase, target?.reason, target?.message], ["Failed", "DeletionByPodGC", "PodGC: node no longer exists"]);
    await kubectl(["patch", "pod", "orphan", "--type=json", "-p", '[{"op":"remove","path":"/metadata/finalizers"}]']);
    await untilGone("orphan");
  });

  await context.test("NODE-350 and NODE-353: a machine that falls silent is not known to be well, and its Pods are not ready", async () => {
    await report("speaks", { Ready: "True" });
    await life.create({
      "left-behind": {
        containers: [waits],
        tolerations: [{ key: "node.kubernetes.io/unreachable", operator: "Exists", effect: "NoExecute", tolerationSeconds: 1 }],
      },
    });
    await life.ready("left-behind");
    await life.ready("stays");
    const pid = await machine.sh(`for folder in /proc/[0-9]*; do
  case "$(tr '\\0' ' ' <$folder/cmdline 2>/dev/null)" in *[k]eelson.js' kubelet '*) basename $folder;; esac
done`);
    await machine.sh(`kill -STOP ${pid}`);
    try {
      // Somebody has to be well, or nobody is given up.
      const heartbeat = setInterval(() => void report("speaks", { Ready: "True" }).catch(() => {}), 4_000);
      try {
        await eventually("the Node is not known to be ready", 90, async () =>
          (await condition(own, "Ready"))?.status === "Unknown" ? true : undefined,
        );
        const ready = await condition(own, "Ready");
        assert.deepEqual([ready?.reason, ready?.message], ["NodeStatusUnknown", "Kubelet stopped posting node status."]);
        await eventOf("Node", own, "NodeNotReady", /status is now: NodeNotReady$/);
        await life.until("stays", "it is not ready", (pod) => life.condition(pod, "Ready")?.status === "False");
        await eventOf("Pod", "stays", "NodeNotReady", /^Node is not ready$/);
        await untilTaints(own, ["node.kubernetes.io/unreachable:NoSchedule", "node.kubernetes.io/unreachable:NoExecute"]);
        await life.until("left-behind", "it is to go", ({ metadata }) => metadata.deletionTimestamp);
      } finally {
        clearInterval(heartbeat);
      }
      await report("speaks", { Ready: "False" });
      await untilTaints(own, ["node.kubernetes.io/unreachable:NoSchedule"]);
    } finally {
      await machine.sh(`kill -CONT ${pid}`);
    }
  });

  await context.test(
    "NODE-355 and NODE-358: a machine that returns is rid of its taints, ends what is to go, and its Pods are ready again",
    async () => {
      await untilTaints(own, []);
      await untilGone("left-behind");
      await life.ready("stays");
      assert.equal((await life.pod("stays")).status.containerStatuses?.[0]?.restartCount, 0);
    },
  );
});
