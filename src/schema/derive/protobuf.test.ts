import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Example, type Tree, Tree as TreeType } from "../../../test/support/example-kind.ts";
import { bool, bytes, double, int32, int64, list, map, one, string, uint64 } from "../field.ts";
import { protocol, type Type } from "../message.ts";
import { readJson, writeJson } from "./json.ts";
import { readProtobuf, unwrapUnknown, wrapUnknown, writeProtobuf } from "./protobuf.ts";

const hex = (value: Uint8Array) => Buffer.from(value).toString("hex");
const ofHex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(" ", ""), "hex"));
const example = (spec: unknown) => readJson(Example.message, writeJson({ spec })).value;

test("api: an empty object writes its plain fields, and only them", () => {
  const small = {
    ...Example.message,
    fields: Object.fromEntries(Object.entries(Example.message.fields).filter(([name]) => name === "status")),
  };
  assert.equal(hex(writeProtobuf(small as Type<unknown>, { status: {} })), "1a020800");
});

test("api: values that the object lacks come back as absent, those it has as they were", () => {
  const specs = [
    {},
    { plainText: "a", optionalText: "", alwaysText: "é😀", flag: true, optionalFlag: false, count: -1, total: -(2n ** 63n), ratio: -0.5 },
    { data: "AAEC", amount: "100m", port: "http", moment: "2026-01-01T00:00:00Z", instant: "2026-01-01T00:00:00.500000Z", period: "1m30s" },
    { port: -1, optionalMoment: "1969-12-31T23:59:59Z", object: { a: [1, null] }, anything: [null, "x"] },
    {
      words: ["", "b"],
      numbers: [1, -1, 2n ** 62n],
      parts: [{}, { name: "a", size: 3, limit: "1Gi" }],
      part: { name: "p" },
      optionalPart: {},
    },
    { labels: { b: "1", a: "" }, secrets: { k: "" }, partsByName: { x: {} }, extra: { e: ["1", "2"], f: [] }, amounts: { cpu: "1" } },
    { text: "inside", chosenPart: { name: "q" }, small: 4294967295, large: 2n ** 64n - 1n },
    { tree: { children: [{ either: true }, { either: false }, { either: { value: "v" } }, { either: {} }] } },
  ];
  for (const spec of specs) {
    const value = example(spec);
    assert.deepEqual(readProtobuf(Example.message, writeProtobuf(Example.message, value)), value);
  }
});

test("api: maps are written sorted by the bytes of their keys", () => {
  const one = writeProtobuf(Example.message, example({ labels: { "\u{1f600}": "1", "\uffee": "2", b: "3", a: "4" } }));
  const other = writeProtobuf(Example.message, example({ labels: { a: "4", b: "3", "\uffee": "2", "\u{1f600}": "1" } }));
  assert.equal(hex(one), hex(other));
  const text = Buffer.from(one).toString();
  assert.ok(text.indexOf("\uffee") < text.indexOf("\u{1f600}"));
});

test("type meta is put where the caller has it", () => {
  const value = readProtobuf(Example.message, new Uint8Array(), { apiVersion: "example.io/v1", kind: "Example" });
  assert.deepEqual(Object.keys(value), ["kind", "apiVersion", "metadata", "spec", "status"]);
});

const Inner = protocol("Inner", { id: int32(1) });
const Outer = protocol("Outer", {
  name: string(1),
  count: int64(2),
  flag: bool(3),
  ratio: double(4),
  data: bytes(5),
  numbers: list(6, "int32"),
  words: list(7, "string"),
  labels: map(8, "string"),
  inner: one(9, () => Inner, { optional: true }),
  inners: list(10, () => Inner),
  maybe: string(11, { optional: true }),
  big: uint64(12),
  plain: one(13, () => Inner),
});
const zero = {
  name: "",
  count: 0,
  flag: false,
  ratio: 0,
  data: "",
  numbers: [],
  words: [],
  labels: {},
  inners: [],
  big: 0,
  plain: { id: 0 },
};

test("protocol: zero values are not written, and reading fills them in", () => {
  assert.equal(hex(writeProtobuf(Outer, zero)), "");
  assert.deepEqual(readProtobuf(Outer, new Uint8Array()), zero);
  assert.equal(hex(writeProtobuf(Outer, { ...zero, maybe: "", inner: { id: 0 } })), "4a005a00");
  assert.deepEqual(readProtobuf(Outer, ofHex("4a005a00")), { ...zero, maybe: "", inner: { id: 0 } });
});

