// A store that lives and dies with its process: for `keelson dev`, tests and the browser.
import type { Scope } from "#base/scope.ts";
import type { World } from "#platform/world.ts";
import type { Store, Transaction, TransactionResult } from "../store.ts";
import { History } from "./history.ts";
import { checkOperations, HistoryStore } from "./history-store.ts";
import type { HistoryPolicy } from "./retention.ts";

export interface MemoryStoreOptions {
  readonly history?: HistoryPolicy;
}

/** Opens an empty store in memory. A change is durable, as far as memory goes, as soon as it is made. */
export async function openMemoryStore(scope: Scope, world: World, options: MemoryStoreOptions = {}): Promise<Store> {
  return new MemoryStore(scope, world, options);
}

class MemoryStore extends HistoryStore {
  #telling = false;

  constructor(scope: Scope, world: World, options: MemoryStoreOptions) {
    super(world, new History());
    this.begin(scope, options.history ?? {});
  }

  async transact({ conditions, operations }: Transaction): Promise<TransactionResult> {
    this.throwIfClosed();
    checkOperations(operations);
    if (!this.history.holds(conditions)) {
      return { succeeded: false, revision: this.durable, current: conditions.map(({ key }) => this.history.current(key)) };
    }
    const changes = this.history.apply(operations, this.world.clock.now());
    if (changes.length > 0) {
      this.becameDurable(this.history.newest, changes);
      this.#tellSoon();
    }
    return { succeeded: true, revision: this.durable };
  }

  /** Watches are told in a turn of their own, all changes of this one together. */
  #tellSoon(): void {
    if (this.#telling) return;
    this.#telling = true;
    queueMicrotask(() => {
      this.#telling = false;
      this.watches.tell();
    });
  }

  async size(): Promise<number> {
    return this.history.bytes;
  }

  async healthy(): Promise<void> {
    this.throwIfClosed();
  }

  protected override async forgotten(): Promise<void> {}
}
