// A CustomResourceDefinition comes, its objects live, and both go.
import assert from "node:assert/strict";
import { test } from "node:test";
import { allKinds } from "#api/all.ts";
import { rootScope } from "#base/scope.ts";
import { inProcessTransport } from "#client/in-process/transport.ts";
import { restClient } from "#client/rest-client.ts";
import { simulatedWorld } from "#platform/simulated/world.ts";
import { openMemoryStore } from "#store/memory/memory-store.ts";
import type { Store } from "#store/store.ts";
import { type ApiServer, startApiServer } from "../start.ts";

/** JSON whose shape the test knows. */
// oxlint-disable-next-line typescript/no-explicit-any
type Loose = any;

type Ask = (method: string, path: string, body?: unknown, headers?: Record<string, string>) => Promise<{ status: number; json: Loose }>;

async function withServer(run: (ask: Ask, restart: () => Promise<Ask>) => Promise<void>): Promise<void> {
  const world = simulatedWorld({ seed: 1 });
  const failures: unknown[] = [];
  const scope = rootScope("test", (error) => failures.push(error));
  const start = async (store: Store): Promise<Ask> => {
    const api: ApiServer = await startApiServer(scope, world, {
      store,
      kinds: allKinds,
      admission: [],
      connect: (handle) =>
        restClient(inProcessTransport(handle, { identity: { user: "", groups: [] }, userAgent: "t" }), { fieldManager: "t" }),
    });
    await api.started;
    const handle = api.handleAs({ name: "admin", groups: ["system:masters"] });
    return async (method, url, body, headers = {}) => {
      const [path = "", query = ""] = url.split("?");
      const response = await handle({
        method,
        path,
        query,
        headers: { "content-type": method === "PATCH" ? "application/merge-patch+json" : "application/json", ...headers },
        peer: { address: "test" },
        body: async () => new TextEncoder().encode(body === undefined ? "" : JSON.stringify(body)),
        signal: new AbortController().signal,
      });
      const pieces = [response.body ?? []].flat() as Uint8Array[];
      return { status: response.status, json: JSON.parse(Buffer.concat(pieces).toString() || "null") };
    };
  };
  try {
    await world.run(async () => {
      const store = await openMemoryStore(scope, world);
      await run(await start(store), () => start(store));
    });
  } finally {
    await scope.stop();
    world.close();
  }
  assert.deepEqual(failures, []);
}

const schema = {
  type: "object",
  required: ["spec"],
  properties: {
    spec: {
      type: "object",
      required: ["image"],
      properties: {
        image: { type: "string", pattern: "^[a-z]+$", minLength: 2 },
        size: { type: "integer", minimum: 1, maximum: 9, default: 3 },
        mode: { type: "string", enum: ["fast", "slow"] },
        port: { "x-kubernetes-int-or-string": true },
        tags: { type: "array", items: { type: "string" }, "x-kubernetes-list-type": "set" },
        parts: {
          type: "array",
          "x-kubernetes-list-type": "map",
          "x-kubernetes-list-map-keys": ["name"],
          items: { type: "object", required: ["name"], properties: { name: { type: "string" }, weight: { type: "integer", default: 1 } } },
        },
        labels: { type: "object", additionalProperties: { type: "string" } },
        raw: { type: "object", "x-kubernetes-preserve-unknown-fields": true },
        on: { type: "boolean" },
        at: { type: "string", format: "date-time" },
        address: { type: "string", format: "ipv4" },
      },
    },
    status: { type: "object", properties: { ready: { type: "boolean" }, count: { type: "integer" } } },
  },
};

const version = (name: string, storage: boolean) => ({
  name,
  served: true,
  storage,
  schema: { openAPIV3Schema: schema },
  subresources: { status: {}, scale: { specReplicasPath: ".spec.size", statusReplicasPath: ".status.count" } },
  additionalPrinterColumns: [{ name: "Image", type: "string", jsonPath: ".spec.image" }],
});

