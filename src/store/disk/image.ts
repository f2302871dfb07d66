// The embedded store's file as an image, and an image as the file of a new store.
//
// What is written has no history: everything up to `compacted`, which is also the newest revision, is the base (see rows.ts).
import type { Change, Database } from "#platform/database.ts";
import type { StoreImage } from "../image.ts";
import { sumWith, Version } from "../memory/history.ts";
import type { Revision } from "../store.ts";
import { loadHistory } from "./load.ts";
import { encodeMark, RowWriter } from "./rows.ts";

const rowsPerCommit = 1_000;
const bytesPerCommit = 8 * 2 ** 20;

/** Rejects with a DatabaseError that names the damage. */
export async function readImage(database: Database): Promise<StoreImage> {
  const { history } = await loadHistory(database);
  const revision = history.newest;
  return { revision, versions: history.range("", "", revision, Number.POSITIVE_INFINITY).items };
}

/** Fills a database that has no rows. `revision` is the new store's, when it shall be later than the image's. Without its last commit it is no store. */
export async function writeImage(database: Database, image: StoreImage, revision: Revision = image.revision): Promise<void> {
  const writer = new RowWriter();
  let sum = 0;
  for (const versions of batches(image.versions)) {
    writer.begin(versions);
    const rows: Change[] = [];
    for (const version of versions) {
      const copy = new Version(version);
      rows.push(writer.write(copy, 0, true));
      sum = sumWith(sum, copy.checksum);
    }
    await database.commit(rows);
  }
  const base = { count: image.versions.length, sum };
  await database.commit([encodeMark({ durable: revision, compacted: revision, chain: 0, base })]);
}

function* batches(versions: readonly Version[]): Iterable<readonly Version[]> {
  let batch: Version[] = [];
  let bytes = 0;
  for (const version of versions) {
    batch.push(version);
    bytes += version.value.length;
    if (batch.length < rowsPerCommit && bytes < bytesPerCommit) continue;
    yield batch;
    batch = [];
    bytes = 0;
  }
  if (batch.length > 0) yield batch;
}
