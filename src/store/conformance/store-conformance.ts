// The rules of SPEC.md as tests that every backend passes.
import type { Random } from "#platform/random.ts";
import { type Operation, prefixEnd, type Revision, type Store, type Transaction, type TransactionResult } from "../store.ts";
import { bytes, expect, expectEqual, failure, shown } from "./expect.ts";
import { NaiveModel } from "./naive-model.ts";
import { RecordedWatch } from "./recorded-watch.ts";

export interface StoreUnderTest {
  readonly store: Store;
  /** Closes the store and opens it again. Absent where nothing survives. */
  readonly reopen?: () => Promise<Store>;
  /** Lets this much time go by. Absent where time is real. */
  readonly pass?: (milliseconds: number) => Promise<void>;
  close(): Promise<void>;
}

export interface Suite {
  /** Opens an empty store without automatic compaction. */
  readonly open: () => Promise<StoreUnderTest>;
  /** Registers a test with whatever runs them. */
  readonly test: (name: string, run: () => Promise<void>) => void;
  readonly random: (seed: number) => Random;
  readonly seeds: readonly number[];
  /** False where T4 does not hold: transactions given at the same time may take effect in any order. */
  readonly inOrder?: boolean;
  /** Rules that the backend cannot be asked to keep, each with the reason. */
  readonly leaves?: Readonly<Record<string, string>>;
}

export function storeConformance(name: string, suite: Suite): void {
  const rule = (id: string, run: (opened: StoreUnderTest) => Promise<void>) =>
    suite.test(`${name}: ${id}`, async () => {
      const opened = await suite.open();
      try {
        await run(opened);
      } finally {
        await opened.close();
      }
    });
  const { leaves = {}, inOrder = true } = suite;
  for (const id of Object.keys(leaves)) expect(Object.hasOwn(rules, id), `there is a rule ${id}`);
  for (const [id, run] of Object.entries(rules)) if (!Object.hasOwn(leaves, id)) rule(id, run);
  for (const seed of suite.seeds) {
    rule(`seed ${seed} equals the naive model`, (opened) => compareWithModel(opened, suite.random(seed), inOrder));
  }
}

const put = (key: string, text: string): Operation => ({ type: "put", key, value: bytes(text) });
const remove = (key: string): Operation => ({ type: "delete", key });
const write = (store: Store, ...operations: Operation[]) => store.transact({ conditions: [], operations });
const keysOf = async (store: Store, from: string, to: string, options = {}) =>
  (await store.range(from, to, options)).items.map((item) => item.key);