const definition = (versions: object[] = [version("v1", true), version("v2", false)]) => ({
  apiVersion: "apiextensions.k8s.io/v1",
  kind: "CustomResourceDefinition",
  metadata: { name: "widgets.example.com" },
  spec: {
    group: "example.com",
    scope: "Namespaced",
    names: { plural: "widgets", kind: "Widget", shortNames: ["wd"], categories: ["all"] },
    versions,
  },
});

const definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const widgets = "/apis/example.com/v1/namespaces/default/widgets";
const widget = (name: string, spec: object) => ({ apiVersion: "example.com/v1", kind: "Widget", metadata: { name }, spec });

async function created(ask: Ask): Promise<void> {
  const answer = await ask("POST", definitions, definition());
  assert.equal(answer.status, 201, JSON.stringify(answer.json));
  const conditions = answer.json.status.conditions.map((one: Loose) => `${one.type}=${one.status}`);
  assert.deepEqual(conditions, ["NamesAccepted=True", "Established=True"]);
  assert.deepEqual(answer.json.status.storedVersions, ["v1"]);
}

test("objects are defaulted, pruned, kept and served in every version", () =>
  withServer(async (ask, restart) => {
    await created(ask);
    const spec = { image: "nginx", unknown: 1, on: false, port: "http", raw: { any: { thing: [1] } }, parts: [{ name: "a" }], labels: {} };
    const answer = await ask("POST", widgets, widget("w", spec));
    assert.equal(answer.status, 201, JSON.stringify(answer.json));
    const { unknown: _, ...kept } = spec;
    assert.deepEqual(answer.json.spec, { ...kept, size: 3, parts: [{ name: "a", weight: 1 }] });
    assert.equal(answer.json.metadata.generation, 1);
    const other = await ask("GET", widgets.replace("v1", "v2").concat("/w"));
    assert.equal(other.json.apiVersion, "example.com/v2");
    assert.equal(other.json.spec.image, "nginx");

    const status = await ask("PATCH", `${widgets}/w/status`, { status: { ready: true, count: 2 }, spec: { image: "changed" } });
    assert.equal(status.status, 200, JSON.stringify(status.json));
    assert.deepEqual(
      [status.json.status, status.json.spec.image, status.json.metadata.generation],
      [{ ready: true, count: 2 }, "nginx", 1],
    );
    const scaled = await ask("PATCH", `${widgets}/w/scale`, { spec: { replicas: 5 } });
    assert.deepEqual([scaled.status, scaled.json.spec, scaled.json.status.replicas], [200, { replicas: 5 }, 2]);
    assert.equal((await ask("GET", `${widgets}/w`)).json.metadata.generation, 2);

    const table = await ask("GET", widgets, undefined, { accept: "application/json;as=Table;v=v1;g=meta.k8s.io" });
    assert.deepEqual(
      table.json.columnDefinitions.map(({ name }: Loose) => name),
      ["Name", "Image"],
    );
    assert.deepEqual(table.json.rows[0].cells, ["w", "nginx"]);
    const discovery = await ask("GET", "/apis/example.com/v1");
    assert.deepEqual(discovery.json.resources.map(({ name }: Loose) => name).sort(), ["widgets", "widgets/scale", "widgets/status"]);
    const again = await restart();
    assert.equal((await again("GET", `${widgets}/w`)).json.spec.size, 5);
  }));

