import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Example } from "../../../test/support/example-kind.ts";
import { normalise, readJson, readUnknownJson, readUnknownJsonStrictly, writeJson } from "./json.ts";

const read = (text: string) => readJson(Example.message, text);
const readSpec = (spec: string) => read(`{"spec":${spec}}`).value.spec;
const nothing = { alwaysText: "", port: 0, alwaysWords: [], part: { name: "" } };
/** JSON.parse makes numbers of these, readers of ours bigints. */
const unsafeNumber = /[0-9]{16}/;
const messagesOf = (text: string) => read(text).problems.map(({ message }) => message);

test("absent, null and zero are one, except where the declaration tells them apart", () => {
  const empty = { metadata: {}, spec: nothing, status: {} };
  assert.deepEqual(read("{}").value, empty);
  assert.deepEqual(read(`{"metadata":null,"spec":null,"status":{"ready":false,"parts":[]}}`).value, empty);
  assert.deepEqual(
    readSpec(`{"plainText":"","flag":false,"total":0,"data":"","words":[],"labels":{},"partsByName":{},"moment":null}`),
    nothing,
  );
  assert.deepEqual(
    readSpec(`{"optionalText":null,"optionalFlag":null,"count":null,"optionalPart":null,"object":null,"anything":null}`),
    nothing,
  );
  assert.deepEqual(readSpec(`{"optionalText":"","optionalFlag":false,"count":0,"ratio":0,"optionalPart":{}}`), {
    ...nothing,
    optionalText: "",
    optionalFlag: false,
    count: 0,
    ratio: 0,
    optionalPart: { name: "" },
  });
});

test("a null inside a list or map is the zero value there", () => {
  assert.deepEqual(readSpec(`{"words":[null,"a"],"numbers":[null],"parts":[null],"labels":{"a":null},"amounts":{"cpu":null}}`), {
    ...nothing,
    words: ["", "a"],
    numbers: [0],
    parts: [{ name: "" }],
    labels: { a: "" },
    amounts: { cpu: "0" },
  });
});

test("every scalar is brought into its canonical form", () => {
  const spec = readSpec(`{
    "amount": 0.1, "amounts": {"memory": "1024Mi"}, "moment": "2026-01-01T01:00:00+01:00", "instant": "2026-01-01T00:00:00.5Z",
    "period": "90s", "data": "YQ\\n==", "port": "http", "ratio": 1e2, "extra": {"a": ["x"]}, "object": {"b": [1, null]}, "anything": [null]
  }`);
  assert.deepEqual(spec, {
    ...nothing,
    amount: "100m",
    amounts: { memory: "1Gi" },
    moment: "2026-01-01T00:00:00Z",
    instant: "2026-01-01T00:00:00.500000Z",
    period: "1m30s",
    data: "YQ==",
    port: "http",
    ratio: 100,
    extra: { a: ["x"] },
    object: { b: [1, null] },
    anything: [null],
  });
});

test("apiVersion and kind are kept, and come first", () => {
  const { value } = read(`{"spec":{},"kind":"Example","apiVersion":"example.io/v1"}`);
  assert.deepEqual(Object.keys(value), ["kind", "apiVersion", "metadata", "spec", "status"]);
});

test("whole numbers keep every digit", () => {
  assert.equal(readSpec(`{"total":9007199254740993}`).total, 9007199254740993n);
  assert.equal(readSpec(`{"total":-9223372036854775808}`).total, -9223372036854775808n);
  assert.equal(readSpec(`{"large":18446744073709551615}`).large, 18446744073709551615n);
  assert.equal(readSpec(`{"total":9007199254740991}`).total, 9007199254740991);
  assert.equal(writeJson(readSpec(`{"numbers":[9223372036854775807,1]}`).numbers), "[9223372036854775807,1]");
  assert.deepEqual(readUnknownJson("[9007199254740993, 1.5, 1e400]".replace(", 1e400", "")), [9007199254740993n, 1.5]);
});