const rules: Readonly<Record<string, (opened: StoreUnderTest) => Promise<void>>> = {
  "R1 R3 revisions count changes": async ({ store }) => {
    expectEqual(await store.revision(), 1, "an empty store");
    expectEqual((await write(store, put("a", "1"))).revision, 2, "the first write");
    await write(store, put("a", "2"), put("b", "1"));
    expectEqual(shown((await store.get("a")).item), "a=2@3(2)#2", "changed");
    await write(store, remove("a"));
    expectEqual(await store.get("a"), { revision: 4 }, "deleted");
    await write(store, put("a", "3"));
    expectEqual(shown((await store.get("a")).item), "a=3@5(5)#1", "made again");
  },
  "R2 what changes nothing makes no revision": async ({ store }) => {
    await write(store, put("a", "1"));
    expectEqual(await write(store, remove("gone")), { succeeded: true, revision: 2 }, "deleting nothing");
    await store.transact({ conditions: [{ key: "a", modRevision: 0 }], operations: [put("a", "2")] });
    expectEqual(await store.revision(), 2, "a failed condition");
  },
  "R4 reopening keeps the revision, keys, history and watches": async ({ store, reopen }) => {
    if (!reopen) return;
    await write(store, put("a", "1"), put("\u00e9\u{1f600}", "wide"));
    await write(store, put("a", "2"));
    await write(store, remove("a"));
    const again = await reopen();
    expectEqual(await again.revision(), 4, "the revision");
    expectEqual((await again.range("", "", { revision: 3 })).items.map(shown), ["a=2@3(2)#2", "\u00e9\u{1f600}=wide@2(2)#1"], "history");
    const watch = new RecordedWatch(again, { prefix: "a", from: 3, previous: true });
    await watch.until(4);
    expectEqual(watch.events, ["put a=2@3(2)#2 after a=1@2(2)#1", "delete a@4 after a=2@3(2)#2"], "the watch");
    expectEqual((await write(again, put("a", "3"))).revision, 5, "the next write");
  },
  "G1 keys are in the byte order of UTF-8": async ({ store }) => {
    const ordered = [
      "",
      "/",
      "/a",
      "/a/",
      "/a/b",
      "/a0",
      "__proto__",
      "constructor",
      "\u00e9",
      "\ud7ff",
      "\ue000",
      "\uffff",
      "\u{10000}",
      "\u{10ffff}",
    ].slice(1);
    for (const key of [...ordered].reverse()) await write(store, put(key, "x"));
    expectEqual(await keysOf(store, "", ""), ordered, "all");
    expectEqual(await keysOf(store, "/a", prefixEnd("/a")), ["/a", "/a/", "/a/b", "/a0"], "a prefix");
    expectEqual(await keysOf(store, "/a/", prefixEnd("/a/")), ["/a/", "/a/b"], "a folder");
    expectEqual(await keysOf(store, "\uffff", ""), ["\uffff", "\u{10000}", "\u{10ffff}"], "high keys");
    expectEqual(await keysOf(store, "/b", "/a"), [], "an empty range");
    expectEqual(shown((await store.get("__proto__")).item).slice(0, 12), "__proto__=x@", "__proto__");
  },
  "G2 limit, more and count": async ({ store }) => {
    for (let at = 0; at < 600; at++) await write(store, put(`k${String(at).padStart(3, "0")}`, "x"));
    const page = await store.range("k1", "k3", { limit: 50 });
    expectEqual([page.items.length, page.more, page.count, page.items[0]?.key], [50, true, 200, "k100"], "a page");
    const rest = await store.range(`${page.items.at(-1)?.key}\0`, "k3", { limit: 150 });
    expectEqual([rest.items.length, rest.more, rest.count], [150, false, 150], "the rest");
  },
  "G3 G4 ranges at a revision": async ({ store }) => {
    await write(store, put("a", "1"));
    await write(store, put("b", "1"));
    await write(store, remove("a"));
    expectEqual(await keysOf(store, "", "", { revision: 1 }), [], "at the beginning");
    expectEqual(await keysOf(store, "", "", { revision: 3 }), ["a", "b"], "before the deletion");
    expectEqual((await store.range("", "", { revision: 3 })).revision, 4, "the store's own revision");
    expectEqual(await failure(() => store.range("", "", { revision: 5 })), "FutureRevision", "the future");
  },
  "T1 T3 all or nothing": async ({ store }) => {
    await write(store, put("a", "1"));
    const refused = await store.transact({
      conditions: [
        { key: "a", modRevision: 2 },
        { key: "b", modRevision: 7 },
      ],
      operations: [put("a", "2"), put("b", "2")],
    });
    expect(!refused.succeeded, "a condition does not hold");
    expectEqual(refused.current.map(shown), ["a=1@2(2)#1", "absent"], "as they are");
    expectEqual(await keysOf(store, "", ""), ["a"], "nothing happened");
    await write(store, remove("a"), put("b", "1"), put("c", "1"));
    expectEqual((await store.range("", "")).items.map(shown), ["b=1@3(3)#1", "c=1@3(3)#1"], "everything happened");
  },
  "T2 one of many writers wins": async ({ store }) => {
    const create = { conditions: [{ key: "a", modRevision: 0 }], operations: [put("a", "1")] };
    const results = await Promise.all(Array.from({ length: 20 }, () => store.transact(create)));
    expectEqual(results.filter((result) => result.succeeded).length, 1, "winners");
    for (const result of results) if (!result.succeeded) expectEqual(shown(result.current[0]), "a=1@2(2)#1", "what losers are told");
  },
  "T5 mistakes change nothing": async ({ store }) => {
    const wrong = [
      [put("a", "1"), put("a", "2")],
      [put("", "1")],
      [put("x".repeat(4097), "1")],
      [put("a\ud800", "1")],
      [put("ok", "1"), put("", "1")],
    ];
    for (const operations of wrong) expectEqual(await failure(() => write(store, ...operations)), "AssertionError", "a mistake");
    expectEqual(await keysOf(store, "", ""), [], "what is there");
    expectEqual((await write(store, put("a", "1"))).revision, 2, "the first right one");
  },
  "W1 W2 W3 W4 W6 W7 a watch sees everything with its prefix": async ({ store }) => {
    const all = new RecordedWatch(store, { prefix: "", from: 2, previous: true });
    const some = new RecordedWatch(store, { prefix: "a/", from: 2 });
    const none = new RecordedWatch(store, { prefix: "z", from: 2 });
    await write(store, put("a/1", "x"), put("b/1", "x"));
    await write(store, put("a/1", "y"));
    await write(store, remove("a/1"), put("a/2", "z"));
    await Promise.all([all.until(4), some.until(4), none.until(4)]);
    expectEqual(some.events, ["put a/1=x@2(2)#1", "put a/1=y@3(2)#2", "delete a/1@4", "put a/2=z@4(4)#1"], "the prefix");
    expectEqual(all.events.slice(2, 4), ["put a/1=y@3(2)#2 after a/1=x@2(2)#1", "delete a/1@4 after a/1=y@3(2)#2"], "previous");
    expectEqual(none.events, [], "another prefix");
  },
  "W5 W9 a watch begins where it is asked to": async ({ store }) => {
    for (let at = 2; at <= 6; at++) await write(store, put("a", String(at)));
    const past = new RecordedWatch(store, { prefix: "a", from: 4 });
    const future = new RecordedWatch(store, { prefix: "a", from: 8 });
    for (let at = 7; at <= 9; at++) await write(store, put("a", String(at)));
    await Promise.all([past.until(9), future.until(9)]);
    expectEqual(
      past.events.map((event) => event.slice(4, 7)),
      ["a=4", "a=5", "a=6", "a=7", "a=8", "a=9"],
      "the past",
    );
    expectEqual(
      future.events.map((event) => event.slice(4, 7)),
      ["a=8", "a=9"],
      "the future",
    );
  },
  "W8 nothing comes after stop": async ({ store }) => {
    const stopped = new RecordedWatch(store, { prefix: "", from: 2 });
    const other = new RecordedWatch(store, { prefix: "", from: 2 });
    stopped.stop();
    await write(store, put("a", "1"));
    await other.until(2);
    expectEqual(stopped.events, [], "a stopped watch");
  },
  "W8 a watcher may write": async ({ store }) => {
    const first = store.watch(
      { prefix: "a" },
      {
        batch: ({ events }) => {
          if (events.length > 0) void write(store, put("b", "echo"));
        },
        ended: () => {},
      },
    );
    const second = new RecordedWatch(store, { prefix: "", from: 2 });
    await write(store, put("a", "1"));
    await second.until(3);
    first.stop();
    expectEqual(second.events, ["put a=1@2(2)#1", "put b=echo@3(3)#1"], "in order");
  },
  "C1 C2 compaction forgets what came before": async ({ store, reopen }) => {
    for (let at = 2; at <= 6; at++) await write(store, put("a", String(at)));
    await write(store, put("b", "1"));
    await write(store, remove("b"));
    await store.compact(4);
    const check = async (of: Store) => {
      expectEqual(await failure(() => of.range("", "", { revision: 3 })), "Compacted", "a compacted range");
      expectEqual((await of.range("", "", { revision: 4 })).items.map(shown), ["a=4@4(2)#3"], "the compacted revision");
      expectEqual(await keysOf(of, "", "", { revision: 7 }), ["a", "b"], "behind it");
      const late = new RecordedWatch(of, { prefix: "", from: 4 });
      const right = new RecordedWatch(of, { prefix: "a", from: 5, previous: true });
      await Promise.all([late.until(8), right.until(8)]);
      expectEqual(late.error?.name, "Compacted", "a compacted watch");
      expectEqual(right.events, ["put a=5@5(2)#4 after a=4@4(2)#3", "put a=6@6(2)#5 after a=5@5(2)#4"], "a watch from the next revision");
      expectEqual(await failure(() => of.compact(4)), "Compacted", "again");
      expectEqual(await failure(() => of.compact(100)), "FutureRevision", "the future");
    };
    await check(store);
    if (reopen) await check(await reopen());
  },
  "C4 compacted values are gone": async ({ store }) => {
    const before = await store.size();
    for (let at = 0; at < 300; at++)
      await write(store, put("a", "x".repeat(20_000)), put(`b${at % 10}`, "y".repeat(1000)), remove(`b${(at + 1) % 10}`));
    const full = await store.size();
    await store.compact(await store.revision());
    for (let at = 0; at < 20; at++) await write(store, put("a", "x"));
    // SQLite keeps the room for later rows, so there it is enough that the file no longer grows.
    for (let at = 0; at < 200; at++) await write(store, put("a", "x".repeat(20_000)));
    const again = await store.size();
    expect(again < full + before + 2_000_000, `${full} bytes before, ${again} after`);
  },
  "E1 keys with a time to live end": async ({ store, reopen, pass }) => {
    if (!pass) return;
    const mortal = (key: string): Operation => ({ type: "put", key, value: bytes("x"), timeToLiveSeconds: 60 });
    await write(store, mortal("once"), mortal("renewed"), mortal("kept"));
    await pass(50_000);
    await write(store, mortal("renewed"), put("kept", "y"));
    const now = reopen ? await reopen() : store;
    expectEqual(await keysOf(now, "", ""), ["kept", "once", "renewed"], "before");
    await pass(13_000);
    expectEqual(await keysOf(now, "", ""), ["kept", "renewed"], "one has ended");
    await pass(50_000);
    expectEqual(await keysOf(now, "", ""), ["kept"], "the renewed one, too");
    expectEqual(await now.revision(), 5, "each by one transaction");
  },
  "D7 a closed store says so": async (opened) => {
    const watch = new RecordedWatch(opened.store, { prefix: "", from: 2 });
    const waiting = write(opened.store, put("a", "1"));
    await opened.close();
    expectEqual((await waiting).succeeded, true, "what was waiting");
    expectEqual(watch.error?.name, "StoreUnavailable", "a watch");
    expectEqual(await failure(() => write(opened.store, put("b", "1"))), "StoreUnavailable", "a write");
    expectEqual(await failure(() => opened.store.get("a")), "StoreUnavailable", "a read");
    const late = new RecordedWatch(opened.store, { prefix: "", from: 2 });
    await late.until(2);
    expectEqual(late.error?.name, "StoreUnavailable", "a late watch");
  },
};

