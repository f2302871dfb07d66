// Carries rules out with nft, from a file: a ruleset is loaded whole or not at all.
import type { World } from "#platform/world.ts";
import type { ForwardedPort } from "../rules.ts";
import { emptyRuleset, replacing, type Ruleset, ruleset, type RulesetOptions } from "./ruleset.ts";

export interface RuleLoader {
  /** Makes these the rules; when they were the last ones loaded, only if told to load them `anew`. Rejects with what nft said; the old rules then still stand. */
  load(ports: readonly ForwardedPort[], anew?: boolean): Promise<void>;
  clear(): Promise<void>;
}

export function nftablesLoader(world: World, options: RulesetOptions & { readonly folder: string }): RuleLoader {
  /** What the kernel holds, as far as we know; undefined when that cannot be told. */
  let loaded: Ruleset | undefined;

  async function nft(text: string): Promise<void> {
    await world.files.makeFolder(options.folder);
    const path = `${options.folder}/${options.family.toLowerCase()}.nft`;
    await world.files.write(path, text, { mode: 0o600 });
    const { code, stderr } = await world.processes.run("nft", ["-f", path], { timeoutMilliseconds: 60_000 });
    if (code !== 0) throw new Error(`nft refused the rules: ${stderr.slice(0, 2_000)}`);
  }

  return {
    async load(ports, anew = false) {
      const next = ruleset(ports, options);
      if (next.text === loaded?.text && !anew) return;
      const before = loaded;
      loaded = undefined;
      try {
        await nft(replacing(before, next));
      } catch (error) {
        if (!before) throw error;
        world.log.warn("rules are not as they were left; replacing them whole", { error: (error as Error).message });
        await nft(replacing(undefined, next));
      }
      loaded = next;
    },
    async clear() {
      loaded = undefined;
      await nft(emptyRuleset(options.family));
    },
  };
}
