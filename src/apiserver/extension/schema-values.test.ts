// What is kept of a custom resource: any structural schema and any object, against a naive model of pruning.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { CustomResourceDefinition } from "#api/apiextensions.k8s.io/custom-resource-definition/custom-resource-definition.ts";
import { withKindDefaults } from "#schema/derive/defaults.ts";
import { normalise, readJson, writeJson } from "#schema/derive/json.ts";
import type { KubernetesObject } from "#schema/kind.ts";
import { customKinds } from "./custom-kind.ts";

// oxlint-disable-next-line typescript/no-explicit-any
type Loose = any;

const kindWith = (...schemas: object[]) =>
  customKinds({
    metadata: { name: "things.example.com" },
    spec: {
      group: "example.com",
      scope: "Namespaced",
      names: { plural: "things", kind: "Thing" },
      versions: schemas.map((schema, index) => ({
        name: `v${index + 1}`,
        served: true,
        storage: index === 0,
        schema: { openAPIV3Schema: schema },
        subresources: { status: {} },
      })),
    },
  } as unknown as CustomResourceDefinition);

const typeMeta = { apiVersion: "example.com/v1", kind: "Thing" };

/** What a create keeps of the body, and what a patch with the same result keeps. */
function keptOf(schema: object, text: string): Loose {
  const [kind] = kindWith(schema);
  assert.ok(kind);
  const read = withKindDefaults(kind, readJson(kind.message, text).value as KubernetesObject);
  const normalised = withKindDefaults(kind, normalise(kind.message, JSON.parse(text) as never).value as KubernetesObject);
  assert.equal(sorted(normalised), sorted(read), "reading and normalising agree");
  // What is stored comes back as it is.
  const again = withKindDefaults(kind, readJson(kind.message, writeJson(read)).value as KubernetesObject);
  assert.equal(sorted(again), sorted(read), "what was kept is kept again");
  return read;
}

function sorted(value: unknown): string {
  const inOrder = (part: unknown): unknown => {
    if (Array.isArray(part)) return part.map(inOrder);
    if (typeof part !== "object" || part === null) return part;
    const keys = Object.keys(part).sort();
    return keys.map((key) => [key, inOrder((part as Loose)[key])]);
  };
  return writeJson(inOrder(value));
}

const free = { type: "object", "x-kubernetes-preserve-unknown-fields": true };

test("a schema that keeps everything keeps everything, at the root and below", () => {
  const object = {
    ...typeMeta,
    metadata: { name: "a" },
    spec: { deep: { list: [{ a: [1, null, { b: {} }] }], none: null } },
    other: null,
  };
  assert.equal(sorted(keptOf(free, JSON.stringify(object))), sorted(object));
  const below = {
    type: "object",
    properties: { spec: { ...free, properties: { known: { type: "object", properties: { a: { type: "string" } } } } } },
  };
  const spec = { known: { a: "x", dropped: 1 }, unknown: { any: [null] } };
  const kept = keptOf(below, JSON.stringify({ ...typeMeta, metadata: { name: "a" }, spec, dropped: 1 }));
  assert.equal(sorted(kept.spec), sorted({ known: { a: "x" }, unknown: { any: [null] } }));
  assert.equal("dropped" in kept, false);
});

test("keys named __proto__ and numbers beyond 2^53 are kept", () => {
  const text = `{"apiVersion":"example.com/v1","kind":"Thing","metadata":{"name":"a"},"__proto__":{"x":1},"spec":{"__proto__":[9007199254740993]}}`;
  const [kind] = kindWith(free);
  assert.ok(kind);
  const read = withKindDefaults(kind, readJson(kind.message, text).value as KubernetesObject);
  const written = writeJson(read);
  assert.match(written, /"__proto__":\{"x":1\}/);
  assert.match(written, /"spec":\{"__proto__":\[9007199254740993\]\}/);
  const named = {
    type: "object",
    properties: { spec: { type: "object", properties: JSON.parse(`{"__proto__":{"type":"string"},"a":{"type":"string"}}`) } },
  };
  const kept = keptOf(
    named,
    `{"apiVersion":"example.com/v1","kind":"Thing","metadata":{"name":"a"},"spec":{"__proto__":"p","a":"b","c":1}}`,
  );
  assert.equal(writeJson(kept.spec), `{"a":"b","__proto__":"p"}`);
});

