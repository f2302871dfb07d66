// Programs that are functions. A program runs until its function ends or a signal ends it; "SIGKILL" cannot be caught.
import { unbounded } from "./channel.ts";
import type { Channel } from "./channel.ts";
import type { Clock } from "../clock.ts";
import { FileError } from "../files.ts";
import type { Files } from "../files.ts";
import type { ChildProcess, Exit, Processes, RunResult, SpawnOptions } from "../processes.ts";
import type { Scope } from "#base/scope.ts";

export interface ProgramContext {
  readonly id: number;
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly folder: string;
  readonly stdin: AsyncIterable<Uint8Array>;
  writeOut(data: Uint8Array | string): void;
  writeError(data: Uint8Array | string): void;
  /** Catches a signal that would otherwise end the program. */
  onSignal(signal: string, received: () => void): void;
  /** Aborted when the program was ended by a signal; whatever its function still does is no longer seen. */
  readonly signal: AbortSignal;
}

/** Returns the exit code. Throwing is exit code 1 with the message on stderr. */
export type Program = (context: ProgramContext) => number | Promise<number>;

/** Thrown by `self.exit`. */
export class SimulatedExit extends Error {
  override readonly name = "SimulatedExit";
  readonly code: number;
  constructor(code: number) {
    super(`the simulated program ended with code ${code}`);
    this.code = code;
  }
}

export interface SelfOptions {
  readonly arguments?: readonly string[];
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

interface Running {
  readonly group: number;
  deliver(signal: string): void;
}

const ignoredByDefault = new Set(["SIGCHLD", "SIGCONT", "SIGURG", "SIGWINCH"]);
const ownId = 1000;

export class SimulatedProcesses implements Processes {
  readonly #clock: Clock;
  readonly #files: Files;
  readonly #programs = new Map<string, Program>();
  readonly #running = new Map<number, Running>();
  readonly #handlers = new Map<string, Set<() => void>>();
  #nextId = ownId + 1;
  /** What `self.writeOut` and `self.writeError` were given. */
  out = "";
  error = "";
  readonly self: Processes["self"];

  constructor(clock: Clock, files: Files, options: SelfOptions = {}) {
    this.#clock = clock;
    this.#files = files;
    this.self = {
      id: ownId,
      parentId: 1,
      uid: 0,
      arguments: options.arguments ?? [],
      environment: options.environment ?? { PATH: "/usr/bin:/bin" },
      program: ["/usr/bin/node", "/usr/lib/keelson/keelson.js"],
      version: "v24.0.0",
      folder: "/",
      platform: "linux",
      architecture: "x64",
      cpus: 2,
      memoryBytes: 4 * 2 ** 30,
      memory: () => ({ residentBytes: 64 * 2 ** 20, heapBytes: 32 * 2 ** 20 }),
      cpuSeconds: () => 0,
      uptimeMilliseconds: () => 0,
      writeOut: (text) => {
        this.out += text;
      },
      writeError: (text) => {
        this.error += text;
      },
      exit: (code) => {
        throw new SimulatedExit(code);
      },
    };
  }

  /** Makes `program` (a path or a name) something that can be run. */
  register(program: string, body: Program): void {
    this.#programs.set(program, body);
  }

