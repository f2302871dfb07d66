// Carries rules out with nft: a transaction is carried out whole or not at all.
import type { World } from "#platform/world.ts";
import { type Forwarding, ruleset, type Ruleset, type RulesetOptions } from "./ruleset.ts";
import { changing, emptying, renewing, replacing } from "./transaction.ts";

export interface RuleLoader {
  /**
   * Makes these the rules by writing what differs from the last ones loaded; `anew`, by writing all of them. Rejects with what nft said; the
   * old rules then still stand.
   */
  load(forwarding: Forwarding, anew?: boolean): Promise<void>;
  clear(): Promise<void>;
}

export function nftablesLoader(world: World, options: RulesetOptions): RuleLoader {
  /** What the kernel holds, as far as we know; undefined when that cannot be told. */
  let loaded: Ruleset | undefined;

  return {
    async load(forwarding, anew = false) {
      const next = ruleset(forwarding, options);
      const text = !loaded ? replacing(next) : anew ? renewing(loaded, next) : changing(loaded, next);
      if (text === "") return;
      const before = loaded;
      loaded = undefined;
      try {
        await runNft(world, text);
      } catch (error) {
        if (!before) throw error;
        world.log.warn("rules are not as they were left; replacing them whole", { error: (error as Error).message });
        await runNft(world, replacing(next));
      }
      loaded = next;
    },
    async clear() {
      loaded = undefined;
      await runNft(world, emptying(options.family));
    },
  };
}

/** Rejects with what nft said. */
export async function runNft(world: World, text: string): Promise<void> {
  const { code, stderr } = await world.processes.run("nft", ["-f", "-"], { input: text, timeoutMilliseconds: 60_000 });
  if (code !== 0) throw new Error(`nft refused the rules: ${stderr.slice(0, 2_000)}`);
}
