import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigMap } from "#api/core/config-map/config-map.ts";
import { Event } from "#api/core/event/event.ts";
import { Namespace } from "#api/core/namespace/namespace.ts";
import { Node } from "#api/core/node/node.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { isReady } from "#api/core/pod/readiness.ts";
import { exitAnnotation, stopAnnotation } from "#cri/simulated/simulated-runtime.ts";
import type { Files } from "#platform/files.ts";
import type { World } from "#platform/world.ts";
import { complete } from "#schema/derive/defaults.ts";
import type { Draft } from "#schema/message.ts";
import { type Harness, withServer } from "../../test/support/api-server.ts";
import { adminClient, startTestKubelet, type TestKubelet } from "../../test/support/kubelet.ts";

type Spec = Draft<Pod["spec"]>;

function pod(name: string, spec: Spec = {}, annotations: Record<string, string> = {}): Draft<Pod> {
  return {
    metadata: { name, namespace: "default", annotations },
    spec: { nodeName: "node-1", containers: [{ name: "main", image: "busybox:1" }], ...spec },
  };
}

/** Waits in simulated time. */
async function until(h: Harness, what: string, holds: () => Promise<boolean>, seconds = 60): Promise<void> {
  for (let waited = 0; !(await holds()); waited += 20) {
    assert.ok(waited < seconds * 1000, `not seen within ${seconds} s: ${what}`);
    await h.world.clock.sleep(h.scope, 20);
  }
}

async function phaseIs(h: Harness, { client }: TestKubelet, name: string, phase: string): Promise<Pod> {
  await until(h, `${name} is ${phase}`, async () => (await client.get(Pod, { namespace: "default", name })).status.phase === phase);
  return client.get(Pod, { namespace: "default", name });
}

/** Files whose one folder takes its time to be listed. */
function slowToList({ files, clock }: World, folder: string, milliseconds: number): Files {
  return new Proxy(files, {
    get(target, name) {
      const value = Reflect.get(target, name, target);
      if (name !== "list") return typeof value === "function" ? value.bind(target) : value;
      return async (path: string) => {
        if (path === folder) await new Promise<void>((resolve) => clock.timer(milliseconds, resolve));
        return target.list(path);
      };
    },
  });
}

function kubeletTest(name: string, run: (h: Harness) => Promise<void>): void {
  test(name, () =>
    withServer(async (h) => {
      const client = adminClient(h);
      for (const namespace of ["default", "kube-system"]) {
        await client.create(Namespace, { metadata: { name: namespace } }).catch(() => undefined);
      }
      await run(h);
    }),
  );
}

kubeletTest("a Pod bound to the node becomes Running and Ready, then goes when it is deleted", async (h) => {
  const own = await startTestKubelet(h);
  await own.client.create(Pod, pod("web"));
  const running = await phaseIs(h, own, "web", "Running");
  assert.ok(isReady(running));
  assert.equal(running.status.hostIP, "10.0.0.1");
  assert.match(running.status.podIP ?? "", /^10\.244\.0\./);
  assert.equal(running.status.qosClass, "BestEffort");
  assert.match(running.status.containerStatuses?.[0]?.containerID ?? "", /^simulated:\/\//);
  assert.deepEqual(running.status.conditions?.map(({ type, status }) => `${type}=${status}`).sort(), [
    "ContainersReady=True",
    "Initialized=True",
    "PodReadyToStartContainers=True",
    "PodScheduled=True",
    "Ready=True",
  ]);
  await own.client.delete(Pod, { namespace: "default", name: "web" });
  await until(h, "the Pod is gone", async () => (await own.client.list(Pod, { namespace: "default" })).items.length === 0);
  await until(h, "the sandbox is gone", async () => (await own.runtime.sandboxes()).length === 0);
  await until(h, "its folder is gone", async () => (await h.world.files.list("/var/lib/kubelet/pods")).length === 0);
  await until(h, "events are told", async () => (await own.client.list(Event, { namespace: "default" })).items.length >= 4);
  const reasons = (await own.client.list(Event, { namespace: "default" })).items.map(({ reason }) => reason);
  assert.deepEqual([...reasons].sort(), ["Created", "Killing", "Pulled", "Started"]);
});

kubeletTest("STATUS3 a running Pod costs no further writes", async (h) => {
  const own = await startTestKubelet(h);
  await own.client.create(Pod, pod("web"));
  const { metadata } = await phaseIs(h, own, "web", "Running");
  await h.world.clock.sleep(h.scope, 300_000);
  assert.equal((await own.client.get(Pod, { namespace: "default", name: "web" })).metadata.resourceVersion, metadata.resourceVersion);
});

kubeletTest("STATUS2 a readiness gate that somebody opens makes the Pod ready", async (h) => {
  const own = await startTestKubelet(h);
  await own.client.create(Pod, pod("gated", { readinessGates: [{ conditionType: "example.com/open" }] }));
  assert.equal(isReady(await phaseIs(h, own, "gated", "Running")), false);
  const status = { conditions: [{ type: "example.com/open", status: "True" }] };
  await own.client.patch(Pod, { namespace: "default", name: "gated" }, { status }, { type: "strategic", subresource: "status" });
  const ready = async () => isReady(await own.client.get(Pod, { namespace: "default", name: "gated" }));
  await until(h, "it is ready", ready, 5);
  for (const value of ["Unknown", "True", "False"]) {
    const next = { conditions: [{ type: "example.com/open", status: value }] };
    await own.client.patch(Pod, { namespace: "default", name: "gated" }, { status: next }, { type: "strategic", subresource: "status" });
    await until(h, `the gate is ${value}`, async () => (await ready()) === (value === "True"), 5);
  }
});

kubeletTest("STATIC3 a manifest that changes replaces its static Pod once the old one is gone", async (h) => {
  const path = "/etc/kubernetes/manifests/a.json";
  const write = (image: string) => {
    const spec = { containers: [{ name: "main", image }] };
    return h.world.files.write(path, JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name: "a" }, spec }));
  };
  await h.world.files.makeFolder("/etc/kubernetes/manifests");
  await write("busybox:1");
  const own = await startTestKubelet(h, { delayMilliseconds: 500 });
  const images = async () =>
    (await own.runtime.containers()).map(({ state, annotations }) => `${state} ${annotations["io.kubernetes.container.hash"]}`);
  await until(h, "it runs", async () => (await images()).some((one) => one.startsWith("running")));
  const before = await images();
  await write("busybox:2");
  await until(h, "the new one runs", async () => {
    const now = await images();
    assert.ok(now.filter((one) => one.startsWith("running")).length <= 1, "never two at once");
    return now.length === 1 && now[0]?.startsWith("running") === true && now[0] !== before[0];
  });
});

