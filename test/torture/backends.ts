// What stands behind a real API server, and what happens to it when the server is killed.
import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { LossyDisk } from "./lossy-disk.ts";
import type { LossyFilesOptions } from "./lossy-files.ts";
import type { RoundPlan } from "./plan.ts";

export interface Backend {
  readonly name: string;
  /** Flags of the API server. */
  readonly arguments: readonly string[];
  disturb?(plan: RoundPlan, over: () => boolean): Promise<void>;
  broken(plan: RoundPlan): Promise<void>;
  close(failed: boolean): Promise<string | undefined>;
}

/** The embedded store: its folder lives on through all rounds. */
export function diskBackend(folder: string): Backend {
  return { name: "disk", arguments: [`--data-dir=${join(folder, "data")}`], broken: async () => {}, close: async () => undefined };
}

/** The embedded store on a disk that loses power with every kill, and with it what was not synced. */
export async function powerBackend(folder: string, options: LossyFilesOptions = {}): Promise<Backend> {
  mkdirSync(folder, { recursive: true });
  const disk = await LossyDisk.mount(join(folder, "disk"), options);
  return {
    name: options.withoutSync ? "power loss of a disk that lies" : "power loss",
    arguments: [`--data-dir=${join(disk.folder, "data")}`],
    disturb: (plan, over) => disturbDisk(disk, plan, over),
    broken: ({ random }) => disk.powerCut(random.integer(2 ** 31)),
    async close(failed) {
      if (failed) cpSync(disk.folder, join(folder, "left"), { recursive: true });
      const { cuts, syncs, unsynced, kept } = await disk.counts();
      await disk.unmount();
      return `${cuts} power cuts, ${syncs} syncs, ${unsynced} unsynced writes and namings lost but for ${kept} pieces`;
    },
  };
}

/** In one round of three the disk fails, is slow or full, now and then. */
async function disturbDisk(disk: LossyDisk, plan: RoundPlan, over: () => boolean): Promise<void> {
  const random = plan.random.stream("disk");
  if (random.integer(3) > 0) return;
  while (!over()) {
    await pause(random.integer(120));
    if (over()) break;
    const kind = random.integer(4);
    if (kind < 2) await disk.misbehave({ failing: 1 + random.integer(5) });
    else if (kind === 2) await disk.misbehave({ slowMilliseconds: random.integer(100) });
    else await disk.misbehave({ full: true });
    await pause(random.integer(80));
    await disk.misbehave({});
  }
}
