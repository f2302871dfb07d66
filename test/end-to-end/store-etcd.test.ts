// The rules of src/store/SPEC.md over a real etcd, with TLS; and what happens when members go away.
import assert from "node:assert/strict";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { after, test } from "node:test";
import { rootScope } from "#base/scope.ts";
import { nodeWorld } from "#platform/node/world.ts";
import { SeededRandom } from "#platform/simulated/random.ts";
import { RecordedWatch } from "../../src/store/conformance/recorded-watch.ts";
import { storeConformance } from "../../src/store/conformance/store-conformance.ts";
import { openEtcdStore } from "../../src/store/etcd/etcd-store.ts";
import { type Revision, type Store, StoreUnavailable } from "../../src/store/store.ts";
import { cannotRunEtcd, type Etcd, startEtcd } from "../support/etcd.ts";

const skip = cannotRunEtcd();
const world = nodeWorld();
const running = new Set<Etcd>();
after(() => Promise.all([...running].map((etcd) => etcd.stop())));

async function start(options: Parameters<typeof startEtcd>[0]): Promise<Etcd> {
  const etcd = await startEtcd(options);
  running.add(etcd);
  return etcd;
}

function open({ endpoints, tls }: Etcd): { readonly store: Promise<Store>; readonly close: () => Promise<void> } {
  const scope = rootScope("test", (error) => {
    throw error;
  });
  return { store: openEtcdStore(scope, world, { endpoints, tls, compactionMilliseconds: 0 }), close: () => scope.stop() };
}

storeConformance("etcd", {
  test: (name, run) => void test(name, { skip, timeout: 60_000 }, run),
  random: (seed) => new SeededRandom(seed),
  seeds: [1, 2],
  inOrder: false,
  leaves: {
    "C4 compacted values are gone": "etcd gives room back only when it is defragmented",
    "E1 keys with a time to live end": "tested apart: etcd's time is real",
    "D7 a closed store says so": "what is under way when the store is closed may have happened or not",
  },
  open: async () => {
    const etcd = await start({ tls: true, flags: ["--unsafe-no-fsync"] });
    let opened = open(etcd);
    return {
      store: await opened.store,
      reopen: async () => {
        await opened.close();
        opened = open(etcd);
        return opened.store;
      },
      close: async () => {
        await opened.close();
        await etcd.stop();
        running.delete(etcd);
      },
    };
  },
});

const put = (store: Store, key: string, text: string, timeToLiveSeconds?: number) =>
  store.transact({
    conditions: [],
    operations: [
      { type: "put", key, value: new TextEncoder().encode(text), ...(timeToLiveSeconds !== undefined && { timeToLiveSeconds }) },
    ],
  });

test("E1 keys with a time to live end, unless they are written again", { skip, timeout: 60_000 }, async () => {
  const etcd = await start({});
  const { store: opening, close } = open(etcd);
  const store = await opening;
  await put(store, "mortal", "x", 2);
  await put(store, "kept", "x", 2);
  await put(store, "kept", "y");
  const watch = new RecordedWatch(store, { prefix: "mortal", from: 5 });
  await watch.until(5);
  assert.match(watch.events.join(), /^delete mortal@/);
  assert.deepEqual(
    (await store.range("", "")).items.map(({ key }) => key),
    ["kept"],
  );
  await close();
});

test("what is larger than etcd takes is refused as such, and changes nothing", { skip, timeout: 60_000 }, async () => {
  const etcd = await start({});
  const { store: opening, close } = open(etcd);
  const store = await opening;
  await assert.rejects(put(store, "large", "x".repeat(2_000_000)), {
    name: "TransactionTooLarge",
    message: "etcdserver: request is too large",
  });
  assert.equal((await store.get("large")).item, undefined);
  await put(store, "large", "x".repeat(1_000_000));
  await close();
});

