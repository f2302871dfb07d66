import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigMap } from "#api/core/config-map/config-map.ts";
import { StatusError } from "#api/meta/status-error.ts";
import { rootScope, ScopeStopped } from "#base/scope.ts";
import type { HttpClient } from "#platform/network.ts";
import type { HttpHandler, Sink } from "#wire/http/message.ts";
import { httpTransport } from "./http/transport.ts";
import { inProcessTransport } from "./in-process/transport.ts";
import { restClient } from "./rest-client.ts";

const scope = rootScope("test", (error) => {
  throw error;
});
const encoder = new TextEncoder();

/** A client of a server that answers this, in pieces of `size` bytes. */
function answering(status: number, text: string, { contentType = "application/json", size = 1_000_000 } = {}) {
  const bytes = encoder.encode(text);
  const http = {
    request: () =>
      Promise.resolve({
        status,
        headers: { "content-type": contentType },
        body: (async function* () {
          for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
        })(),
        bytes: () => Promise.resolve(bytes),
      }),
  } as unknown as HttpClient;
  return restClient(httpTransport(http, { userAgent: "test" }), { fieldManager: "test" });
}

const map = (name: string) =>
  `{"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"${name}","resourceVersion":"5"},"data":{"word":"größe"}}`;

async function collect<T>(items: AsyncIterable<T>): Promise<{ items: T[]; error?: unknown }> {
  const collected: T[] = [];
  try {
    for await (const item of items) collected.push(item);
  } catch (error) {
    return { items: collected, error };
  }
  return { items: collected };
}

test("watched objects are read whole, wherever their bytes are cut; a broken last line is dropped", async () => {
  const lines = `{"type":"ADDED","object":${map("one")}}\n\n{"object":${map("two")},"type":"MODIFIED"}\n{"type":"BOOKMARK","object":{"kind":"ConfigMap","apiVersion":"v1","metadata":{"resourceVersion":"9"}}}\n{"type":"ADDED","obj`;
  for (const size of [1, 2, 3, 7, 1_000]) {
    const { items, error } = await collect(answering(200, lines, { size }).watch(scope, ConfigMap, {}));
    assert.equal(error, undefined);
    assert.deepEqual(
      items.map((item) => (item.type === "BOOKMARK" ? item : `${item.type} ${item.object.metadata.name} ${item.object.data?.["word"]}`)),
      ["ADDED one größe", "MODIFIED two größe", { type: "BOOKMARK", resourceVersion: "9" }],
    );
  }
});

test("an ERROR event and a refused watch are StatusErrors", async () => {
  const gone = `{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"too old","reason":"Expired","code":410}`;
  const { error } = await collect(answering(200, `{"type":"ERROR","object":${gone}}\n`).watch(scope, ConfigMap, {}));
  assert.ok(error instanceof StatusError && error.code === 410 && error.reason === "Expired");
  const refused = await collect(answering(410, gone).watch(scope, ConfigMap, {}));
  assert.ok(refused.error instanceof StatusError && refused.error.reason === "Expired");
});

test("whatever stands between answers with becomes a StatusError of that code", async () => {
  for (const [text, contentType] of [
    ["<html>Bad Gateway</html>", "text/html"],
    ["not JSON", "application/json"],
    [`{"message":{"not":"text"}}`, "application/json"],
    ["", "application/json"],
  ] as const) {
    await assert.rejects(answering(502, text, { contentType }).get(ConfigMap, { namespace: "a", name: "b" }), (error) => {
      return error instanceof StatusError && error.code === 502;
    });
  }
  await assert.rejects(
    answering(200, "<html>log in</html>", { contentType: "text/html" }).get(ConfigMap, { namespace: "a", name: "b" }),
    /something that is no JSON: <html>log in/,
  );
});

/** A handler whose watches hand out their sinks. */
function watchable(sinks: Sink[]): HttpHandler {
  return async () => ({ status: 200, headers: {}, body: { stream: (sink) => void sinks.push(sink) } });
}

test("a watch in the same process hands objects over as they are, and ends with the server", async () => {
  const sinks: Sink[] = [];
  const transport = inProcessTransport(watchable(sinks), { identity: { user: "u", groups: [] }, userAgent: "test" });
  const collected = collect(transport.watch(scope, { method: "GET", path: "/x?watch=true" }));
  await new Promise(setImmediate);
  const item = { type: "ADDED", object: {} };
  sinks[0]?.push?.(item);
  sinks[0]?.end();
  const { items, error } = await collected;
  assert.equal(items[0], item);
  assert.equal(error, undefined);
});

test("a stopped watch in the same process gives nothing more, and tells the server", async () => {
  const sinks: Sink[] = [];
  const transport = inProcessTransport(watchable(sinks), { identity: { user: "u", groups: [] }, userAgent: "test" });
  const own = scope.child("own");
  const collected = collect(transport.watch(own, { method: "GET", path: "/x" }));
  await new Promise(setImmediate);
  for (let count = 0; count < 3; count += 1) sinks[0]?.push?.({ type: "ADDED", object: {} });
  await own.stop();
  const { items, error } = await collected;
  assert.equal(items.length, 0);
  assert.ok(error instanceof ScopeStopped);
  assert.ok(sinks[0]?.signal.aborted);
});

test("a watch that is stopped while the server still thinks about it ends", async () => {
  const own = scope.child("own");
  const sinks: Sink[] = [];
  const slow: HttpHandler = async (request) => {
    await own.stop();
    return watchable(sinks)(request);
  };
  const transport = inProcessTransport(slow, { identity: { user: "u", groups: [] }, userAgent: "test" });
  const { error } = await collect(transport.watch(own, { method: "GET", path: "/x" }));
  assert.ok(error instanceof ScopeStopped);
});

test("a watcher that takes too little is cut off instead of filling the memory", async () => {
  const sinks: Sink[] = [];
  const transport = inProcessTransport(watchable(sinks), { identity: { user: "u", groups: [] }, userAgent: "test" });
  const collected = collect(transport.watch(scope, { method: "GET", path: "/x" }));
  await new Promise(setImmediate);
  for (let count = 0; count < 100_001; count += 1) sinks[0]?.push?.({ type: "ADDED", object: {} });
  assert.ok(sinks[0]?.signal.aborted);
  assert.equal((await collected).error, undefined);
});
