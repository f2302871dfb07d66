import assert from "node:assert/strict";
import { test } from "node:test";
import type { View } from "../storage/record.ts";
import { ListBlocks } from "./list-blocks.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function viewOf(name: string, bytes = 4_000): View {
  const text = `${name} ${".".repeat(bytes)}`;
  return {
    listed: encoder.encode(`,${text}`),
    pieces: [encoder.encode(text.slice(0, 2)), encoder.encode(text.slice(2))],
  } as unknown as View;
}

const text = (pieces: readonly Uint8Array[]) => pieces.map((piece) => decoder.decode(piece)).join("");
const plain = (views: readonly View[]) => text(views.map(({ listed }) => listed));
const shared = (before: readonly Uint8Array[], after: readonly Uint8Array[]) => after.filter((piece) => before.includes(piece)).length;

test("a list in blocks reads like its items, and only blocks with a change in them are made anew", () => {
  const blocks = new ListBlocks();
  const views = Array.from({ length: 1_000 }, (_, index) => viewOf(`p${index}`));
  const first = blocks.of("a", views);
  assert.equal(text(first), plain(views));
  assert.ok(first.length > 10 && first.length < 30, `${first.length} blocks`);
  assert.equal(shared(first, blocks.of("a", views)), first.length);

  for (const change of [
    () => views.splice(500, 1, viewOf("changed")),
    () => views.splice(0, 1),
    () => views.splice(300, 0, viewOf("inserted")),
    () => views.push(viewOf("last")),
    () => views.splice(64, 1, viewOf("another")),
    () => views.splice(200, 400),
  ]) {
    const before = blocks.of("a", views);
    change();
    const after = blocks.of("a", views);
    assert.equal(text(after), plain(views));
    assert.ok(after.length - shared(before, after) <= 2, "at most what is around the change");
  }
});

test("places do not mix, short lists are not kept, and neither is what is too large", () => {
  const blocks = new ListBlocks();
  const views = Array.from({ length: 100 }, (_, index) => viewOf(`p${index}`));
  const others = views.slice(10);
  const first = blocks.of("", views);
  assert.equal(text(blocks.of("a", others)), plain(others));
  assert.equal(shared(first, blocks.of("", views)), first.length);
  assert.equal(text(blocks.of("", views.slice(0, 3))), plain(views.slice(0, 3)));
  assert.equal(shared(first, blocks.of("", views)), 0, "what the short list made old is gone");
  const large = Array.from({ length: 100 }, (_, index) => viewOf(`p${index}`, 400_000));
  assert.equal(shared(blocks.of("b", large), blocks.of("b", large)), 0);
});
