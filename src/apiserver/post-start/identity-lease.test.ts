import assert from "node:assert/strict";
import { test } from "node:test";
import { serverOn, withServer } from "../../../test/support/api-server.ts";

const leases = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases";

test("the Lease of a server that is gone for good is cleared, of one that may come back is not", () =>
  withServer(async (h) => {
    const names = async () =>
      (await h.ask("GET", `${leases}?labelSelector=apiserver.kubernetes.io/identity`)).json.items.map(
        ({ metadata }: { metadata: { name: string } }) => metadata.name,
      );
    const lease = (name: string, age: number, labels: Record<string, string>) => ({
      metadata: { name, labels },
      spec: { leaseDurationSeconds: 3_600, renewTime: new Date(h.world.clock.now() - age).toISOString().replace("Z", "000Z") },
    });
    const labels = { "apiserver.kubernetes.io/identity": "kube-apiserver" };
    for (const one of [lease("gone", 3_601_000, labels), lease("away", 3_000_000, labels), lease("others", 9_000_000, {})])
      assert.equal((await h.ask("POST", leases, one)).status, 201);
    await serverOn(h, { options: { identity: "me" } });
    await h.world.clock.sleep(h.scope, 1_000);
    const own = (await names()).filter((name: string) => name.startsWith("apiserver-"));
    assert.equal(own.length, 1);
    assert.deepEqual((await names()).sort(), [...own, "away"].sort());
    assert.equal((await h.ask("GET", `${leases}/others`)).status, 200);
  }));
