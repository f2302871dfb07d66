// Running other programs, and what this one is told from outside (arguments, environment, signals).
import type { Scope } from "#base/scope.ts";

export interface SpawnOptions {
  readonly arguments?: readonly string[];
  /** Replaces the environment when given. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly folder?: string;
  /** "pipe" gives streams, "ignore" is /dev/null, "inherit" is ours; a path appends to that file. Default "pipe". */
  readonly stdin?: "pipe" | "ignore" | "inherit";
  readonly stdout?: "pipe" | "ignore" | "inherit" | { readonly path: string };
  readonly stderr?: "pipe" | "ignore" | "inherit" | { readonly path: string };
  readonly uid?: number;
  readonly gid?: number;
  /** A session of its own, so that it outlives us and can be signalled with its children by the negative id. */
  readonly detached?: boolean;
}

export interface Exit {
  /** The exit code; undefined when a signal ended it. */
  readonly code?: number;
  readonly signal?: string;
}

export interface ChildProcess {
  readonly id: number;
  readonly stdout: AsyncIterable<Uint8Array>;
  readonly stderr: AsyncIterable<Uint8Array>;
  writeStdin(bytes: Uint8Array): Promise<void>;
  endStdin(): void;
  kill(signal: string): void;
  readonly exited: Promise<Exit>;
}

export interface RunResult extends Exit {
  readonly stdout: string;
  readonly stderr: string;
}

export interface Processes {
  /** Rejects when the program cannot be started at all (ENOENT, EACCES). */
  spawn(program: string, options?: SpawnOptions): Promise<ChildProcess>;
  /** Runs to the end and gathers what it printed (at most `maxBytes`, default 16 MiB). Killed after `timeoutMilliseconds`. */
  run(
    program: string,
    arguments_: readonly string[],
    options?: {
      input?: string;
      timeoutMilliseconds?: number;
      environment?: Readonly<Record<string, string>>;
      folder?: string;
      maxBytes?: number;
    },
  ): Promise<RunResult>;
  /** Signals any process; negative ids are groups. False when there is none. */
  signal(id: number, signal: string | 0): boolean;
  readonly self: {
    readonly id: number;
    readonly parentId: number;
    readonly uid: number;
    readonly arguments: readonly string[];
    readonly environment: Readonly<Record<string, string | undefined>>;
    /** Program and leading arguments that start this same program again: [node, entry]. */
    readonly program: readonly string[];
    readonly version: string;
    readonly folder: string;
    readonly platform: string;
    readonly architecture: string;
    readonly cpus: number;
    readonly memoryBytes: number;
    memory(): { readonly residentBytes: number; readonly heapBytes: number };
    cpuSeconds(): number;
    /** Since the process was started. */
    uptimeMilliseconds(): number;
    writeOut(text: string): void;
    writeError(text: string): void;
    exit(code: number): never;
  };
  /** Calls back for "SIGTERM", "SIGINT", "SIGHUP", ... until the scope stops. */
  onSignal(scope: Scope, signal: string, received: () => void): void;
}
