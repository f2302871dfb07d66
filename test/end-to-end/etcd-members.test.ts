// Three members of an etcd in three network namespaces: one is killed, cut off, and slow, while a Deployment is served and the checkers watch.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { lossyDiskProblem } from "../torture/lossy-disk.ts";
import { cannotRunEtcd } from "../support/etcd.ts";
import { makeNetwork, removeNetwork } from "../support/etcd-namespaces.ts";
import { cannotMakeMachines } from "../support/lab-machine.ts";

const skip = cannotMakeMachines() || cannotRunEtcd() || (lossyDiskProblem() ?? false);

test("members that are killed, cut off and slow are hardly noticed", { skip, timeout: 300_000 }, async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "keelson-members-"));
  const id = process.pid.toString(36);
  const names = { hub: `kh-${id}`, members: [0, 1, 2].map((index) => `km${index}-${id}`) };
  context.after(() => {
    removeNetwork(names);
    rmSync(folder, { recursive: true, force: true });
  });
  makeNetwork(names);
  const program = join(import.meta.dirname, "../support/etcd-members-trial.ts");
  const words = [process.execPath, "--disable-warning=ExperimentalWarning", program, folder, names.hub, ...names.members];
  const child = spawn("ip", ["netns", "exec", names.hub, ...words], { stdio: ["ignore", "inherit", "inherit"] });
  const code = await new Promise((resolve) => child.once("exit", resolve));
  assert.equal(code, 0);
});
