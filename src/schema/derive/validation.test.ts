import assert from "node:assert/strict";
import { test } from "node:test";
import { Example } from "../../../test/support/example-kind.ts";
import type { Draft } from "../message.ts";
import { complete } from "./defaults.ts";
import { fieldErrorsText, fieldErrorText, validate } from "./validation.ts";

const meta = { name: "a", namespace: "b" };
const example = (draft: Draft<Example>): Example => complete(Example, { ...draft, metadata: { ...meta, ...draft.metadata } });
const good: Draft<Example> = { spec: { part: { name: "p" } } };
const errorsOf = (draft: Draft<Example>, old?: Draft<Example>) =>
  validate(Example, example({ ...good, ...draft }), old && example({ ...good, ...old })).map(fieldErrorText);
const specErrors = (spec: Draft<Example["spec"]>, old?: Draft<Example["spec"]>) =>
  errorsOf({ spec: { ...good.spec, ...spec } }, old && { spec: { ...good.spec, ...old } });

test("a good object has no errors", () => assert.deepEqual(errorsOf({}), []));

test("fields are checked against what they say of themselves", () => {
  assert.deepEqual(specErrors({ count: -1 }), ["spec.count: Invalid value: -1: must be greater than or equal to 0"]);
  assert.deepEqual(specErrors({ part: { name: "p", size: 11 } }), ["spec.part.size: Invalid value: 11: must be less than or equal to 10"]);
  assert.deepEqual(specErrors({ part: { name: "p", colour: "blue" as "red" } }), [
    'spec.part.colour: Unsupported value: "blue": supported values: "green", "red"',
  ]);
  assert.deepEqual(specErrors({ part: {} }), ["spec.part.name: Required value"]);
  assert.deepEqual(specErrors({ parts: [{ name: "a" }, {}] }), ["spec.parts[1].name: Required value"]);
  assert.deepEqual(specErrors({ partsByName: { x: { name: "a.b" } } }), [
    'spec.partsByName[x].name: Invalid value: "a.b": must not contain dots',
  ]);
  assert.deepEqual(specErrors({ fixed: "éééé" }), ["spec.fixed: Too long: may not be more than 5 bytes"]);
});

test("keys of lists may not repeat", () => {
  assert.deepEqual(specErrors({ parts: [{ name: "a" }, { name: "b" }, { name: "a" }] }), ['spec.parts[2].name: Duplicate value: "a"']);
  assert.deepEqual(specErrors({ words: ["a", "a"] }), ['spec.words[1]: Duplicate value: "a"']);
});

test("what is immutable may not change", () => {
  assert.deepEqual(specErrors({ fixed: "b" }, { fixed: "a" }), ['spec.fixed: Invalid value: "b": field is immutable']);
  assert.deepEqual(specErrors({}, { fixed: "a" }), ['spec.fixed: Invalid value: "null": field is immutable']);
  assert.deepEqual(specErrors({ fixed: "a" }, { fixed: "a" }), []);
});

test("what is shared with the old object was checked when it came", () => {
  const old = example({ spec: { part: {} } });
  const missing = ["spec.part.name: Required value"];
  assert.deepEqual(validate(Example, { ...old, metadata: { ...old.metadata, labels: { a: "b" } } }, old).map(fieldErrorText), []);
  assert.deepEqual(validate(Example, example({ spec: { part: {} } }), old).map(fieldErrorText), missing);
  assert.deepEqual(validate(Example, { ...old, spec: { ...old.spec, part: { ...old.spec.part } } }, old).map(fieldErrorText), missing);
  assert.deepEqual(validate(Example, old).map(fieldErrorText), missing);
});

test("status is not checked by declaration, and nothing but status through its subresource", () => {
  assert.deepEqual(errorsOf({ status: { parts: [{ name: "a" }, { name: "a" }, {}] } }), []);
  assert.deepEqual(validate(Example, example({ spec: { count: -1, part: {} } }), example({}), "status"), []);
});

test("metadata: names, namespaces, labels, annotations", () => {
  const subdomain =
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
  assert.deepEqual(errorsOf({ metadata: { name: "A" } }), [`metadata.name: Invalid value: "A": ${subdomain}`]);
  assert.deepEqual(errorsOf({ metadata: { name: "" } }), ["metadata.name: Required value: name or generateName is required"]);
  assert.deepEqual(errorsOf({ metadata: { generateName: "a-" } }), []);
  assert.deepEqual(errorsOf({ metadata: { generateName: "AB-" } }), [`metadata.generateName: Invalid value: "AB-": ${subdomain}`]);
  assert.deepEqual(errorsOf({ metadata: { namespace: "" } }), ["metadata.namespace: Required value"]);
  const cluster = { ...Example, scope: "cluster" } as typeof Example;
  assert.deepEqual(validate(cluster, example(good)).map(fieldErrorText), ["metadata.namespace: Forbidden: not allowed on this type"]);
  assert.match(
    errorsOf({ metadata: { labels: { "a b": "c" } } }).join(),
    /^metadata\.labels: Invalid value: "a b": name part must consist of/,
  );
  assert.match(
    errorsOf({ metadata: { labels: { a: "b c" } } }).join(),
    /^metadata\.labels: Invalid value: "b c": a valid label must be an empty string or/,
  );
  assert.deepEqual(errorsOf({ metadata: { annotations: { UPPER: "anything at all: é" } } }), []);
  assert.deepEqual(errorsOf({ metadata: { annotations: { a: "é".repeat(131_072) } } }), [
    "metadata.annotations: Too long: may not be more than 262144 bytes",
  ]);
});

