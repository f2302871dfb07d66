// A process that writes to a store is killed with SIGKILL again and again; every write that it was told of must be there afterwards.
import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { URL } from "node:url";
import { rootScope } from "#base/scope.ts";
import { RecordedWatch } from "../../src/store/conformance/recorded-watch.ts";
import { openDiskStore } from "../../src/store/disk/disk-store.ts";
import { storeWorld } from "../support/store-world.ts";

const kills = 8;
const millisecondsMax = 4000;
const writer = new URL("../support/store-writer.ts", import.meta.url);

interface Acknowledged {
  readonly key: string;
  readonly revision: number;
}

test("acknowledged writes survive kill -9 of their process", { timeout: 30_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), "store-kill-"));
  const path = join(folder, "store.db");
  const acknowledged: Acknowledged[] = [];
  const started = performance.now();
  try {
    for (let kill = 0; kill < kills && performance.now() - started < millisecondsMax; kill++) {
      const child = fork(writer, [path, String(kill)], { stdio: ["ignore", "inherit", "inherit", "ipc"] });
      await killDuringWrites(child, acknowledged, 20 + kill * 15);
    }
    assert.ok(acknowledged.length > 200, `only ${acknowledged.length} writes were acknowledged`);
    const scope = rootScope("test", (error) => {
      throw error;
    });
    const store = await openDiskStore(scope, storeWorld(), { path });
    const revision = await store.revision();
    for (const { key, revision: at } of acknowledged) {
      assert.equal((await store.get(key)).item?.modRevision, at, `${key} was acknowledged at ${at}`);
    }
    const watch = new RecordedWatch(store, { prefix: "", from: 2 });
    await watch.until(revision);
    assert.equal(watch.events.length, revision - 1, "history has no gap");
    await scope.stop();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});

async function killDuringWrites(child: ChildProcess, acknowledged: Acknowledged[], milliseconds: number): Promise<void> {
  child.on("message", (batch: Acknowledged[]) => acknowledged.push(...batch));
  await once(child, "message");
  setTimeout(() => child.kill("SIGKILL"), milliseconds);
  await once(child, "close");
}
