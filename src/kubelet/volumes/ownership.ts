// Gives what is in a volume to the Pod's group: fsGroup.
import type { Pod } from "#api/core/pod/pod.ts";
import type { Files } from "#platform/files.ts";

const folderBits = 0o2770;
const fileBits = 0o660;

export function groupOf({ spec }: Pod): number | undefined {
  const group = spec.securityContext?.fsGroup;
  return group === undefined ? undefined : Number(group);
}

/**
 * Makes everything at and below the folder the group's, unless the Pod is content with the folder itself being so. Links are left alone:
 * nobody must be running who could put one in the way.
 */
export async function giveToGroup(files: Files, folder: string, gid: number, policy: string | undefined): Promise<void> {
  // The volume itself may be reached by a link that its owner made; nothing in it is.
  const info = await files.stat(folder, { follow: true });
  if (policy === "OnRootMismatch" && info?.gid === gid && (info.mode & folderBits) === folderBits) return;
  await giveBelow(files, folder, gid);
  await share(files, folder, gid, folderBits, { follow: true });
}

async function giveBelow(files: Files, folder: string, gid: number): Promise<void> {
  for (const name of await files.list(folder)) {
    const path = `${folder}/${name}`;
    const { kind } = (await files.stat(path)) ?? {};
    if (kind === "folder") {
      await giveBelow(files, path, gid);
      await share(files, path, gid, folderBits);
    } else if (kind === "file") await share(files, path, gid, fileBits);
  }
}

/** Adds the bits to what the file allows already. */
export async function share(
  files: Files,
  path: string,
  gid: number,
  bits: number,
  options: { readonly follow?: boolean } = {},
): Promise<void> {
  const info = await files.stat(path, options);
  if (!info) return;
  if (info.gid !== gid) await files.changeOwner(path, info.uid, gid);
  // Giving a file away may have taken its special bits.
  if (info.gid !== gid || (info.mode & bits) !== bits) await files.changeMode(path, info.mode | bits);
}
