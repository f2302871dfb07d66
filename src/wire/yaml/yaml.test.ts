import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { readYaml, readYamlDocuments, writeYaml, writeYamlDocuments } from "./yaml.ts";

test("plain words mean what kubectl takes them for", () => {
  const words: Record<string, unknown> = {
    yes: true,
    On: true,
    y: true,
    off: false,
    N: false,
    true: true,
    "~": null,
    "": null,
    Null: null,
    "0644": 420,
    "0o17": 15,
    "0899": 899,
    "0x10": 16,
    "0b11": 3,
    "1_000": 1000,
    "+1": 1,
    "-5": -5,
    "1e3": 1000,
    ".5": 0.5,
    "1.0": 1,
    "9223372036854775807": 9223372036854775807n,
    "12:30:45": "12:30:45",
    "2001-01-01": "2001-01-01",
    "2001-12-14t21:59:43.10-05:00": "2001-12-14t21:59:43.10-05:00",
    "1.2.3": "1.2.3",
    "500m": "500m",
    "0x": "0x",
    "'yes'": "yes",
    '"1"': "1",
    "!!str 5": "5",
    yesterday: "yesterday",
  };
  for (const [word, value] of Object.entries(words)) assert.deepEqual(readYaml(`a: ${word}`), { a: value }, word);
});

test("keys are text", () => {
  assert.deepEqual(readYaml("8080: a\non: b\n1.5: c"), { "8080": "a", true: "b", "1.5": "c" });
  assert.throws(() => readYaml("? [a]\n: 1"), { name: "DecodeError", message: /unsupported map key/ });
  assert.throws(() => readYaml("~: 1"), { name: "DecodeError", message: /unsupported map key/ });
});

test("documents that hold nothing are left out", () => {
  assert.deepEqual(readYamlDocuments("---\n# only words\n---\na: 1\n---\n---\nb: 2\n...\n"), [{ a: 1 }, { b: 2 }]);
  assert.deepEqual(readYamlDocuments(""), []);
  assert.equal(readYaml("# nothing\n"), null);
  assert.throws(() => readYaml("a: 1\n---\nb: 2"), { name: "DecodeError", message: "yaml: 2 documents where one was expected" });
});

test("JSON is YAML, with all its digits, and flow mappings are no JSON", () => {
  assert.deepEqual(readYaml('\n {"a": 9007199254740993, "a b": "\\u00e9"}'), { a: 9007199254740993n, "a b": "é" });
  assert.deepEqual(readYamlDocuments("{a: 1}\n---\n{b: yes}"), [{ a: 1 }, { b: true }]);
});

test("what is wrong is said with its line", () => {
  const wrong: Record<string, RegExp> = {
    "a: 1\nb: 2\na: 3": /^yaml: line 3: mapping key is already defined$/,
    "a:\n\t- b": /^yaml: line 2: tabs are not allowed as indentation$/,
    "a: [1, 2\nb: 1": /^yaml: line 2: /,
    "a: *missing": /^yaml: .*missing/i,
    'a: "x': /^yaml: line 1: /,
  };
  for (const [text, message] of Object.entries(wrong)) assert.throws(() => readYamlDocuments(text), { name: "DecodeError", message }, text);
});

test("aliases and nesting are bounded", () => {
  const lines = ["a: &a [x,x,x,x,x,x,x,x,x]"];
  for (const [index, name] of [..."bcdefghij"].entries())
    lines.push(`${name}: &${name} [${Array(9).fill(`*${"abcdefghi"[index]}`).join(",")}]`);
  assert.throws(() => readYamlDocuments(lines.join("\n")), { name: "DecodeError", message: /Excessive alias count/ });
  assert.throws(() => readYamlDocuments("[".repeat(20_000)), { name: "DecodeError" });
  assert.deepEqual(readYaml("a: &a {b: 1}\nc:\n  <<: *a\n  d: *a"), { a: { b: 1 }, c: { b: 1, d: { b: 1 } } });
});

test("__proto__ is a key like any other", () => {
  const value = readYaml("__proto__: {polluted: 1}\nconstructor: 2") as object;
  assert.deepEqual(Object.keys(value), ["__proto__", "constructor"]);
  assert.equal(({} as Record<string, unknown>)["polluted"], undefined);
});

test("text that looks like something else is quoted", () => {
  assert.equal(
    writeYaml({
      apiVersion: "v1",
      list: [{ a: "yes" }, "0644"],
      time: "2001-01-01",
      clock: "12:30:45",
      none: "",
      gone: undefined,
      big: 2n ** 60n,
    }),
    'apiVersion: v1\nlist:\n- a: "yes"\n- "0644"\ntime: "2001-01-01"\nclock: "12:30:45"\nnone: ""\nbig: 1152921504606846976\n',
  );
  assert.equal(writeYamlDocuments([{ a: 1 }, { b: 2 }]), "a: 1\n---\nb: 2\n");
});

test("anything that is written is read back", () => {
  const text = fc.oneof(
    fc.string(),
    fc.constantFrom("y", "NO", "on", "0x1F", "1e5", "~", "null", ".5", "- a", "a: b", "#", "<<", "=", "0o7", "1_0", "---"),
  );
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      text,
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(text, tie("value"), { maxKeys: 3, noNullPrototype: true }),
    ),
  }));
  fc.assert(
    fc.property(fc.dictionary(fc.string({ minLength: 1 }), value, { minKeys: 1, maxKeys: 3, noNullPrototype: true }), (object) => {
      fc.pre(!JSON.stringify(object).includes('"<<":'));
      assert.deepEqual(readYaml(writeYaml(object)), object);
    }),
    { seed: 1, numRuns: 200 },
  );
});

test("texts made to keep a reader busy are read in time, or refused", () => {
  const keys = Array.from({ length: 5_000 }, (_, index) => `k${index}: a`).join("\n");
  const started = performance.now();
  assert.equal(Object.keys(readYaml(keys) as object).length, 5_000);
  assert.ok(performance.now() - started < 2_000, "each key is not compared with each other");
  assert.throws(() => readYaml(`a: [${"a,".repeat(300_000)}]`), /^DecodeError: yaml: more than 400000 words and signs$/);
  const anchors = Array.from({ length: 3_000 }, (_, index) => `- &a${index} x\n- *a${index}`).join("\n");
  assert.throws(() => readYaml(anchors), /^DecodeError: yaml: document contains excessive aliasing$/);
  assert.deepEqual(readYaml("a: &a {x: 1}\nb:\n  <<: *a\n  z: 2"), { a: { x: 1 }, b: { x: 1, z: 2 } });
});

test("nesting is bounded by a number, not by the stack", () => {
  const deep = (text: string) => assert.throws(() => readYaml(text), { name: "DecodeError", message: "yaml: exceeded max depth of 400" });
  deep(`${"- ".repeat(50_000)}a`);
  deep(`${"? ".repeat(50_000)}a`);
  deep("{a: ".repeat(50_000));
  deep("[".repeat(50_000) + "]".repeat(50_000));
  deep(Array.from({ length: 430 }, (_, depth) => `${" ".repeat(depth)}a:`).join("\n"));
  assert.ok(readYaml(`${"[".repeat(390)}${"]".repeat(390)}`));
  assert.ok(readYaml(Array.from({ length: 390 }, (_, depth) => `${" ".repeat(depth)}a:`).join("\n")));
  const line = `${"-".repeat(3_000)}${"[".repeat(3_000)}`;
  assert.deepEqual(readYaml(`a: |\n  ${line}\nb: "${line}"\nc: x${line}\n`), { a: `${line}\n`, b: line, c: `x${line}` });
});
