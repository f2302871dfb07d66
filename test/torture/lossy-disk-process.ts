// Serves lossy files to the kernel (FUSE) as a process of its own: reads a request, answers it, one after the other, without ever yielding,
// since whoever asks may be a thread that stands still until it is answered.
//
//   node lossy-disk-process.ts FOLDER [--without-sync]
//
// What is written into the file ".power" is an order: "cut SEED" cuts the power, "fail N" lets the next syncs fail, "slow MILLISECONDS" is
// how long each takes from now on, "full 1" and "full 0" say whether there is space. Reading it tells the counts. Unmounting ends it.
import { spawn } from "node:child_process";
import { openSync, readSync, writeSync } from "node:fs";
import { constants } from "node:os";
import { SeededRandom } from "#platform/simulated/random.ts";
import { FileRefused, LossyFiles, type Node } from "./lossy-files.ts";

const powerName = ".power";
const powerNumber = 0xffff_ffff;
const headBytes = 40;
const answerHeadBytes = 16;
const entryBytes = 128;
const writeBytesMax = 1024 * 1024;
const folderMode = 0o040000;
const fileMode = 0o100000;
const directIo = 1;
const bigWrites = 1 << 5;
const maxPages = 1 << 22;
const sizeIsSet = 8;
const waitMilliseconds = 5;
/** Waited on when nothing may go on. */
const stillness = new Int32Array(new SharedArrayBuffer(4));
const mountLimitMilliseconds = 10_000;

/** The kernel's numbers of what it asks. */
const request = {
  lookup: 1,
  forget: 2,
  attributes: 3,
  setAttributes: 4,
  makeNode: 8,
  makeFolder: 9,
  unlink: 10,
  removeFolder: 11,
  rename: 12,
  open: 14,
  read: 15,
  write: 16,
  statistics: 17,
  release: 18,
  sync: 20,
  flush: 25,
  init: 26,
  openFolder: 27,
  readFolder: 28,
  releaseFolder: 29,
  syncFolder: 30,
  create: 35,
  interrupt: 36,
  destroy: 38,
  forgetMany: 42,
  renameWithFlags: 45,
} as const;

class Kernel {
  readonly #files: LossyFiles;
  /** What was written to the power file, until it is closed. */
  #order = "";
  #slowMilliseconds = 0;

  constructor(files: LossyFiles) {
    this.#files = files;
  }

