// A durable ordered map from bytes to bytes: what the embedded store stands on. The simulated World's can lose what was not synced.

export interface Databases {
  /** Opens or creates. Rejects with DatabaseError when the file is damaged, foreign, newer, read-only or locked by another process. */
  open(path: string): Promise<Database>;
}

export type Damage = "corrupt" | "foreign" | "newer" | "locked" | "full" | "read-only" | "io";

export class DatabaseError extends Error {
  override readonly name = "DatabaseError";
  readonly damage: Damage;
  constructor(damage: Damage, message: string) {
    super(message);
    this.damage = damage;
  }
}

export interface Change {
  readonly key: Uint8Array;
  /** Absent: the key is removed. */
  readonly value?: Uint8Array;
}

export interface Database {
  /**
   * All changes or none, in order. Resolves once they would survive a power cut. Batches become durable in the order they were given.
   * The bytes are copied before the call returns. After a rejection with "io" the batch may be there or not; with another, it is not.
   */
  commit(changes: readonly Change[]): Promise<void>;
  /** Rows with from <= key < to, in byte order, in pages. */
  scan(from: Uint8Array, to: Uint8Array): AsyncIterable<readonly { readonly key: Uint8Array; readonly value: Uint8Array }[]>;
  /** Bytes used on disk. */
  size(): Promise<number>;
  /** Writes a consistent copy to `path` while serving. */
  copy(path: string): Promise<void>;
  close(): Promise<void>;
}