test("null stays where the schema allows it, and is nothing elsewhere", () => {
  const schema = {
    type: "object",
    properties: {
      spec: {
        type: "object",
        properties: {
          a: { type: "string", nullable: true },
          b: { type: "string" },
          c: { type: "array", nullable: true, items: { type: "string" } },
          d: { type: "object", nullable: true, properties: { e: { type: "string" } } },
          f: { type: "string", default: "g" },
          h: { type: "object", additionalProperties: { type: "string", nullable: true } },
          i: { type: "object", additionalProperties: { type: "string" } },
        },
      },
    },
  };
  const spec = { a: null, b: null, c: null, d: null, f: null, h: { x: null }, i: { x: null, y: "z" } };
  const kept = keptOf(schema, JSON.stringify({ ...typeMeta, metadata: { name: "a" }, spec }));
  assert.equal(sorted(kept.spec), sorted({ a: null, c: null, d: null, f: "g", h: { x: null }, i: { y: "z" } }));
});

test("an embedded resource keeps what makes it one", () => {
  const template = {
    type: "object",
    "x-kubernetes-embedded-resource": true,
    properties: { spec: { type: "object", properties: { a: { type: "string" } } } },
  };
  const value = { apiVersion: "v1", kind: "Pod", metadata: { name: "x", labels: { a: "b" } }, spec: { a: "b", c: 1 }, other: 1 };
  const kept = keptOf(
    { type: "object", properties: { template } },
    JSON.stringify({ ...typeMeta, metadata: { name: "a" }, template: value }),
  );
  assert.equal(sorted(kept.template), sorted({ apiVersion: "v1", kind: "Pod", metadata: value.metadata, spec: { a: "b" } }));
});

test("what one of two versions keeps is stored", () => {
  const strict = { type: "object", properties: { spec: { type: "object", properties: { a: { type: "string" } } } } };
  const open = { type: "object", properties: { spec: { ...free, properties: { b: { type: "string" } } } } };
  for (const [first, second] of [
    [strict, open],
    [open, strict],
    [strict, free],
    [free, strict],
  ] as const) {
    const [one, two] = kindWith(first, second);
    assert.ok(one && two);
    const wide = first === strict ? two : one;
    const object = readJson(
      wide.message,
      JSON.stringify({ apiVersion: wide.apiVersion, kind: "Thing", metadata: { name: "a" }, spec: { a: "x", z: [1] } }),
    ).value;
    const storage = wide.storage?.();
    const stored = storage ? (storage.to as (object: unknown) => unknown)(object) : object;
    assert.deepEqual((stored as Loose).spec, { a: "x", z: [1] });
  }
});

/** A small generator: the same numbers every time. */
function chance(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return ((state >>> 8) % 65_536) % below;
  };
}

const names = ["a", "b", "c", "__proto__", "constructor", "kind"];

function anySchema(pick: (below: number) => number, depth: number): Loose {
  const nullable = pick(6) === 0 ? { nullable: true } : {};
  const kinds = depth <= 0 ? 3 : 7;
  switch (pick(kinds)) {
    case 0:
      return { type: "string", ...nullable };
    case 1:
      return { "x-kubernetes-int-or-string": true, ...nullable };
    case 2:
      return { "x-kubernetes-preserve-unknown-fields": true, ...nullable };
    case 3:
      return { type: "array", items: anySchema(pick, depth - 1), ...nullable };
    case 4:
      return { type: "object", additionalProperties: anySchema(pick, depth - 1), ...nullable };
    default:
      return { ...objectSchema(pick, depth - 1), ...nullable };
  }
}

