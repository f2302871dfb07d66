// A made-up kind that has every sort of field, for tests of what is derived from declarations.
import {
  bool,
  bytes,
  double,
  duration,
  int32,
  int64,
  intOrString,
  list,
  map,
  microTime,
  one,
  quantity,
  rawObject,
  rawValue,
  string,
  time,
  uint32,
  uint64,
} from "#schema/field.ts";
import { kind, type ObjectOf } from "#schema/kind.ts";
import { embedded, type Infer, message, type Type } from "#schema/message.ts";

export const Part = message(
  "Part",
  {
    name: string(1, { always: true, required: true, format: "dns1123Label" }),
    size: int32(2, { default: 7, min: 1, max: 10 }),
    colour: string(3, { enum: ["red", "green"], default: "green" }),
    limit: quantity(4, { optional: true }),
  },
  { openapi: "io.example.v1.Part" },
);
export interface Part extends Infer<typeof Part> {}

export const Choice = message(
  "Choice",
  { text: string(1), file: bytes(2), chosenPart: one(3, (): Type<Part> => Part, { optional: true }) },
  { openapi: "io.example.v1.Choice" },
);
export interface Choice extends Infer<typeof Choice> {}

const treeFields = {
  value: string(1),
  children: list(2, (): Type<Tree> => Tree),
  either: one(3, (): Type<unknown> => TreeOrBool, { optional: true }),
};
export interface Tree {
  readonly value?: string | undefined;
  readonly children?: readonly Tree[] | undefined;
  readonly either?: unknown;
}
export const Tree: Type<Tree> = message("Tree", treeFields, { openapi: "io.example.v1.Tree" });
export const TreeOrBool: Type<unknown> = message(
  "TreeOrBool",
  { allows: bool(1, { always: true }), tree: one(2, (): Type<Tree> => Tree, { optional: true }) },
  { either: { field: "tree", alternative: "allows" } },
);

export const ExampleSpec = message(
  "ExampleSpec",
  {
    plainText: string(1),
    optionalText: string(2, { optional: true }),
    alwaysText: string(3, { always: true }),
    flag: bool(4),
    optionalFlag: bool(5, { optional: true }),
    count: int32(6, { optional: true, default: 1, min: 0 }),
    total: int64(7),
    ratio: double(8, { optional: true }),
    data: bytes(9),
    amount: quantity(10, { optional: true }),
    port: intOrString(11, { always: true }),
    moment: time(12),
    optionalMoment: time(13, { optional: true }),
    instant: microTime(14, { optional: true }),
    period: duration(15, { optional: true }),
    object: rawObject(16, { optional: true }),
    anything: rawValue(17, { optional: true }),
    words: list(18, "string", { list: "set" }),
    alwaysWords: list(19, "string", { always: true }),
    numbers: list(20, "int64"),
    parts: list(21, (): Type<Part> => Part, { list: "map", keys: ["name"] }),
    part: one(22, (): Type<Part> => Part),
    optionalPart: one(23, (): Type<Part> => Part, { optional: true }),
    labels: map(24, "string"),
    secrets: map(25, "bytes"),
    partsByName: map(26, (): Type<Part> => Part),
    extra: map(27, "stringList"),
    amounts: map(28, "quantity"),
    ...embedded(29, Choice.fields),
    tree: one(30, (): Type<Tree> => Tree, { optional: true }),
    small: uint32(31),
    large: uint64(32),
    fixed: string(33, { immutable: true, maxLength: 5 }),
  },
  { openapi: "io.example.v1.ExampleSpec" },
);
export interface ExampleSpec extends Infer<typeof ExampleSpec> {}

export const ExampleStatus = message("ExampleStatus", {
  ready: bool(1),
  parts: list(2, (): Type<Part> => Part, { list: "map", keys: ["name"] }),
});
export interface ExampleStatus extends Infer<typeof ExampleStatus> {}

export interface Example extends ObjectOf<typeof ExampleSpec, typeof ExampleStatus, {}> {}
export const Example = kind({
  group: "example.io",
  version: "v1",
  name: "Example",
  plural: "examples",
  scope: "namespaced",
  spec: ExampleSpec,
  status: ExampleStatus,
  openapi: "io.example.v1.Example",
});
