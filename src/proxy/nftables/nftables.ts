// Carries rules out with nft, from a file: a ruleset is loaded whole or not at all.
import type { World } from "#platform/world.ts";
import type { ForwardedPort } from "../rules.ts";
import { emptyRuleset, ruleset, type RulesetOptions } from "./ruleset.ts";

export interface RuleLoader {
  /** Makes these the rules; when they were the last ones loaded, only if told to load them `anew`. Rejects with what nft said; the old rules then still stand. */
  load(ports: readonly ForwardedPort[], anew?: boolean): Promise<void>;
  clear(): Promise<void>;
}

export function nftablesLoader(world: World, options: RulesetOptions & { readonly folder: string }): RuleLoader {
  let loaded = "";
  async function nft(text: string, anew: boolean): Promise<void> {
    if (text === loaded && !anew) return;
    await world.files.makeFolder(options.folder);
    const path = `${options.folder}/${options.family.toLowerCase()}.nft`;
    await world.files.write(path, text, { mode: 0o600 });
    const { code, stderr } = await world.processes.run("nft", ["-f", path], { timeoutMilliseconds: 60_000 });
    if (code !== 0) throw new Error(`nft refused the rules: ${stderr.slice(0, 2_000)}`);
    loaded = text;
  }
  return {
    load: (ports, anew = false) => nft(ruleset(ports, options), anew),
    clear: () => nft(emptyRuleset(options.family), true),
  };
}
