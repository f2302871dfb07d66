// Keeps the logs of containers within bounds: a file that grew too large is put aside, and the oldest of those put aside are removed.
import type { Runtime } from "#cri/runtime.ts";
import type { World } from "#platform/world.ts";
import { formatTime } from "#schema/time.ts";

export interface LogLimits {
  readonly maxBytes: number;
  /** Counting the one being written. */
  readonly maxFiles: number;
}

export async function rotateLog(
  world: World,
  runtime: Runtime,
  containerId: string,
  path: string,
  { maxBytes, maxFiles }: LogLimits,
): Promise<void> {
  const { files } = world;
  const info = await files.stat(path);
  // Put aside just before the kubelet was killed: the runtime still writes there.
  if (!info) return runtime.reopenContainerLog(containerId);
  if (info.size < maxBytes) return;
  const folder = path.slice(0, path.lastIndexOf("/"));
  const name = path.slice(path.lastIndexOf("/") + 1);
  const aside = (await files.list(folder)).filter((other) => other.startsWith(`${name}.`)).sort();
  for (const old of aside.slice(0, Math.max(0, aside.length - (maxFiles - 2)))) await files.remove(`${folder}/${old}`);
  // "20260102-150405", as upstream names them: sorted by name they are sorted by age.
  const rotated = `${path}.${formatTime(world.clock.now()).replace(/[-:Z]/g, "").replace("T", "-")}`;
  await files.rename(path, rotated);
  try {
    await runtime.reopenContainerLog(containerId);
  } catch (error) {
    await files.rename(rotated, path);
    throw error;
  }
}