test("metadata: owners, finalizers, and what may not change", () => {
  const owner = { apiVersion: "v1", kind: "Pod", name: "a", uid: "1", controller: true };
  assert.deepEqual(errorsOf({ metadata: { ownerReferences: [owner] } }), []);
  assert.match(
    errorsOf({ metadata: { ownerReferences: [owner, { ...owner, name: "b", uid: "2" }] } }).join(),
    /Only one reference can have Controller set to true\. Found "true" in references for Pod\/a and Pod\/b$/,
  );
  assert.deepEqual(errorsOf({ metadata: { ownerReferences: [{ ...owner, uid: "" }] } }), [
    'metadata.ownerReferences.uid: Invalid value: "": must not be empty',
  ]);
  assert.match(
    errorsOf({ metadata: { finalizers: ["a/b/c"] } }).join(),
    /^metadata\.finalizers: Invalid value: "a\/b\/c": a qualified name/,
  );
  assert.deepEqual(errorsOf({ metadata: { name: "b" } }, {}), ['metadata.name: Invalid value: "b": field is immutable']);
  assert.deepEqual(errorsOf({ metadata: { uid: "1" } }, { metadata: { uid: "2" } }), [
    'metadata.uid: Invalid value: "1": field is immutable',
  ]);
  const going = { deletionTimestamp: "2026-01-01T00:00:00Z" };
  assert.deepEqual(
    errorsOf(
      { metadata: { ...going, finalizers: ["example.com/a", "example.com/b"] } },
      { metadata: { ...going, finalizers: ["example.com/a"] } },
    ),
    [
      'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"example.com/b"}',
    ],
  );
});

test("the kind's own rules come last, and know the old object and the subresource", () => {
  const contexts: unknown[] = [];
  const kind = {
    ...Example,
    validate: (object: Example, context: { readonly old?: Example; readonly subresource: string }) => {
      contexts.push([object.metadata.name, context.old?.metadata.name, context.subresource]);
      return [{ type: "Forbidden", field: "spec", detail: "no" }];
    },
  } as unknown as typeof Example;
  const object = example(good);
  assert.deepEqual(validate(kind, object, object, "scale").map(fieldErrorText), ["spec: Forbidden: no"]);
  validate(kind, object);
  assert.deepEqual(contexts, [
    ["a", "a", "scale"],
    ["a", undefined, ""],
  ]);
});

test("several errors are joined as upstream joins them", () => {
  const errors = validate(Example, example({ spec: { count: -1, part: {} } }));
  assert.equal(
    fieldErrorsText(errors),
    "[spec.count: Invalid value: -1: must be greater than or equal to 0, spec.part.name: Required value]",
  );
  assert.equal(fieldErrorsText(errors.slice(1)), "spec.part.name: Required value");
});

test("each type of error is printed as upstream prints it", () => {
  const field = "spec.a";
  assert.equal(
    fieldErrorText({ type: "TypeInvalid", field, value: "string", detail: "must be of type integer" }),
    'spec.a: Invalid value: "string": must be of type integer',
  );
  assert.equal(
    fieldErrorText({ type: "TooMany", field, value: 5, detail: "must have at most 3 items" }),
    "spec.a: Too many: 5: must have at most 3 items",
  );
  assert.equal(
    fieldErrorText({ type: "TooLong", field, value: "x", detail: "may not be more than 3 bytes" }),
    "spec.a: Too long: may not be more than 3 bytes",
  );
  assert.equal(fieldErrorText({ type: "NotFound", field, value: "b", detail: "" }), 'spec.a: Not found: "b"');
  assert.equal(fieldErrorText({ type: "Forbidden", field, value: "b", detail: "no" }), "spec.a: Forbidden: no");
  assert.equal(
    fieldErrorText({ type: "Invalid", field, value: { b: 2n ** 60n }, detail: "" }),
    'spec.a: Invalid value: {"b":1152921504606846976}',
  );
  assert.equal(fieldErrorText({ type: "InternalError", field, detail: "boom" }), "spec.a: Internal error: boom");
});
