// What there is of a table that somebody else made, by name: enough to write another over it (`renewing`).
import type { Chain, NamedSet, Table, VerdictMap } from "./table.ts";

type Named = Pick<Table, "family" | "name">;

/** For `nft --terse --file`: sets, maps and chains of the family, without what is in them. */
export function listing({ family }: Named): string {
  return `list sets ${family}\nlist maps ${family}\nlist chains ${family}\n`;
}

/** Reads what nft prints of that; undefined when the table is not there. Sets that the kernel fills have no elements of ours. */
export function readListing(text: string, { family, name }: Named): Table | undefined {
  const sets = new Map<string, NamedSet>();
  const maps = new Map<string, VerdictMap>();
  const chains = new Map<string, Chain>();
  let isThere = false;
  let isOurs = false;
  let set = "";
  for (const line of text.split("\n")) {
    const [, table] = /^table (\S+ \S+) \{$/.exec(line) ?? [];
    const [, what, its = ""] = /^\t(set|map|chain) (\S+) \{/.exec(line) ?? [];
    if (table !== undefined) {
      isOurs = table === `${family} ${name}`;
      isThere ||= isOurs;
    }
    if (!isOurs) continue;
    if (what === "set") sets.set((set = its), { definition: "", elements: new Set() });
    if (what === "map") maps.set(its, { type: "", elements: new Map() });
    if (what === "chain") chains.set(its, { rules: [] });
    if (/^\t\tflags .*\bdynamic\b/.test(line)) sets.set(set, { definition: "" });
  }
  return isThere ? { family, name, sets, maps, chains } : undefined;
}
