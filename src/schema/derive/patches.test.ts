import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Json, JsonObject } from "../field.ts";
import { jsonPatch, maxJsonPatchOperations } from "./json-patch.ts";
import { mergePatch } from "./merge-patch.ts";
import { Deployment, Pod } from "../../../test/support/sample-kinds.ts";
import { strategicMergePatch } from "./strategic-merge.ts";

const parse = (text: string) => JSON.parse(text) as Json;

test("merge patch: the examples of RFC 7386", () => {
  const examples: [string, string, string][] = [
    ['{"a":"b"}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":"b"}', '{"b":"c"}', '{"a":"b","b":"c"}'],
    ['{"a":"b","b":"c"}', '{"a":null}', '{"b":"c"}'],
    ['{"a":["b"]}', '{"a":"c"}', '{"a":"c"}'],
    ['{"a":{"b":"c"}}', '{"a":{"b":"d","c":null}}', '{"a":{"b":"d"}}'],
    ['["a","b"]', '["c","d"]', '["c","d"]'],
    ['{"e":null}', '{"a":1}', '{"e":null,"a":1}'],
    ["[1,2]", '{"a":"b","c":null}', '{"a":"b"}'],
    ["{}", '{"a":{"bb":{"ccc":null}}}', '{"a":{"bb":{}}}'],
    ["{}", '{"__proto__":{"x":1}}', '{"__proto__":{"x":1}}'],
  ];
  for (const [target, patch, result] of examples) assert.deepEqual(mergePatch(parse(target), parse(patch)), parse(result), patch);
  assert.equal(({} as { x?: number }).x, undefined);
});

test("JSON patch does what RFC 6902 says", () => {
  const document = parse('{"a":{"b":[1,2,3]},"m~/n":1}');
  const ok: [string, string][] = [
    ['[{"op":"add","path":"/a/b/1","value":9}]', '{"a":{"b":[1,9,2,3]},"m~/n":1}'],
    ['[{"op":"add","path":"/a/b/-","value":9}]', '{"a":{"b":[1,2,3,9]},"m~/n":1}'],
    ['[{"op":"remove","path":"/a/b/0"}]', '{"a":{"b":[2,3]},"m~/n":1}'],
    ['[{"op":"replace","path":"/m~0~1n","value":null}]', '{"a":{"b":[1,2,3]},"m~/n":null}'],
    ['[{"op":"move","from":"/a/b","path":"/c"}]', '{"a":{},"m~/n":1,"c":[1,2,3]}'],
    ['[{"op":"copy","from":"/a","path":"/a/d"}]', '{"a":{"b":[1,2,3],"d":{"b":[1,2,3]}},"m~/n":1}'],
    ['[{"op":"test","path":"/a/b/2","value":3},{"op":"test","path":"/none","value":null}]', '{"a":{"b":[1,2,3]},"m~/n":1}'],
    ['[{"op":"replace","path":"","value":{"x":1}}]', '{"x":1}'],
    [
      '[{"op":"add","path":"/__proto__","value":{"x":1}},{"op":"add","path":"/__proto__/y","value":2}]',
      '{"a":{"b":[1,2,3]},"m~/n":1,"__proto__":{"x":1,"y":2}}',
    ],
  ];
  for (const [patch, result] of ok) assert.deepEqual(jsonPatch(document, parse(patch)), parse(result), patch);
  assert.equal(({} as { x?: number }).x, undefined);
});

