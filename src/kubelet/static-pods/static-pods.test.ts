import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "#api/core/pod/pod.ts";
import { rootScope } from "#base/scope.ts";
import { simulatedWorld } from "#platform/simulated/world.ts";
import { annotations, isControlPlane, isStatic } from "../layout.ts";
import { staticPod } from "./manifest.ts";
import { watchStaticPods } from "./static-pods.ts";

const folder = "/etc/kubernetes/manifests";
const manifest = (name: string, image = "x:1") =>
  `apiVersion: v1\nkind: Pod\nmetadata:\n  name: ${name}\n  namespace: kube-system\nspec:\n  containers:\n  - name: main\n    image: ${image}\n`;
const about = { path: `${folder}/a.yaml`, nodeName: "node-1", now: 0 };

test("STATIC1 a static Pod has the node's name, a uid from its content, and says where it comes from", () => {
  const pod = staticPod(manifest("etcd"), about);
  assert.deepEqual([pod.metadata.name, pod.metadata.namespace, pod.spec.nodeName], ["etcd-node-1", "kube-system", "node-1"]);
  assert.equal(pod.metadata.uid, pod.metadata.annotations?.[annotations.configHash]);
  assert.equal(pod.metadata.annotations?.[annotations.configSource], "file");
  assert.equal(pod.spec.containers[0]?.imagePullPolicy, "IfNotPresent");
  assert.equal(staticPod(manifest("etcd"), { ...about, now: 5 }).metadata.uid, pod.metadata.uid);
  assert.notEqual(staticPod(manifest("etcd", "x:2"), about).metadata.uid, pod.metadata.uid);
  for (const wrong of ["", "[]", "kind: Pod", manifest("etcd").replace("Pod", "Service"), manifest("Wrong_Name"), "a: [b"]) {
    assert.throws(() => staticPod(wrong, about), Error, wrong);
  }
});

test("annotations alone make no Pod of the API server a static one", () => {
  const pod = staticPod(manifest("etcd"), about);
  assert.ok(isStatic(pod) && isControlPlane(pod));
  const uid = "0b9e5b0a-3c1f-4c53-9f1c-2a2f6ab4b1d7";
  for (const hash of [pod.metadata.uid, uid]) {
    const noted = { ...pod.metadata.annotations, [annotations.configHash]: hash };
    const forged = { ...pod, metadata: { ...pod.metadata, uid, annotations: noted } };
    assert.ok(!isStatic(forged) && !isControlPlane(forged));
  }
});

test("STATIC2 files come, change and go; a half-written one leaves the Pod as it was", async () => {
  const world = simulatedWorld({ seed: 1 });
  const scope = rootScope("test", (error) => {
    throw error;
  });
  let pods: readonly Pod[] = [];
  const names = () => pods.map(({ metadata, spec }) => `${metadata.name}=${spec.containers[0]?.image}`);
  await world.files.makeFolder(folder);
  await world.files.write(`${folder}/a.yaml`, manifest("a"));
  await world.files.write(`${folder}/.hidden.yaml`, manifest("hidden"));
  await watchStaticPods(scope, world, { folder, nodeName: "n" }, (all) => {
    pods = all;
  });
  assert.deepEqual(names(), ["a-n=x:1"]);
  await world.files.write(
    `${folder}/b.json`,
    JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name: "b" }, spec: { containers: [{ name: "c", image: "y" }] } }),
  );
  await world.runUntil(() => pods.length === 2, 1_000);
  await world.files.write(`${folder}/a.yaml`, manifest("a").slice(0, 60));
  await world.advance(30_000);
  assert.deepEqual(names(), ["a-n=x:1", "b-n=y"]);
  await world.files.write(`${folder}/a.yaml`, manifest("a", "x:2"));
  await world.runUntil(() => names()[0] === "a-n=x:2", 1_000);
  await world.files.remove(`${folder}/b.json`);
  await world.runUntil(() => pods.length === 1, 1_000);
  await scope.stop();
});