kubeletTest("STATIC5 a manifest that changed while no kubelet looked: the old Pod ends first, and the API is not waited for", async (h) => {
  const path = "/etc/kubernetes/manifests/a.json";
  const write = (image: string) => {
    const spec = { containers: [{ name: "main", image }] };
    return h.world.files.write(
      path,
      JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name: "a", namespace: "kube-system" }, spec }),
    );
  };
  await h.world.files.makeFolder("/etc/kubernetes/manifests");
  await write("busybox:1");
  const scope = h.scope.child("the first kubelet");
  const { runtime } = await startTestKubelet(h, { scope, delayMilliseconds: 500 });
  const images = async () =>
    (await runtime.containers()).map(({ state, annotations }) => `${state} ${annotations["io.kubernetes.container.hash"]}`);
  await until(h, "it runs", async () => (await images()).some((one) => one.startsWith("running")));
  const before = await images();
  await scope.stop();
  await write("busybox:2");
  // What serves the API is what waits for the old one's end.
  await startTestKubelet(h, { runtime, isAlone: true });
  await until(h, "the new one runs", async () => {
    const now = await images();
    assert.ok(now.filter((one) => one.startsWith("running")).length <= 1, "never two at once");
    return now.length === 1 && now[0]?.startsWith("running") === true && now[0] !== before[0];
  });
  await write("busybox:3");
  const second = await images();
  await until(h, "the next one runs", async () => {
    const now = await images();
    return now.length === 1 && now[0]?.startsWith("running") === true && now[0] !== second[0];
  });
});

kubeletTest("SYNC3 a crashing container waits 10 s, then 20 s; its status says so", async (h) => {
  const own = await startTestKubelet(h);
  await own.client.create(Pod, pod("crash", {}, { [`${exitAnnotation}main`]: "3" }));
  const status = async () => (await own.client.get(Pod, { namespace: "default", name: "crash" })).status.containerStatuses?.[0];
  await until(h, "it waits", async () => (await status())?.state.waiting?.reason === "CrashLoopBackOff", 5);
  assert.match((await status())?.state.waiting?.message ?? "", /^back-off 10s restarting failed container=main pod=crash_default\(.*\)$/);
  assert.equal((await status())?.restartCount, 1);
  await until(h, "it is started again", async () => (await status())?.restartCount === 2, 11);
  await until(h, "it waits longer", async () => (await status())?.state.waiting?.message?.startsWith("back-off 20s") ?? false, 5);
  assert.equal((await status())?.lastState.terminated?.exitCode, 3);
});

kubeletTest("SYNC9 a static Pod of kube-system is back at once, and waits at most 2 s", async (h) => {
  await h.world.files.makeFolder("/etc/kubernetes/manifests");
  const manifest = { apiVersion: "v1", kind: "Pod", ...pod("etcd", { nodeName: "" }) };
  await h.world.files.write(
    "/etc/kubernetes/manifests/etcd.json",
    JSON.stringify({ ...manifest, metadata: { name: "etcd", namespace: "kube-system" } }),
  );
  const own = await startTestKubelet(h);
  const found = async () => (await own.runtime.containers()).find(({ state }) => state === "running");
  for (let crash = 0; crash < 6; crash++) {
    await until(h, "it runs", async () => (await found()) !== undefined, 2.5);
    own.runtime.exit((await found())?.id as string, 1);
    assert.equal(await found(), undefined);
  }
  await until(h, "it runs", async () => (await found()) !== undefined, 2.5);
});