test("a JSON patch that cannot be applied is refused in upstream's words", () => {
  const refuse = (operations: Json, code: number, message: string, detail: string) =>
    assert.throws(() => jsonPatch(parse('{"a":[1],"b":{}}'), operations), { name: "JsonPatchError", code, message, detail });
  const generic = "the server rejected our request due to an error in our request";
  refuse([{ op: "test", path: "/a/0", value: 2 }], 422, generic, "testing path /a/0 failed");
  refuse([{ op: "remove", path: "/b/constructor" }], 422, generic, "remove operation does not apply: doc is missing path: /b/constructor");
  refuse([{ op: "add", path: "/a/01", value: 1 }], 422, generic, "add operation does not apply: doc is missing path: /a/01");
  refuse([{ op: "add", path: "/x/y", value: 1 }], 422, generic, "add operation does not apply: doc is missing path: /x/y");
  refuse([{ op: "move", from: "/b", path: "/b/c" }], 422, generic, "cannot move /b into itself");
  refuse(
    {},
    400,
    "error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch",
    "error decoding patch: json: cannot unmarshal object into Go value of type jsonpatch.Patch",
  );
  const many = Array.from({ length: maxJsonPatchOperations + 1 }, () => ({ op: "test", path: "/x", value: null }));
  const tooMany = "The allowed maximum operations in a JSON patch is 10000, got 10001";
  refuse(many, 413, tooMany, tooMany);
  const bomb = Array.from({ length: 60 }, (_, i) => ({ op: "copy", from: "", path: `/k${i}` }));
  assert.throws(() => jsonPatch({ a: 1 }, bomb), { code: 422, detail: /copies more than/ });
});

const pod =
  parse(`{"metadata":{"name":"p","finalizers":["a","b"]},"spec":{"containers":[{"name":"web","image":"web:1","env":[{"name":"A","value":"1"}]},
  {"name":"log","image":"log:1"}],"tolerations":[{"key":"x"}],"volumes":[{"name":"v","emptyDir":{}}]}}`);
type Spec = { containers: { name: string; image?: string; env?: unknown }[]; tolerations: unknown; volumes: unknown };
const patched = (patch: object, target = pod) =>
  strategicMergePatch(Pod.message, target, patch as Json) as unknown as { metadata: { finalizers: string[] }; spec: Spec };

test("strategic merge: lists merge by their keys, others are replaced", () => {
  const { spec } = patched({ spec: { containers: [{ name: "log", image: "log:2" }], tolerations: [{ key: "y" }] } });
  assert.deepEqual(
    spec.containers.map(({ name, image }) => [name, image]),
    [
      ["web", "web:1"],
      ["log", "log:2"],
    ],
  );
  assert.deepEqual(spec.tolerations, [{ key: "y" }]);
  const env = patched({
    spec: {
      containers: [
        {
          name: "web",
          env: [
            { name: "B", value: "2" },
            { name: "A", value: null },
          ],
        },
      ],
    },
  });
  assert.deepEqual(env.spec.containers[0]?.env, [{ name: "B", value: "2" }, { name: "A" }]);
});

test("strategic merge: directives", () => {
  const names = (result: { spec: Spec }) => result.spec.containers.map(({ name }) => name);
  assert.deepEqual(names(patched({ spec: { containers: [{ name: "web", $patch: "delete" }] } })), ["log"]);
  assert.deepEqual(names(patched({ spec: { containers: [{ name: "only" }, { $patch: "replace" }] } })), ["only"]);
  const order = [{ name: "new" }, { name: "log" }, { name: "web" }];
  assert.deepEqual(names(patched({ spec: { "$setElementOrder/containers": order, containers: [{ name: "new" }] } })), [
    "new",
    "log",
    "web",
  ]);
  assert.deepEqual(names(patched({ spec: { "$setElementOrder/containers": order.slice(1) } })), ["log", "web"]);
  assert.deepEqual(patched({ metadata: { "$deleteFromPrimitiveList/finalizers": ["a"], finalizers: ["c"] } }).metadata.finalizers, [
    "c",
    "b",
  ]);
  assert.deepEqual(patched({ spec: { $patch: "replace", containers: [{ name: "x", image: null }] } }).spec, {
    containers: [{ name: "x" }],
  });
  const volume = { name: "v", hostPath: { path: "/" }, $retainKeys: ["name", "hostPath"] };
  assert.deepEqual(patched({ spec: { volumes: [volume] } }).spec.volumes, [{ name: "v", hostPath: { path: "/" } }]);
  const strategy = strategicMergePatch(
    Deployment.message,
    parse('{"spec":{"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":1}}}}'),
    {
      spec: { strategy: { $retainKeys: ["type"], type: "Recreate" } },
    },
  );
  assert.deepEqual(strategy, { spec: { strategy: { type: "Recreate" } } });
});

