import assert from "node:assert/strict";
import { test } from "node:test";
import { CSIDriver } from "#api/storage.k8s.io/csi-driver/csi-driver.ts";
import { PersistentVolume } from "#api/core/persistent-volume/persistent-volume.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { simulatedWorld } from "#platform/simulated/world.ts";
import { complete } from "#schema/derive/defaults.ts";
import { startCsiVolumes } from "./csi-volumes.ts";
import { stageUnstage } from "./messages.ts";

const root = "/var/lib/kubelet";
const volume = complete(PersistentVolume, {
  metadata: { name: "pv" },
  spec: { accessModes: ["ReadWriteOnce"], capacity: { storage: "1Gi" }, csi: { driver: "disks", volumeHandle: "h" } },
});
const pod = complete(Pod, {
  metadata: { name: "web", namespace: "shop", uid: "u1" },
  spec: { containers: [{ name: "main", image: "x" }] },
});

function setUp() {
  const world = simulatedWorld({ seed: 1 });
  const calls: string[] = [];
  const failing = new Set<string>();
  const call = (what: string) => async () => {
    calls.push(what);
    if (failing.has(what)) throw new Error("no");
  };
  const driver = {
    name: "disks",
    capabilities: new Set([stageUnstage]),
    stage: call("stage"),
    unstage: call("unstage"),
    publish: call("publish"),
    unpublish: call("unpublish"),
    close: () => {},
  };
  const csi = startCsiVolumes(world, {
    client: { get: async () => complete(CSIDriver, { metadata: { name: "disks" }, spec: { attachRequired: false } }) } as never,
    nodeName: "n",
    rootFolder: root,
    drivers: { driver: () => driver },
    tokens: { token: async () => ({ token: "", renewAt: 0, expiresAt: 0 }), release: () => {} },
  });
  return { world, csi, calls, failing };
}

const options = { readOnly: false, isAtRest: true };

test("VOLUME9 what was staged for a Pod is taken back, also where it was never published", async () => {
  const { csi, calls, failing } = setUp();
  failing.add("stage");
  await assert.rejects(csi.mount(pod, volume, options), /MountVolume.MountDevice failed/);
  await csi.unmountAll("u1");
  assert.deepEqual(calls, ["stage", "unpublish", "unstage"]);
});

test("VOLUME10 what a driver left where it staged a volume is not removed", async () => {
  const { world, csi } = setUp();
  await csi.mount(pod, volume, options);
  const [folder = ""] = await world.files.list(`${root}/plugins/kubernetes.io/csi/disks`);
  const kept = `${root}/plugins/kubernetes.io/csi/disks/${folder}/globalmount/kept`;
  await world.files.write(kept, "data");
  await assert.rejects(csi.unmountAll("u1"));
  assert.equal(await world.files.readText(kept), "data");
});

test("VOLUME11 a note that was cut off while it was written stands in nobody's way", async () => {
  const { world, csi, calls } = setUp();
  const other = `${root}/pods/u2/volumes/kubernetes.io~csi/pv`;
  await world.files.makeFolder(other);
  await world.files.write(`${other}/vol_data.json`, "");
  await csi.mount(pod, volume, options);
  await csi.unmountAll("u1");
  await csi.unmountAll("u2");
  assert.deepEqual(calls, ["stage", "publish", "unpublish", "unstage"]);
});
