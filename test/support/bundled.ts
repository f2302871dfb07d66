// Keelson as it is released: a bundle, made once from each state of the clone. Many machines are made of it, and each would otherwise bundle
// the clone anew, which takes seconds.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { sourceOf } from "#bootstrap/install.ts";
import { node, repository, world } from "./lab-machine.ts";

const bundles = path.join(repository, "node_modules/.cache/keelson-test");
let made: Promise<string> | undefined;

/** The words that run keelson from its bundle, in every machine that sees the repository. */
export async function bundledKeelson(): Promise<readonly string[]> {
  made ??= makeBundle();
  return [node, "--disable-warning=ExperimentalWarning", path.join(await made, "keelson.js")];
}

async function makeBundle(): Promise<string> {
  const folder = path.join(bundles, await sourceOf(world, path.join(repository, "src/hosts/main.ts")));
  if (existsSync(folder)) return folder;
  const making = `${folder}.${process.pid}`;
  mkdirSync(bundles, { recursive: true });
  for (const former of readdirSync(bundles)) if (!former.includes(".")) rmSync(path.join(bundles, former), { recursive: true });
  execFileSync(node, ["--disable-warning=ExperimentalWarning", path.join(repository, "tools/bundle/bundle.ts"), making]);
  // Where another made it at the same time, that one is as good.
  if (existsSync(folder)) rmSync(making, { recursive: true });
  else renameSync(making, folder);
  return folder;
}
