// What a command is. Commands are found by name in all.ts and loaded only when called, so that start-up stays short.
import type { Scope } from "#base/scope.ts";
import type { Component } from "#component/component.ts";
import { type Flag, type FlagValues, parseFlags } from "#component/flags.ts";
import { DatabaseError } from "#platform/database.ts";
import type { FileError } from "#platform/files.ts";
import type { World } from "#platform/world.ts";

/** Starters of components, handed in by the host so that no command imports a component. */
export interface Starters {
  /** "kube-apiserver" and so on. */
  readonly components: Readonly<Record<string, () => Promise<Component>>>;
  /** What is done with stores as files. */
  readonly storeTools: () => Promise<StoreTools>;
  /** The control plane in this process, for `keelson dev`. */
  readonly singleProcess: () => Promise<{ start(scope: Scope, world: World, options: DevOptions): Promise<DevCluster> }>;
}

/** Folders and files are absolute. What the user can mend rejects with UserError, DatabaseError or FileError. */
export interface StoreTools {
  /** From a running server or a stopped one's folder. */
  save(world: World, options: { readonly dataFolder: string; readonly file: string }): Promise<SnapshotSummary>;
  restore(
    world: World,
    options: { readonly file: string; readonly dataFolder: string; readonly bumpRevision: number },
  ): Promise<SnapshotSummary>;
  /** Reads and checks all of it. */
  inspect(world: World, file: string): Promise<SnapshotSummary>;
  /** Leaves `from` as it is; `to` must not be there, and holds everything or is not made. */
  migrate(world: World, options: { readonly from: StorePlace; readonly to: Exclude<StorePlace, { etcd: EtcdAccess }> }): Promise<Migrated>;
}

/** `folder`: an embedded store's. `etcdSnapshot`: a file of etcd's own tools. */
export type StorePlace = { readonly folder: string } | { readonly etcdSnapshot: string } | { readonly etcd: EtcdAccess };

export interface EtcdAccess {
  readonly endpoints: readonly string[];
  /** PEM. */
  readonly ca?: string | undefined;
  readonly certificate?: string | undefined;
  readonly key?: string | undefined;
}

export interface Migrated {
  readonly revision: number;
  readonly keys: number;
  /** Over every key, its revisions and its object, as they were read back. */
  readonly sha256: string;
}

export interface SnapshotSummary {
  readonly revision: number;
  readonly keys: number;
  readonly bytes: number;
  /** Of all but the last 32 bytes, which it is. */
  readonly sha256: string;
  readonly madeAt: string;
  readonly madeBy: string;
  /** "apps/v1 Deployment" and how many. */
  readonly kinds: readonly (readonly [string, number])[];
}

export interface DevOptions {
  readonly port: number;
  /** In memory when absent. */
  readonly dataFolder?: string;
  readonly nodes: number;
  /** Addresses of an etcd to keep the cluster in, with the files (PEM) it takes to reach it. */
  readonly etcd?: {
    readonly servers: readonly string[];
    readonly caFile?: string;
    readonly certificateFile?: string;
    readonly keyFile?: string;
  };
}

export interface DevCluster {
  readonly url: string;
  readonly ca: string;
  readonly clientCertificate: string;
  readonly clientKey: string;
}

export interface Command {
  readonly name: string;
  /** One line for the list of commands. */
  readonly doc: string;
  /** How it is called, behind the name: "[--nodes N]". */
  readonly usage: string;
  readonly flags: readonly Flag[];
  /** Resolves with the exit code; commands that serve resolve when their scope stops. */
  run(scope: Scope, world: World, arguments_: readonly string[], starters: Starters): Promise<number>;
}

export function command(declaration: Command): Command {
  return declaration;
}

/** The flags of a command that takes nothing else. */
export function flagsOnly<const F extends readonly Flag[]>(name: string, flags: F, arguments_: readonly string[]): FlagValues<F> {
  const { values, rest } = parseFlags(flags, arguments_);
  if (rest.length > 0)
    throw new UserError(`${name} takes no argument ${JSON.stringify(rest[0])}`, `Run "keelson ${name} --help" for its flags.`);
  return values;
}

/** What is wrong with a file or a database, in one line. */
export function diskProblem(error: FileError | DatabaseError): string {
  if (error instanceof DatabaseError) return error.message;
  const action = /, (mkdir|open|rename|rm|unlink|scandir|stat|lstat|copyfile|chmod|chown)\b/.exec(error.message)?.[1];
  const done = action === "mkdir" ? "make the folder" : action === "open" ? "open" : "use";
  const why = action === "mkdir" && error.code === "ENOENT" ? "no folder can be made there" : (fileProblems[error.code] ?? error.message);
  return `cannot ${done} ${error.path}: ${why}`;
}

/** What can be done about a store that cannot be opened. */
export function storeAdvice({ damage }: DatabaseError): string {
  switch (damage) {
    case "corrupt":
      return 'Put a snapshot into another folder with "keelson snapshot restore FILE --data-dir FOLDER" and use that one; keep this one until all is well.';
    case "foreign":
      return "Choose another folder with --data-dir; the file is left as it is.";
    case "newer":
      return "Start it with the newer keelson that wrote it, or restore a snapshot that this version made into another folder.";
    case "locked":
      return "Stop the process that uses it, or choose another folder with --data-dir.";
    case "full":
      return "Free space on its disk.";
    case "read-only":
      return "Make the folder and its files writable for this user.";
    case "io":
      return "The system's log (dmesg) may tell what is wrong with the disk.";
  }
}

const fileProblems: Readonly<Record<string, string | undefined>> = {
  EACCES: "permission denied",
  EEXIST: "something that is no folder is there already",
  EISDIR: "it is a folder",
  ELOOP: "its links lead in a circle",
  EMFILE: "too many files are open",
  ENAMETOOLONG: "the name is too long",
  ENOENT: "there is no such place",
  ENOSPC: "no space is left on the disk",
  ENOTDIR: "a part of the path is no folder",
  EPERM: "the system does not permit it",
  EROFS: "the file system is read-only",
};

/** Something the user can mend: printed without a stack, with what to do. */
export class UserError extends Error {
  override readonly name = "UserError";
  readonly advice: string | undefined;
  constructor(message: string, advice?: string) {
    super(message);
    this.advice = advice;
  }
}