test("strategic merge: what is wrong is said in upstream's words", () => {
  assert.throws(() => patched({ spec: { containers: [{ image: "x" }] } }), {
    message: "map: map[image:x] does not contain declared merge key: name",
    code: 400,
  });
  assert.throws(() => patched({ spec: { $patch: "zap" } }), { message: "unknown patch type: zap in map: map[$patch:zap]" });
  assert.throws(() => patched({ spec: { containers: [[1]] } }), { code: 422, detail: "lists of lists are not supported" });
  assert.throws(() => patched({ spec: { volumes: [{ name: "v", x: 1, $retainKeys: ["name"] }] } }), { code: 422 });
  assert.throws(() => patched({ spec: { "$setElementOrder/containers": 1 } }), { message: "invalid patch format of setElementOrder list" });
  assert.deepEqual(patched({ spec: { undeclared: { a: null, b: [1] } } }).spec, {
    ...(pod as { spec: Spec }).spec,
    undeclared: { b: [1] },
  });
});

test("strategic merge of long lists does not take quadratic time", () => {
  const many = (prefix: string) => Array.from({ length: 20_000 }, (_, i) => ({ name: `${prefix}${i}` }));
  const finalizers = many("f").map(({ name }) => name);
  const target = { metadata: { finalizers }, spec: { containers: [{ name: "c", env: many("a") }] } };
  const started = performance.now();
  const result = patched(
    { metadata: { finalizers: ["new", ...finalizers] }, spec: { containers: [{ name: "c", env: many("b") }] } },
    target,
  );
  assert.ok(performance.now() - started < 2_000);
  assert.equal(result.metadata.finalizers.length, 20_001);
  assert.equal((result.spec.containers[0]?.env as unknown[] | undefined)?.length, 40_000);
});

test("strategic merge of a keyed list agrees with a naive model", () => {
  const env = fc.uniqueArray(fc.record({ name: fc.constantFrom("A", "B", "C", "D", "E"), value: fc.string({ maxLength: 2 }) }), {
    selector: ({ name }) => name,
  });
  fc.assert(
    fc.property(env, env, fc.subarray(["A", "B", "C", "D", "E"]), (before, change, gone) => {
      const target = { spec: { containers: [{ name: "c", env: before }] } };
      const removals = gone
        .filter((name) => !change.some((item) => (item.name as string) === name))
        .map((name) => ({ name, $patch: "delete" }));
      const result = patched({ spec: { containers: [{ name: "c", env: [...change, ...removals] }] } }, target);
      const model = new Map<string, string>(before.map((item) => [item.name, item.value]));
      for (const { name } of removals) model.delete(name);
      for (const { name, value } of change) model.set(name, value);
      const merged = result.spec.containers[0]?.env as { name: string; value: string }[];
      assert.deepEqual(new Map(merged.map((item) => [item.name, item.value])), model);
      assert.equal(merged.length, model.size);
      assert.deepEqual(patched({ spec: { containers: [{ name: "c", env: change }] } }, result as unknown as JsonObject), result);
    }),
    { numRuns: 200 },
  );
});

test("JSON patch: many operations on one large object copy it once, and what was copied shares nothing", () => {
  const data = Object.freeze(Object.fromEntries(Array.from({ length: 20_000 }, (_, index) => [`k${index}`, "a"])));
  const target = Object.freeze({ data, from: Object.freeze({ __proto__: null, a: 1 }) }) as never;
  const operations = Array.from({ length: 10_000 }, (_, index) => ({ op: "replace", path: `/data/k${index}`, value: "b" }));
  const started = performance.now();
  const patched = jsonPatch(target, operations as never) as { data: Record<string, string> };
  assert.ok(performance.now() - started < 2_000);
  assert.deepEqual([patched.data["k9999"], patched.data["k10000"], data["k9999"]], ["b", "a", "a"]);
  const twins = jsonPatch(JSON.parse('{"a": {"b": {"__proto__": 1}}}'), [
    { op: "copy", from: "/a", path: "/c" },
    { op: "add", path: "/c/b/x", value: 2 },
    { op: "copy", from: "/c", path: "/d" },
    { op: "replace", path: "/c/b/x", value: 3 },
    { op: "add", path: "/a/b/__proto__", value: 4 },
  ] as never);
  assert.equal(JSON.stringify(twins), '{"a":{"b":{"__proto__":4}},"c":{"b":{"__proto__":1,"x":3}},"d":{"b":{"__proto__":1,"x":2}}}');
});