test("wrong types are refused in Go's words", () => {
  const wrong: Record<string, string> = {
    '{"spec":{"count":"x"}}': "json: cannot unmarshal string into Go struct field ExampleSpec.spec.count of type int32",
    '{"spec":{"count":1.0}}': "json: cannot unmarshal number 1.0 into Go struct field ExampleSpec.spec.count of type int32",
    '{"spec":{"count":1e3}}': "json: cannot unmarshal number 1e3 into Go struct field ExampleSpec.spec.count of type int32",
    '{"spec":{"count":2147483648}}': "json: cannot unmarshal number 2147483648 into Go struct field ExampleSpec.spec.count of type int32",
    '{"spec":{"small":-1}}': "json: cannot unmarshal number -1 into Go struct field ExampleSpec.spec.small of type uint32",
    '{"spec":{"total":9223372036854775808}}':
      "json: cannot unmarshal number 9223372036854775808 into Go struct field ExampleSpec.spec.total of type int64",
    '{"spec":{"plainText":1}}': "json: cannot unmarshal number into Go struct field ExampleSpec.spec.plainText of type string",
    '{"spec":{"flag":"true"}}': "json: cannot unmarshal string into Go struct field ExampleSpec.spec.flag of type bool",
    '{"spec":{"parts":{}}}': "json: cannot unmarshal object into Go struct field ExampleSpec.spec.parts of type []v1.Part",
    '{"spec":{"parts":[1]}}': "json: cannot unmarshal number into Go struct field ExampleSpec.spec.parts of type v1.Part",
    '{"spec":{"parts":[{},{"name":true}]}}': "json: cannot unmarshal bool into Go struct field Part.spec.parts.name of type string",
    '{"spec":{"labels":{"a":1}}}': "json: cannot unmarshal number into Go struct field ExampleSpec.spec.labels of type string",
    '{"spec":{"labels":[]}}': "json: cannot unmarshal array into Go struct field ExampleSpec.spec.labels of type map[string]string",
    '{"spec":[]}': "json: cannot unmarshal array into Go struct field Example.spec of type v1.ExampleSpec",
    "[]": "json: cannot unmarshal array into Go value of type v1.Example",
    '{"spec":{"port":true}}': "json: cannot unmarshal bool into Go value of type int32",
    '{"spec":{"moment":1}}': "json: cannot unmarshal number into Go value of type string",
    '{"spec":{"data":"a"}}': "illegal base64 data at input byte 1",
  };
  for (const [text, message] of Object.entries(wrong)) {
    assert.throws(() => read(text), { name: "DecodeError", message }, text);
    if (!text.includes("1.0") && !text.includes("1e3") && !text.includes("9223372036854775808")) {
      assert.throws(() => normalise(Example.message, JSON.parse(text)), { name: "DecodeError", message }, `normalise ${text}`);
    }
  }
});

test("unknown fields and duplicates are found in the order of the text, with their paths", () => {
  assert.deepEqual(
    messagesOf(
      `{"foo":{"a":1,"a":2},"spec":{"bar":1,"parts":[{"name":"a"},{"nam\\u0065":"b","name":"c","x":[]}],"labels":{"k":"1","k":"2"},"count":1,"count":null}}`,
    ),
    [
      `unknown field "foo"`,
      `unknown field "spec.bar"`,
      `duplicate field "spec.parts[1].name"`,
      `unknown field "spec.parts[1].x"`,
      `duplicate field "spec.labels.k"`,
      `duplicate field "spec.count"`,
    ],
  );
  assert.equal(readSpec(`{"count":1,"count":2}`).count, 2);
  assert.equal(readSpec(`{"count":1,"count":null}`).count, undefined);
  assert.equal(read(`{${Array.from({ length: 500 }, (_, index) => `"f${index}":0`).join(",")}}`).problems.length, 100);
  assert.deepEqual(messagesOf(`{"spec":{"object":{"x":1,"y":{"z":2}}}}`), []);
});

test("readUnknownJsonStrictly finds duplicates at every depth", () => {
  const { value, problems } = readUnknownJsonStrictly(`{"a":[{"b":1,"b":2}],"a":3}`);
  assert.deepEqual(value, { a: 3 });
  assert.deepEqual(
    problems.map(({ message }) => message),
    [`duplicate field "a[0].b"`, `duplicate field "a"`],
  );
});

