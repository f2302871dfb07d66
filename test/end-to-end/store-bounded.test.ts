// The embedded store's file under what a cluster writes for ever: leases over and over, and events that come and go. It does not grow.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { rootScope } from "#base/scope.ts";
import { openDiskStore } from "../../src/store/disk/disk-store.ts";
import type { Operation } from "../../src/store/store.ts";
import { storeWorld } from "../support/store-world.ts";

const folder = mkdtempSync(join(tmpdir(), "keelson-bounded-"));
after(() => rmSync(folder, { recursive: true, force: true }));

const nodes = 100;
const rounds = 400;
const eventsPerRound = 20;
const measureEvery = 50;

test("C4 E1 40,000 renewals of leases and 8,000 events that expire leave the file as large as it was after the first of them", {
  timeout: 120_000,
}, async () => {
  const scope = rootScope("test", (error) => {
    throw error;
  });
  const world = storeWorld();
  try {
    // Five minutes of history and an hour of events, each a few hundred times as fast.
    const store = await openDiskStore(scope, world, { path: join(folder, "store"), history: { milliseconds: 300 } });
    const put = (key: string, bytes: number, more: object = {}): Operation => ({ type: "put", key, value: new Uint8Array(bytes), ...more });
    const write = (operation: Operation) => store.transact({ conditions: [], operations: [operation] });
    for (let at = 0; at < 2_000; at++) await write(put(`/registry/pods/${at}`, 3_000));
    const sizes: number[] = [];
    for (let round = 0; round < rounds; round++) {
      await Promise.all([
        ...Array.from({ length: nodes }, (_, node) => write(put(`/registry/leases/kube-node-lease/${node}`, 700))),
        ...Array.from({ length: eventsPerRound }, (_, event) =>
          write(put(`/registry/events/${round}-${event}`, 900, { timeToLiveSeconds: 1 })),
        ),
      ]);
      // So that time passes too, and old pods are written again among all that comes and goes.
      await write(put(`/registry/pods/${(round * 7) % 2_000}`, 3_000));
      await new Promise((resolve) => setTimeout(resolve, 20));
      if (round % measureEvery === measureEvery - 1) sizes.push(await store.size());
    }
    const settled = Math.max(...sizes.slice(0, 4));
    const end = sizes.at(-1) as number;
    assert.ok(end <= settled * 1.1, `it grew: ${sizes.join(", ")} bytes`);
    // What is alive, twice, and the log, which is kept to 8 MiB and may double while it is brought in.
    assert.ok(end < 2 * 2_000 * 3_100 + 24 * 2 ** 20, `${end} bytes`);
    const { count } = await store.range("/registry/events/", "/registry/events0");
    assert.ok(count < (rounds * eventsPerRound) / 2, `${count} events are left`);
    console.log(`sizes: ${sizes.map((size) => `${(size / 2 ** 20).toFixed(1)} MiB`).join(", ")}; ${count} events alive`);
  } finally {
    await scope.stop();
  }
});
