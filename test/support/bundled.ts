// Keelson as it is released: a bundle, made once from each state of the clone. Many machines are made of it, and each would otherwise bundle
// the clone anew, which takes seconds.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import path from "node:path";

const repository = path.resolve(import.meta.dirname, "../..");
const bundles = path.join(repository, "node_modules/.cache/keelson-test");
const sources = ["src", "tools/bundle", "package-lock.json"];

/** The words that run keelson from its bundle, in every machine that sees the repository. */
export function bundledKeelson(): readonly string[] {
  const list = execFileSync("find", [...sources, "-type", "f", "-printf", "%p %s %T@\n"], { cwd: repository, encoding: "utf8" });
  const state = execFileSync("sha256sum", { input: list.split("\n").sort().join("\n"), encoding: "utf8" }).slice(0, 16);
  const folder = path.join(bundles, state);
  if (!existsSync(folder)) {
    const making = `${folder}.${process.pid}`;
    mkdirSync(bundles, { recursive: true });
    for (const former of readdirSync(bundles)) if (!former.includes(".")) rmSync(path.join(bundles, former), { recursive: true });
    execFileSync(process.execPath, ["--disable-warning=ExperimentalWarning", path.join(repository, "tools/bundle/bundle.ts"), making]);
    // Where another made it at the same time, that one is as good.
    if (existsSync(folder)) rmSync(making, { recursive: true });
    else renameSync(making, folder);
  }
  return [process.execPath, "--disable-warning=ExperimentalWarning", path.join(folder, "keelson.js")];
}