test("a member that is killed, hangs, and comes back: writes go on, and no watch misses or repeats anything", {
  skip,
  timeout: 120_000,
}, async () => {
  const etcd = await start({ members: 3 });
  const { store: opening, close } = open(etcd);
  const store = await opening;
  const revision = await store.revision();
  const watch = new RecordedWatch(store, { prefix: "row", from: revision + 1 });
  const written: string[] = [];
  let slowest = 0;
  // Each write stands on the one before, so that one whose outcome was not known cannot take effect late.
  const writeUntilTaken = async (text: string) => {
    const started = performance.now();
    for (;;) {
      try {
        const { item } = await store.get("row");
        if (item && new TextDecoder().decode(item.value) === text) break;
        const value = new TextEncoder().encode(text);
        const operations = [{ type: "put", key: "row", value }] as const;
        const result = await store.transact({ conditions: [{ key: "row", modRevision: item?.modRevision ?? 0 }], operations });
        if (result.succeeded) break;
      } catch (error) {
        assert.ok(error instanceof StoreUnavailable, String(error));
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
    slowest = Math.max(slowest, performance.now() - started);
    written.push(text);
  };
  let count = 0;
  const some = async (writes: number) => {
    for (let at = 0; at < writes; at++) await writeUntilTaken(String(count++));
  };
  await some(50);
  for (const member of etcd.members) {
    await member.kill();
    await some(50);
    await member.start();
    await some(20);
  }
  const killed = slowest;
  slowest = 0;
  for (const member of etcd.members) {
    member.pause();
    await some(20);
    member.resume();
    await some(20);
  }
  await watch.until(await store.revision());
  const seen = watch.events.map((event) => /^put row=(\d+)@/.exec(event)?.[1]);
  assert.deepEqual(seen, written);
  console.log(`longest wait for a write: ${killed.toFixed(0)} ms when a member was killed, ${slowest.toFixed(0)} ms when one hung`);
  assert.ok(killed < 20_000 && slowest < 20_000);
  await close();
});

test("what was made, with its answer lost, and then deleted by another, is not made again", { skip, timeout: 60_000 }, async () => {
  const etcd = await start({});
  const target = Number(new URL(etcd.endpoints[0] as string).port);
  const ways = [await wayTo(target), await wayTo(target)];
  const other = open(etcd);
  const mine = open({ ...etcd, endpoints: ways.map(({ endpoint }) => endpoint) });
  try {
    const [store, direct] = [await mine.store, await other.store];
    await put(store, "before", "1");
    for (const way of ways) way.silence();
    const value = new TextEncoder().encode("mine");
    const making = store.transact({ conditions: [{ key: "k", modRevision: 0 }], operations: [{ type: "put", key: "k", value }] });
    let made: Revision | undefined;
    while (made === undefined) made = (await direct.get("k")).item?.modRevision;
    const conditions = [{ key: "k", modRevision: made }];
    assert.equal((await direct.transact({ conditions, operations: [{ type: "delete", key: "k" }] })).succeeded, true);
    assert.deepEqual(await making, { succeeded: true, revision: made });
    assert.equal((await direct.get("k")).item, undefined);
  } finally {
    await Promise.all([mine.close(), other.close()]);
    await Promise.all(ways.map((way) => way.close()));
  }
});

interface Way {
  readonly endpoint: string;
  /** Of the connections that are open now, nothing comes back any more. */
  silence(): void;
  close(): Promise<void>;
}

/** A way to a port of 127.0.0.1 through another. */
async function wayTo(port: number): Promise<Way> {
  const silent = new Set<Socket>();
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(port, "127.0.0.1");
    open.add(near).add(far);
    near.on("data", (bytes) => void far.write(bytes));
    far.on("data", (bytes) => void (silent.has(near) || near.write(bytes)));
    for (const [one, peer] of [[near, far] as const, [far, near] as const]) {
      one.on("error", () => {});
      one.on("close", () => {
        open.delete(one);
        peer.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    silence: () => {
      for (const socket of open) silent.add(socket);
    },
    close: async () => {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}