kubeletTest("STATIC4 a static Pod has a mirror in the API that is made again when it is deleted, and goes with the manifest", async (h) => {
  const client = adminClient(h);
  const node = await client.create(Node, { metadata: { name: "node-1" } });
  const path = "/etc/kubernetes/manifests/etcd.json";
  await h.world.files.makeFolder("/etc/kubernetes/manifests");
  const { spec } = pod("etcd", { nodeName: "" });
  await h.world.files.write(
    path,
    JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name: "etcd", namespace: "kube-system" }, spec }),
  );
  const own = await startTestKubelet(h, { node: () => node });
  const name = { namespace: "kube-system", name: "etcd-node-1" };
  const mirror = async () => (await client.list(Pod, { namespace: "kube-system" })).items[0];
  await until(h, "the mirror is ready", async () => {
    const found = await mirror();
    return found !== undefined && isReady(found);
  });
  const first = await mirror();
  assert.equal(first?.metadata.name, "etcd-node-1");
  assert.equal(first?.metadata.ownerReferences?.[0]?.kind, "Node");
  assert.equal(first?.metadata.annotations?.["kubernetes.io/config.mirror"], first?.metadata.annotations?.["kubernetes.io/config.hash"]);
  await client.delete(Pod, name, { gracePeriodSeconds: 0 });
  await until(h, "there is another", async () => {
    const found = await mirror();
    return found !== undefined && found.metadata.uid !== first?.metadata.uid && isReady(found);
  });
  assert.equal((await own.runtime.containers()).length, 1);
  await h.world.files.remove(path);
  await until(h, "the mirror is gone", async () => (await mirror()) === undefined);
  await until(h, "the containers are gone", async () => (await own.runtime.containers()).length === 0);
});

kubeletTest(
  "STATIC4 the mirror of a static Pod is kept by a kubelet that starts anew, however long the manifests take to read",
  async (h) => {
    const client = adminClient(h);
    const node = await client.create(Node, { metadata: { name: "node-1" } });
    const folder = "/etc/kubernetes/manifests";
    await h.world.files.makeFolder(folder);
    const { spec } = pod("etcd", { nodeName: "" });
    const manifest = { apiVersion: "v1", kind: "Pod", metadata: { name: "etcd", namespace: "kube-system" }, spec };
    await h.world.files.write(`${folder}/etcd.json`, JSON.stringify(manifest));
    const first = h.scope.child("first kubelet");
    const { runtime } = await startTestKubelet(h, { scope: first, node: () => node });
    const mirror = async () => (await client.list(Pod, { namespace: "kube-system" })).items[0];
    await until(h, "the mirror is ready", async () => {
      const found = await mirror();
      return found !== undefined && isReady(found);
    });
    const before = await mirror();
    await first.stop();
    const files = slowToList(h.world, folder, 2_000);
    await startTestKubelet(h, { runtime, node: () => node, world: { ...h.world, files } });
    await h.world.clock.sleep(h.scope, 10_000);
    assert.deepEqual(await mirror(), before);
  },
);

kubeletTest("SYNC6 a kubelet that starts anew finds its containers, leaves them, and clears what nobody owns", async (h) => {
  const first = h.scope.child("first kubelet");
  const own = await startTestKubelet(h, { scope: first });
  await own.client.create(Pod, pod("stays"));
  await own.client.create(Pod, pod("goes"));
  const before = await phaseIs(h, own, "stays", "Running");
  await phaseIs(h, own, "goes", "Running");
  await first.stop();
  await own.client.delete(Pod, { namespace: "default", name: "goes" }, { gracePeriodSeconds: 0 });
  await startTestKubelet(h, { runtime: own.runtime });
  await until(h, "the orphan is cleared", async () => (await own.runtime.sandboxes()).length === 1);
  await until(h, "its logs are cleared", async () => (await h.world.files.list("/var/log/pods")).length === 1);
  await h.world.clock.sleep(h.scope, 5_000);
  const after = await own.client.get(Pod, { namespace: "default", name: "stays" });
  assert.deepEqual(after.status, before.status);
});

kubeletTest("END3 a Pod that is over gives back its volumes, and keeps its containers until it is deleted", async (h) => {
  const own = await startTestKubelet(h);
  const spec: Spec = { restartPolicy: "Never", volumes: [{ name: "data", emptyDir: {} }] };
  const { metadata } = await own.client.create(Pod, pod("job", spec, { [`${exitAnnotation}main`]: "0 after 2s" }));
  await phaseIs(h, own, "job", "Succeeded");
  await until(h, "its folder is gone", async () => (await h.world.files.stat(`/var/lib/kubelet/pods/${metadata.uid}`)) === undefined);
  assert.equal((await own.runtime.containers()).length, 1);
  await own.client.delete(Pod, { namespace: "default", name: "job" });
  await until(h, "its containers are gone", async () => (await own.runtime.containers()).length === 0);
});

