// While a thousand objects are written, the API server is killed with -9 five times. Nothing acknowledged may be missing afterwards, no
// resourceVersion may go backwards, and every watcher must see every object once and in order.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { ask, type DevProcess, follow, startDevProcess } from "../support/dev-process.ts";

const writes = 1_000;
const writers = 16;
const watchers = 8;
const kills = 5;
const collection = "/api/v1/namespaces/default/configmaps";

test("an API server that is killed over and over forgets nothing", { timeout: 180_000 }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "keelson-kill-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const start = (port: number) => startDevProcess(folder, { port, more: ["--nodes", "0", "--data-dir", join(folder, "data")] });
  let server: DevProcess = await start(0);
  t.after(() => server.kill("SIGKILL"));
  const { port } = server;

  const acknowledged = new Map<string, number>();
  const first = Number((await ask(server, "GET", `${collection}?limit=1`)).json.metadata.resourceVersion);
  let writing = true;

  // Each watcher resumes from the last version it saw, as client-go does.
  const seen = Array.from({ length: watchers }, () => ({
    names: [] as string[],
    versions: [] as number[],
    from: first,
    problems: [] as string[],
  }));
  const watching = seen.map(async (watcher) => {
    while (writing || watcher.names.length < acknowledged.size) {
      await follow(
        server,
        `${collection}?watch=1&resourceVersion=${watcher.from}&allowWatchBookmarks=true&timeoutSeconds=30`,
        ({ type, object }) => {
          if (type === "ERROR") {
            watcher.problems.push(JSON.stringify(object));
            return;
          }
          const version = Number(object.metadata.resourceVersion);
          if (version < watcher.from) watcher.problems.push(`${type} at ${version} after ${watcher.from}`);
          watcher.from = version;
          if (type === "ADDED" && object.metadata.name.startsWith("w-")) {
            watcher.names.push(object.metadata.name);
            watcher.versions.push(version);
          }
        },
      );
      await pause(20);
    }
  });

  let next = 0;
  const write = async () => {
    while (next < writes) {
      const name = `w-${next++}`;
      for (;;) {
        try {
          const { status, json } = await ask(server, "POST", collection, { metadata: { name }, data: { of: name } });
          if (status === 201) acknowledged.set(name, Number(json.metadata.resourceVersion));
          else if (status === 409) {
            // Written before the kill, but the answer was lost.
            const found = await ask(server, "GET", `${collection}/${name}`);
            assert.equal(found.status, 200);
            acknowledged.set(name, Number(found.json.metadata.resourceVersion));
          } else {
            await pause(20);
            continue;
          }
          break;
        } catch {
          await pause(20);
        }
      }
    }
  };
  const killing = (async () => {
    for (let kill = 1; kill <= kills; kill += 1) {
      while (acknowledged.size < (writes / (kills + 1)) * kill) await pause(5);
      const before = Math.max(...acknowledged.values());
      await server.kill("SIGKILL");
      server = await start(port);
      const after = Number((await ask(server, "GET", `${collection}?limit=1`)).json.metadata.resourceVersion);
      assert.ok(after >= before, `the resourceVersion went back from ${before} to ${after}`);
    }
  })();
  await Promise.all([killing, ...Array.from({ length: writers }, write)]);
  writing = false;

  const { json: list } = await ask(server, "GET", collection);
  const there = new Map<string, number>(list.items.map((item: any) => [item.metadata.name, Number(item.metadata.resourceVersion)]));
  for (const [name, version] of acknowledged) assert.equal(there.get(name), version, `${name} is not there as it was acknowledged`);
  assert.equal(acknowledged.size, writes);

  const done = Promise.all(watching);
  const late = setTimeout(() => void server.kill("SIGTERM"), 60_000);
  while (seen.some(({ names }) => names.length < writes)) await pause(50);
  clearTimeout(late);
  await server.kill("SIGTERM");
  await done;
  for (const { names, versions, problems } of seen) {
    assert.deepEqual(problems, []);
    assert.equal(new Set(names).size, writes, "every object is seen once");
    assert.equal(names.length, writes);
    assert.deepEqual(
      versions,
      [...versions].sort((left, right) => left - right),
      "in order",
    );
  }
});
