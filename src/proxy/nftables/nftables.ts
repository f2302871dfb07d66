// Carries tables out with nft: a transaction is carried out whole or not at all.
import type { World } from "#platform/world.ts";
import { listing, readListing } from "./listing.ts";
import { changing, emptying, renewing, replacing, type Table } from "./table.ts";

export interface TableLoader {
  /**
   * Makes this the table of its name, by writing what differs from the last one loaded; `anew`, by writing all of it. What the kernel put
   * into sets of the same name stays, also from before this process. Rejects with what nft said; the old rules then still stand.
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

  /** The table as somebody left it; undefined when there is none. */
  async function found(table: Table): Promise<Table | undefined> {
    const { code, stdout } = await world.processes.run("nft", ["-t", "-f", "-"], { input: listing(table), timeoutMilliseconds: 60_000 });
    return code === 0 ? readListing(stdout, table) : undefined;
  }

  return {
    async load(next, anew = false) {
      const before = loaded ?? (await found(next));
      const text = !before ? replacing(next) : anew || !loaded ? renewing(before, next) : changing(before, next);
      if (text === "") return;
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