test("what the schema does not allow is refused in upstream's words", () =>
  withServer(async (ask) => {
    await created(ask);
    const refusal = async (spec: object) => {
      const { status, json } = await ask("POST", widgets, widget("w", spec));
      assert.equal(status, 422, JSON.stringify(json));
      return json.message;
    };
    const invalid = 'Widget.example.com "w" is invalid: ';
    assert.equal(await refusal({}), `${invalid}spec.image: Required value`);
    assert.equal(
      await refusal({ image: 5 }),
      `${invalid}spec.image: Invalid value: "integer": spec.image in body must be of type string: "integer"`,
    );
    assert.equal(await refusal({ image: "A!" }), `${invalid}spec.image: Invalid value: "A!": spec.image in body should match '^[a-z]+$'`);
    assert.equal(
      await refusal({ image: "ab", size: 0 }),
      `${invalid}spec.size: Invalid value: 0: spec.size in body should be greater than or equal to 1`,
    );
    assert.equal(
      await refusal({ image: "ab", mode: "x" }),
      `${invalid}spec.mode: Unsupported value: "x": supported values: "fast", "slow"`,
    );
    assert.equal(
      await refusal({ image: "ab", tags: "a" }),
      `${invalid}spec.tags: Invalid value: "string": spec.tags in body must be of type array: "string"`,
    );
    assert.equal(await refusal("text" as never), `${invalid}spec: Invalid value: "string": spec in body must be of type object: "string"`);
    assert.match(await refusal({ image: "ab", tags: ["a", "a"] }), /spec\.tags\[1\]: Duplicate value: "a"/);
    assert.match(await refusal({ image: "ab", port: true }), /must be of type integer,string: "boolean"/);
    assert.match(
      await refusal({ image: "ab", at: "2026-02-30T00:00:00Z" }),
      /spec\.at in body must be of type date-time: "2026-02-30T00:00:00Z"/,
    );
    assert.match(await refusal({ image: "ab", address: "1.2.3" }), /must be of type ipv4: "1\.2\.3"/);
    assert.equal((await ask("POST", widgets, widget("w", { image: "ab" }))).status, 201);
    const patched = await ask("PATCH", `${widgets}/w`, { spec: { tags: "a" } });
    assert.equal(patched.status, 422);
    assert.equal(patched.json.message, `${invalid}spec.tags: Invalid value: "string": spec.tags in body must be of type array: "string"`);
    const strange = await ask("POST", widgets, { ...widget("v", { image: "ab" }), metadata: { name: "v", labels: 5 } });
    assert.equal(strange.status, 400);
    const strict = await ask("POST", `${widgets}?fieldValidation=Strict`, widget("w", { image: "ab", other: 1 }));
    assert.equal(strict.status, 400);
    assert.match(strict.json.message, /unknown field "spec\.other"/);
  }));

test("versions that differ are stored whole, and each shows its own", () =>
  withServer(async (ask) => {
    const two: Loose = structuredClone(version("v2", false));
    two.schema.openAPIV3Schema.properties.spec.properties = {
      image: { type: "string" },
      later: { type: "object", properties: { x: { type: "integer" } } },
    };
    assert.equal((await ask("POST", definitions, definition([version("v1", true), two]))).status, 201);
    const second = widgets.replace("v1", "v2");
    const spec = { image: "ab", later: { x: 1 }, size: 5 };
    const made = await ask("POST", second, { ...widget("w", spec), apiVersion: "example.com/v2" });
    assert.deepEqual(made.json.spec, { image: "ab", later: { x: 1 } });
    assert.deepEqual((await ask("GET", `${widgets}/w`)).json.spec, { image: "ab", size: 3 });
    assert.deepEqual((await ask("GET", `${second}/w`)).json.spec, { image: "ab", later: { x: 1 } });
    const changed = await ask("PATCH", `${widgets}/w`, { spec: { image: "cd" } });
    assert.equal(changed.status, 200, JSON.stringify(changed.json));
    assert.deepEqual((await ask("GET", `${second}/w`)).json.spec.image, "cd");
  }));

test("apply merges lists by key", () =>
  withServer(async (ask) => {
    await created(ask);
    const apply = (manager: string, parts: object[]) =>
      ask("PATCH", `${widgets}/w?fieldManager=${manager}`, widget("w", { image: "ab", parts }), {
        "content-type": "application/apply-patch+yaml",
      });
    assert.equal((await apply("one", [{ name: "a", weight: 2 }])).status, 201);
    const merged = await apply("two", [{ name: "b" }]);
    assert.equal(merged.status, 200, JSON.stringify(merged.json));
    assert.deepEqual(merged.json.spec.parts, [
      { name: "a", weight: 2 },
      { name: "b", weight: 1 },
    ]);
    assert.equal((await apply("two", [{ name: "a", weight: 7 }])).status, 409);
  }));