kubeletTest("SYNC4 init containers run in order, and their failure with restartPolicy Never fails the Pod", async (h) => {
  const own = await startTestKubelet(h);
  const spec: Spec = {
    restartPolicy: "Never",
    initContainers: [
      { name: "one", image: "busybox:1" },
      { name: "two", image: "busybox:1" },
    ],
  };
  await own.client.create(
    Pod,
    pod("good", spec, { [`${exitAnnotation}one`]: "0", [`${exitAnnotation}two`]: "0", [`${exitAnnotation}main`]: "0" }),
  );
  await phaseIs(h, own, "good", "Succeeded");
  assert.deepEqual(
    own.runtime.calls.filter((call) => call.startsWith("startContainer")),
    ["startContainer one", "startContainer two", "startContainer main"],
  );
  await own.client.create(Pod, pod("bad", spec, { [`${exitAnnotation}one`]: "1" }));
  const failed = await phaseIs(h, own, "bad", "Failed");
  assert.equal(failed.status.initContainerStatuses?.[0]?.state.terminated?.exitCode, 1);
  await until(h, "its sandbox is stopped", async () => (await own.runtime.sandboxes()).every(({ ready }) => !ready));
});

kubeletTest("IMAGE1 an image that cannot be pulled says ErrImagePull, then ImagePullBackOff", async (h) => {
  const own = await startTestKubelet(h, {
    imagesPresent: false,
    refusePull: (image) => (image.includes("bad") ? "no such image" : undefined),
  });
  await own.client.create(Pod, pod("puller", { containers: [{ name: "main", image: "web:bad" }] }));
  const waiting = async () =>
    (await own.client.get(Pod, { namespace: "default", name: "puller" })).status.containerStatuses?.[0]?.state.waiting;
  await until(h, "it failed", async () => (await waiting())?.reason === "ErrImagePull", 5);
  assert.equal((await waiting())?.message, "rpc error: code = NotFound desc = no such image");
  await until(h, "it backs off", async () => (await waiting())?.reason === "ImagePullBackOff", 5);
  assert.match((await waiting())?.message ?? "", /^Back-off pulling image "web:bad": ErrImagePull: rpc error/);
  await own.client.create(Pod, pod("fine", { containers: [{ name: "main", image: "web:good" }] }));
  await phaseIs(h, own, "fine", "Running");
});

kubeletTest("VOLUME13 a container waits for the images of its volumes, each pulled once, and says why one cannot be had", async (h) => {
  const own = await startTestKubelet(h, {
    imagesPresent: false,
    refusePull: (image) => (image.includes("bad") ? "no such image" : undefined),
  });
  const withVolume = (name: string, reference: string, pullPolicy = "IfNotPresent"): Draft<Pod> =>
    pod(name, {
      volumes: [{ name: "files", image: { reference, pullPolicy: pullPolicy as "Always" } }],
      containers: [{ name: "main", image: "busybox:1", imagePullPolicy: "Always", volumeMounts: [{ name: "files", mountPath: "/files" }] }],
    });
  await own.client.create(Pod, withVolume("good", "data:1", "Always"));
  const { metadata } = await phaseIs(h, own, "good", "Running");
  const pulls = own.runtime.calls.filter((call) => call.startsWith("pullImage"));
  assert.deepEqual(pulls, ["pullImage busybox:1", "pullImage data:1"]);
  assert.deepEqual(own.runtime.running()[0]?.config.mounts[0], {
    containerPath: "/files",
    hostPath: `/var/lib/kubelet/pods/${metadata.uid}/volumes/kubernetes.io~image/files`,
    readOnly: true,
    propagation: "private",
  });
  await own.client.create(Pod, withVolume("lost", "data:bad"));
  const waiting = async () =>
    (await own.client.get(Pod, { namespace: "default", name: "lost" })).status.containerStatuses?.[0]?.state.waiting;
  await until(h, "it backs off", async () => (await waiting())?.reason === "ImagePullBackOff", 10);
  assert.match((await waiting())?.message ?? "", /^Back-off pulling image "data:bad": ErrImagePull: rpc error/);
  await own.client.delete(Pod, { namespace: "default", name: "good" });
  await until(h, "its files are released", async () => own.runtime.calls.includes("releaseImageFiles"), 60);
});

kubeletTest("VOLUME2 a ConfigMap that comes late lets the Pod start, and its changes reach the volume", async (h) => {
  const own = await startTestKubelet(h);
  const spec: Spec = {
    volumes: [{ name: "settings", configMap: { name: "settings" } }],
    containers: [{ name: "main", image: "busybox:1", volumeMounts: [{ name: "settings", mountPath: "/settings" }] }],
  };
  const { metadata } = await own.client.create(Pod, pod("late", spec));
  await h.world.clock.sleep(h.scope, 3_000);
  assert.equal((await own.client.get(Pod, { namespace: "default", name: "late" })).status.phase, "Pending");
  await own.client.create(ConfigMap, { metadata: { name: "settings", namespace: "default" }, data: { colour: "blue" } });
  await phaseIs(h, own, "late", "Running");
  const path = `/var/lib/kubelet/pods/${metadata.uid}/volumes/kubernetes.io~configmap/settings/colour`;
  assert.equal(await h.world.files.readText(path), "blue");
  await own.client.patch(ConfigMap, { namespace: "default", name: "settings" }, { data: { colour: "red" } }, { type: "merge" });
  await until(h, "the file follows", async () => (await h.world.files.readText(path)) === "red", 5);
});

