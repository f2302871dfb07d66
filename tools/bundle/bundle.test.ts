import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { bundle } from "./bundle.ts";

test("a bundle runs by itself, loads its parts late, and finds its workers beside it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "keelson-bundle-"));
  try {
    writeFileSync(
      join(folder, "main.ts"),
      'import { Worker } from "node:worker_threads";\nconst part: string = (await import("./part.ts")).part;\nnew Worker(new URL("./side.js", import.meta.url)).on("message", (text) => console.log(part, text));\n',
    );
    writeFileSync(join(folder, "part.ts"), 'export const part: string = "late";\n');
    writeFileSync(join(folder, "side.ts"), 'import { parentPort } from "node:worker_threads";\nparentPort?.postMessage("beside");\n');
    const written = await bundle({
      main: join(folder, "main.ts"),
      folder: join(folder, "out"),
      workers: { side: join(folder, "side.ts") },
    });
    const names = written.map(({ path }) => path);
    assert.ok(["main.js", "side.js", "keelson.js"].every((name) => names.includes(name)) && names.length >= 4, names.join(" "));
    assert.equal(execFileSync(process.execPath, [join(folder, "out/keelson.js")], { encoding: "utf8" }), "late beside\n");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("a bundle that is told to end while it still loads ends, as process 1 too", async () => {
  const folder = mkdtempSync(join(tmpdir(), "keelson-bundle-"));
  try {
    writeFileSync(join(folder, "main.ts"), 'console.log("loads");\nawait new Promise((resolve) => setTimeout(resolve, 60_000));\n');
    await bundle({ main: join(folder, "main.ts"), folder: join(folder, "out") });
    const child = spawn(process.execPath, [join(folder, "out/keelson.js")], { stdio: ["ignore", "pipe", "inherit"] });
    await once(child.stdout, "data");
    child.kill("SIGTERM");
    // By a handler: process 1 is not ended by a signal that has none.
    assert.deepEqual(await once(child, "close"), [143, null]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
