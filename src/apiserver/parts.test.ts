// Limits, kinds that come and go, callers in the same process, and several servers on one store.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigMap } from "#api/core/config-map/config-map.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { Service } from "#api/core/service/service.ts";
import { isReason } from "#api/meta/status-error.ts";
import { inProcessTransport } from "#client/in-process/transport.ts";
import { restClient } from "#client/rest-client.ts";
import { map } from "#schema/field.ts";
import { kind } from "#schema/kind.ts";
import { BodyTooLarge } from "#wire/http/message.ts";
import { type Harness, serverOn, withServer } from "../../test/support/api-server.ts";

const maps = "/api/v1/namespaces/default/configmaps";

function clientOf(h: Harness) {
  const handle = h.api.handleAs({ name: "inside", groups: ["system:masters"] });
  return restClient(inProcessTransport(handle, { identity: { user: "inside", groups: [] }, userAgent: "inside" }), {
    fieldManager: "inside",
  });
}

test("HTTP1 refuses what is too large and what is too much", () =>
  withServer(
    async (h) => {
      const handle = h.api.handleAs({ name: "x", groups: ["system:masters"] });
      const request = { method: "POST", path: maps, query: "", headers: {}, peer: { address: "" }, signal: new AbortController().signal };
      const large = await handle({ ...request, body: (limit) => Promise.reject(new BodyTooLarge(limit)) });
      assert.equal(large.status, 413);
      const never = Promise.withResolvers<Uint8Array>();
      const slow = Array.from({ length: 3 }, () => handle({ ...request, body: () => never.promise }));
      const refused = await handle({ ...request, body: () => never.promise });
      assert.equal(refused.status, 429);
      assert.equal(refused.headers["retry-after"], "1");
      assert.equal((await h.ask("GET", maps)).status, 200);
      await h.world.clock.sleep(h.scope, 62_000);
      // The first two took too long; the one that waited for its turn has begun since.
      assert.deepEqual(await Promise.all(slow.slice(0, 2).map(async (each) => (await each).status)), [504, 504]);
      never.resolve(new TextEncoder().encode("{}"));
      assert.equal((await (slow[2] as Promise<{ status: number }>)).status, 422);
    },
    { options: { limits: { reading: 1, mutating: 2, waiting: 1 } } },
  ));

test("HTTP1 says no in upstream's words", () =>
  withServer(
    async (h) => {
      const request = { method: "GET", query: "", headers: {}, peer: { address: "" }, signal: new AbortController().signal };
      const handle = h.api.handleAs({ name: "jane", groups: [] });
      const ask = async (path: string) => {
        const { status, body } = await handle({ ...request, path, body: async () => new Uint8Array(0) });
        return { status, json: JSON.parse(new TextDecoder().decode(body as Uint8Array)) };
      };
      const { status, json } = await ask("/api/v1/namespaces/default/pods");
      assert.equal(status, 403);
      assert.equal(json.message, 'pods is forbidden: User "jane" cannot list resource "pods" in API group "" in the namespace "default"');
      assert.deepEqual(json.details, { kind: "pods" });
      assert.equal((await ask("/metrics")).json.message, 'forbidden: User "jane" cannot get path "/metrics"');
      const stranger = await h.api.handle({ ...request, path: "/api", body: async () => new Uint8Array(0) });
      assert.equal(stranger.status, 401);
    },
    { options: { anonymous: false } },
  ));

test("HTTP3 kinds come and go while the server runs", () =>
  withServer(async (h) => {
    const crontabs = "/apis/example.com/v1/namespaces/default/crontabs";
    assert.equal((await h.ask("GET", crontabs)).status, 404);
    const CronTab = kind({
      group: "example.com",
      version: "v1",
      name: "CronTab",
      plural: "crontabs",
      scope: "namespaced",
      fields: { spec: map(2, "string") },
    });
    h.api.registry.kinds.add(CronTab, [{ kind: CronTab, noStrategicMerge: true }]);
    const made = await h.ask("POST", crontabs, { metadata: { name: "c" }, spec: { at: "noon" } });
    assert.equal(made.status, 201, made.text);
    assert.equal((await h.store.get("/registry/example.com/crontabs/default/c")).item?.version, 1);
    const patch = await h.ask("PATCH", `${crontabs}/c`, {}, { "content-type": "application/strategic-merge-patch+json" });
    assert.equal(patch.status, 415);
    assert.equal((await h.ask("GET", "/apis/example.com/v1")).json.resources[0].kind, "CronTab");
    const watch = await h.watch(`${crontabs}?watch=1`);
    h.api.registry.kinds.remove(CronTab);
    assert.equal((await h.ask("GET", crontabs)).status, 404);
    assert.equal((await h.ask("GET", "/apis/example.com/v1")).status, 404);
    await h.world.clock.endOfTurn();
    assert.equal(watch.ended(), true);
  }));