test("__proto__, constructor and their kin are keys like any other", () => {
  const labels = readSpec(`{"labels":{"__proto__":"a","constructor":"b","toString":"c"}}`).labels as object;
  assert.deepEqual(Object.keys(labels), ["__proto__", "constructor", "toString"]);
  assert.equal(Object.getPrototypeOf(labels), Object.prototype);
  assert.equal(writeJson(labels), `{"__proto__":"a","constructor":"b","toString":"c"}`);
  assert.deepEqual(messagesOf(`{"__proto__":{"polluted":1},"constructor":1,"spec":{"hasOwnProperty":1}}`), [
    `unknown field "__proto__"`,
    `unknown field "constructor"`,
    `unknown field "spec.hasOwnProperty"`,
  ]);
  assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
  const parsed = JSON.parse(`{"spec":{"labels":{"__proto__":"a"}},"__proto__":{"x":1}}`);
  const normalised = normalise(Example.message, parsed);
  assert.deepEqual(Object.keys((normalised.value as { spec: { labels: object } }).spec.labels), ["__proto__"]);
  assert.equal(normalised.problems.length, 1);
  assert.equal(writeJson(readUnknownJson(`{"__proto__":{"a":9007199254740993}}`)), `{"__proto__":{"a":9007199254740993}}`);
});

test("what is no JSON is refused with its position", () => {
  const wrong: Record<string, readonly [string, number]> = {
    "": ["unexpected end of JSON input", 0],
    "{": ["unexpected end of JSON input", 1],
    '{"spec"': ["unexpected end of JSON input", 7],
    '{"spec":': ["unexpected end of JSON input", 8],
    '{"spec":{}': ["unexpected end of JSON input", 10],
    "{}x": ["invalid character 'x' after top-level value", 2],
    "{a}": ["invalid character 'a' looking for beginning of object key string", 1],
    '{"spec":{},}': ["invalid character '}' looking for beginning of object key string", 11],
    '{"spec" {}}': ["invalid character '{' after object key", 8],
    '{"spec":x}': ["invalid character 'x' looking for beginning of value", 8],
    '{"spec":nul}': ["invalid character '}' in literal null (expecting 'l')", 11],
    '{"spec":{"count":01}}': ["invalid character '1' after object key:value pair", 18],
    '{"spec":{"count":-}}': ["invalid character '}' in numeric literal", 18],
    '{"spec":{"ratio":1.}}': ["invalid character '}' after decimal point in numeric literal", 19],
    '{"spec":{"plainText":"a\nb"}}': ["invalid character '\\n' in string literal", 23],
    '{"spec":{"plainText":"\\x"}}': ["invalid character 'x' in string escape code", 23],
    '{"spec":{"plainText":"\\u00g0"}}': ["invalid character 'g' in \\u hexadecimal character escape", 26],
    '{"spec":{"words":[1 2]}}': ["json: cannot unmarshal number into Go struct field ExampleSpec.spec.words of type string", 18],
    '{"spec":{"numbers":[1 2]}}': ["invalid character '2' after array element", 22],
  };
  for (const [text, [message, position]] of Object.entries(wrong)) {
    assert.throws(() => read(text), { name: "DecodeError", message, position }, text);
  }
});

test("nesting is bounded, on every path", () => {
  const bombs = [
    `${'{"a":'.repeat(100_000)}`,
    `{"spec":{"object":${"[".repeat(100_000)}`,
    `{"spec":{"unknown":${'{"a":'.repeat(100_000)}`,
    `{"spec":{"tree":${'{"children":['.repeat(100_000)}`,
  ];
  for (const bomb of bombs) assert.throws(() => read(bomb), { name: "DecodeError", message: "exceeded max depth of 1000" });
  assert.throws(() => readUnknownJson("[".repeat(100_000)), { name: "DecodeError", message: "exceeded max depth of 1000" });
  const deep = `{"spec":{"tree":${'{"children":['.repeat(400)}{}${"]}".repeat(400)}}}`;
  assert.equal(writeJson(normalise(Example.message, JSON.parse(deep)).value), writeJson(read(deep).value));
});

