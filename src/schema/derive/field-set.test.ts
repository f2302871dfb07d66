import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Json, JsonObject } from "../field.ts";
import { planOf } from "./field-plan.ts";
import { difference, type FieldSet, has, intersection, member, pathText, paths, readFieldsV1, sameSet, union } from "./field-set.ts";
import { allFields, removedFields, touchedFields } from "./object-fields.ts";
import { ConfigMap } from "../../../test/support/sample-kinds.ts";

/** A set made of its members alone, to compare with. */
function setOf(all: readonly (readonly string[])[]): FieldSet {
  return all.reduce<FieldSet>(
    (set, path) =>
      union(
        set,
        path.reduceRight<FieldSet>((node, key) => ({ [key]: node }), member),
      ),
    member,
  );
}
const texts = (set: FieldSet) => new Set(paths(set).map((path) => path.join(" ")));

const key = fc.constantFrom("f:a", "f:b", "f:__proto__", 'k:{"name":"x"}', 'v:"y"');
const sets = fc.array(fc.array(key, { minLength: 1, maxLength: 3 }), { maxLength: 8 }).map(setOf);

test("sets of fields obey the laws of sets", () => {
  fc.assert(
    fc.property(sets, sets, sets, (a, b, c) => {
      const [left, right] = [texts(a), texts(b)];
      assert.deepEqual(texts(union(a, b)), new Set([...left, ...right]));
      assert.deepEqual(texts(difference(a, b)), new Set([...left].filter((path) => !right.has(path))));
      assert.deepEqual(texts(intersection(a, b)), new Set([...left].filter((path) => right.has(path))));
      assert.ok(sameSet(union(a, b), union(b, a)));
      assert.ok(sameSet(union(union(a, b), c), union(a, union(b, c))));
      assert.ok(sameSet(difference(a, union(b, c)), difference(difference(a, b), c)));
      assert.ok(sameSet(a, union(difference(a, b), intersection(a, b))));
      assert.equal(union(a, a), a);
      assert.ok(sameSet(setOf(paths(a)), a));
      assert.equal(readFieldsV1(a), a);
    }),
  );
});

test("a path that has the member itself and members below it loses only what is taken", () => {
  const set: FieldSet = { "f:a": { ".": {}, "f:b": {} } };
  assert.deepEqual(difference(set, { "f:a": {} }), { "f:a": { "f:b": {} } });
  assert.deepEqual(difference(set, { "f:a": { "f:b": {} } }), { "f:a": {} });
  assert.deepEqual(difference(set, set), {});
  assert.ok(has(set, ["f:a"]) && has(set, ["f:a", "f:b"]) && !has(set, ["f:b"]) && !has(set, []));
});

test("paths read as upstream prints them", () => {
  assert.equal(pathText(["f:spec", 'k:{"containerPort":80,"protocol":"TCP"}', "f:name"]), '.spec[containerPort=80,protocol="TCP"].name');
  assert.equal(pathText(["f:metadata", "f:finalizers", 'v:"a/b"']), '.metadata.finalizers[="a/b"]');
});

test("sets from clients are brought to one form, or refused", () => {
  assert.deepEqual(readFieldsV1({ "f:a": { 'k:{ "b":1, "a":"x" }': {} } }), { "f:a": { 'k:{"a":"x","b":1}': {} } });
  const bad: Json[] = [
    1,
    [],
    { a: {} },
    { "f:": {} },
    { "f:a": 1 },
    { "k:{": {} },
    { "k:{}": {} },
    { "v:{}": {} },
    { "x:1": {} },
    { __proto__x: {} },
  ];
  for (const json of bad) assert.equal(readFieldsV1(json), undefined, JSON.stringify(json));
  let deep: JsonObject = {};
  for (let i = 0; i < 200; i++) deep = { "f:a": deep };
  assert.equal(readFieldsV1(deep), undefined);
});

const values = fc.dictionary(fc.constantFrom("a", "b", "c", "__proto__"), fc.constantFrom("1", "2"), { noNullPrototype: true });

test("what two objects differ in is what their fields and values say", () => {
  const plan = planOf(ConfigMap.message);
  fc.assert(
    fc.property(values, values, (before, after) => {
      const [old, now] = [{ data: before }, { data: after }] as JsonObject[];
      const touched = texts(touchedFields(plan, old, now as Json) ?? member);
      const removed = texts(removedFields(plan, old as Json, now) ?? member);
      const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])];
      const own = (object: Record<string, string>, name: string) => (Object.hasOwn(object, name) ? object[name] : undefined);
      for (const name of keys) {
        assert.equal(touched.has(`f:data f:${name}`), own(after, name) !== undefined && own(after, name) !== own(before, name));
        assert.equal(removed.has(`f:data f:${name}`), own(after, name) === undefined);
      }
      const all = texts(allFields(plan, now as Json));
      assert.ok([...touched].every((path) => all.has(path)));
    }),
  );
});
