// Changes all files of a volume at once: a new folder is filled, and one rename of the link "..data" makes it what readers see.
import type { World } from "#platform/world.ts";
import { formatMicroTime } from "#schema/time.ts";
import type { Payload } from "./payload.ts";

const dataLink = "..data";

/** True when something changed. Files belong to `gid` and are readable by it, where it is given. */
export async function writeAtomically(world: World, folder: string, payload: Payload, gid?: number): Promise<boolean> {
  const { files } = world;
  const current = await currentFolder();
  if (current !== undefined && (await isSame(`${folder}/${current}`))) {
    // The last time may have ended before this, when the kubelet was killed or the disk was full.
    await show(current);
    return false;
  }

  const fresh = `..${formatMicroTime(world.clock.now()).replace(/[-:T]/g, "_").replace("Z", "")}${world.random.integer(1_000_000)}`;
  await files.makeFolder(`${folder}/${fresh}`, { mode: 0o755 });
  if (gid !== undefined) await shareFolder(`${folder}/${fresh}`);
  for (const [path, { data, mode, uid }] of payload) {
    const target = `${folder}/${fresh}/${path}`;
    const parent = target.slice(0, target.lastIndexOf("/"));
    await files.makeFolder(parent, { mode: 0o755 });
    if (gid !== undefined && parent !== `${folder}/${fresh}`) await shareFolder(parent);
    await files.write(target, data, { mode });
    if (gid !== undefined || uid !== undefined) await files.changeOwner(target, uid ?? 0, gid ?? 0);
    await files.changeMode(target, gid === undefined ? mode : mode | 0o440);
  }
  const temporary = `${folder}/..data_tmp`;
  await files.remove(temporary);
  await files.link(fresh, temporary);
  await files.rename(temporary, `${folder}/${dataLink}`);
  await show(fresh);
  return true;

  /** Links to what the volume has, and nothing else beside the folder with its files. */
  async function show(filled: string): Promise<void> {
    const tops = new Set([...payload.keys()].map((path) => path.split("/")[0] as string));
    const present = new Set(await files.list(folder));
    for (const top of tops) if (!present.has(top)) await files.link(`${dataLink}/${top}`, `${folder}/${top}`);
    for (const name of present) {
      if (name === dataLink || name === filled || tops.has(name)) continue;
      await files.remove(`${folder}/${name}`, { recursive: true });
    }
  }

  async function shareFolder(path: string): Promise<void> {
    await files.changeOwner(path, 0, gid as number);
    await files.changeMode(path, 0o2755);
  }

  async function currentFolder(): Promise<string | undefined> {
    return (await files.stat(`${folder}/${dataLink}`))?.kind === "link" ? files.readLink(`${folder}/${dataLink}`) : undefined;
  }

  async function isSame(there: string): Promise<boolean> {
    const found = new Set(await filesBelow(there, ""));
    if (found.size !== payload.size) return false;
    for (const [path, { data }] of payload) {
      if (!found.has(path) || !sameBytes(await files.read(`${there}/${path}`), data)) return false;
    }
    return true;
  }

  async function filesBelow(root: string, prefix: string): Promise<string[]> {
    const found: string[] = [];
    for (const name of (await files.stat(root + prefix)) ? await files.list(root + prefix) : []) {
      const path = `${prefix}/${name}`;
      const info = await files.stat(root + path);
      if (info?.kind === "folder") found.push(...(await filesBelow(root, path)));
      else found.push(path.slice(1));
    }
    return found;
  }
}

function sameBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && left.every((byte, index) => byte === right[index]);
}
