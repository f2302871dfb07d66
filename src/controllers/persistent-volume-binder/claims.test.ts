import assert from "node:assert/strict";
import { test } from "node:test";
import { PersistentVolume } from "#api/core/persistent-volume/persistent-volume.ts";
import { marks } from "#api/core/persistent-volume/volume-binding.ts";
import { PersistentVolumeClaim } from "#api/core/persistent-volume-claim/persistent-volume-claim.ts";
import { StorageClass } from "#api/storage.k8s.io/storage-class/storage-class.ts";
import { complete } from "#schema/derive/defaults.ts";
import type { Draft } from "#schema/message.ts";
import type { Step } from "../controller.ts";
import { decide } from "./claims.ts";
import { decide as decideVolume } from "./volumes.ts";

const claim = (spec: Draft<PersistentVolumeClaim["spec"]> = {}, annotations: Record<string, string> = {}) =>
  complete(PersistentVolumeClaim, {
    metadata: { name: "c", namespace: "n", uid: "cu", resourceVersion: "7", annotations },
    spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "1Gi" } }, storageClassName: "s", ...spec },
    status: { phase: "Pending" },
  });
const volume = (name: string, size: string, spec: Draft<PersistentVolume["spec"]> = {}, phase = "Available") =>
  complete(PersistentVolume, {
    metadata: { name, uid: `${name}u`, resourceVersion: "3" },
    spec: { capacity: { storage: size }, accessModes: ["ReadWriteOnce"], storageClassName: "s", hostPath: { path: "/x" }, ...spec },
    status: { phase },
  });
const storageClass = (parts: Draft<StorageClass> = {}) =>
  complete(StorageClass, { metadata: { name: "s", creationTimestamp: "2026-01-01T00:00:00Z" }, provisioner: "p", ...parts });

/** `live` is what the server has when it is asked. */
function said(steps: readonly Step[], live: readonly PersistentVolumeClaim[] = []): readonly string[] {
  return steps.flatMap((step) => {
    if (step.do === "ask") return said(step.then(live));
    if (step.do === "tell") return `${step.reason}: ${step.message}`;
    return step.do === "patch" ? `${step.kind.name}/${step.object.metadata.name} ${JSON.stringify(step.patch)}` : step.do;
  });
}

test("the smallest volume that will do is taken, the volume's side first and under its version", () => {
  const volumes = [
    volume("large", "5Gi"),
    volume("small", "2Gi"),
    volume("tiny", "1Mi"),
    volume("other", "2Gi", { storageClassName: "t" }),
    volume("new", "1Gi", {}, "Pending"),
    volume("blocks", "1Gi", { volumeMode: "Block" }),
  ];
  const steps = decide({ object: claim(), volumes, classes: [], pods: [] });
  assert.deepEqual(
    steps.map((step) => (step.do === "patch" ? [step.kind.name, step.object.metadata.name, step.subresource ?? ""] : step)),
    [
      ["PersistentVolume", "small", ""],
      ["PersistentVolume", "small", "status"],
      ["PersistentVolumeClaim", "c", ""],
      ["PersistentVolumeClaim", "c", "status"],
    ],
  );
  const [first] = steps;
  assert.equal(first?.do === "patch" && (first.patch as { metadata: { resourceVersion: string } }).metadata.resourceVersion, "3");
});

test("a volume kept for the claim comes before a better one, and one kept for another is left alone", () => {
  const kept = volume("kept", "9Gi", { claimRef: { namespace: "n", name: "c" } });
  const others = volume("others", "1Gi", { claimRef: { namespace: "n", name: "d" } });
  const [first] = decide({ object: claim(), volumes: [volume("small", "1Gi"), others, kept], classes: [], pods: [] });
  assert.equal(first?.do === "patch" && first.object.metadata.name, "kept");
});

test("a class that waits for a Pod binds nothing before, but what is kept by name", () => {
  const classes = [storageClass({ volumeBindingMode: "WaitForFirstConsumer" })];
  assert.deepEqual(said(decide({ object: claim(), volumes: [volume("v", "1Gi")], classes, pods: [] })), [
    "WaitForFirstConsumer: waiting for first consumer to be created before binding",
  ]);
  const chosen = claim({}, { [marks.selectedNode]: "a" });
  const [asked, told] = said(decide({ object: chosen, volumes: [], classes, pods: [] }));
  assert.match(asked ?? "", /"volume\.kubernetes\.io\/storage-provisioner":"p"/);
  assert.match(told ?? "", /^ExternalProvisioning: Waiting for a volume to be created either by the external provisioner 'p'/);
});

test("what is lost is said once", () => {
  const bound = claim({ volumeName: "v" }, { [marks.bindCompleted]: "yes" });
  const steps = said(decide({ object: bound, volumes: [], classes: [], pods: [] }));
  assert.match(steps[1] ?? "", /^ClaimLost: Bound claim has lost its PersistentVolume/);
  const stolen = volume("v", "1Gi", { claimRef: { namespace: "n", name: "d", uid: "du" } });
  assert.match(said(decide({ object: bound, volumes: [stolen], classes: [], pods: [] }))[1] ?? "", /^ClaimMisbound/);
  assert.deepEqual(decide({ object: { ...bound, status: { phase: "Lost" } }, volumes: [], classes: [], pods: [] }), []);
});

test("a namesake that came after the claim does not inherit its volume", () => {
  const mine = volume("v", "1Gi", { claimRef: { namespace: "n", name: "c", uid: "old" } }, "Bound");
  assert.match(said(decideVolume({ object: mine, claims: [claim()] }), [claim()])[0] ?? "", /"phase":"Released"/);
  assert.deepEqual(
    decide({ object: claim(), volumes: [{ ...mine, status: { phase: "Released" } }], classes: [], pods: [] }).map((step) => step.do),
    ["tell"],
  );
});

test("deleting is left to who made the volume; what nobody can delete has failed", () => {
  const gone = { persistentVolumeReclaimPolicy: "Delete", claimRef: { namespace: "n", name: "gone", uid: "g" } } as const;
  const made = volume("v", "1Gi", gone, "Bound");
  const byHand = said(decideVolume({ object: made, claims: [] }));
  assert.match(
    byHand.at(-1) ?? "",
    /^VolumeFailedDelete: error getting deleter volume plugin for volume "v": no deletable volume plugin matched/,
  );
  const onDemand = { ...made, metadata: { ...made.metadata, annotations: { [marks.provisionedBy]: "p" } } };
  assert.deepEqual(said(decideVolume({ object: onDemand, claims: [] })), [
    'PersistentVolume/v {"status":{"phase":"Released","message":""}}',
  ]);
});

test("a claim that the controller has not seen yet keeps its volume", () => {
  const mine = volume("v", "1Gi", { claimRef: { namespace: "n", name: "c", uid: "cu" } }, "Bound");
  assert.deepEqual(said(decideVolume({ object: mine, claims: [] }), [claim()]), []);
});
