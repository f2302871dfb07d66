// The items of lists as bytes: short ones written out at once; long ones joined into blocks that outlive the request, so that listing again
// what did not change copies nothing; very long ones written into one piece of memory, over and over, as the peer takes it.
//
// Invariants:
// - A block holds the bytes of exactly its views, in order, a comma before each; a changed object is another view, and so ends the block.
// - Of each place only the blocks of its last list are kept, and of all places together no more than `keptBytesMax`.
import type { Body, LongBody } from "#wire/http/message.ts";
import type { View } from "../storage/record.ts";

const blockBytes = 256 * 1024;
const keptBytesMax = 32 * 1024 * 1024;
/** Shorter lists are written out at once. */
const keptBytesMin = 128 * 1024;

interface Block {
  readonly views: readonly View[];
  readonly bytes: Uint8Array;
}

/** By their first view. */
type Blocks = Map<View, Block>;

const noBlocks: Blocks = new Map();

/** Where lists of one place find their blocks again. */
export interface Place {
  pieces(views: readonly View[]): readonly Uint8Array[];
}

/** A list: `head`, the items with commas between them, `end`. `place` keeps blocks of it, where it is worth it. */
export function listBody(head: Uint8Array, views: readonly View[], end: Uint8Array, place?: Place): Body {
  let itemsLength = 0;
  for (const view of views) itemsLength += view.listedLength;
  // The first item has no comma before it.
  const length = head.length + Math.max(0, itemsLength - 1) + end.length;
  if (itemsLength <= keptBytesMin) return written(head, views, end, length, itemsLength);
  if (!place || itemsLength > keptBytesMax) return longBody(head, views, end, length);
  const [first, ...others] = place.pieces(views);
  return [head, (first as Uint8Array).subarray(1), ...others, end];
}

function written(head: Uint8Array, views: readonly View[], end: Uint8Array, length: number, itemsLength: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let at = head.length;
  if (itemsLength > 0) {
    at--;
    for (const view of views) at = view.writeListed(bytes, at);
  }
  bytes.set(end, at);
  bytes.set(head);
  return bytes;
}

function longBody(head: Uint8Array, views: readonly View[], end: Uint8Array, length: number): LongBody {
  return {
    length,
    *pieces() {
      yield head;
      let memory = new Uint8Array(blockBytes);
      let skipped = 1;
      for (let at = 0; at < views.length; ) {
        let filled = 0;
        for (; at < views.length; at++) {
          const view = views[at] as View;
          const size = view.listedLength;
          if (filled + size > memory.length) {
            if (filled > 0) break;
            memory = new Uint8Array(size);
          }
          filled = view.writeListed(memory, filled);
        }
        yield memory.subarray(skipped, filled);
        skipped = 0;
      }
      yield end;
    },
  };
}

export class ListBlocks {
  /** By place (a namespace, or "" for all), the one listed longest ago first. */
  readonly #places = new Map<string, { readonly blocks: Blocks; readonly bytes: number }>();
  #bytes = 0;

  at(place: string): Place {
    return { pieces: (views) => this.#pieces(place, views) };
  }

  /** All items of a place as pieces that follow one another, each item with a comma before it. */
  #pieces(place: string, views: readonly View[]): readonly Uint8Array[] {
    const before = this.#places.get(place);
    if (before) {
      this.#places.delete(place);
      this.#bytes -= before.bytes;
    }
    const known = before?.blocks ?? noBlocks;
    const blocks: Blocks = new Map();
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    for (let at = 0; at < views.length; ) {
      const first = views[at] as View;
      const old = known.get(first);
      const block = old && isNext(old, views, at) ? old : joinedFrom(views, at, known);
      blocks.set(first, block);
      pieces.push(block.bytes);
      bytes += block.bytes.length;
      at += block.views.length;
    }
    this.#keep(place, blocks, bytes);
    return pieces;
  }

  #keep(place: string, blocks: Blocks, bytes: number): void {
    this.#places.set(place, { blocks, bytes });
    this.#bytes += bytes;
    for (const [oldest, kept] of this.#places) {
      if (this.#bytes <= keptBytesMax) return;
      this.#places.delete(oldest);
      this.#bytes -= kept.bytes;
    }
  }
}

function isNext(block: Block, views: readonly View[], at: number): boolean {
  return block.views.every((view, index) => view === views[at + index]);
}

/** A new block from `at` on, until it is large enough or until one begins that is there already. */
function joinedFrom(views: readonly View[], at: number, known: Blocks): Block {
  let size = 0;
  let end = at;
  do size += (views[end++] as View).listedLength;
  while (end < views.length && size < blockBytes && !known.has(views[end] as View));
  const bytes = new Uint8Array(size);
  let place = 0;
  for (let index = at; index < end; index++) place = (views[index] as View).writeListed(bytes, place);
  return { views: views.slice(at, end), bytes };
}