test("a schema that keeps everything loses nothing, whichever way the object is written", () =>
  withServer(async (ask) => {
    const open: Loose = definition([version("v1", true)]);
    open.spec.versions[0].schema.openAPIV3Schema = { type: "object", "x-kubernetes-preserve-unknown-fields": true };
    delete open.spec.versions[0].subresources.scale;
    assert.equal((await ask("POST", definitions, open)).status, 201);
    const body = { ...widget("w", { a: { b: [1, { c: null }] } }), data: { x: "y" }, status: { lost: true } };
    const made = await ask("POST", `${widgets}?fieldManager=maker&fieldValidation=Strict`, body);
    assert.equal(made.status, 201, JSON.stringify(made.json));
    assert.deepEqual([made.json.spec, made.json.data, made.json.status], [body.spec, { x: "y" }, undefined]);
    const entries = made.json.metadata.managedFields.map(({ manager, fieldsV1 }: Loose) => [manager, fieldsV1]);
    assert.deepEqual(entries, [["maker", { "f:spec": { ".": {}, "f:a": { ".": {}, "f:b": {} } }, "f:data": { ".": {}, "f:x": {} } }]]);

    const status = await ask("PATCH", `${widgets}/w/status`, { status: { ready: true }, spec: null, data: { x: "z" } });
    assert.deepEqual([status.json.status, status.json.spec, status.json.data], [{ ready: true }, body.spec, { x: "y" }]);
    const merged = await ask("PATCH", `${widgets}/w`, { spec: { d: 1 }, data: null, more: [1], status: { ready: false } });
    assert.equal(merged.status, 200, JSON.stringify(merged.json));
    const { spec, data, more } = merged.json;
    assert.deepEqual([spec, data, more, merged.json.status], [{ ...body.spec, d: 1 }, undefined, [1], { ready: true }]);
    assert.equal(merged.json.metadata.generation, 2);
    const counted = await ask("PATCH", `${widgets}/w`, { more: [2] });
    assert.equal(counted.json.metadata.generation, 3, "what is not named counts too");

    const apply = (manager: string, fields: object) =>
      ask(
        "PATCH",
        `${widgets}/w?fieldManager=${manager}`,
        { apiVersion: "example.com/v1", kind: "Widget", ...fields },
        {
          "content-type": "application/apply-patch+yaml",
        },
      );
    const applied = await apply("one", { spec: { e: { f: 1 } } });
    assert.deepEqual([applied.status, applied.json.spec, applied.json.more], [200, { ...body.spec, d: 1, e: { f: 1 } }, [2]]);
    assert.equal((await apply("two", { spec: { e: { f: 2 } } })).status, 409);
    assert.deepEqual((await apply("one", { spec: { e: { g: 1 } } })).json.spec.e, { g: 1 });
    assert.deepEqual((await ask("GET", `${widgets}/w`)).json.more, [2]);
  }));

test("a changed schema changes what is kept, and what is shown of what was stored", () =>
  withServer(async (ask) => {
    await created(ask);
    await ask("POST", widgets, widget("w", { image: "ab", raw: { kept: { deep: 1 } } }));
    const change = async (edit: (spec: Loose) => void) => {
      const now: Loose = (await ask("GET", `${definitions}/widgets.example.com`)).json;
      for (const { schema: wanted } of now.spec.versions) edit(wanted.openAPIV3Schema.properties.spec);
      const answer = await ask("PUT", `${definitions}/widgets.example.com`, now);
      assert.equal(answer.status, 200, JSON.stringify(answer.json));
    };
    await change((spec) => delete spec.properties.raw);
    assert.equal((await ask("GET", `${widgets}/w`)).json.spec.raw, undefined);
    await change((spec) => (spec["x-kubernetes-preserve-unknown-fields"] = true));
    assert.deepEqual((await ask("GET", `${widgets}/w`)).json.spec.raw, { kept: { deep: 1 } }, "nothing was written in between");
    assert.deepEqual((await ask("POST", widgets, widget("v", { image: "ab", fresh: [{}] }))).json.spec.fresh, [{}]);
  }));

