// All keys of a store as they are at one revision, without history: what snapshots hold and what moves between stores.
import type { Version } from "./memory/history.ts";
import type { Revision } from "./store.ts";

export interface StoreImage {
  readonly revision: Revision;
  /** None of them deleted or newer than `revision`. */
  readonly versions: readonly Version[];
}
