// Writes the all.ts lists from the folders. With --check it writes nothing and fails when one is stale.
//   node tools/index/index-lists.ts [--check]
import { execFileSync } from "node:child_process";
import { globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { found, lists, render, sameText } from "./lists.ts";
import type { List } from "./lists.ts";

const root = join(import.meta.dirname, "../..");

/** Lists whose file does not say what the folders say, with the text it should have. A list without entries needs no file. */
export function staleLists(): { list: List; text: string }[] {
  const sources = new Map(globSync("src/**/*.ts", { cwd: root }).map((path) => [path, ""]));
  return lists.flatMap((list) => {
    const all = [...sources.keys()]
      .filter((path) => list.files.test(path) && !path.endsWith(".test.ts"))
      .flatMap((path) => found(list, path, readFileSync(join(root, path), "utf8")));
    const text = render(list, all);
    const present = sources.has(list.path) ? readFileSync(join(root, list.path), "utf8") : undefined;
    if (present === undefined ? all.length === 0 : sameText(present, text)) return [];
    return [{ list, text }];
  });
}

if (import.meta.main) {
  const stale = staleLists();
  if (process.argv.includes("--check")) {
    for (const { list } of stale) console.error(`${list.path} is stale: run node tools/index/index-lists.ts`);
    process.exitCode = stale.length > 0 ? 1 : 0;
  } else if (stale.length > 0) {
    for (const { list, text } of stale) {
      writeFileSync(join(root, list.path), text);
      console.log(`wrote ${list.path}`);
    }
    const biome = join(root, "node_modules/@biomejs/biome/bin/biome");
    execFileSync(process.execPath, [biome, "format", "--write", ...stale.map(({ list }) => list.path)], { cwd: root, stdio: "ignore" });
  }
}