const someKeys = ["a", "a/b", "a/c", "a0", "b", "__proto__", "\u00e9", "\uffff", "\u{1f600}"];
const steps = 120;

/** Does what chance says to the store and to the model, many transactions at a time, and compares everything that can be seen. */
async function compareWithModel(opened: StoreUnderTest, random: Random, inOrder: boolean): Promise<void> {
  let { store } = opened;
  const model = new NaiveModel();
  let compacted = 0;
  let watches: RecordedWatch[] = [];
  const pick = <T>(from: readonly T[]) => from[random.integer(from.length)] as T;
  const settleWatches = async () => {
    for (const watch of watches) {
      await watch.until(model.revision);
      const { prefix, from = 0, previous = false } = watch.options;
      if (!watch.error)
        expectEqual(watch.events, model.events(prefix, from, model.revision, previous), `W4: a watch of "${prefix}" from ${from}`);
    }
  };
  for (let step = 0; step < steps; step++) {
    const chance = random.integer(20);
    if (chance < 12) {
      const transactions = Array.from({ length: 1 + random.integer(6) }, () => randomTransaction(random, pick, model.revision));
      const expected = transactions.map((transaction) => model.transact(transaction));
      const results: TransactionResult[] = [];
      if (inOrder) results.push(...(await Promise.all(transactions.map((transaction) => store.transact(transaction)))));
      else for (const transaction of transactions) results.push(await store.transact(transaction));
      expectEqual(results.map(shownResult), expected, "T4: results");
    } else if (chance < 15) {
      const revision = Math.max(compacted, model.revision - random.integer(10), 1);
      const from = random.integer(3) === 0 ? "" : pick(someKeys);
      const to = random.integer(3) === 0 ? "" : prefixEnd(from);
      const limit = 1 + random.integer(6);
      const range = await store.range(from, to, { revision, limit });
      const all = model.range(from, to, revision);
      expectEqual(
        [range.items.map(shown), range.count, range.more, range.revision],
        [all.slice(0, limit), all.length, all.length > limit, model.revision],
        `G3: ${from} at ${revision}`,
      );
    } else if (chance < 18) {
      const from = Math.max(compacted + 1, model.revision + 2 - random.integer(12));
      watches.push(
        new RecordedWatch(store, { prefix: random.integer(4) === 0 ? "" : pick(someKeys), from, previous: random.integer(2) === 0 }),
      );
    } else if (chance === 18) {
      const target = model.revision - random.integer(8);
      if (target > compacted) await store.compact((compacted = target));
    } else if (opened.reopen) {
      await settleWatches();
      watches = [];
      store = await opened.reopen();
    }
  }
  await settleWatches();
  expectEqual((await store.range("", "")).items.map(shown), model.range("", "", model.revision), "the end");
}

function randomTransaction(random: Random, pick: <T>(from: readonly T[]) => T, revision: Revision): Transaction {
  const keys = new Set(Array.from({ length: 1 + random.integer(3) }, () => pick(someKeys)));
  const operations = [...keys].map((key) => (random.integer(3) === 0 ? remove(key) : put(key, String(random.integer(1000)))));
  const conditions =
    random.integer(3) === 0 ? [{ key: pick(someKeys), modRevision: random.integer(2) === 0 ? 0 : random.integer(revision + 2) }] : [];
  return { conditions, operations };
}

function shownResult(result: TransactionResult): string {
  return result.succeeded ? `succeeded@${result.revision}` : `failed@${result.revision} ${result.current.map(shown).join(" ")}`;
}
