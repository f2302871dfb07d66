// Databases that behave as badly as disks do: in a crash, commits that were still under way are lost or only a first part of them is
// kept; a disk can be full, slow or broken; stored bits can flip and rows vanish. All by seed.
import type { Clock } from "../clock.ts";
import { type Change, type Damage, type Database, DatabaseError, type Databases } from "../database.ts";
import type { Random } from "../random.ts";

const rowsPerPage = 64;

interface UnderWay {
  readonly changes: readonly Change[];
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** Files outlive the databases opened on them, as they do on a disk. */
export class SimulatedDatabases implements Databases {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #files = new Map<string, SimulatedDatabaseFile>();

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  /** The file at `path`, there or not, for a test to break. */
  file(path: string): SimulatedDatabaseFile {
    let file = this.#files.get(path);
    if (!file) this.#files.set(path, (file = new SimulatedDatabaseFile(path, this, this.#clock, this.#random)));
    return file;
  }

  async open(path: string): Promise<Database> {
    return this.file(path).open();
  }

  /** A power cut, for every file. */
  crash(): void {
    for (const file of this.#files.values()) file.crash();
  }
}

export class SimulatedDatabaseFile {
  readonly #path: string;
  readonly #disk: SimulatedDatabases;
  readonly #clock: Clock;
  readonly #random: Random;
  /** What a crash does not take. Keys as strings of one character a byte, so that comparing them compares bytes. */
  #rows = new Map<string, Uint8Array>();
  #underWay: UnderWay[] = [];
  #opened: SimulatedDatabase | undefined;
  #working = false;
  #failure: Damage | undefined;
  #slowMilliseconds = 0;
  #commits = 0;

  constructor(path: string, disk: SimulatedDatabases, clock: Clock, random: Random) {
    this.#path = path;
    this.#disk = disk;
    this.#clock = clock;
    this.#random = random;
  }

  /** Commits that became durable so far. */
  get commits(): number {
    return this.#commits;
  }

  /** The keys that are stored, in order. */
  get keys(): readonly Uint8Array[] {
    return [...this.#rows.keys()].sort().map(toBytes);
  }

  /** From now on every commit fails so ("io": after having happened or not, by chance); undefined: it works again. */
  fail(failure: Damage | undefined): void {
    this.#failure = failure;
  }

  /** From now on every commit takes this long. */
  slow(milliseconds: number): void {
    this.#slowMilliseconds = milliseconds;
  }

  /** The machine loses power: whoever had the file open is gone; of the commits under way a first part, by chance, was kept. */
  crash(): void {
    const lost = this.#underWay;
    const kept = this.#random.integer(lost.length + 1);
    for (const { changes } of lost.slice(0, kept)) this.#apply(changes);
    this.#underWay = [];
    this.#opened = undefined;
    for (const { reject } of lost) reject(new DatabaseError("io", `${this.#path}: the machine crashed`));
  }

  /** Flips one bit of the row's value. */
  flipBit(key: Uint8Array): void {
    const value = this.#rows.get(toText(key));
    if (!value) return;
    const damaged = value.slice();
    const at = this.#random.integer(damaged.length);
    damaged[at] = (damaged[at] as number) ^ (1 << this.#random.integer(8));
    this.#rows.set(toText(key), damaged);
  }

  /** The row vanishes. */
  lose(key: Uint8Array): void {
    this.#rows.delete(toText(key));
  }

  open(): Database {
    if (this.#opened) throw new DatabaseError("locked", `${this.#path} is in use by another process`);
    this.#opened = new SimulatedDatabase(this);
    return this.#opened;
  }

  commit(by: SimulatedDatabase, changes: readonly Change[]): Promise<void> {
    this.#mustBeOpen(by);
    return new Promise((resolve, reject) => {
      this.#underWay.push({ changes: changes.map(copied), resolve, reject });
      if (!this.#working) void this.#work();
    });
  }

  page(by: SimulatedDatabase, from: string, to: string): readonly { readonly key: Uint8Array; readonly value: Uint8Array }[] {
    this.#mustBeOpen(by);
    const keys = [...this.#rows.keys()].filter((key) => key >= from && key < to).sort();
    return keys.slice(0, rowsPerPage).map((key) => ({ key: toBytes(key), value: (this.#rows.get(key) as Uint8Array).slice() }));
  }

  size(): number {
    let bytes = 0;
    for (const [key, value] of this.#rows) bytes += key.length + value.length;
    return bytes;
  }

  copy(path: string): void {
    const target = this.#disk.file(path);
    if (target.#rows.size > 0) throw new DatabaseError("io", `${path} exists already`);
    target.#rows = new Map(this.#rows);
  }

  async close(by: SimulatedDatabase): Promise<void> {
    while (this.#opened === by && this.#underWay.length > 0) await this.#clock.endOfTurn();
    if (this.#opened === by) this.#opened = undefined;
  }

  async #work(): Promise<void> {
    this.#working = true;
    for (let next = this.#underWay[0]; next; next = this.#underWay[0]) {
      if (this.#slowMilliseconds > 0) await this.#wait(this.#slowMilliseconds);
      else await this.#clock.endOfTurn();
      // A crash meanwhile has taken it away.
      if (this.#underWay[0] !== next) continue;
      this.#underWay.shift();
      this.#finish(next);
    }
    this.#working = false;
  }

  #finish({ changes, resolve, reject }: UnderWay): void {
    const failure = this.#failure;
    if (!failure || (failure === "io" && this.#random.integer(2) === 0)) this.#apply(changes);
    if (failure) reject(new DatabaseError(failure, `${this.#path}: ${failure === "full" ? "no space left on the disk" : failure}`));
    else resolve();
  }

  #wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.timer(milliseconds, resolve);
    });
  }

  #apply(changes: readonly Change[]): void {
    this.#commits++;
    for (const { key, value } of changes) {
      if (value) this.#rows.set(toText(key), value);
      else this.#rows.delete(toText(key));
    }
  }

  #mustBeOpen(by: SimulatedDatabase): void {
    if (this.#opened !== by) throw new DatabaseError("io", `${this.#path} is not open any more`);
  }
}

class SimulatedDatabase implements Database {
  readonly #file: SimulatedDatabaseFile;

  constructor(file: SimulatedDatabaseFile) {
    this.#file = file;
  }

  async commit(changes: readonly Change[]): Promise<void> {
    return this.#file.commit(this, changes);
  }

  async *scan(from: Uint8Array, to: Uint8Array): AsyncIterable<readonly { readonly key: Uint8Array; readonly value: Uint8Array }[]> {
    let start = toText(from);
    for (;;) {
      const page = this.#file.page(this, start, toText(to));
      const last = page.at(-1);
      if (!last) return;
      yield page;
      start = `${toText(last.key)}\0`;
    }
  }

  async size(): Promise<number> {
    return this.#file.size();
  }

  async copy(path: string): Promise<void> {
    this.#file.copy(path);
  }

  close(): Promise<void> {
    return this.#file.close(this);
  }
}

function copied({ key, value }: Change): Change {
  return value ? { key: key.slice(), value: value.slice() } : { key: key.slice() };
}

function toText(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

function toBytes(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}
