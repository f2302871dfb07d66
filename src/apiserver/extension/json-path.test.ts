import assert from "node:assert/strict";
import { test } from "node:test";
import { findAll, parseJsonPath } from "./json-path.ts";

const object = {
  spec: {
    "a.b": 1,
    list: [
      { type: "Ready", status: "True" },
      { type: "Other", status: "False" },
    ],
    none: null,
  },
  metadata: { annotations: { "example.com/x": "y" } },
};
const find = (path: string) => {
  const steps = parseJsonPath(path);
  return steps && findAll(steps, object);
};

test("paths lead to what they name", () => {
  assert.deepEqual(find(".spec.list[0].type"), ["Ready"]);
  assert.deepEqual(find("$.spec.list[-1].type"), ["Other"]);
  assert.deepEqual(find(".spec.list[*].status"), ["True", "False"]);
  assert.deepEqual(find('.spec.list[?(@.type=="Ready")].status'), ["True"]);
  assert.deepEqual(find(".spec.list[?(@.type!='Ready')].status"), ["False"]);
  assert.deepEqual(find(".spec.a\\.b"), [1]);
  assert.deepEqual(find(".spec['a.b']"), [1]);
  assert.deepEqual(find(".metadata.annotations.example\\.com/x"), ["y"]);
  assert.deepEqual(find(".spec.missing.deeper"), []);
  assert.deepEqual(find(".constructor.name"), []);
});

test("what is no path is none", () => {
  for (const path of ["spec", ".spec[", ".spec..x", ".spec[?(1)]", ".a ".repeat(1_000)]) assert.equal(parseJsonPath(path), undefined, path);
});
