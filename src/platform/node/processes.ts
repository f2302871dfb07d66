// Other programs, and what this one is told from outside.
import { type ChildProcess as NodeChild, spawn as nodeSpawn, type StdioOptions } from "node:child_process";
import { closeSync, openSync, writeSync } from "node:fs";
import os from "node:os";
import type { Readable } from "node:stream";
import type { Scope } from "#base/scope.ts";
import type { ChildProcess, Exit, Processes, RunResult, SpawnOptions } from "../processes.ts";

const defaultMaxOutputBytes = 16 * 1024 * 1024;

/** `program` is how this program is started again; `arguments` what it was told behind that. */
export function nodeProcesses(identity: { program?: readonly string[]; arguments?: readonly string[]; version?: string } = {}): Processes {
  return {
    spawn,
    run,
    signal: (id, signal) => {
      try {
        return process.kill(id, signal);
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === "ESRCH") return false;
        // It exists, and is another user's.
        if (code === "EPERM" && signal === 0) return true;
        throw error;
      }
    },
    self: {
      id: process.pid,
      get parentId() {
        return process.ppid;
      },
      uid: process.getuid?.() ?? 0,
      arguments: identity.arguments ?? process.argv.slice(2),
      environment: process.env,
      program: identity.program ?? [process.execPath, ...process.execArgv, process.argv[1] ?? ""],
      version: identity.version ?? process.version,
      get folder() {
        return process.cwd();
      },
      platform: process.platform,
      architecture: process.arch,
      cpus: os.availableParallelism(),
      memoryBytes: os.totalmem(),
      memory: () => {
        const { rss, heapUsed } = process.memoryUsage();
        return { residentBytes: rss, heapBytes: heapUsed };
      },
      uptimeMilliseconds: () => process.uptime() * 1000,
      cpuSeconds: () => {
        const { user, system } = process.cpuUsage();
        return (user + system) / 1e6;
      },
      writeOut: (text) => writeAll(1, text),
      writeError: (text) => writeAll(2, text),
      exit: (code) => process.exit(code),
    },
    onSignal: (scope: Scope, signal, received) => {
      const listener = (): void => received();
      scope.defer(`on ${signal}`, () => void process.off(signal, listener));
      process.on(signal, listener);
    },
  };
}

async function spawn(program: string, options: SpawnOptions = {}): Promise<ChildProcess> {
  const opened: number[] = [];
  const output = (where: SpawnOptions["stdout"]): "pipe" | "ignore" | "inherit" | number => {
    if (typeof where !== "object") return where ?? "pipe";
    const file = openSync(where.path, "a", 0o640);
    opened.push(file);
    return file;
  };
  let child: NodeChild;
  try {
    child = nodeSpawn(program, options.arguments ?? [], {
      stdio: [options.stdin ?? "pipe", output(options.stdout), output(options.stderr)] satisfies StdioOptions,
      ...(options.environment && { env: options.environment }),
      ...(options.folder !== undefined && { cwd: options.folder }),
      ...(options.uid !== undefined && { uid: options.uid }),
      ...(options.gid !== undefined && { gid: options.gid }),
      detached: options.detached ?? false,
    });
  } finally {
    for (const file of opened) closeSync(file);
  }
  const exited = new Promise<Exit>((resolve) => {
    child.once("exit", (code, signal) => resolve({ ...(code !== null && { code }), ...(signal !== null && { signal }) }));
  });
  await new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
  child.on("error", () => {});
  child.stdin?.on("error", () => {});
  return {
    id: child.pid as number,
    stdout: outputOf(child.stdout),
    stderr: outputOf(child.stderr),
    writeStdin: (bytes) =>
      new Promise((resolve, reject) => {
        if (!child.stdin) reject(new Error(`${program} has no standard input to write to`));
        else child.stdin.write(bytes, (error) => (error ? reject(error) : resolve()));
      }),
    endStdin: () => void child.stdin?.end(),
    kill: (signal) => void child.kill(signal as NodeJS.Signals),
    exited,
  };
}

async function* outputOf(stream: Readable | null): AsyncGenerator<Uint8Array> {
  if (stream) yield* stream;
}

/** Both outputs are gathered while it runs; past `maxBytes` each the rest is read and dropped. */
function run(program: string, arguments_: readonly string[], options: Parameters<Processes["run"]>[2] = {}): Promise<RunResult> {
  const { input, timeoutMilliseconds = 0, maxBytes = defaultMaxOutputBytes } = options;
  return new Promise((resolve, reject) => {
    const child = nodeSpawn(program, arguments_, {
      stdio: [input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
      ...(options.environment && { env: options.environment }),
      ...(options.folder !== undefined && { cwd: options.folder }),
    });
    const timer = timeoutMilliseconds > 0 ? setTimeout(() => child.kill("SIGKILL"), timeoutMilliseconds) : undefined;
    const stdout = gather(child.stdout as Readable, maxBytes);
    const stderr = gather(child.stderr as Readable, maxBytes);
    child.once("error", (error) => {
      clearTimeout(timer);
      reject(error);
    });
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      resolve({ stdout: stdout(), stderr: stderr(), ...(code !== null && { code }), ...(signal !== null && { signal }) });
    });
    if (child.stdin) {
      // A program need not read what it is given.
      child.stdin.on("error", () => {});
      child.stdin.end(input);
    }
  });
}

function gather(stream: Readable, maxBytes: number): () => string {
  const chunks: Buffer[] = [];
  let total = 0;
  stream.on("data", (chunk: Buffer) => {
    const room = maxBytes - total;
    if (room <= 0) return;
    chunks.push(chunk.length > room ? chunk.subarray(0, room) : chunk);
    total += Math.min(room, chunk.length);
  });
  return () => Buffer.concat(chunks).toString("utf8");
}

/** Whole, also into a pipe that is full for a moment. A reader that has gone is no failure of ours. */
function writeAll(file: 1 | 2, text: string): void {
  const bytes = Buffer.from(text);
  let written = 0;
  while (written < bytes.length) {
    try {
      written += writeSync(file, bytes, written);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EPIPE") return;
      if (code !== "EAGAIN") throw error;
      Atomics.wait(pause, 0, 0, 5);
    }
  }
}

const pause = new Int32Array(new SharedArrayBuffer(4));