test("protocol: repeated numbers are written packed, and read either way", () => {
  assert.equal(hex(writeProtobuf(Outer, { ...zero, numbers: [1, -1, 300] })), "320d01ffffffffffffffffff01ac02");
  assert.deepEqual(readProtobuf(Outer, ofHex("3001 30ffffffffffffffffff01 3201 05")).numbers, [1, -1, 5]);
});

test("protocol: fields nobody declared are passed over", () => {
  assert.deepEqual(readProtobuf(Outer, ofHex("0a0161 f80701 fa0703010203 fd0701020304 f9070102030405060708 1801")), {
    ...zero,
    name: "a",
    flag: true,
  });
});

test("malformed bytes are refused, and never read past", () => {
  const wrong: Record<string, string> = {
    "0a": "unexpected EOF",
    "0a05": "unexpected EOF",
    "0a0561": "unexpected EOF",
    "0affffffff0f": "unexpected EOF",
    "10": "unexpected EOF",
    "10ffffffffffffffffffffffff": "proto: integer overflow",
    "21000000": "unexpected EOF",
    "00": "proto: illegal tag 0 (wire type 0)",
    "08": "proto: wrong wireType = 0",
    fb07: "proto: illegal wireType 3",
    "4a0308ff": "unexpected EOF",
    "4a0208ff01": "unexpected EOF",
  };
  for (const [text, message] of Object.entries(wrong)) {
    assert.throws(() => readProtobuf(Outer, ofHex(text)), { name: "DecodeError", message }, text);
  }
});

test("any prefix and any flip of real bytes is either read or refused as a DecodeError", () => {
  const whole = writeProtobuf(
    Example.message,
    example({
      parts: [{ name: "a", limit: "1" }],
      labels: { a: "b" },
      moment: "2026-01-01T00:00:00Z",
      object: { a: 1 },
      period: "1s",
      text: "x",
    }),
  );
  const attempt = (bytes: Uint8Array) => {
    try {
      readProtobuf(Example.message, bytes);
    } catch (error) {
      assert.equal((error as Error).name, "DecodeError", String(error));
    }
  };
  for (let end = 0; end < whole.length; end++) attempt(whole.subarray(0, end));
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => attempt(whole.with(at, byte))),
    { seed: 1, numRuns: 500 },
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), attempt), { seed: 1, numRuns: 500 });
});

test("nesting is bounded", () => {
  let bytes = new Uint8Array();
  for (let depth = 0; depth < 1200; depth++) {
    const size = bytes.length;
    const header: number[] = [0x12];
    let rest = size;
    for (; rest > 127; rest >>= 7) header.push((rest & 127) | 128);
    header.push(rest);
    bytes = Uint8Array.from([...header, ...bytes]);
  }
  assert.throws(() => readProtobuf(TreeType, bytes), { name: "DecodeError", message: "proto: message nested too deeply" });
});

test("any tree comes back as it was", () => {
  const { tree } = fc.letrec<{ tree: Tree }>((tie) => ({
    tree: fc.record(
      {
        value: fc.string({ minLength: 1, unit: "grapheme" }),
        children: fc.array(tie("tree"), { minLength: 1, maxLength: 3 }),
      },
      { requiredKeys: [], noNullPrototype: true },
    ),
  }));
  fc.assert(
    fc.property(tree, (value) => assert.deepEqual(readProtobuf(TreeType, writeProtobuf(TreeType, value)), value)),
    { seed: 1, numRuns: 200 },
  );
});

test("the envelope is put on and taken off", () => {
  const wrapped = wrapUnknown("v1", "Pod", Uint8Array.of(8, 1));
  assert.equal(hex(wrapped), "6b38730000".slice(0, 8) + "0a090a027631" + "1203506f64" + "12020801" + "1a00" + "2200");
  assert.deepEqual(unwrapUnknown(wrapped), {
    apiVersion: "v1",
    kind: "Pod",
    raw: Uint8Array.of(8, 1),
    contentEncoding: "",
    contentType: "",
  });
  assert.throws(() => unwrapUnknown(ofHex("0a00")), { name: "DecodeError", message: /expected prefix \[107 56 115 0\]/ });
  assert.throws(() => unwrapUnknown(wrapped.subarray(0, 12)), { name: "DecodeError", message: "unexpected EOF" });
});
