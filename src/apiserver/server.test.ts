// The verbs, on the in-process handler over an empty store.
import assert from "node:assert/strict";
import { test } from "node:test";
import { allKinds } from "#api/all.ts";
import { rootScope, type Scope } from "#base/scope.ts";
import { inProcessTransport } from "#client/in-process/transport.ts";
import { restClient } from "#client/rest-client.ts";
import { simulatedWorld, type SimulatedWorld } from "#platform/simulated/world.ts";
import { freezeObjects } from "#schema/derive/freeze.ts";
import type { Store } from "#store/store.ts";
import { openMemoryStore } from "#store/memory/memory-store.ts";
import { type ApiServer, type ApiServerNeeds, startApiServer } from "./start.ts";

freezeObjects(true);

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly json: any;
}

class Harness {
  readonly scope: Scope;
  readonly world: SimulatedWorld;
  readonly store: Store;
  readonly api: ApiServer;
  constructor(scope: Scope, world: SimulatedWorld, store: Store, api: ApiServer) {
    this.scope = scope;
    this.world = world;
    this.store = store;
    this.api = api;
  }

  async ask(method: string, url: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const [path = "", query = ""] = url.split("?");
    const bytes = body === undefined ? new Uint8Array(0) : new TextEncoder().encode(typeof body === "string" ? body : JSON.stringify(body));
    const handle = this.api.handleAs({ name: "tester", groups: ["system:masters"] });
    const response = await handle({
      method,
      path,
      query,
      headers: { "user-agent": "test/1", ...headers },
      peer: { address: "test" },
      body: async () => bytes,
      signal: new AbortController().signal,
    });
    const { body: answer } = response;
    assert.ok(!answer || answer instanceof Uint8Array || Array.isArray(answer), "not a stream");
    const pieces = answer === undefined ? [] : answer instanceof Uint8Array ? [answer] : (answer as readonly Uint8Array[]);
    const text = Buffer.concat(pieces).toString();
    const json = response.headers["content-type"]?.includes("json") ? JSON.parse(text) : undefined;
    return { status: response.status, headers: response.headers, text, json };
  }

  /** Opens a watch; `lines` grows as events come. */
  async watch(url: string): Promise<{ lines: any[]; stop(): void; ended: () => boolean; status: number }> {
    const [path = "", query = ""] = url.split("?");
    const gone = new AbortController();
    const handle = this.api.handleAs({ name: "tester", groups: ["system:masters"] });
    const response = await handle({
      method: "GET",
      path,
      query,
      headers: {},
      peer: { address: "test" },
      body: async () => new Uint8Array(0),
      signal: gone.signal,
    });
    const lines: any[] = [];
    let ended = false;
    const { body } = response;
    if (body && "stream" in body) {
      body.stream({
        write: (bytes) => {
          for (const line of new TextDecoder().decode(bytes).split("\n")) if (line !== "") lines.push(JSON.parse(line));
        },
        end: () => {
          ended = true;
        },
        bufferedBytes: 0,
        signal: gone.signal,
      });
    } else if (body instanceof Uint8Array) lines.push(JSON.parse(new TextDecoder().decode(body)));
    return { lines, stop: () => gone.abort(), ended: () => ended, status: response.status };
  }
}

async function withServer(run: (h: Harness) => Promise<void>, needs: Partial<ApiServerNeeds> = {}): Promise<void> {
  const world = simulatedWorld({ seed: 1 });
  const failures: unknown[] = [];
  const scope = rootScope("test", (error) => failures.push(error));
  try {
    await world.run(async () => {
      const store = await openMemoryStore(scope, world);
      const api = await startApiServer(scope, world, {
        store,
        kinds: allKinds,
        authenticators: [],
        authorizers: [],
        admission: [],
        connect: (handle) =>
          restClient(inProcessTransport(handle, { identity: { user: "x", groups: [] }, userAgent: "t" }), { fieldManager: "t" }),
        ...needs,
      });
      await api.started;
      await run(new Harness(scope, world, store, api));
    });
  } finally {
    await scope.stop();
    world.close();
  }
  assert.deepEqual(failures, []);
}

const pods = "/api/v1/namespaces/default/pods";
const pod = (name: string, more: object = {}) => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, labels: { app: "web" } },
  spec: { containers: [{ name: "c", image: "nginx:1" }] },
  ...more,
});
const configMap = (name: string, data: Record<string, string> = { a: "b" }) => ({ metadata: { name }, data });
const maps = "/api/v1/namespaces/default/configmaps";

test("creates, gets, lists and deletes", () =>
  withServer(async (h) => {
    const created = await h.ask("POST", pods, pod("web"));
    assert.equal(created.status, 201, created.text);
    assert.equal(created.json.kind, "Pod");
    assert.match(created.json.metadata.uid, /^[0-9a-f-]{36}$/);
    assert.equal(created.json.metadata.managedFields[0].manager, "test");
    assert.equal(created.json.status.phase, "Pending");
    const got = await h.ask("GET", `${pods}/web`);
    assert.equal(got.text.trim(), created.text.trim());
    const list = await h.ask("GET", pods);
    assert.equal(list.json.kind, "PodList");
    assert.deepEqual(
      list.json.items.map((item: any) => item.metadata.name),
      ["web"],
    );
    const again = await h.ask("POST", pods, pod("web"));
    assert.equal(again.status, 409);
    assert.equal(again.json.message, 'pods "web" already exists');
    const gone = await h.ask("DELETE", `${pods}/web`);
    assert.equal(gone.status, 200);
    assert.equal(gone.json.kind, "Pod");
    const missing = await h.ask("GET", `${pods}/web`);
    assert.equal(missing.status, 404);
    assert.equal(missing.json.message, 'pods "web" not found');
    assert.deepEqual(missing.json.details, { name: "web", kind: "pods" });
  }));
