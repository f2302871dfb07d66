import assert from "node:assert/strict";
import { test } from "node:test";
import type { Body } from "#wire/http/message.ts";
import type { View } from "../storage/record.ts";
import { ListBlocks, listBody } from "./list-blocks.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function viewOf(name: string, bytes = 4_000): View {
  const item = encoder.encode(`,${name} ${".".repeat(bytes)}`);
  const writeListed = (target: Uint8Array, at: number) => {
    target.set(item, at);
    return at + item.length;
  };
  return { listed: item, listedLength: item.length, writeListed } as unknown as View;
}

const text = (pieces: readonly Uint8Array[]) => pieces.map((piece) => decoder.decode(piece)).join("");
const plain = (views: readonly View[]) => text(views.map(({ listed }) => listed));
const shared = (before: readonly Uint8Array[], after: readonly Uint8Array[]) => after.filter((piece) => before.includes(piece)).length;

function read(body: Body): string {
  if ("stream" in body) throw new Error("not a list");
  if (!("pieces" in body)) return text([body].flat() as Uint8Array[]);
  let whole = "";
  for (const piece of body.pieces()) {
    whole += decoder.decode(piece);
    if (piece.length > 1) piece.fill(0x21);
  }
  assert.equal(whole.length, body.length);
  return whole;
}

test("a list in blocks reads like its items, and only blocks with a change in them are made anew", () => {
  const place = new ListBlocks().at("a");
  const views = Array.from({ length: 1_000 }, (_, index) => viewOf(`p${index}`));
  const first = place.pieces(views);
  assert.equal(text(first), plain(views));
  assert.ok(first.length > 10 && first.length < 30, `${first.length} blocks`);
  assert.equal(shared(first, place.pieces(views)), first.length);

  for (const change of [
    () => views.splice(500, 1, viewOf("changed")),
    () => views.splice(0, 1),
    () => views.splice(300, 0, viewOf("inserted")),
    () => views.push(viewOf("last")),
    () => views.splice(64, 1, viewOf("another")),
    () => views.splice(200, 400),
  ]) {
    const before = place.pieces(views);
    change();
    const after = place.pieces(views);
    assert.equal(text(after), plain(views));
    assert.ok(after.length - shared(before, after) <= 2, "at most what is around the change");
  }
});

test("places do not mix, and the oldest go when there are too many", () => {
  const blocks = new ListBlocks();
  const views = Array.from({ length: 100 }, (_, index) => viewOf(`p${index}`, 100_000));
  const others = views.slice(10);
  const first = blocks.at("").pieces(views);
  assert.equal(text(blocks.at("a").pieces(others)), plain(others));
  assert.equal(shared(first, blocks.at("").pieces(views)), first.length);
  for (const name of ["b", "c", "d"]) blocks.at(name).pieces(views);
  assert.equal(shared(first, blocks.at("").pieces(views)), 0);
});

for (const [name, count, bytes] of [
  ["no items", 0, 0],
  ["one item", 1, 10],
  ["a few, at once", 20, 100],
  ["many, in blocks", 300, 4_000],
  ["too many to be kept, as they are taken", 600, 60_000],
  ["some larger than the memory they are written into", 60, 600_000],
] as const) {
  test(`a list of ${name}`, () => {
    const views = Array.from({ length: count }, (_, index) => viewOf(`p${index}`, bytes + index));
    const expected = `<${plain(views).slice(1)}>`;
    const [head, end] = [encoder.encode("<"), encoder.encode(">")];
    assert.ok(read(listBody(head, views, end, new ListBlocks().at(""))) === expected);
    assert.ok(read(listBody(head, views, end)) === expected);
  });
}
