// Reads the file again while it is served, a page at a time with rests between, so that damage is known before the next start needs the file.
import type { Scope } from "#base/scope.ts";
import { type Database, DatabaseError } from "#platform/database.ts";
import type { World } from "#platform/world.ts";
import type { StoreImage } from "../image.ts";
import { damaged, decodeRow, rowRange } from "./rows.ts";

/** What the last look at the file found. */
export interface Integrity {
  /** How often the whole file was read. */
  readonly passes: number;
  /** Rows that were read by the last pass. */
  readonly rows: number;
  /** The damage, until a pass finds none. */
  readonly problem: DatabaseError | undefined;
}

export interface IntegrityNeeds {
  readonly database: Database;
  image(): StoreImage;
  report(found: Integrity): void;
}

/** Between passes. */
const restMilliseconds = 3_600_000;
const firstMilliseconds = 600_000;
/** Between pages of about 64 KiB: 100 MiB take less than ten minutes, and a moment of the disk's time. */
const pauseMilliseconds = 300;

export async function keepChecking(scope: Scope, world: World, needs: IntegrityNeeds): Promise<void> {
  let passes = 0;
  for (let rest = firstMilliseconds; ; rest = restMilliseconds) {
    await world.clock.sleep(scope, rest);
    const { rows, problem } = await readAgain(scope, world, needs);
    scope.throwIfStopped();
    // A disk that cannot be read just now says nothing about what is on it.
    if (problem && problem.damage !== "corrupt") continue;
    passes++;
    needs.report({ passes, rows, problem });
  }
}

async function readAgain(scope: Scope, world: World, { database, image }: IntegrityNeeds) {
  const missing = new Map(image().versions.map((version) => [placeOf(version), version]));
  let rows = 0;
  try {
    for await (const page of database.scan(...rowRange)) {
      for (const { key, value } of page) {
        const { version } = decodeRow(key, value);
        const place = placeOf(version);
        const expected = missing.get(place);
        if (expected && expected.checksum !== version.checksum) throw damaged(`the row of revision ${version.modRevision} was exchanged`);
        missing.delete(place);
        rows++;
      }
      await world.clock.sleep(scope, pauseMilliseconds);
    }
    // Those that were changed or deleted meanwhile are not needed any more.
    const needed = missing.size === 0 ? undefined : image().versions.find((version) => missing.get(placeOf(version)) === version);
    if (needed) throw damaged(`the row of revision ${needed.modRevision} (${needed.key}) is missing`);
    return { rows, problem: undefined };
  } catch (error) {
    if (error instanceof DatabaseError) return { rows, problem: error };
    throw error;
  }
}

const placeOf = ({ modRevision, order }: { readonly modRevision: number; readonly order: number }) => `${modRevision} ${order}`;
