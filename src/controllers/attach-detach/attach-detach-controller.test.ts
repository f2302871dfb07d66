import assert from "node:assert/strict";
import { test } from "node:test";
import { Node } from "#api/core/node/node.ts";
import { PersistentVolume } from "#api/core/persistent-volume/persistent-volume.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import { CSIDriver } from "#api/storage.k8s.io/csi-driver/csi-driver.ts";
import { VolumeAttachment } from "#api/storage.k8s.io/volume-attachment/volume-attachment.ts";
import { complete } from "#schema/derive/defaults.ts";
import { decide } from "./attach-detach-controller.ts";

const now = Date.UTC(2026, 0, 1);
const volume = complete(PersistentVolume, { metadata: { name: "v" }, spec: { csi: { driver: "d", volumeHandle: "h" } } });
const driver = (attachRequired: boolean) => complete(CSIDriver, { metadata: { name: "d" }, spec: { attachRequired } });
const pod = (nodeName: string, phase = "Running", endedAt = now) =>
  ({
    metadata: { name: "p", creationTimestamp: "2025-01-01T00:00:00Z" },
    spec: { nodeName },
    status: { phase, containerStatuses: [{ state: { terminated: { finishedAt: new Date(endedAt).toISOString() } } }] },
  }) as unknown as Pod;
const attachment = (nodeName: string) =>
  complete(VolumeAttachment, { metadata: { name: nodeName }, spec: { attacher: "d", nodeName, source: { persistentVolumeName: "v" } } });

function steps(
  pods: readonly Pod[],
  attachments: readonly VolumeAttachment[] = [],
  drivers = [driver(true)],
  machines: readonly Node[] = [],
): readonly string[] {
  return decide({ object: volume, pods, attachments, drivers, machines, now }).map((step) => {
    if (step.do === "create") return `attach to ${(step.object as { spec: { nodeName: string } }).spec.nodeName}`;
    return step.do === "delete" ? `detach from ${step.object.metadata.name}` : step.do;
  });
}

test("a volume is attached where its Pods are, and nowhere else", () => {
  assert.deepEqual(steps([pod("a"), pod("b"), pod("")], [attachment("b"), attachment("c")]), ["attach to a", "detach from c"]);
  assert.deepEqual(steps([pod("a")], [attachment("a")]), []);
});

test("a driver that does not attach is not asked to; one that nobody told of is", () => {
  assert.deepEqual(steps([pod("a")], [], [driver(false)]), []);
  assert.deepEqual(steps([pod("a")], [], []), ["attach to a"]);
});

test("a Pod that has just ended still has its volume mounted", () => {
  assert.deepEqual(steps([pod("a", "Succeeded")], [attachment("a")]), ["again"]);
  assert.deepEqual(steps([pod("a", "Succeeded", now - 61_000)], [attachment("a")]), ["detach from a"]);
});

test("a volume is not taken from a Node that went silent a moment ago, unless somebody says that it is off", () => {
  const node = (silentSeconds: number, taints: readonly { key: string; effect: "NoExecute" }[] = []) =>
    complete(Node, {
      metadata: { name: "a" },
      spec: { taints },
      status: {
        conditions: [{ type: "Ready", status: "Unknown", lastTransitionTime: new Date(now - silentSeconds * 1_000).toISOString() }],
      },
    });
  const idle = (machine: Node) => steps([], [attachment("a")], [driver(true)], [machine]);
  assert.deepEqual(idle(node(60)), ["again"]);
  assert.deepEqual(idle(node(361)), ["detach from a"]);
  assert.deepEqual(idle(node(60, [{ key: "node.kubernetes.io/out-of-service", effect: "NoExecute" }])), ["detach from a"]);
});
