// Reading a store back, and finding out whether all of it is there.
import type { Database } from "#platform/database.ts";
import { firstRevision, History, type Version } from "../memory/history.ts";
import { damaged, decodeMark, decodeRow, type Mark, markRange, type Row, rowRange } from "./rows.ts";

export interface Loaded {
  readonly history: History;
  /** The checksum that the next row follows. */
  readonly chain: number;
  /** Rows that are no longer needed, oldest first: a removal that a crash cut short. */
  readonly unneeded: readonly Version[];
  /** Keys that are there with a time to live. */
  readonly expiring: readonly Version[];
}

/** Rejects with a DatabaseError that names the damage. */
export async function loadHistory(database: Database): Promise<Loaded> {
  const mark = await readMark(database);
  const history = new History();
  let unneeded: readonly Version[] | undefined;
  let expiring: Version[] = [];
  let before: Row | undefined;
  for await (const page of database.scan(...rowRange)) {
    for (const { key, value } of page) {
      const row = decodeRow(key, value);
      if (!mark) throw damaged("the high-water mark is missing");
      if (row.version.modRevision > mark.compacted) {
        unneeded ??= startAt(history, mark);
        checkFollows(row, before, mark);
        before = row;
      }
      history.append(row.version);
      if (row.version.expiresAt > 0) expiring.push(row.version);
    }
  }
  if (!mark) return { history, chain: 0, unneeded: [], expiring };
  unneeded ??= startAt(history, mark);
  checkEnd(before, mark);
  expiring = expiring.filter((version) => history.current(version.key) === version);
  return { history, chain: mark.chain, unneeded, expiring };
}

async function readMark(database: Database): Promise<Mark | undefined> {
  for await (const page of database.scan(...markRange)) {
    const row = page[0];
    if (row) return decodeMark(row.value);
  }
  return undefined;
}

/** All rows of the state at `compacted` have been read: history starts behind them. */
function startAt(history: History, { compacted, base }: Mark): readonly Version[] {
  if (compacted === 0) return [];
  const unneeded = history.compact(compacted);
  const { count, sum } = history.base;
  if (count !== base.count) throw damaged(`at revision ${compacted} there were ${base.count} keys; ${count} are left`);
  if (sum !== base.sum) throw damaged(`rows of the state at revision ${compacted} were exchanged`);
  return unneeded;
}

function checkFollows(row: Row, before: Row | undefined, mark: Mark): void {
  const { modRevision, order } = row.version;
  const startsRevision = before ? before.last : true;
  const expectedRevision = before ? before.version.modRevision + (before.last ? 1 : 0) : Math.max(mark.compacted, firstRevision) + 1;
  const expectedOrder = startsRevision || !before ? 0 : before.version.order + 1;
  if (modRevision !== expectedRevision || order !== expectedOrder)
    throw damaged(`change ${expectedOrder} of revision ${expectedRevision} is missing`);
  if (before && row.checksumBefore !== before.version.checksum) throw damaged(`revision ${modRevision} does not follow the row before it`);
}

function checkEnd(last: Row | undefined, { durable, compacted, chain }: Mark): void {
  if (!last) {
    if (durable > Math.max(compacted, firstRevision)) throw damaged(`revisions ${compacted + 1} to ${durable} are missing`);
    return;
  }
  const { modRevision, checksum } = last.version;
  if (modRevision !== durable || !last.last) throw damaged(`history ends at revision ${modRevision}, and should at ${durable}`);
  if (checksum !== chain) throw damaged(`revision ${durable} is not the one that was acknowledged`);
}