kubeletTest("VOLUME1 what changes while the files are written is written next", async (h) => {
  const client = adminClient(h);
  const items = [{ path: "labels", fieldRef: { fieldPath: "metadata.labels" } }];
  const { metadata } = await client.create(Pod, pod("about", { volumes: [{ name: "about", downwardAPI: { items } }] }));
  const folder = `/var/lib/kubelet/pods/${metadata.uid}/volumes/kubernetes.io~downward-api/about`;
  const own = await startTestKubelet(h, { world: { ...h.world, files: slowToList(h.world, folder, 2_000) } });
  await phaseIs(h, own, "about", "Running");
  for (const label of ["one", "two", "three"]) {
    const change = { metadata: { labels: { [label]: "said" } } };
    await client.patch(Pod, { namespace: "default", name: "about" }, change, { type: "merge" });
    await h.world.clock.sleep(h.scope, 500);
  }
  const labels = async () => (await h.world.files.readText(`${folder}/labels`)).split("\n").length;
  await until(h, "all labels are there", async () => (await labels()) === 3, 20);
});

kubeletTest("SYNC8 a Pod over its deadline fails with DeadlineExceeded", async (h) => {
  const own = await startTestKubelet(h);
  await own.client.create(Pod, pod("slow", { activeDeadlineSeconds: 5 }));
  await phaseIs(h, own, "slow", "Running");
  const { status } = await phaseIs(h, own, "slow", "Failed");
  assert.equal(status.reason, "DeadlineExceeded");
  assert.equal(status.message, "Pod was active on the node longer than the specified deadline");
});

kubeletTest("SYNC8 the deadline counts from the Pod's start, also for a kubelet that starts later", async (h) => {
  const first = h.scope.child("first kubelet");
  const own = await startTestKubelet(h, { scope: first });
  await own.client.create(Pod, pod("slow", { activeDeadlineSeconds: 20 }));
  await phaseIs(h, own, "slow", "Running");
  await h.world.clock.sleep(h.scope, 15_000);
  await first.stop();
  await startTestKubelet(h, { runtime: own.runtime });
  const failed = async () => (await own.client.get(Pod, { namespace: "default", name: "slow" })).status.phase === "Failed";
  await until(h, "its time is over", failed, 8);
});

kubeletTest("END5 a Pod that a finalizer holds is ended once, and then costs nothing", async (h) => {
  const own = await startTestKubelet(h);
  const name = { namespace: "default", name: "held" };
  const held = pod("held");
  await own.client.create(Pod, { ...held, metadata: { ...held.metadata, finalizers: ["example.com/hold"] } });
  await phaseIs(h, own, "held", "Running");
  await own.client.delete(Pod, name, { gracePeriodSeconds: 2 });
  const ended = await phaseIs(h, own, "held", "Failed");
  assert.ok(ended.metadata.deletionTimestamp);
  await until(h, "its containers are gone", async () => (await own.runtime.containers()).length === 0);
  await h.world.clock.sleep(h.scope, 5_000);
  const quiet = await own.client.get(Pod, name);
  const calls = own.runtime.calls.length;
  await h.world.clock.sleep(h.scope, 20_000);
  assert.equal((await own.client.get(Pod, name)).metadata.resourceVersion, quiet.metadata.resourceVersion);
  assert.ok(own.runtime.calls.length - calls < 20, `${own.runtime.calls.length - calls} calls in 20 s`);
  await own.client.patch(Pod, name, { metadata: { finalizers: null } }, { type: "merge" });
  await until(h, "it is gone", async () => (await own.client.list(Pod, { namespace: "default" })).items.length === 0);
});

kubeletTest("SYNC5 a container whose liveness fails is restarted", async (h) => {
  const dead = new Set<string>();
  const own = await startTestKubelet(h, {
    startProber: (_scope, _world, { changed }) => ({
      start: ({ containerId }) => {
        if (dead.size === 0) {
          dead.add(containerId);
          h.world.clock.timer(1_000, () => changed(containerId));
        }
      },
      stopRestarts: () => {},
      stop: (id) => void dead.delete(id),
      state: (id) =>
        dead.has(id) && h.world.clock.monotonic() >= 1_000
          ? { started: true, ready: true, failed: { probe: "liveness" } }
          : { started: true, ready: true },
    }),
  });
  await own.client.create(Pod, pod("sick"));
  const count = async () => (await own.client.get(Pod, { namespace: "default", name: "sick" })).status.containerStatuses?.[0]?.restartCount;
  await until(h, "it is restarted", async () => ((await count()) ?? 0) > 0, 20);
  await until(h, "the event is told", async () =>
    (await own.client.list(Event, { namespace: "default" })).items.some(
      ({ message }) => message === "Container main failed liveness probe, will be restarted",
    ),
  );
});