test("what was stored in another version, or is of another type by now, is still shown whole", () =>
  withServer(async (ask) => {
    const first = { ...version("v1", true) };
    const later = { ...version("v2beta1", false) };
    assert.equal((await ask("POST", definitions, definition([first, later]))).status, 201);
    await ask("POST", widgets, widget("w", { image: "ab", labels: { a: "b" }, raw: { big: 1 } }));
    const change = async (edit: (versions: Loose) => void) => {
      const now: Loose = (await ask("GET", `${definitions}/widgets.example.com`)).json;
      edit(now.spec.versions);
      assert.equal((await ask("PUT", `${definitions}/widgets.example.com`, now)).status, 200);
    };
    await change((versions) => ((versions[0].storage = false), (versions[1].storage = true)));
    for (const name of ["v1", "v2beta1"]) {
      const { json } = await ask("GET", `${widgets.replace("v1", name)}/w`);
      assert.deepEqual([json.apiVersion, json.metadata.name, json.spec.labels], [`example.com/${name}`, "w", { a: "b" }]);
    }
    await change((versions) => {
      for (const one of versions)
        one.schema.openAPIV3Schema.properties.spec.properties.labels = { type: "array", items: { type: "string" } };
    });
    const shown = await ask("GET", `${widgets.replace("v1", "v2beta1")}/w`);
    assert.deepEqual([shown.status, shown.json.spec.image, shown.json.spec.labels], [200, "ab", { a: "b" }]);
    assert.equal((await ask("GET", widgets.replace("v1", "v2beta1"))).json.items.length, 1);
    assert.equal((await ask("GET", widgets)).status, 200);
  }));

test("an object that may be null is checked, merged and applied like any other", () =>
  withServer(async (ask) => {
    const wanted: Loose = definition([version("v1", true)]);
    wanted.spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.maybe = {
      type: "object",
      nullable: true,
      properties: { a: { type: "string" }, b: { type: "string" } },
    };
    assert.equal((await ask("POST", definitions, wanted)).status, 201);
    const body = widget("w", { image: "ab", maybe: { a: "x", c: 1 } });
    const strict = await ask("POST", `${widgets}?fieldValidation=Strict`, body);
    assert.match(strict.json.message, /unknown field "spec\.maybe\.c"/);
    assert.deepEqual((await ask("POST", widgets, body)).json.spec.maybe, { a: "x" });
    const now = (await ask("GET", `${widgets}/w`)).json;
    const put = await ask("PUT", `${widgets}/w?fieldManager=nuller`, { ...now, spec: { ...now.spec, maybe: null } });
    assert.deepEqual([put.status, put.json.spec.maybe], [200, null]);
    const nuller = put.json.metadata.managedFields.find(({ manager }: Loose) => manager === "nuller");
    assert.deepEqual(nuller.fieldsV1, { "f:spec": { "f:maybe": {} } });
    const apply = (maybe: object | null) =>
      ask("PATCH", `${widgets}/w?fieldManager=one&force=true`, widget("w", { image: "ab", maybe } as object), {
        "content-type": "application/apply-patch+yaml",
      });
    assert.deepEqual((await apply({ b: "y" })).json.spec.maybe, { b: "y" });
    assert.equal((await apply(null)).json.spec.maybe, null);
    assert.deepEqual((await ask("PATCH", `${widgets}/w`, { spec: { maybe: { a: "z" } } })).json.spec.maybe, { a: "z" });
    assert.equal("maybe" in (await ask("PATCH", `${widgets}/w`, { spec: { maybe: null } })).json.spec, false);
  }));

