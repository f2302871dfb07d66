import assert from "node:assert/strict";
import { test } from "node:test";
import { PersistentVolumeClaim } from "#api/core/persistent-volume-claim/persistent-volume-claim.ts";
import { CSINode } from "#api/storage.k8s.io/csi-node/csi-node.ts";
import { complete } from "#schema/derive/defaults.ts";
import type { AdmissionRequest } from "../plugin.ts";
import { nodeRestriction } from "./node-restriction.ts";

const user = { name: "system:node:a", groups: ["system:nodes"] };

function admit(request: Partial<AdmissionRequest>): Promise<void> {
  const rest = { namespace: "", name: "", subresource: "", dryRun: false, object: undefined, old: undefined, warn: () => {} };
  return (async () => nodeRestriction.validate?.({ ...rest, user, ...request } as AdmissionRequest, {} as never))();
}

test("NODERESTRICTION1 a node makes and changes its own CSINode, and no other node's", async () => {
  const create = (name: string) => {
    const object = complete(CSINode, { metadata: { name }, spec: { drivers: [] } });
    return admit({ operation: "CREATE", kind: CSINode, resource: "csinodes", object });
  };
  await create("a");
  await assert.rejects(create("b"), /can only access CSINode with the same name as the requesting node/);
  await assert.rejects(admit({ operation: "DELETE", kind: CSINode, resource: "csinodes", name: "b" }), /can only access CSINode/);
});

test("NODERESTRICTION2 a node tells how far a claim has grown, and nothing else of it", async () => {
  const claim = (status: object) =>
    complete(PersistentVolumeClaim, { metadata: { name: "data", namespace: "shop" }, spec: {}, status: status as never });
  const update = (status: object) =>
    admit({
      operation: "UPDATE",
      kind: PersistentVolumeClaim,
      resource: "persistentvolumeclaims",
      subresource: "status",
      name: "data",
      old: claim({ phase: "Bound", capacity: { storage: "1Gi" } }),
      object: claim(status),
    });
  await update({ phase: "Bound", capacity: { storage: "2Gi" } });
  await assert.rejects(update({ phase: "Lost", capacity: { storage: "1Gi" } }), /other than status.quantity and status.conditions/);
});