function objectSchema(pick: (below: number) => number, depth: number): Loose {
  const properties: Loose = Object.create(null);
  for (const name of names) if (pick(2) === 0) properties[name] = anySchema(pick, depth);
  return {
    type: "object",
    ...(pick(4) > 0 && { properties }),
    ...(pick(3) === 0 && { "x-kubernetes-preserve-unknown-fields": true }),
    ...(pick(6) === 0 && { "x-kubernetes-embedded-resource": true }),
  };
}

/** A value of the schema's types, so that reading does not refuse it, with what nobody asked for in between. */
function anyValue(schema: Loose, pick: (below: number) => number, depth: number): unknown {
  if (pick(12) === 0) return null;
  if (depth <= 0 || !schema) return ["x", 7, 9_007_199_254_740_991, true, [], {}][pick(6)];
  if (schema.type === "string") return "text";
  if (schema.type === "array")
    return Array.from({ length: pick(3) }, () => anyValue(schema.items, pick, depth - 1) ?? filler(schema.items));
  if (schema.type === "object" || pick(2) === 0) {
    const object: Loose = Object.create(null);
    for (const name of [...names, "x", "y"]) {
      const own = schema.properties && Object.hasOwn(schema.properties, name) ? schema.properties[name] : schema.additionalProperties;
      if (pick(2) === 0) object[name] = typed(own, anyValue(own, pick, depth - 1));
    }
    return object;
  }
  return pick(2) === 0 ? 5 : "text";
}

/** The value, or one of the schema's type. Null inside a map of objects is read as an empty one, which the model does not know. */
function typed(schema: Loose, value: unknown): unknown {
  if (!schema) return value;
  const matches =
    schema.type === "array" ? Array.isArray(value) : schema.type === "object" ? typeof value === "object" && !Array.isArray(value) : true;
  return value === null ? (schema.type === "object" ? filler(schema) : null) : matches ? value : filler(schema);
}

function filler(schema: Loose): unknown {
  return schema?.type === "array" ? [] : schema?.type === "object" ? {} : "filler";
}

/** Pruning as its definition says. */
function model(schema: Loose, value: Loose, isRoot = false): unknown {
  if (Array.isArray(value)) return value.map((item) => (schema.items ? model(schema.items, item) : item));
  if (typeof value !== "object" || value === null) return value;
  const result: Loose = Object.create(null);
  for (const [name, member] of Object.entries(value) as [string, Loose][]) {
    const meta = (isRoot || schema["x-kubernetes-embedded-resource"]) && ["apiVersion", "kind", "metadata"].includes(name);
    const own = schema.properties && Object.hasOwn(schema.properties, name) ? schema.properties[name] : schema.additionalProperties;
    if (isRoot && meta) result[name] = member;
    else if (own && member === null && !own.nullable) continue;
    else if (own) result[name] = model(own, member);
    else if (meta || schema["x-kubernetes-preserve-unknown-fields"] || (!schema.type && !schema.properties)) result[name] = member;
  }
  return result;
}

test("pruning agrees with a naive model, whatever the schema and the object", () => {
  let dropped = 0;
  for (let seed = 1; seed <= 400; seed++) {
    const pick = chance(seed);
    const schema = objectSchema(pick, 3);
    const value = anyValue(schema, pick, 5) ?? {};
    const object = Object.assign(Object.create(null), value, { ...typeMeta, metadata: { name: "a" } }) as Loose;
    if (Object.hasOwn(value as object, "__proto__")) object["__proto__"] = (value as Loose)["__proto__"];
    const text = writeJson(object);
    const wanted = sorted(model(schema, object, true));
    assert.equal(sorted(keptOf(schema, text)), wanted, `seed ${seed}: ${JSON.stringify(schema)}\n${text}`);
    if (wanted !== sorted(object)) dropped++;
  }
  assert.ok(dropped > 80, "the objects have something to prune");
});
