import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { rootScope } from "#base/scope.ts";
import { nodeProcesses } from "./processes.ts";

const processes = nodeProcesses();

test("run gathers output, exit code, input, environment, and says who killed", async () => {
  const result = await processes.run("sh", ["-c", "cat; echo $GREETING >&2; exit 3"], { input: "in", environment: { GREETING: "hi" } });
  assert.deepEqual(result, { stdout: "in", stderr: "hi\n", code: 3 });
  const killed = await processes.run("sleep", ["10"], { timeoutMilliseconds: 20 });
  assert.deepEqual(killed, { stdout: "", stderr: "", signal: "SIGKILL" });
  const long = await processes.run("sh", ["-c", "head -c 100000 /dev/zero | tr '\\0' a"], { maxBytes: 10 });
  assert.deepEqual([long.stdout, long.code], ["aaaaaaaaaa", 0]);
  await assert.rejects(processes.run("/none/such", []), { code: "ENOENT" });
});

test("spawn gives streams and the exit, and rejects what cannot start", async () => {
  const child = await processes.spawn("cat");
  await child.writeStdin(Buffer.from("hello"));
  child.endStdin();
  let output = "";
  for await (const chunk of child.stdout) output += Buffer.from(chunk).toString();
  assert.equal(output, "hello");
  assert.deepEqual(await child.exited, { code: 0 });
  await assert.rejects(processes.spawn("/none/such"), { code: "ENOENT" });
});

test("spawn appends output to a file, and a detached child is signalled as a group", async () => {
  const folder = mkdtempSync(join(tmpdir(), "keelson-"));
  const path = join(folder, "log");
  for (const word of ["a", "b"]) {
    const child = await processes.spawn("echo", { arguments: [word], stdin: "ignore", stdout: { path }, stderr: "ignore" });
    await child.exited;
  }
  assert.equal(readFileSync(path, "utf8"), "a\nb\n");
  rmSync(folder, { recursive: true });
  const group = await processes.spawn("sh", { arguments: ["-c", "sleep 60 & wait"], detached: true, stdin: "ignore" });
  assert.equal(processes.signal(-group.id, 0), true);
  assert.equal(processes.signal(-group.id, "SIGKILL"), true);
  assert.deepEqual(await group.exited, { signal: "SIGKILL" });
  assert.equal(processes.signal(group.id, 0), false);
});

test("signals are heard until the scope stops", async () => {
  const scope = rootScope("test", () => {});
  const heard = new Promise<void>((resolve) => processes.onSignal(scope, "SIGURG", resolve));
  processes.signal(processes.self.id, "SIGURG");
  await heard;
  assert.equal(process.listenerCount("SIGURG"), 1);
  await scope.stop();
  assert.equal(process.listenerCount("SIGURG"), 0);
});
