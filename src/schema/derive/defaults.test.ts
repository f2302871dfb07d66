import assert from "node:assert/strict";
import { test } from "node:test";
import { Example, ExampleSpec } from "../../../test/support/example-kind.ts";
import { complete, withDefaults, withKindDefaults } from "./defaults.ts";
import { readJson } from "./json.ts";

const nothing = { alwaysText: "", port: 0, alwaysWords: [], part: { name: "", size: 7, colour: "green" } };

test("declared defaults are put in at every depth", () => {
  const { value } = readJson(ExampleSpec, `{"parts":[{"name":"a","colour":"red"}],"partsByName":{"x":{"size":2}},"optionalPart":{}}`);
  assert.deepEqual(withDefaults(ExampleSpec, value), {
    ...nothing,
    count: 1,
    parts: [{ name: "a", size: 7, colour: "red" }],
    partsByName: { x: { name: "", size: 2, colour: "green" } },
    optionalPart: { name: "", size: 7, colour: "green" },
  });
});

test("zero stays where it differs from absent", () => {
  const { value } = readJson(ExampleSpec, `{"count":0,"part":{"size":0}}`);
  assert.deepEqual(withDefaults(ExampleSpec, value), { ...nothing, count: 0 });
});

test("the very same value comes back where nothing is missing", () => {
  const once = withDefaults(ExampleSpec, readJson(ExampleSpec, `{"parts":[{}],"partsByName":{"__proto__":{}}}`).value);
  assert.equal(withDefaults(ExampleSpec, once), once);
  assert.deepEqual(Object.keys(once.partsByName as object), ["__proto__"]);
});

test("complete makes a whole object of a draft", () => {
  const object = complete(Example, { metadata: { name: "a", labels: {} }, spec: { plainText: "", count: 3 } });
  assert.deepEqual(object, {
    kind: "Example",
    apiVersion: "example.io/v1",
    metadata: { name: "a" },
    spec: { ...nothing, count: 3 },
    status: {},
  });
});

test("the kind's own defaults come after the declared ones", () => {
  const seen: unknown[] = [];
  const kind = {
    ...Example,
    default: (object: Example) => {
      seen.push(object.spec.count);
      return { ...object, status: { ready: true } };
    },
  } as unknown as typeof Example;
  assert.deepEqual(withKindDefaults(kind, readJson(Example.message, "{}").value).status, { ready: true });
  assert.deepEqual(seen, [1]);
});
