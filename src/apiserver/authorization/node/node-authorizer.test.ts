import assert from "node:assert/strict";
import { test } from "node:test";
import { PersistentVolume } from "#api/core/persistent-volume/persistent-volume.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { VolumeAttachment } from "#api/storage.k8s.io/volume-attachment/volume-attachment.ts";
import { complete } from "#schema/derive/defaults.ts";
import { nodeAuthorizer } from "./node-authorizer.ts";

const containers = [{ name: "main", image: "x" }];
const claimed = complete(Pod, {
  metadata: { name: "web", namespace: "shop" },
  spec: { containers, nodeName: "a", volumes: [{ name: "data", persistentVolumeClaim: { claimName: "data" } }] },
});

function volume(name: string, claim: string) {
  const reference = { name: `secret-of-${name}`, namespace: "storage" };
  return complete(PersistentVolume, {
    metadata: { name },
    spec: {
      claimRef: { namespace: "shop", name: claim },
      csi: { driver: "disks", volumeHandle: name, nodeStageSecretRef: reference },
    },
  });
}

const volumes = new Map([volume("own", "data"), volume("other", "else")].map((one) => [one.metadata.name, one]));
const attachments = new Map(
  ["a", "b"].map((nodeName) => {
    const spec = { attacher: "disks", nodeName, source: { persistentVolumeName: "own" } };
    return [`to-${nodeName}`, complete(VolumeAttachment, { metadata: { name: `to-${nodeName}` }, spec })];
  }),
);

/** `named` is the volume that the claim of the Pod says it has. */
async function may(node: string, group: string, resource: string, name: string, { verb = "get", namespace = "", named = "own" } = {}) {
  const authorizer = nodeAuthorizer({
    ready: () => undefined,
    on: (asked) => (asked === "a" ? [claimed] : []),
    get: async () => undefined,
    volumeOf: async () => volumes.get(named),
    volume: async (asked) => volumes.get(asked),
    attachment: async (asked) => attachments.get(asked),
  });
  const user = { name: `system:node:${node}`, groups: ["system:nodes"] };
  const info = { isResourceRequest: true, verb, group, version: "v1", resource, subresource: "", namespace, name, path: "" };
  return (await authorizer.authorize(user, info as never)).decision === "allow";
}

test("NODEAUTHORIZER1 a node reads the volumes that its Pods claim, and no others", async () => {
  assert.equal(await may("a", "", "persistentvolumes", "own"), true);
  assert.equal(await may("a", "", "persistentvolumes", "other"), false);
  assert.equal(await may("b", "", "persistentvolumes", "own"), false);
  assert.equal(await may("a", "", "persistentvolumes", "gone"), true);
  assert.equal(await may("a", "", "persistentvolumes", "own", { verb: "list" }), false);
});

test("NODEAUTHORIZER2 a node reads what is attached to it", async () => {
  assert.equal(await may("a", "storage.k8s.io", "volumeattachments", "to-a"), true);
  assert.equal(await may("a", "storage.k8s.io", "volumeattachments", "to-b"), false);
});

test("NODEAUTHORIZER3 a claim that names another's volume opens no secrets of it", async () => {
  assert.equal(await may("a", "", "secrets", "secret-of-own", { namespace: "storage" }), true);
  assert.equal(await may("a", "", "secrets", "secret-of-other", { namespace: "storage", named: "other" }), false);
});
