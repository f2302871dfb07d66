import assert from "node:assert/strict";
import { test } from "node:test";
import { withServer } from "../../../test/support/api-server.ts";

test("a definition in a group that comes with the server does not open another kind's objects", () =>
  withServer(async (h) => {
    const group = "networking.k8s.io";
    const version = {
      name: "v1",
      served: true,
      storage: true,
      schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
    };
    const secrets = "/api/v1/namespaces/default/secrets";
    assert.equal((await h.ask("POST", secrets, { metadata: { name: "s" }, data: { key: "c2VjcmV0" } })).status, 201);
    const defined = await h.ask("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {
      metadata: { name: `secrets.${group}`, annotations: { "api-approved.kubernetes.io": "https://example.com" } },
      spec: { group, scope: "Namespaced", names: { plural: "secrets", kind: "Hole" }, versions: [version] },
    });
    assert.equal(defined.status, 201, defined.json.message);
    const listed = await h.ask("GET", `/apis/${group}/v1/namespaces/default/secrets`);
    assert.equal(listed.status, 200);
    assert.deepEqual(listed.json.items, []);
    assert.equal((await h.ask("GET", `/apis/${group}/v1/namespaces/default/secrets/s`)).status, 404);
  }));
