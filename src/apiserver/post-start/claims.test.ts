import assert from "node:assert/strict";
import { test } from "node:test";
import { prefixEnd } from "#store/store.ts";
import { serverOn, withServer } from "../../../test/support/api-server.ts";
import { claimsFolder } from "../storage/keys.ts";

const services = "/api/v1/namespaces/default/services";
const service = (name: string, clusterIP?: string) => ({
  metadata: { name },
  spec: { ports: [{ port: 80 }], ...(clusterIP && { clusterIP }) },
});

test("REG14 what another server gave to Services is theirs, and what it took away is free", () =>
  withServer(async (h) => {
    const claims = async () => {
      const { items } = await h.store.range(claimsFolder, prefixEnd(claimsFolder));
      return new Map(items.map(({ key, value }) => [key.slice(claimsFolder.length), new TextDecoder().decode(value)]));
    };
    assert.equal((await h.ask("POST", services, service("a", "10.96.7.1"))).status, 201);
    // As upstream's server leaves it: a Service without a claim, and a claim whose Service was deleted.
    await h.store.transact({
      conditions: [],
      operations: [
        { type: "delete", key: `${claimsFolder}serviceips/10.96.7.1` },
        {
          type: "put",
          key: `${claimsFolder}serviceips/10.96.7.2`,
          value: new TextEncoder().encode("/registry/services/specs/default/gone"),
        },
      ],
    });
    await serverOn(h);
    assert.equal((await claims()).get("serviceips/10.96.7.1"), "/registry/services/specs/default/a");
    assert.equal((await claims()).has("serviceips/10.96.7.2"), false);
    const taken = await h.ask("POST", services, service("b", "10.96.7.1"));
    assert.equal(taken.status, 422, taken.text);
    assert.match(taken.text, /provided IP is already allocated/);
    assert.equal((await h.ask("POST", services, service("c", "10.96.7.2"))).status, 201);
    const before = await claims();
    await h.world.clock.sleep(h.scope, 400_000);
    assert.deepEqual(await claims(), before);
  }));
