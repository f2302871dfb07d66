// Paths of the node itself: what must be there is looked for, what may be made is made.
import type { HostPathVolumeSource } from "#api/core/pod/volume.ts";
import type { FileInfo, Files } from "#platform/files.ts";
import { VolumeError } from "./volume-error.ts";

type Type = NonNullable<HostPathVolumeSource["type"]>;

const wanted: Readonly<Record<Exclude<Type, "">, { readonly kind: FileInfo["kind"]; readonly called: string }>> = {
  Directory: { kind: "folder", called: "directory" },
  DirectoryOrCreate: { kind: "folder", called: "directory" },
  File: { kind: "file", called: "file" },
  FileOrCreate: { kind: "file", called: "file" },
  Socket: { kind: "socket", called: "socket file" },
  CharDevice: { kind: "character device", called: "character device" },
  BlockDevice: { kind: "block device", called: "block device" },
};

export async function prepareHostPath(files: Files, { path, type = "" }: HostPathVolumeSource): Promise<void> {
  if (path.split("/").includes("..")) throw new VolumeError(`invalid hostPath ${JSON.stringify(path)}: must not contain '..'`);
  if (type === "") return;
  const { kind, called } = wanted[type];
  const info = await files.stat(path, { follow: true });
  if (!info && type === "DirectoryOrCreate") return files.makeFolder(path, { mode: 0o755 });
  if (!info && type === "FileOrCreate") return makeFile(files, path);
  if (info?.kind !== kind) throw new VolumeError(`hostPath type check failed: ${path} is not a ${called}`);
}

/** In a folder that is there: upstream makes no folders for a file. */
async function makeFile(files: Files, path: string): Promise<void> {
  try {
    await files.write(path, "", { mode: 0o644 });
  } catch (error) {
    throw new VolumeError(`open ${path}: ${(error as Error).message}`);
  }
}
