import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConfigMap } from "#api/core/config-map/config-map.ts";
import { signedInfo } from "./bootstrap-signer.ts";

const info = (data: Readonly<Record<string, string>>) =>
  ({ metadata: { namespace: "kube-public", name: "cluster-info" }, data }) as unknown as ConfigMap;
const token = { id: "abcdef", secret: "0123456789abcdef" };

test("each token signs once; signatures of tokens that are gone go; other entries stay", () => {
  const once = signedInfo(info({ kubeconfig: "text", other: "stays", "jws-kubeconfig-zzzzzz": "old" }), [token]);
  assert.deepEqual(Object.keys(once?.data ?? {}).sort(), ["jws-kubeconfig-abcdef", "kubeconfig", "other"]);
  assert.equal(signedInfo(once as ConfigMap, [token]), undefined);
  assert.deepEqual(signedInfo(once as ConfigMap, [])?.data, { kubeconfig: "text", other: "stays" });
  assert.equal(signedInfo(info({ other: "no kubeconfig" }), [token]), undefined);
});