test("REG19 callers in the same process share decoded objects", () =>
  withServer(async (h) => {
    const client = clientOf(h);
    const made = await client.create(ConfigMap, { metadata: { namespace: "default", name: "m" }, data: { a: "b" } });
    assert.equal(
      await client.get(ConfigMap, { namespace: "default", name: "m" }),
      await client.get(ConfigMap, { namespace: "default", name: "m" }),
    );
    const events: string[] = [];
    const task = h.scope.start("watch", async (scope) => {
      for await (const event of client.watch(scope, ConfigMap, { namespace: "default" })) {
        events.push(event.type === "BOOKMARK" ? event.type : `${event.type} ${event.object.metadata.name}`);
      }
    });
    await h.world.clock.endOfTurn();
    await client.update(ConfigMap, { ...made, data: { a: "c" } });
    await client.delete(ConfigMap, { namespace: "default", name: "m" });
    await h.world.clock.endOfTurn();
    assert.deepEqual(events, ["ADDED m", "MODIFIED m", "DELETED m"]);
    await task.stop();
    await assert.rejects(client.get(ConfigMap, { namespace: "default", name: "m" }), (error) => isReason(error, "NotFound"));
  }));

test("REG14 two servers on one store never give one address twice", () =>
  withServer(
    async (h) => {
      const other = await serverOn(h, {
        options: { services: { clusterIps: "10.96.0.0/28", nodePorts: { first: 30_000, last: 30_100 } } },
      });
      const names = Array.from({ length: 12 }, (_, index) => `s${index}`);
      const made = await Promise.allSettled(
        names.map((name, index) =>
          (index % 2 === 0 ? h.api : other).registry
            .of(Service)
            .create({ metadata: { namespace: "default", name }, spec: { type: "NodePort", ports: [{ port: 80 }] } }),
        ),
      );
      const services = made.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
      assert.equal(services.length, 12);
      assert.equal(new Set(services.map(({ spec }) => spec.clusterIP)).size, 12);
      assert.equal(new Set(services.map(({ spec }) => spec.ports?.[0]?.nodePort)).size, 12);
    },
    { options: { services: { clusterIps: "10.96.0.0/28", nodePorts: { first: 30_000, last: 30_100 } } } },
  ));

test("WATCH2 a watcher of one node sees what comes to it and leaves it", () =>
  withServer(async (h) => {
    const watch = await h.watch("/api/v1/pods?watch=1&fieldSelector=spec.nodeName%3Dn1&allowWatchBookmarks=true");
    const pods = h.api.registry.of(Pod);
    const pod = (name: string, nodeName?: string) =>
      pods.create({
        metadata: { namespace: "default", name },
        spec: { ...(nodeName && { nodeName }), containers: [{ name: "c", image: "i" }] },
      });
    await pod("elsewhere", "n2");
    await pod("waiting");
    await pods.update("default", "waiting", (each) => ({ ...each, spec: { ...each.spec, nodeName: "n1" } }), { subresource: "binding" });
    await pod("here", "n1");
    await pods.delete("default", "here", { gracePeriodSeconds: 0 });
    await h.world.clock.sleep(h.scope, 60_500);
    assert.deepEqual(
      watch.lines.map(({ type, object }) => [type, object.metadata.name]),
      [
        ["ADDED", "waiting"],
        ["ADDED", "here"],
        ["DELETED", "here"],
        ["BOOKMARK", undefined],
      ],
    );
    assert.equal(watch.lines[3].object.metadata.resourceVersion, String(await h.store.revision()));
  }));