kubeletTest("CGROUP3 a Pod whose cgroup cannot be made says FailedCreatePodContainer, and runs when it can be", async (h) => {
  const root = "/sys/fs/cgroup";
  await h.world.files.makeFolder(root);
  await h.world.files.write(`${root}/cgroup.controllers`, "cpu memory\n");
  await h.world.files.write(`${root}/kubepods`, "in the way");
  const own = await startTestKubelet(h, { cgroupRoot: "/" });
  await own.client.create(Pod, pod("web"));
  const told = async () =>
    (await own.client.list(Event, { namespace: "default" })).items.map(({ reason, message }) => `${reason} ${message}`);
  await until(h, "the event is told", async () => (await told()).some((one) => one.startsWith("FailedCreatePodContainer ")));
  assert.match((await told()).join(), /unable to ensure pod container exists: failed to create container for \/kubepods\/besteffort\/pod/);
  assert.ok(h.world.log.lines.some(({ level, message }) => level === "warn" && message.startsWith("cannot make a Pod's cgroup")));
  await h.world.files.remove(`${root}/kubepods`);
  await phaseIs(h, own, "web", "Running");
});

kubeletTest("SYNC1 a sandbox that cannot be made is tried again by itself", async (h) => {
  const own = await startTestKubelet(h);
  const { runSandbox } = own.runtime;
  let refusals = 3;
  own.runtime.runSandbox = (...given) => (refusals-- > 0 ? Promise.reject(new Error("no network yet")) : runSandbox(...given));
  await own.client.create(Pod, pod("web"));
  await phaseIs(h, own, "web", "Running");
  await until(h, "the event is told", async () =>
    (await own.client.list(Event, { namespace: "default" })).items.some(
      ({ reason, message }) => reason === "FailedCreatePodSandBox" && message === "Failed to create pod sandbox: no network yet",
    ),
  );
});

kubeletTest("RESIZE1 amounts change in place, restart what asks for it, and wait where there is no room", async (h) => {
  const allocatable = { cpu: "2", memory: "1Gi", pods: "110" };
  const node = () => complete(Node, { metadata: { name: "node-1" }, status: { allocatable } });
  const own = await startTestKubelet(h, { node });
  const resources = { requests: { cpu: "500m", memory: "100Mi" }, limits: { memory: "200Mi" } };
  const resizePolicy = [{ resourceName: "memory", restartPolicy: "RestartContainer" as const }];
  await own.client.create(Pod, pod("web", { containers: [{ name: "main", image: "busybox:1", resources, resizePolicy }] }));
  await own.client.create(Pod, pod("other", { containers: [{ name: "main", image: "busybox:1", resources: { requests: { cpu: "1" } } }] }));
  await phaseIs(h, own, "web", "Running");
  await phaseIs(h, own, "other", "Running");
  const get = () => own.client.get(Pod, { namespace: "default", name: "web" });
  const resize = (wanted: object) =>
    own.client.patch(Pod, { namespace: "default", name: "web" }, { spec: { containers: [{ name: "main", resources: wanted }] } } as never, {
      type: "strategic",
      subresource: "resize",
    });
  const statusIs = (what: string, holds: (status: NonNullable<Pod["status"]["containerStatuses"]>[number], pod: Pod) => boolean) =>
    until(h, what, async () => {
      const found = await get();
      return holds(found.status.containerStatuses?.[0] as never, found);
    });
  const condition = (found: Pod, type: string) => found.status.conditions?.find((one) => one.type === type);
  await statusIs(
    "the amounts are told",
    ({ resources: told, allocatedResources }) => told?.requests?.["cpu"] === "500m" && allocatedResources?.["memory"] === "100Mi",
  );

  await resize({ requests: { cpu: "700m" } });
  await statusIs(
    "the processor's share is more",
    ({ resources: told, restartCount }) => told?.requests?.["cpu"] === "700m" && restartCount === 0,
  );
  assert.ok(own.runtime.calls.includes("updateContainerResources main"));

  await resize({ requests: { cpu: "1500m" } });
  await statusIs(
    "it waits for room",
    (told, found) => condition(found, "PodResizePending")?.reason === "Deferred" && told.resources?.requests?.["cpu"] === "700m",
  );
  assert.equal(
    condition(await get(), "PodResizePending")?.message,
    "Node didn't have enough resource: cpu, requested: 1500, used: 1000, capacity: 2000",
  );
  await own.client.delete(Pod, { namespace: "default", name: "other" });
  await statusIs(
    "the room is used",
    (told, found) => told.resources?.requests?.["cpu"] === "1500m" && condition(found, "PodResizePending") === undefined,
  );

  await resize({ requests: { cpu: "3" } });
  await statusIs("more than the node has", (_, found) => condition(found, "PodResizePending")?.reason === "Infeasible");
  await resize({ requests: { cpu: "1", memory: "150Mi" } });
  await statusIs(
    "memory restarts it",
    ({ resources: told, restartCount, state }) =>
      restartCount === 1 && state.running !== undefined && told?.requests?.["memory"] === "150Mi",
  );
  const events = (await own.client.list(Event, { namespace: "default" })).items.map(({ reason, message }) => `${reason} ${message}`);
  assert.ok(events.includes("Killing Container main resize requires restart"));
  const text =
    '{"containers":[{"name":"main","resources":{"limits":{"memory":"200Mi"},"requests":{"cpu":"700m","memory":"100Mi"}}}],"generation":2}';
  assert.ok(events.includes(`ResizeStarted Pod resize started: ${text}`), events.join("\n"));
  assert.ok(events.includes(`ResizeCompleted Pod resize completed: ${text}`));
});

