// Carries tables out with nft: a transaction is carried out whole or not at all.
import type { World } from "#platform/world.ts";
import { changing, emptying, renewing, replacing, type Table } from "./table.ts";

export interface TableLoader {
  /**
   * Makes this the table of its name, by writing what differs from the last one loaded; `anew`, by writing all of it. Rejects with what nft
   * said; the old rules then still stand.
   */
  load(table: Table, anew?: boolean): Promise<void>;
  clear(table: Pick<Table, "family" | "name">): Promise<void>;
}

export function tableLoader(world: World): TableLoader {
  /** What the kernel holds, as far as we know; undefined when that cannot be told. */
  let loaded: Table | undefined;

  async function nft(text: string): Promise<void> {
    const { code, stderr } = await world.processes.run("nft", ["-f", "-"], { input: text, timeoutMilliseconds: 60_000 });
    if (code !== 0) throw new Error(`nft refused the rules: ${stderr.slice(0, 2_000)}`);
  }

  return {
    async load(next, anew = false) {
      const text = !loaded ? replacing(next) : anew ? renewing(loaded, next) : changing(loaded, next);
      if (text === "") return;
      const before = loaded;
      loaded = undefined;
      try {
        await nft(text);
      } catch (error) {
        if (!before) throw error;
        world.log.warn("rules are not as they were left; replacing them whole", { error: (error as Error).message });
        await nft(replacing(next));
      }
      loaded = next;
    },
    async clear(table) {
      loaded = undefined;
      await nft(emptying(table));
    },
  };
}
