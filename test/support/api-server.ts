// An API server over an empty store in a simulated world, for tests.
import assert from "node:assert/strict";
import { allKinds } from "#api/all.ts";
import { rootScope, type Scope } from "#base/scope.ts";
import { inProcessTransport } from "#client/in-process/transport.ts";
import { restClient } from "#client/rest-client.ts";
import { simulatedWorld, type SimulatedWorld } from "#platform/simulated/world.ts";
import { freezeObjects } from "#schema/derive/freeze.ts";
import type { Store } from "#store/store.ts";
import { openMemoryStore } from "#store/memory/memory-store.ts";
import { type ApiServer, type ApiServerNeeds, startApiServer } from "#apiserver/start.ts";

freezeObjects(true);

/** JSON that a test looks into without saying what it is. */
// oxlint-disable-next-line typescript/no-explicit-any
export type Loose = any;

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly json: Loose;
}

export class Harness {
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
    const json = text !== "" && response.headers["content-type"]?.includes("json") ? JSON.parse(text) : undefined;
    return { status: response.status, headers: response.headers, text, json };
  }

  /** Opens a watch; `lines` grows as events come. */
  async watch(url: string): Promise<{ lines: Loose[]; stop(): void; ended: () => boolean; status: number }> {
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
    const lines: Loose[] = [];
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

/** One more server on a store that is there. */
export async function serverOn(
  { scope, world, store }: Pick<Harness, "scope" | "world" | "store">,
  needs: Partial<ApiServerNeeds> = {},
): Promise<ApiServer> {
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
  return api;
}

/** Runs the test in virtual time, with a server on an empty store. */
export async function withServer(run: (h: Harness) => Promise<void>, needs: Partial<ApiServerNeeds> = {}): Promise<void> {
  const world = simulatedWorld({ seed: 1 });
  const failures: unknown[] = [];
  const scope = rootScope("test", (error) => failures.push(error));
  try {
    await world.run(async () => {
      const store = await openMemoryStore(scope, world);
      const api = await serverOn({ scope, world, store }, needs);
      await run(new Harness(scope, world, store, api));
    });
  } finally {
    await scope.stop();
    world.close();
  }
  assert.deepEqual(failures, []);
}
