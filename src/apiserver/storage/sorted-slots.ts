// Records in the order of their keys, each in a slot that stays where it is while its record changes.
import type { StoredRecord } from "./record.ts";

export interface Slot {
  readonly key: string;
  readonly namespace: string;
  record: StoredRecord;
}

export class SortedSlots {
  #slots: Slot[] = [];

  get slots(): readonly Slot[] {
    return this.#slots;
  }

  get size(): number {
    return this.#slots.length;
  }

  insert(slot: Slot): void {
    const last = this.#slots.at(-1);
    if (!last || last.key < slot.key) this.#slots.push(slot);
    else this.#slots.splice(this.indexOf(slot.key), 0, slot);
  }

  remove(key: string): void {
    const index = this.indexOf(key);
    if (this.#slots[index]?.key === key) this.#slots.splice(index, 1);
  }

  /** The place of the first slot whose key is not below `key`. */
  indexOf(key: string): number {
    let low = 0;
    let high = this.#slots.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#slots[middle] as Slot).key < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Makes the slots at once, of any order. */
  static of(slots: Slot[]): SortedSlots {
    const sorted = new SortedSlots();
    sorted.#slots = slots.sort((left, right) => (left.key < right.key ? -1 : 1));
    return sorted;
  }
}