kubeletTest("RESIZE2 a kubelet that starts anew goes by what was given, and gives what was wanted meanwhile", async (h) => {
  const first = h.scope.child("first kubelet");
  const node = () => complete(Node, { metadata: { name: "node-1" }, status: { allocatable: { cpu: "2", memory: "1Gi" } } });
  const own = await startTestKubelet(h, { scope: first, node });
  const containers = [{ name: "main", image: "busybox:1", resources: { requests: { cpu: "500m" } } }];
  await own.client.create(Pod, pod("web", { containers }));
  await phaseIs(h, own, "web", "Running");
  await first.stop();
  const name = { namespace: "default", name: "web" };
  const wanted = { spec: { containers: [{ name: "main", resources: { requests: { cpu: "800m" } } }] } };
  await own.client.patch(Pod, name, wanted as never, { type: "strategic", subresource: "resize" });
  await startTestKubelet(h, { runtime: own.runtime, node });
  await until(h, "it is given", async () => {
    const [told] = (await own.client.get(Pod, name)).status.containerStatuses ?? [];
    return told?.resources?.requests?.["cpu"] === "800m" && told.restartCount === 0;
  });
  assert.ok(own.runtime.calls.includes("updateContainerResources main"));
});

kubeletTest("END1 sidecars are told to end after the containers, and have what is left of one grace period", async (h) => {
  const own = await startTestKubelet(h);
  const told: string[] = [];
  const { stopContainer } = own.runtime;
  own.runtime.stopContainer = async (id, graceSeconds) => {
    const name = (await own.runtime.containerStatus(id))?.name;
    told.push(`${name} ${Math.round(graceSeconds)}`);
    await stopContainer(id, graceSeconds);
  };
  const side = (name: string) => ({ name, image: "busybox:1", restartPolicy: "Always" as const });
  const spec: Spec = { terminationGracePeriodSeconds: 10, initContainers: [side("near"), side("far")] };
  await own.client.create(Pod, pod("web", spec, { [`${stopAnnotation}main`]: "4s", [`${stopAnnotation}far`]: "20s" }));
  await phaseIs(h, own, "web", "Running");
  const started = h.world.clock.monotonic();
  await own.client.delete(Pod, { namespace: "default", name: "web" });
  await until(h, "the Pod is gone", async () => (await own.client.list(Pod, { namespace: "default" })).items.length === 0);
  assert.deepEqual(told, ["main 10", "far 6", "near 2"]);
  const seconds = (h.world.clock.monotonic() - started) / 1_000;
  assert.ok(seconds >= 10 && seconds < 11, `gone after ${seconds} s`);
});

kubeletTest("END2 a hook that takes too long is not waited for, and one that fails says only that it did", async (h) => {
  const own = await startTestKubelet(h);
  const sleeps = { preStop: { sleep: { seconds: 3 } } };
  const fails = { postStart: { exec: { command: ["true"] } }, preStop: { exec: { command: ["no-such"] } } };
  await own.client.create(
    Pod,
    pod("slow", { terminationGracePeriodSeconds: 3, containers: [{ name: "main", image: "a:1", lifecycle: sleeps }] }),
  );
  await own.client.create(Pod, pod("bad", { containers: [{ name: "main", image: "a:1", lifecycle: fails }] }));
  await phaseIs(h, own, "slow", "Running");
  await phaseIs(h, own, "bad", "Running");
  const started = h.world.clock.monotonic();
  for (const name of ["slow", "bad"]) await own.client.delete(Pod, { namespace: "default", name });
  await until(h, "the Pods are gone", async () => (await own.client.list(Pod, { namespace: "default" })).items.length === 0);
  assert.ok(h.world.clock.monotonic() - started >= 3_000);
  const told = async () =>
    (await own.client.list(Event, { namespace: "default" })).items.filter(({ reason }) => reason === "FailedPreStopHook");
  await until(h, "the event is told", async () => (await told()).length === 1);
  assert.deepEqual(
    (await told()).map(({ message }) => message),
    ["PreStopHook failed"],
  );
});