  /** The answer's body; undefined: none is expected. */
  answer(opcode: number, number: number, body: Buffer): Buffer | undefined {
    switch (opcode) {
      case request.init:
        return initialised(body);
      case request.forget:
      case request.forgetMany:
      case request.interrupt:
        return undefined;
      case request.lookup:
        return number === 1 && text(body) === powerName
          ? entry(powerNumber, powerAttributes())
          : this.#entry(this.#find(number, text(body)));
      case request.attributes:
        return attributesAnswer(this.#attributes(number));
      case request.setAttributes:
        if ((body.readUInt32LE(0) & sizeIsSet) !== 0 && number !== powerNumber)
          this.#files.resize(this.#files.node(number), Number(body.readBigUInt64LE(16)));
        return attributesAnswer(this.#attributes(number));
      case request.makeNode:
        return this.#entry(this.#files.make(this.#files.node(number), text(body, 16), false, body.readUInt32LE(0) & 0o7777));
      case request.makeFolder:
        return this.#entry(this.#files.make(this.#files.node(number), text(body, 8), true, body.readUInt32LE(0) & 0o7777));
      case request.create: {
        const node = this.#files.make(this.#files.node(number), text(body, 16), false, body.readUInt32LE(4) & 0o7777);
        return Buffer.concat([this.#entry(node), opened()]);
      }
      case request.unlink:
      case request.removeFolder:
        this.#files.remove(this.#files.node(number), text(body), opcode === request.removeFolder);
        return Buffer.alloc(0);
      case request.rename:
      case request.renameWithFlags: {
        const from = opcode === request.rename ? 8 : 16;
        const name = text(body, from);
        const newName = text(body, from + Buffer.byteLength(name) + 1);
        this.#files.rename(this.#files.node(number), name, this.#files.node(Number(body.readBigUInt64LE(0))), newName);
        return Buffer.alloc(0);
      }
      case request.open:
      case request.openFolder:
        if (number !== powerNumber) this.#files.node(number);
        return opened();
      case request.read: {
        const [at, size] = [Number(body.readBigUInt64LE(8)), body.readUInt32LE(16)];
        if (number === powerNumber) return Buffer.from(JSON.stringify(this.#files.counts)).subarray(at, at + size);
        return Buffer.from(this.#files.node(number).content.read(at, size));
      }
      case request.write: {
        const [at, size] = [Number(body.readBigUInt64LE(8)), body.readUInt32LE(16)];
        const bytes = body.subarray(headBytes, headBytes + size);
        if (number === powerNumber) this.#order += bytes.toString();
        else this.#files.write(this.#files.node(number), at, bytes);
        const written = Buffer.alloc(8);
        written.writeUInt32LE(size, 0);
        return written;
      }
      case request.sync:
      case request.syncFolder:
        if (this.#slowMilliseconds > 0) Atomics.wait(stillness, 0, 0, this.#slowMilliseconds);
        if (number !== powerNumber) this.#files.sync(this.#files.node(number));
        return Buffer.alloc(0);
      case request.flush:
        if (number === powerNumber) this.#obey();
        return Buffer.alloc(0);
      case request.readFolder:
        return this.#list(this.#files.node(number), Number(body.readBigUInt64LE(8)), body.readUInt32LE(16));
      case request.statistics:
        return statistics();
      case request.release:
      case request.releaseFolder:
      case request.destroy:
        return Buffer.alloc(0);
      default:
        throw new Unknown();
    }
  }

  #obey(): void {
    const [order, given] = this.#order.split(" ");
    this.#order = "";
    const amount = Number(given);
    if (order === "cut") this.#files.powerCut(new SeededRandom(amount));
    else if (order === "fail") this.#files.failingSyncs = amount;
    else if (order === "slow") this.#slowMilliseconds = amount;
    else if (order === "full") this.#files.full = amount === 1;
  }

  #find(folder: number, name: string): Node {
    return this.#files.lookup(this.#files.node(folder), name);
  }

  #entry(node: Node): Buffer {
    return entry(node.number, this.#attributes(node.number));
  }

  #attributes(number: number): Buffer {
    if (number === powerNumber) return powerAttributes();
    const node = this.#files.node(number);
    return attributes(number, node.content.size, (node.isFolder ? folderMode : fileMode) | node.mode);
  }

  #list(folder: Node, from: number, size: number): Buffer {
    const entries: Buffer[] = [];
    let length = 0;
    for (const [index, [name, node]] of [...folder.names].entries()) {
      if (index < from) continue;
      const bytes = Buffer.from(name);
      const one = Buffer.alloc(24 + Math.ceil(bytes.length / 8) * 8);
      one.writeBigUInt64LE(BigInt(node.number), 0);
      one.writeBigUInt64LE(BigInt(index + 1), 8);
      one.writeUInt32LE(bytes.length, 16);
      one.writeUInt32LE(node.isFolder ? 4 : 8, 20);
      bytes.copy(one, 24);
      if ((length += one.length) > size) break;
      entries.push(one);
    }
    return Buffer.concat(entries);
  }
}

class Unknown extends Error {}

/** Text up to its end by zero. */
function text(body: Buffer, from = 0): string {
  return body.toString("utf8", from, body.indexOf(0, from));
}

function initialised(body: Buffer): Buffer {
  const answer = Buffer.alloc(64);
  answer.writeUInt32LE(7, 0);
  answer.writeUInt32LE(Math.min(body.readUInt32LE(4), 31), 4);
  answer.writeUInt32LE(body.readUInt32LE(8), 8);
  answer.writeUInt32LE((bigWrites | maxPages) & body.readUInt32LE(12), 12);
  answer.writeUInt16LE(16, 16);
  answer.writeUInt16LE(12, 18);
  answer.writeUInt32LE(writeBytesMax, 20);
  answer.writeUInt32LE(1, 24);
  answer.writeUInt16LE(writeBytesMax / 4096, 28);
  return answer;
}

function powerAttributes(): Buffer {
  return attributes(powerNumber, 4096, fileMode | 0o600);
}

function attributes(number: number, size: number, mode: number): Buffer {
  const bytes = Buffer.alloc(88);
  bytes.writeBigUInt64LE(BigInt(number), 0);
  bytes.writeBigUInt64LE(BigInt(size), 8);
  bytes.writeBigUInt64LE(BigInt(Math.ceil(size / 512)), 16);
  bytes.writeUInt32LE(mode, 60);
  bytes.writeUInt32LE((mode & folderMode) === folderMode ? 2 : 1, 64);
  bytes.writeUInt32LE(process.getuid?.() ?? 0, 68);
  bytes.writeUInt32LE(process.getgid?.() ?? 0, 72);
  bytes.writeUInt32LE(4096, 80);
  return bytes;
}

/** Nothing is remembered by the kernel: neither the name nor the attributes, since a power cut changes them. */
function entry(number: number, described: Buffer): Buffer {
  const bytes = Buffer.alloc(entryBytes);
  bytes.writeBigUInt64LE(BigInt(number), 0);
  described.copy(bytes, 40);
  return bytes;
}

function attributesAnswer(described: Buffer): Buffer {
  return Buffer.concat([Buffer.alloc(16), described]);
}

function opened(): Buffer {
  const bytes = Buffer.alloc(16);
  bytes.writeUInt32LE(directIo, 8);
  return bytes;
}

function statistics(): Buffer {
  const bytes = Buffer.alloc(80);
  for (const at of [0, 8, 16, 24, 32]) bytes.writeBigUInt64LE(1n << 24n, at);
  bytes.writeUInt32LE(4096, 40);
  bytes.writeUInt32LE(255, 44);
  bytes.writeUInt32LE(4096, 48);
  return bytes;
}

function errorOf(error: unknown): number {
  if (error instanceof FileRefused) return constants.errno[error.code];
  if (error instanceof Unknown) return constants.errno.ENOSYS;
  throw error;
}

/** Answers until the file system is unmounted. */
function serve(device: number, kernel: Kernel): void {
  const buffer = Buffer.alloc(writeBytesMax + 65_536);
  const deadline = performance.now() + mountLimitMilliseconds;
  for (;;) {
    let length: number;
    try {
      length = readSync(device, buffer);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "ENODEV") return;
      if (code === "EPERM" && performance.now() > deadline) throw new Error("it was not mounted", { cause: error });
      // Not mounted yet, or a request that was given up.
      if (code === "EPERM") Atomics.wait(stillness, 0, 0, waitMilliseconds);
      else if (code !== "ENOENT" && code !== "EINTR" && code !== "EAGAIN") throw error;
      continue;
    }
    const unique = buffer.readBigUInt64LE(8);
    let problem = 0;
    let body: Buffer | undefined;
    try {
      body = kernel.answer(buffer.readUInt32LE(4), Number(buffer.readBigUInt64LE(16)), buffer.subarray(headBytes, length));
      if (!body) continue;
    } catch (error) {
      problem = errorOf(error);
    }
    const answer = Buffer.alloc(answerHeadBytes + (body?.length ?? 0));
    answer.writeUInt32LE(answer.length, 0);
    answer.writeInt32LE(-problem, 4);
    answer.writeBigUInt64LE(unique, 8);
    body?.copy(answer, answerHeadBytes);
    try {
      writeSync(device, answer);
    } catch (error) {
      // Whoever asked was killed meanwhile.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
}

const [folder = "", ...flags] = process.argv.slice(2);
const device = openSync("/dev/fuse", "r+");
spawn("mount", ["-i", "-t", "fuse", "-o", "fd=3,rootmode=40000,user_id=0,group_id=0", "lossy", folder], {
  stdio: ["ignore", "inherit", "inherit", device],
});
serve(device, new Kernel(new LossyFiles({ withoutSync: flags.includes("--without-sync") })));
