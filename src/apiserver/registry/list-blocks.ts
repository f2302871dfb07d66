// The items of long lists, joined into blocks that outlive the request: listing again what did not change copies nothing.
//
// Invariants:
// - A block holds the bytes of exactly its views, in order, a comma before each; a changed object is another view, and so ends the block.
// - Of each place only the blocks of its last list are kept, and of all places together no more than `keptBytesMax`.
import type { View } from "../storage/record.ts";

const blockBytes = 256 * 1024;
const keptBytesMax = 32 * 1024 * 1024;
/** Shorter lists are joined as they are sent. */
const viewsMin = 64;

interface Block {
  readonly views: readonly View[];
  readonly bytes: Uint8Array;
}

/** By their first view. */
type Blocks = Map<View, Block>;

const noBlocks: Blocks = new Map();

export class ListBlocks {
  /** By place (a namespace, or "" for all), the one listed longest ago first. */
  readonly #places = new Map<string, { readonly blocks: Blocks; readonly bytes: number }>();
  #bytes = 0;

  /** All items of a place as pieces that follow one another, each item with a comma before it. */
  of(place: string, views: readonly View[]): Uint8Array[] {
    const before = this.#places.get(place);
    if (before) {
      this.#places.delete(place);
      this.#bytes -= before.bytes;
    }
    if (views.length < viewsMin) return views.map((view) => view.listed);
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
    if (bytes <= keptBytesMax) this.#keep(place, blocks, bytes);
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
  const parts: (readonly Uint8Array[])[] = [];
  let size = 0;
  let end = at;
  do {
    const { pieces } = views[end] as View;
    parts.push(pieces);
    size += 1;
    for (const piece of pieces) size += piece.length;
    end++;
  } while (end < views.length && size < blockBytes && !known.has(views[end] as View));
  const bytes = new Uint8Array(size);
  let place = 0;
  for (const pieces of parts) {
    bytes[place++] = comma;
    for (const piece of pieces) {
      bytes.set(piece, place);
      place += piece.length;
    }
  }
  return { views: views.slice(at, end), bytes };
}

const comma = 0x2c;
