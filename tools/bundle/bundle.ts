// Makes dist/: what is installed, put into an image or published. One chunk for each part that is loaded on its own, no node_modules.
//   npm run bundle [FOLDER]        then: node dist/keelson.js
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { build } from "esbuild";

const root = join(import.meta.dirname, "../..");

/** Files that run on their own beside the main program, under the names by which it looks for them. */
const workers: Readonly<Record<string, string>> = { "database-worker": "src/platform/node/database-worker.ts" };

/** Packages that others can do without, and ask for in a try block. */
const optional = ["bufferutil", "utf-8-validate"];

/** What CommonJS packages expect to find. */
const banner = 'import { createRequire as requireFrom } from "node:module";\nconst require = requireFrom(import.meta.url);';

export interface BundleOptions {
  /** From the root of the repository, or absolute. */
  readonly main: string;
  readonly folder: string;
  readonly workers?: Readonly<Record<string, string>>;
}

export interface Bundled {
  readonly path: string;
  readonly bytes: number;
}

/** Writes the bundle into `folder`, whose former content is gone afterwards. Gives what it wrote. */
export async function bundle(options: BundleOptions): Promise<readonly Bundled[]> {
  const folder = resolve(root, options.folder);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const result = await build({
    absWorkingDir: root,
    entryPoints: { main: options.main, ...options.workers },
    outdir: folder,
    // Flat, because the main program finds its workers beside whichever chunk asks for them.
    entryNames: "[name]",
    chunkNames: "chunk-[hash]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node24",
    // Names and lines stay as they are written: stack traces are read by people.
    minifySyntax: true,
    legalComments: "linked",
    external: optional,
    banner: { js: banner },
    metafile: true,
    logLevel: "silent",
  });
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
  writeFileSync(
    join(folder, "package.json"),
    `${JSON.stringify({ name: "keelson", version, type: "module", bin: { keelson: "./keelson.js" } }, undefined, 2)}\n`,
  );
  writeFileSync(join(folder, "keelson.js"), entry, { mode: 0o755 });
  const written = [...Object.keys(result.metafile.outputs).map((path) => join(root, path)), join(folder, "keelson.js")];
  return written.map((path) => ({ path: relative(folder, path), bytes: statSync(path).size }));
}

// The compile cache must be there before anything is loaded, hence an entry of its own. Where the folder cannot be written, Node goes
// without. Process 1 of a container is ended only by a handler, and loading takes a while: until the program has its own, this one is there.
const entry = `#!/usr/bin/env node
import { enableCompileCache } from "node:module";
import { join } from "node:path";
process.on("SIGTERM", () => process.exit(143));
enableCompileCache(process.env.NODE_COMPILE_CACHE ?? join(import.meta.dirname, "compile-cache"));
await import("./main.js");
`;

if (import.meta.main) {
  const folder = process.argv[2] ?? "dist";
  const written = await bundle({ main: "src/hosts/main.ts", folder, workers });
  const bytes = written.reduce((sum, file) => sum + file.bytes, 0);
  console.log(`${folder}/keelson.js and ${written.length - 1} other files, ${(bytes / 1024).toFixed(0)} KiB`);
}