test("an object has no protobuf form, its metadata does", () =>
  withServer(async (ask) => {
    await created(ask);
    await ask("POST", widgets, widget("w", { image: "ab" }));
    const protobuf = "application/vnd.kubernetes.protobuf";
    for (const accept of [`${protobuf},application/json`, `${protobuf},*/*;q=0.5`]) {
      assert.equal((await ask("GET", `${widgets}/w`, undefined, { accept })).json.kind, "Widget");
      assert.equal((await ask("GET", widgets, undefined, { accept })).json.kind, "WidgetList");
    }
    // The refusal is itself in the form that was asked for.
    await assert.rejects(ask("GET", `${widgets}/w`, undefined, { accept: protobuf }), /only the f|not valid JSON/);
    await assert.rejects(
      ask("GET", widgets, undefined, { accept: `${protobuf};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1` }),
      /not valid JSON/,
    );
    for (const query of ["timeoutSeconds=x", "watch=1&timeoutSeconds=x"]) {
      const { status, json } = await ask("GET", `${widgets}?${query}`);
      assert.deepEqual([status, json.message], [400, 'strconv.ParseInt: parsing "x": invalid syntax']);
    }
  }));

test("definitions that cannot be are refused, and names are given once", () =>
  withServer(async (ask) => {
    const refusal = async (change: (wanted: Loose) => void) => {
      const wanted: Loose = structuredClone(definition());
      change(wanted);
      return (await ask("POST", definitions, wanted)).json.message;
    };
    assert.match(await refusal((d) => (d.metadata.name = "x.example.com")), /must be spec\.names\.plural\+"\."\+spec\.group/);
    assert.match(await refusal((d) => (d.spec.versions[1].storage = true)), /must have exactly one version marked as storage version/);
    assert.match(
      await refusal((d) => delete d.spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.image.type),
      /properties\[spec\]\.properties\[image\]\.type: Required value: must not be empty for specified object fields/,
    );
    assert.match(
      await refusal((d) => (d.spec.versions[0].schema.openAPIV3Schema.properties.spec.properties.image.pattern = "(")),
      /must be a valid regular expression/,
    );
    await created(ask);
    const second: Loose = structuredClone(definition());
    second.metadata.name = "gadgets.example.com";
    second.spec.names = { plural: "gadgets", kind: "Widget" };
    const answer = await ask("POST", definitions, second);
    assert.equal(answer.json.status.conditions[0].reason, "NameConflict");
    assert.equal((await ask("GET", "/apis/example.com/v1/namespaces/default/gadgets")).status, 404);
  }));

test("a definition takes its objects with it, and waits for their finalizers", () =>
  withServer(async (ask) => {
    await created(ask);
    await ask("POST", widgets, { ...widget("held", { image: "ab" }), metadata: { name: "held", finalizers: ["example.com/f"] } });
    await ask("POST", widgets, widget("free", { image: "ab" }));
    const deleted = await ask("DELETE", `${definitions}/widgets.example.com`);
    assert.equal(deleted.status, 200);
    await until(async () => (await ask("GET", `${widgets}/free`)).status === 404);
    const refused = await ask("POST", widgets, widget("late", { image: "ab" }));
    assert.equal(refused.status, 405, JSON.stringify(refused.json));
    const terminating = await ask("GET", `${definitions}/widgets.example.com`);
    assert.ok(terminating.json.status.conditions.some(({ type }: Loose) => type === "Terminating"));
    await ask("PATCH", `${widgets}/held`, { metadata: { finalizers: null } });
    await until(async () => (await ask("GET", `${definitions}/widgets.example.com`)).status === 404);
    assert.equal((await ask("GET", widgets)).status, 404);
    await created(ask);
    assert.deepEqual((await ask("GET", widgets)).json.items, []);
  }));

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 2_000; attempt++) {
    if (await holds()) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.fail("it did not come to be");
}