  /** Sends this program itself a signal, as its supervisor would. */
  receive(signal: string): void {
    for (const received of this.#handlers.get(signal) ?? []) received();
  }

  /** Ends every program at once. */
  crash(): void {
    for (const process of [...this.#running.values()]) process.deliver("SIGKILL");
  }

  /** Ids of programs that run. */
  get running(): readonly number[] {
    return [...this.#running.keys()];
  }

  async spawn(program: string, options: SpawnOptions = {}): Promise<ChildProcess> {
    const body = this.#programs.get(program) ?? this.#programs.get(program.slice(program.lastIndexOf("/") + 1));
    if (!body) throw new FileError("ENOENT", program, `spawn ${program} ENOENT`);
    const id = this.#nextId++;
    const stdin = unbounded<Uint8Array>();
    const stdout = this.#output(options.stdout, "out");
    const stderr = this.#output(options.stderr, "error");
    const controller = new AbortController();
    const handlers = new Map<string, () => void>();
    let end: (exit: Exit) => void = () => {};
    const ended = new Promise<Exit>((resolve) => {
      end = (exit) => {
        if (!this.#running.delete(id)) return;
        stdin.close();
        controller.abort();
        void Promise.all([stdout.close(), stderr.close()]).then(() => resolve(exit));
      };
    });
    this.#running.set(id, {
      group: options.detached ? id : ownId,
      deliver: (signal) => {
        const received = handlers.get(signal);
        if (received && signal !== "SIGKILL") received();
        else if (!ignoredByDefault.has(signal)) end({ signal });
      },
    });
    const alive = () => this.#running.has(id);
    const context: ProgramContext = {
      id,
      arguments: options.arguments ?? [],
      environment: options.environment ?? this.self.environment,
      folder: options.folder ?? "/",
      stdin: stdin.items,
      writeOut: (data) => void (alive() && stdout.write(bytesOf(data))),
      writeError: (data) => void (alive() && stderr.write(bytesOf(data))),
      onSignal: (signal, received) => handlers.set(signal, received),
      signal: controller.signal,
    };
    if (options.stdin === "ignore") stdin.close();
    void (async () => {
      try {
        await undefined;
        if (alive()) end({ code: await body(context) });
      } catch (error) {
        context.writeError(`${error instanceof Error ? error.message : String(error)}\n`);
        end({ code: 1 });
      }
    })();
    return {
      id,
      stdout: stdout.items,
      stderr: stderr.items,
      writeStdin: async (bytes) => stdin.push(bytes.slice()),
      endStdin: () => stdin.close(),
      kill: (signal) => void this.signal(id, signal),
      exited: ended,
    };
  }

  async run(program: string, arguments_: readonly string[], options: Parameters<Processes["run"]>[2] = {}): Promise<RunResult> {
    const { environment, folder, input, timeoutMilliseconds, maxBytes = 16 * 2 ** 20 } = options;
    const child = await this.spawn(program, {
      arguments: arguments_,
      ...(environment && { environment }),
      ...(folder !== undefined && { folder }),
    });
    if (input !== undefined) await child.writeStdin(bytesOf(input));
    child.endStdin();
    const timer = timeoutMilliseconds === undefined ? undefined : this.#clock.timer(timeoutMilliseconds, () => child.kill("SIGKILL"));
    const [stdout, stderr, exit] = await Promise.all([gather(child.stdout, maxBytes), gather(child.stderr, maxBytes), child.exited]);
    timer?.cancel();
    return { stdout, stderr, ...exit };
  }

  signal(id: number, signal: string | 0): boolean {
    const targets =
      id < 0 ? [...this.#running].filter(([, process]) => process.group === -id) : [...this.#running].filter(([own]) => own === id);
    if (signal !== 0) for (const [, process] of targets) process.deliver(signal);
    return targets.length > 0 || id === ownId;
  }

  onSignal(scope: Scope, signal: string, received: () => void): void {
    const handlers = this.#handlers.get(signal) ?? new Set();
    this.#handlers.set(signal, handlers.add(received));
    scope.defer(`stop listening for ${signal}`, () => void handlers.delete(received));
  }

  #output(
    to: SpawnOptions["stdout"],
    own: "out" | "error",
  ): { write(bytes: Uint8Array): void; close(): Promise<void>; items: AsyncIterable<Uint8Array> } {
    const pipe: Channel<Uint8Array> = unbounded();
    if (to === undefined || to === "pipe")
      return { write: (bytes) => pipe.push(bytes.slice()), close: async () => pipe.close(), items: pipe.items };
    pipe.close();
    if (to === "ignore") return { write: () => {}, close: async () => {}, items: pipe.items };
    if (to === "inherit") {
      const write = (bytes: Uint8Array) => {
        this[own] += new TextDecoder().decode(bytes);
      };
      return { write, close: async () => {}, items: pipe.items };
    }
    let written = Promise.resolve();
    const write = (bytes: Uint8Array) => {
      written = written.then(() => this.#files.append(to.path, bytes)).catch(() => {});
    };
    return { write, close: () => written, items: pipe.items };
  }
}

async function gather(chunks: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let taken = 0;
  for await (const chunk of chunks) {
    const rest = chunk.subarray(0, maxBytes - taken);
    taken += rest.length;
    text += decoder.decode(rest, { stream: true });
  }
  return text + decoder.decode();
}

function bytesOf(data: Uint8Array | string): Uint8Array {
  return typeof data === "string" ? new TextEncoder().encode(data) : data;
}
