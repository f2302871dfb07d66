// Reads the log files that the runtime writes ("2026-01-01T00:00:00.123456789Z stdout F text"): pieces of long lines are put together,
// the newest lines found from the end, a growing file followed, and its successor after a rotation.
import type { OpenFile } from "#platform/files.ts";
import type { World } from "#platform/world.ts";
import { parseTime } from "#schema/time.ts";

export interface LogOptions {
  readonly follow: boolean;
  /** Only that many of the newest lines. */
  readonly tailLines?: number | undefined;
  readonly limitBytes?: number | undefined;
  /** Milliseconds since 1970; older lines are left out. */
  readonly since?: number | undefined;
  readonly timestamps: boolean;
  readonly stream: "all" | "stdout" | "stderr";
}

export interface LogNeeds {
  readonly path: string;
  /** Takes what is to be sent; resolves when there is room for more. */
  readonly write: (bytes: Uint8Array) => Promise<void>;
  readonly signal: AbortSignal;
  /** Whether the container still runs: asked while following, at the end of the file. */
  readonly isRunning: () => Promise<boolean>;
}

const blockBytes = 64 * 1024;
/** The runtime cuts lines at 16 KiB; what is longer than this without an end is sent as it is. */
const lineBytesMax = 256 * 1024;
const runningCheckMilliseconds = 500;
const newline = 0x0a;
const space = 0x20;

/** Resolves when everything was sent, the limit was reached, or the signal aborted. */
export async function readLog(world: World, options: LogOptions, { path, write, signal, isRunning }: LogNeeds): Promise<void> {
  let left = options.limitBytes ?? Number.POSITIVE_INFINITY;
  let file: OpenFile | undefined = await openIfThere(world, path);
  if (!file && !options.follow) return;
  const printer = new LinePrinter(options);
  const changes = options.follow ? changeNotices(world, path, signal) : undefined;
  let wasRunning = true;
  let offset = 0;
  let next: OpenFile | undefined;
  try {
    if (file && options.tailLines !== undefined) offset = await tailOffset(file, options.tailLines);
    while (!signal.aborted && left > 0) {
      const block = file ? await file.read(offset, blockBytes) : new Uint8Array(0);
      if (block.length > 0) {
        offset += block.length;
        const bytes = printer.print(block);
        if (bytes.length === 0) continue;
        await write(bytes.length > left ? bytes.subarray(0, left) : bytes);
        left -= bytes.length;
        continue;
      }
      if (!changes) break;
      if (next) {
        await file?.close();
        [file, next] = [next, undefined];
        offset = 0;
        continue;
      }
      // The runtime wrote to the old file until it opened the new one: the old one's end is looked for once more.
      next = await successor(world, path, file);
      if (next) continue;
      // One more look after the end was seen: the last lines may have been written in between.
      if (!wasRunning) break;
      wasRunning = await isRunning();
      if (wasRunning) await changes.next(runningCheckMilliseconds);
    }
  } finally {
    changes?.close();
    await next?.close();
    await file?.close();
  }
}

async function openIfThere(world: World, path: string): Promise<OpenFile | undefined> {
  try {
    return await world.files.open(path);
  } catch {
    return undefined;
  }
}

/** The new file at the path, when it is another than the open one, or when that one was cut. */
async function successor(world: World, path: string, file: OpenFile | undefined): Promise<OpenFile | undefined> {
  const there = await world.files.stat(path, { follow: true });
  if (!there) return undefined;
  if (file && (await file.stat()).inode === there.inode) return undefined;
  return openIfThere(world, path);
}

/** Where the last `lines` lines begin. */
async function tailOffset(file: OpenFile, lines: number): Promise<number> {
  const { size } = await file.stat();
  if (lines <= 0) return size;
  let count = 0;
  let end = size;
  while (end > 0) {
    const start = Math.max(0, end - blockBytes);
    const block = await file.read(start, end - start);
    for (let at = block.length - 1; at >= 0; at -= 1) {
      if (block[at] !== newline || start + at === size - 1) continue;
      count += 1;
      if (count === lines) return start + at + 1;
    }
    end = start;
  }
  return 0;
}

/** Waits for changes in the file's folder, which a rotation changes as well. */
function changeNotices(world: World, path: string, signal: AbortSignal) {
  let pending = false;
  let wake: (() => void) | undefined;
  const notice = () => {
    pending = true;
    wake?.();
  };
  const watch = world.files.watch(path.slice(0, path.lastIndexOf("/")), notice);
  signal.addEventListener("abort", notice);
  return {
    async next(milliseconds: number): Promise<void> {
      if (!pending && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const timer = world.clock.timer(milliseconds, resolve);
          wake = () => {
            timer.cancel();
            resolve();
          };
        });
      }
      wake = undefined;
      pending = false;
    },
    close() {
      signal.removeEventListener("abort", notice);
      watch.close();
    },
  };
}

/** Turns blocks of the file into what is to be sent. */
export class LinePrinter {
  readonly #options: LogOptions;
  readonly #decoder = new TextDecoder();
  readonly #encoder = new TextEncoder();
  #rest: Uint8Array = new Uint8Array(0);
  /** Whether the line before was a piece, so that this one goes on without a timestamp. */
  #isContinued = false;

  constructor(options: LogOptions) {
    this.#options = options;
  }

  print(block: Uint8Array): Uint8Array {
    const bytes = this.#rest.length > 0 ? joined([this.#rest, block]) : block;
    const pieces: Uint8Array[] = [];
    let start = 0;
    for (;;) {
      const end = bytes.indexOf(newline, start);
      if (end < 0) break;
      this.#line(bytes.subarray(start, end), pieces);
      start = end + 1;
    }
    this.#rest = bytes.slice(start);
    if (this.#rest.length > lineBytesMax) {
      this.#line(this.#rest, pieces);
      this.#rest = new Uint8Array(0);
    }
    return joined(pieces);
  }

  #line(line: Uint8Array, pieces: Uint8Array[]): void {
    const first = line.indexOf(space);
    const second = line.indexOf(space, first + 1);
    const third = line.indexOf(space, second + 1);
    if (first <= 0 || second < 0 || third < 0) return;
    const stream = this.#decoder.decode(line.subarray(first + 1, second));
    if (stream !== "stdout" && stream !== "stderr") return;
    const { since, timestamps } = this.#options;
    if (this.#options.stream !== "all" && this.#options.stream !== stream) return;
    const time = this.#decoder.decode(line.subarray(0, first));
    if (since !== undefined && timeOf(time) < since) return;
    const isPiece = line[second + 1] === 0x50;
    if (timestamps && !this.#isContinued) pieces.push(this.#encoder.encode(`${fixedTime(time)} `));
    pieces.push(line.subarray(third + 1));
    if (!isPiece) pieces.push(lineEnd);
    this.#isContinued = isPiece;
  }
}

const lineEnd = new Uint8Array([newline]);

/** With all nine digits of nanoseconds, which the runtime cuts at the last that is not zero. */
function fixedTime(time: string): string {
  const match = /^([^.Z+]*?)(?:\.(\d{1,9}))?(Z|[+-]\d\d:\d\d)$/.exec(time);
  return match ? `${match[1]}.${(match[2] ?? "").padEnd(9, "0")}${match[3]}` : time;
}

function timeOf(time: string): number {
  try {
    const fraction = /\.(\d{1,9})/.exec(time)?.[1] ?? "";
    return Math.floor(parseTime(time.replace(/\.\d+/, "")) / 1_000) * 1_000 + Number(`0.${fraction || "0"}`) * 1_000;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  if (pieces.length === 1) return pieces[0] as Uint8Array;
  const whole = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}
