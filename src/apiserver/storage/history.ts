// Changes older than the cache's window, read from the store's history: how a watch resumes after the API server was started again.
import { Compacted, type Revision, type StoreEvent } from "#store/store.ts";
import type { KindStorage } from "./kind-storage.ts";
import type { CacheEvent } from "./window.ts";

/** More than this is not worth replaying: the client is better served with a fresh list. */
const eventsMax = 50_000;

/** Every change of one namespace ("" for all) behind `after` up to `revision`. Rejects with Compacted when history does not reach back so far. */
export async function historyAfter(
  storage: KindStorage,
  namespace: string,
  after: Revision,
): Promise<{ readonly changes: readonly CacheEvent[]; readonly revision: Revision }> {
  const goal = storage.cache.revision;
  const prefix = storage.namespaced && namespace !== "" ? `${storage.folder}${namespace}/` : storage.folder;
  const { promise, resolve, reject } = Promise.withResolvers<Revision>();
  const changes: CacheEvent[] = [];
  const watch = storage.store.watch(
    { prefix, from: after + 1, previous: true },
    {
      batch({ events, revision }) {
        for (const event of events) changes.push(changeOf(storage, event));
        if (changes.length > eventsMax) reject(new Compacted(after, goal));
        else if (revision >= goal) resolve(revision);
      },
      ended: reject,
    },
  );
  try {
    const revision = await promise;
    const behind = storage.cache.atLeast(revision);
    if (behind) await behind;
    return { changes: changes.filter((change) => change.revision <= revision), revision };
  } finally {
    watch.stop();
  }
}

function changeOf(storage: KindStorage, event: StoreEvent): CacheEvent {
  const { cache } = storage;
  const previous = event.previous && cache.recordOf(event.previous);
  if (event.type === "put") {
    const record = cache.recordOf(event.current);
    const type = event.current.version === 1 ? "ADDED" : "MODIFIED";
    return { type, revision: record.revision, record, previous, frames: new Map() };
  }
  // Only a deletion whose predecessor is compacted has none, and then history does not reach it either.
  const last =
    previous ?? cache.recordOf({ key: event.key, value: new Uint8Array(), createRevision: 0, modRevision: event.revision, version: 0 });
  return { type: "DELETED", revision: event.revision, record: last.at(event.revision), previous, frames: new Map() };
}
