// Files, folders and watching them. Paths are absolute. Failures are FileError with the system's code ("ENOENT", "ENOSPC", "EACCES").

export class FileError extends Error {
  override readonly name = "FileError";
  readonly code: string;
  readonly path: string;
  constructor(code: string, path: string, message: string) {
    super(message);
    this.code = code;
    this.path = path;
  }
}

export interface FileInfo {
  readonly kind: "file" | "folder" | "link" | "socket" | "character device" | "block device" | "other";
  readonly size: number;
  /** Permission bits, such as 0o644. */
  readonly mode: number;
  readonly modifiedAt: number;
  readonly uid: number;
  readonly gid: number;
  /** Changes when the file is replaced by another of the same name. */
  readonly inode: number;
}

export interface Files {
  read(path: string): Promise<Uint8Array>;
  readText(path: string): Promise<string>;
  /** Creates or truncates. */
  write(path: string, data: Uint8Array | string, options?: { mode?: number }): Promise<void>;
  /** Either the old content or the new one is there, even after a power cut: temporary file, sync, rename, sync of the folder. */
  replace(path: string, data: Uint8Array | string, options?: { mode?: number }): Promise<void>;
  append(path: string, data: Uint8Array | string, options?: { mode?: number }): Promise<void>;
  open(path: string): Promise<OpenFile>;
  /** Undefined when there is nothing. Does not follow a link at the end of the path unless asked. */
  stat(path: string, options?: { follow?: boolean }): Promise<FileInfo | undefined>;
  /** Names in a folder, in byte order. */
  list(path: string): Promise<readonly string[]>;
  /** Creates a folder and its missing parents; fine when it exists. */
  makeFolder(path: string, options?: { mode?: number }): Promise<void>;
  /** Removes a file, link or (recursive) folder. Fine when it does not exist. Never follows links. */
  remove(path: string, options?: { recursive?: boolean }): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  link(target: string, path: string): Promise<void>;
  readLink(path: string): Promise<string>;
  changeMode(path: string, mode: number): Promise<void>;
  changeOwner(path: string, uid: number, gid: number): Promise<void>;
  /** Size and free space of the file system that holds `path`, in bytes, and inodes. */
  space(path: string): Promise<{ total: number; free: number; inodes: number; inodesFree: number }>;
  /** Calls back, debounced, after anything changed directly in the folder or file; the caller looks for itself what. */
  watch(path: string, changed: () => void): { close(): void };
}

/** For following a growing file. */
export interface OpenFile {
  /** Up to `length` bytes from `offset`; fewer at the end, none past it. */
  read(offset: number, length: number): Promise<Uint8Array>;
  stat(): Promise<FileInfo>;
  close(): Promise<void>;
}