test("strings come out well-formed, however they were written", () => {
  assert.equal(readSpec(`{"plainText":"\\ud83d\\ude00 \\" \\\\ \\/ \\b\\f\\n\\r\\t é 😀"}`).plainText, '😀 " \\ / \b\f\n\r\t é 😀');
  assert.equal(readSpec(`{"plainText":"\\ud800x"}`).plainText, "\ufffdx");
  assert.equal(readSpec(`{"plainText":"\ud800x"}`).plainText, "\ufffdx");
});

test("a value that JSON writes as one of two things keeps its form", () => {
  for (const either of [true, false, { value: "a" }, {}]) {
    assert.deepEqual(readSpec(writeJson({ tree: { either } })).tree, { either });
    assert.deepEqual(normalise(Example.message, { spec: { tree: { either } } }).value.spec.tree, { either });
  }
});

test("readUnknownJson and writeJson agree with the platform on any JSON", () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      fc.pre(!unsafeNumber.test(text));
      assert.deepEqual(readUnknownJson(text), JSON.parse(text));
      assert.equal(writeJson(readUnknownJson(text)), JSON.stringify(JSON.parse(text)));
    }),
    { seed: 1, numRuns: 60 },
  );
});

test("normalise takes what a settled message shares as it is, and reads the rest", () => {
  const text = JSON.stringify({ spec: { count: 1, part: { name: "a" }, parts: [{ name: "b" }], partsByName: { c: { name: "d" } } } });
  const { value: settled } = normalise(Example.message, JSON.parse(text));
  const { spec } = settled as unknown as { spec: Record<string, object> };
  const changed = { ...settled, spec: { ...spec, part: { ...spec["part"], size: 3, unheard: 1 }, parts: [spec["part"], { name: "e" }] } };
  const { value, problems } = normalise(Example.message, changed as never, settled);
  const read = (value as unknown as { spec: Record<string, object> }).spec;
  assert.equal(read["partsByName"], spec["partsByName"]);
  assert.deepEqual(read["part"], { name: "a", size: 3 });
  assert.deepEqual(
    problems.map(({ path }) => path),
    ["spec.part.unheard"],
  );
  assert.deepEqual(value, normalise(Example.message, JSON.parse(JSON.stringify(changed))).value);
  // The same value in another place is another thing.
  const moved = { ...settled, spec: { ...spec, words: spec["parts"] } };
  assert.throws(() => normalise(Example.message, moved as never, settled), { name: "DecodeError" });
});

test("readJson and normalise agree on any object, and reading again changes nothing", () => {
  const part = fc.record(
    {
      name: fc.option(fc.string()),
      size: fc.integer({ min: -5, max: 5 }),
      limit: fc.constantFrom("1", "0.5", "1024Ki"),
      other: fc.jsonValue({ maxDepth: 1 }),
    },
    { requiredKeys: [] },
  );
  const spec = fc.record(
    {
      plainText: fc.option(fc.string({ unit: "grapheme" })),
      optionalText: fc.option(fc.string()),
      flag: fc.option(fc.boolean()),
      count: fc.option(fc.integer({ min: -3, max: 3 })),
      total: fc.maxSafeInteger(),
      port: fc.oneof(fc.string(), fc.nat(70_000)),
      words: fc.option(fc.array(fc.option(fc.string()))),
      parts: fc.array(fc.option(part)),
      part: fc.option(part),
      optionalPart: fc.option(part),
      labels: fc.option(fc.dictionary(fc.string(), fc.option(fc.string()))),
      partsByName: fc.dictionary(fc.string(), part),
      anything: fc.jsonValue({ maxDepth: 2 }),
      strange: fc.jsonValue({ maxDepth: 2 }),
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(spec, (given) => {
      const text = JSON.stringify({ spec: given });
      fc.pre(!unsafeNumber.test(text));
      const first = read(text);
      const second = normalise(Example.message, JSON.parse(text));
      assert.deepEqual(second.value, first.value);
      assert.deepEqual(second.problems.map(({ path }) => path).sort(), first.problems.map(({ path }) => path).sort());
      const again = read(writeJson(first.value));
      assert.deepEqual(again.value, first.value);
      assert.deepEqual(again.problems, []);
    }),
    { seed: 1, numRuns: 60 },
  );
});
