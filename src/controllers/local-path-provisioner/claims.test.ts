import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigMap } from "#api/core/config-map/config-map.ts";
import { Node } from "#api/core/node/node.ts";
import type { PersistentVolume } from "#api/core/persistent-volume/persistent-volume.ts";
import { marks } from "#api/core/persistent-volume/volume-binding.ts";
import { PersistentVolumeClaim } from "#api/core/persistent-volume-claim/persistent-volume-claim.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { StorageClass } from "#api/storage.k8s.io/storage-class/storage-class.ts";
import { complete } from "#schema/derive/defaults.ts";
import type { Draft } from "#schema/message.ts";
import type { Step } from "../controller.ts";
import { decide } from "./claims.ts";
import { provisionerName } from "./helper-pods.ts";
import { decide as decideLeftover } from "./leftovers.ts";

const claim = (spec: Draft<PersistentVolumeClaim["spec"]> = {}) =>
  complete(PersistentVolumeClaim, {
    metadata: { name: "c", namespace: "n", uid: "u", annotations: { [marks.provisioner]: provisionerName, [marks.selectedNode]: "a" } },
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, storageClassName: "s", ...spec },
  });
const classes = [complete(StorageClass, { metadata: { name: "s" }, provisioner: provisionerName })];
const nodes = [complete(Node, { metadata: { name: "a", labels: { "kubernetes.io/hostname": "host-a" } } })];
const configs = [complete(ConfigMap, { data: { folder: "/disk", image: "i", setup: "node\n-e\nwork", teardown: "x" } })];
const helper = (phase: string) =>
  complete(Pod, {
    metadata: { name: "h", namespace: "kube-system", labels: { "keelson.dev/local-path-helper": "setup" } },
    spec: { nodeName: "a", containers: [{ name: "helper" }] },
    status: { phase: phase as "Failed" },
  });
const observed = { object: claim(), volumes: [], classes, nodes, helpers: [], configs } as const;
/** What is done where the server has nothing of what it is asked for. */
const asked = (steps: readonly Step[]): readonly Step[] => steps.flatMap((step) => (step.do === "ask" ? asked(step.then([])) : [step]));
const kinds = (steps: readonly Step[]) => steps.map((step) => ("kind" in step ? `${step.do} ${step.kind.name}` : `${step.do}`));

test("a helper makes the folder, then the volume says where it is, then the helper goes", () => {
  const [, made] = decide(observed);
  assert.ok(made?.do === "create");
  const pod = made.object as unknown as Pod;
  assert.deepEqual(pod.spec.containers[0]?.command, ["node", "-e", "work"]);
  assert.deepEqual(pod.spec.containers[0]?.env, [{ name: "VOLUME_FOLDER", value: "/disk/pvc-u_n_c" }]);
  assert.deepEqual([pod.spec.nodeName, pod.spec.volumes?.[0]?.hostPath?.path], ["a", "/disk"]);
  assert.deepEqual(decide({ ...observed, helpers: [helper("Running")] }), []);
  const done = decide({ ...observed, helpers: [helper("Succeeded")] });
  assert.deepEqual(kinds(done), ["create PersistentVolume", "tell", "delete Pod"]);
  const { spec } = (done[0] as { object: unknown }).object as PersistentVolume;
  assert.equal(spec.local?.path, "/disk/pvc-u_n_c");
  assert.deepEqual(spec.nodeAffinity?.required?.nodeSelectorTerms[0]?.matchExpressions?.[0]?.values, ["host-a"]);
});

test("where it cannot be made, the scheduler is to choose another node", () => {
  assert.deepEqual(kinds(decide({ ...observed, helpers: [helper("Failed")] })), ["delete Pod", "tell", "patch PersistentVolumeClaim"]);
  assert.deepEqual(kinds(decide({ ...observed, nodes: [] })), ["tell", "patch PersistentVolumeClaim"]);
});

test("what folders cannot be is refused", () => {
  const told = (spec: Draft<PersistentVolumeClaim["spec"]>) => {
    const [step] = decide({ ...observed, object: claim(spec) });
    return step?.do === "tell" ? step.message : undefined;
  };
  assert.match(told({ accessModes: ["ReadWriteMany"] }) ?? "", /NodePath only supports ReadWriteOnce/);
  assert.match(told({ volumeMode: "Block" }) ?? "", /block volumes are not supported/);
});

test("the claims of others are left alone", () => {
  assert.deepEqual(decide({ ...observed, classes: [complete(StorageClass, { metadata: { name: "s" }, provisioner: "other" })] }), []);
});

test("what a helper made for a claim that has gone is taken away, and the helper goes", () => {
  const [, made] = decide(observed);
  assert.ok(made?.do === "create");
  const running = complete(Pod, made.object as Draft<Pod>);
  const done = { ...running, status: { phase: "Succeeded" } } as Pod;
  const left = { claims: [], volumes: [], configs };
  assert.deepEqual(decideLeftover({ ...left, object: running }), []);
  assert.deepEqual(decideLeftover({ ...left, object: done, claims: [claim()] }), []);
  const theirs = { ...done, metadata: { ...done.metadata, namespace: "shop" } };
  assert.deepEqual(decideLeftover({ ...left, object: theirs }), [], "labels alone are no right to have folders removed");
  const steps = asked(decideLeftover({ ...left, object: done }));
  assert.deepEqual(kinds(steps), ["create Pod", "delete Pod"]);
  const teardown = complete(Pod, (steps[0] as { object: Draft<Pod> }).object);
  assert.equal(teardown.spec.containers[0]?.env?.[0]?.value, "/disk/pvc-u_n_c");
  assert.deepEqual(kinds(decideLeftover({ ...left, object: { ...teardown, status: { phase: "Succeeded" } } as Pod })), ["delete Pod"]);
});