kubeletTest("END6 a container that the runtime cannot end is told of, and tried again after a while", async (h) => {
  const own = await startTestKubelet(h);
  const { stopContainer } = own.runtime;
  let refusals = 2;
  own.runtime.stopContainer = (id, graceSeconds) =>
    refusals-- > 0 ? Promise.reject(new Error("not now")) : stopContainer(id, graceSeconds);
  await own.client.create(Pod, pod("web"));
  await phaseIs(h, own, "web", "Running");
  await own.client.delete(Pod, { namespace: "default", name: "web" });
  await until(h, "the Pod is gone", async () => (await own.client.list(Pod, { namespace: "default" })).items.length === 0, 20);
  const told = async () =>
    (await own.client.list(Event, { namespace: "default" })).items.filter(({ reason }) => reason === "FailedKillPod");
  await until(h, "the event is told", async () => (await told()).length > 0);
  assert.equal((await told())[0]?.message, "error killing pod: not now");
});

kubeletTest("SYNC4 a postStart hook that fails ends its container, which is started again behind the back-off", async (h) => {
  const own = await startTestKubelet(h);
  const lifecycle = { postStart: { exec: { command: ["false"] } } };
  await own.client.create(Pod, pod("web", { containers: [{ name: "main", image: "a:1", lifecycle }] }));
  const status = async () => (await own.client.get(Pod, { namespace: "default", name: "web" })).status.containerStatuses?.[0];
  await until(h, "it waits", async () => (await status())?.state.waiting?.reason === "CrashLoopBackOff", 5);
  assert.deepEqual([(await status())?.restartCount, (await status())?.ready], [1, false]);
  const events = async () =>
    (await own.client.list(Event, { namespace: "default" })).items.map(({ reason, message }) => `${reason} ${message}`);
  await until(h, "the event is told", async () => (await events()).includes("FailedPostStartHook PostStartHook failed"));
});

kubeletTest("SYNC3 a rule restarts all containers in the same sandbox, and restart counts go on", async (h) => {
  const own = await startTestKubelet(h);
  const rules = [{ action: "RestartAllContainers" as const, exitCodes: { operator: "In" as const, values: [88] } }];
  const watcher = { name: "watcher", image: "a:1", restartPolicy: "Always" as const, restartPolicyRules: rules };
  const spec: Spec = { restartPolicy: "Never", initContainers: [{ name: "init", image: "a:1" }, watcher] };
  await own.client.create(Pod, pod("anew", spec, { [`${exitAnnotation}init`]: "0" }));
  const { status: before } = await phaseIs(h, own, "anew", "Running");
  const get = () => own.client.get(Pod, { namespace: "default", name: "anew" });
  const counts = async () => {
    const { status } = await get();
    return [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])].map(({ restartCount }) => restartCount).join();
  };
  const exitWatcher = () => own.runtime.exit(own.runtime.running().find(({ config }) => config.name === "watcher")?.id ?? "", 88);
  exitWatcher();
  await until(h, "all run anew", async () => (await counts()) === "1,1,1" && isReady(await get()), 5);
  const { status } = await get();
  assert.equal(status.podIP, before.podIP);
  assert.equal((await own.runtime.sandboxes()).length, 1);
  assert.equal(status.containerStatuses?.[0]?.lastState.terminated?.exitCode, 143);
  exitWatcher();
  await until(h, "it waits", async () => {
    const { initContainerStatuses = [], conditions = [] } = (await get()).status;
    const isWaiting = initContainerStatuses[1]?.state.waiting?.reason === "CrashLoopBackOff";
    return isWaiting && conditions.some(({ type, status: value }) => type === "AllContainersRestarting" && value === "True");
  });
  await until(h, "all run anew", async () => (await counts()) === "2,2,2" && isReady(await get()), 12);
});

kubeletTest("PREEMPT2 a critical Pod starts on a full node when others have ended for it", async (h) => {
  const node = () => complete(Node, { metadata: { name: "node-1" }, status: { allocatable: { cpu: "2", memory: "1Gi" } } });
  const own = await startTestKubelet(h, { node });
  const asks = (cpu: string) => [{ name: "main", image: "busybox:1", resources: { requests: { cpu } } }];
  const stops = { [`${stopAnnotation}main`]: "3s" };
  await own.client.create(Pod, pod("large", { containers: asks("1500m") }, stops));
  await own.client.create(Pod, pod("small", { containers: asks("500m") }));
  await phaseIs(h, own, "large", "Running");
  await phaseIs(h, own, "small", "Running");
  await own.client.create(Pod, pod("vital", { containers: asks("1"), priority: 2_000_000_000 }));
  await h.world.clock.sleep(h.scope, 1_000);
  const vital = await own.client.get(Pod, { namespace: "default", name: "vital" });
  assert.equal(vital.status.phase, "Pending", vital.status.message);
  const large = await phaseIs(h, own, "large", "Failed");
  assert.deepEqual([large.status.reason, large.status.message], ["Preempting", "Preempted in order to admit critical pod"]);
  await phaseIs(h, own, "vital", "Running");
  await phaseIs(h, own, "small", "Running");
});
