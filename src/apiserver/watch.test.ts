// Watches, pages, and what becomes of them when history is forgotten.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ApiRegistry } from "./registry/registry.ts";
import { type Harness, type Loose, withServer } from "../../test/support/api-server.ts";

const maps = "/api/v1/namespaces/default/configmaps";
const configMap = (name: string, labels: Record<string, string> = {}, data = "") => ({ metadata: { name, labels }, data: { data } });
const merge = { "content-type": "application/merge-patch+json" };
const types = (lines: Loose[]) => lines.map((line) => `${line.type} ${line.object.metadata.name}`);
const settle = (h: Harness) => h.world.clock.endOfTurn();

test("WATCH1 begins with what is there, or behind a revision", () =>
  withServer(async (h) => {
    await h.ask("POST", maps, configMap("a"));
    const { json } = await h.ask("GET", maps);
    await h.ask("POST", maps, configMap("b"));
    const whole = await h.watch(`${maps}?watch=1`);
    const later = await h.watch(`${maps}?watch=1&resourceVersion=${json.metadata.resourceVersion}`);
    await h.ask("DELETE", `${maps}/a`);
    await settle(h);
    assert.deepEqual(types(whole.lines), ["ADDED a", "ADDED b", "DELETED a"]);
    assert.deepEqual(types(later.lines), ["ADDED b", "DELETED a"]);
    const [, deleted] = later.lines;
    assert.equal(deleted.object.metadata.resourceVersion, String(await h.store.revision()));
  }));

test("WATCH2 shows objects entering and leaving a selection", () =>
  withServer(async (h) => {
    const watch = await h.watch(`${maps}?watch=1&labelSelector=tier%3Dweb`);
    await h.ask("POST", maps, configMap("a"));
    await h.ask("PATCH", `${maps}/a`, { metadata: { labels: { tier: "web" } } }, merge);
    await h.ask("PATCH", `${maps}/a`, { data: { data: "x" } }, merge);
    const left = await h.ask("PATCH", `${maps}/a`, { metadata: { labels: { tier: "db" } } }, merge);
    await h.ask("DELETE", `${maps}/a`);
    await settle(h);
    assert.deepEqual(types(watch.lines), ["ADDED a", "MODIFIED a", "DELETED a"]);
    assert.equal(watch.lines[2].object.metadata.labels.tier, "web");
    assert.equal(watch.lines[2].object.metadata.resourceVersion, left.json.metadata.resourceVersion);
  }));

test("WATCH2 shows the one object its path names, whatever else is selected by", () =>
  withServer(async (h) => {
    for (const name of ["a", "b"]) await h.ask("POST", maps, configMap(name));
    const old = "/api/v1/watch/namespaces/default/configmaps/a";
    const queries = ["labelSelector=!x", `fieldSelector=${encodeURIComponent("metadata.name!=x")}`, "fieldSelector=metadata.name%3Db"];
    for (const path of [`${maps}/a?watch=1&`, `${old}?`]) {
      for (const query of queries) {
        const { lines } = await h.watch(path + query);
        await settle(h);
        assert.deepEqual(types(lines), query.endsWith("b") ? [] : ["ADDED a"], path + query);
      }
    }
  }));

test("WATCH3 bookmarks, initial events and time-outs", () =>
  withServer(async (h) => {
    await h.ask("POST", maps, configMap("a"));
    const watch = await h.watch(
      `${maps}?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=90`,
    );
    assert.deepEqual(
      watch.lines.map((line) => line.type),
      ["ADDED", "BOOKMARK"],
    );
    assert.equal(watch.lines[1].object.metadata.annotations["k8s.io/initial-events-end"], "true");
    await h.ask("POST", "/api/v1/namespaces/default/secrets", { metadata: { name: "s" } });
    await h.world.clock.sleep(h.scope, 61_000);
    assert.equal(watch.lines[2].type, "BOOKMARK");
    assert.equal(watch.lines[2].object.metadata.resourceVersion, String(await h.store.revision()));
    assert.equal(watch.ended(), false);
    await h.world.clock.sleep(h.scope, 30_000);
    assert.equal(watch.ended(), true);
    assert.equal((await h.watch(`${maps}?watch=1&sendInitialEvents=true`)).status, 422);
  }));

test("WATCH4 resumes from the store's history where the window is too short, and says 410 where that is gone", () =>
  withServer(
    async (h) => {
      const { json } = await h.ask("POST", maps, configMap("a"));
      const from = Number(json.metadata.resourceVersion);
      for (let round = 0; round < 10; round++) await h.ask("PATCH", `${maps}/a`, { data: { data: String(round) } }, merge);
      await h.ask("DELETE", `${maps}/a`);
      const watch = await h.watch(`${maps}?watch=1&resourceVersion=${from}`);
      await settle(h);
      assert.deepEqual(
        watch.lines.map((line) => line.object.data.data),
        ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "9"],
      );
      assert.equal(watch.lines.at(-1).type, "DELETED");
      await h.store.compact(from + 5);
      const late = await h.watch(`${maps}?watch=1&resourceVersion=${from}`);
      assert.equal(late.status, 410);
      assert.equal(late.lines[0].reason, "Expired");
      assert.match(late.lines[0].message, new RegExp(`^too old resource version: ${from} \\(\\d+\\)$`));
    },
    { options: { window: { events: 3, bytes: 1_000_000 } } },
  ));

test("WATCH5 every watcher ends equal to a fresh list, in order, under random writes", () =>
  withServer(
    async (h) => {
      const { random } = h.world;
      const watchers: { lines: Loose[]; state: Map<string, string>; seen: number; last: number }[] = [];
      const open = async (resourceVersion: string, state: Map<string, string>) => {
        const watch = await h.watch(`${maps}?watch=1&resourceVersion=${resourceVersion}`);
        assert.equal(watch.status, 200);
        watchers.push({ lines: watch.lines, state, seen: 0, last: Number(resourceVersion) });
      };
      const write = async () => {
        const name = `m${random.integer(6)}`;
        const chance = random.integer(4);
        if (chance === 0) await h.ask("DELETE", `${maps}/${name}`);
        else if (chance === 1) await h.ask("POST", maps, configMap(name));
        else await h.ask("PATCH", `${maps}/${name}`, { data: { data: String(random.integer(1000)) } }, merge);
      };
      const past: { revision: string; state: Map<string, string> }[] = [];
      for (let step = 0; step < 300; step++) {
        await Promise.all(Array.from({ length: 1 + random.integer(3) }, write));
        if (step % 20 === 0) {
          const { json } = await h.ask("GET", maps);
          const state = new Map<string, string>(json.items.map((item: Loose) => [item.metadata.name, item.metadata.resourceVersion]));
          past.push({ revision: json.metadata.resourceVersion, state });
          const one = past[random.integer(past.length)] as (typeof past)[number];
          await open(one.revision, new Map(one.state));
        }
      }
      await settle(h);
      const { json } = await h.ask("GET", maps);
      const truth = new Map(json.items.map((item: Loose) => [item.metadata.name, item.metadata.resourceVersion]));
      assert.ok(truth.size > 0 && watchers.length === 15);
      for (const watcher of watchers) {
        for (const { type, object } of watcher.lines) {
          const { name, resourceVersion } = object.metadata;
          assert.ok(Number(resourceVersion) > watcher.last, "in order, once");
          watcher.last = Number(resourceVersion);
          assert.equal(type === "ADDED", !watcher.state.has(name), `${type} ${name}`);
          if (type === "DELETED") watcher.state.delete(name);
          else watcher.state.set(name, resourceVersion);
        }
        assert.deepEqual(new Map([...watcher.state].sort()), truth);
      }
    },
    { options: { window: { events: 40, bytes: 1_000_000 } } },
  ));

/** A watch of ConfigMaps whose client owes the server's buffer `owed` bytes at first, and takes nothing of it by itself. */
async function slowWatch(h: Harness, owed = 0) {
  const { signal } = new AbortController();
  const { body } = await h.api.handleAs({ name: "slow", groups: ["system:masters"] })({
    method: "GET",
    path: maps,
    query: "watch=1",
    headers: {},
    peer: { address: "test" },
    body: async () => new Uint8Array(0),
    signal,
  });
  assert.ok(body && "stream" in body);
  const client = { owed, isCut: false };
  body.stream({
    write: (bytes) => void (client.owed += bytes.length),
    end: () => void (client.isCut = true),
    cut: () => void (client.isCut = true),
    get bufferedBytes() {
      return client.owed;
    },
    signal,
  });
  return client;
}

const change = async (h: Harness, round: number) => {
  await h.ask("PATCH", `${maps}/a`, { metadata: { labels: { round: String(round) } } }, merge);
  await settle(h);
};

test("WATCH6 a client that takes too little is cut", () =>
  withServer(async (h) => {
    const client = await slowWatch(h);
    await h.ask("POST", maps, configMap("a", {}, "x".repeat(900_000)));
    for (let round = 0; round < 25 && !client.isCut; round++) await change(h, round);
    assert.equal(client.isCut, true);
    assert.ok(client.owed < 20_000_000);
  }));

test("WATCH6 what a watch begins with is not held against its client", () =>
  withServer(async (h) => {
    for (const name of ["a", "b", "c"]) await h.ask("POST", maps, configMap(name, {}, "x".repeat(900_000)));
    const client = await slowWatch(h, 17_000_000);
    await change(h, 0);
    assert.equal(client.isCut, false);
    client.owed = 0;
    for (let round = 1; round < 25 && !client.isCut; round++) await change(h, round);
    assert.equal(client.isCut, true);
    assert.ok(client.owed < 20_000_000);
  }));

test("LIST1 pages are of one revision, and count what remains", () =>
  withServer(async (h) => {
    for (const name of ["a", "b", "c", "d", "e"]) await h.ask("POST", maps, configMap(name));
    const first = (await h.ask("GET", `${maps}?limit=2`)).json;
    assert.deepEqual(
      first.items.map((item: Loose) => item.metadata.name),
      ["a", "b"],
    );
    assert.equal(first.metadata.remainingItemCount, 3);
    await h.ask("DELETE", `${maps}/c`);
    await h.ask("POST", maps, configMap("bb"));
    const second = (await h.ask("GET", `${maps}?limit=2&continue=${first.metadata.continue}`)).json;
    assert.deepEqual(
      second.items.map((item: Loose) => item.metadata.name),
      ["c", "d"],
    );
    assert.equal(second.metadata.resourceVersion, first.metadata.resourceVersion);
    assert.equal(second.metadata.remainingItemCount, 1);
    const third = (await h.ask("GET", `${maps}?limit=2&continue=${second.metadata.continue}`)).json;
    assert.deepEqual(
      third.items.map((item: Loose) => item.metadata.name),
      ["e"],
    );
    assert.equal(third.metadata.continue, undefined);
    assert.equal((await h.ask("GET", `${maps}?limit=2&continue=nonsense`)).status, 400);
  }));

test("LIST2 a token whose history is gone is answered with one that goes on", () =>
  withServer(async (h) => {
    for (const name of ["a", "b", "c"]) await h.ask("POST", maps, configMap(name));
    const first = (await h.ask("GET", `${maps}?limit=1`)).json;
    await h.ask("DELETE", `${maps}/b`);
    await h.store.compact(await h.store.revision());
    const gone = await h.ask("GET", `${maps}?limit=1&continue=${first.metadata.continue}`);
    assert.equal(gone.status, 410);
    assert.equal(gone.json.reason, "Expired");
    const rest = await h.ask("GET", `${maps}?continue=${gone.json.metadata.continue}`);
    assert.deepEqual(
      rest.json.items.map((item: Loose) => item.metadata.name),
      ["c"],
    );
  }));

test("LIST3 lists as of the revision that is asked for", () =>
  withServer(async (h) => {
    const a = (await h.ask("POST", maps, configMap("a"))).json.metadata.resourceVersion;
    await h.ask("POST", maps, configMap("b"));
    const exact = await h.ask("GET", `${maps}?resourceVersion=${a}&resourceVersionMatch=Exact`);
    assert.equal(exact.json.items.length, 1);
    const notOlder = await h.ask("GET", `${maps}?resourceVersion=${a}`);
    assert.equal(notOlder.json.items.length, 2);
    const future = await h.ask("GET", `${maps}?resourceVersion=${Number(a) + 1000}`);
    assert.equal(future.status, 504);
    assert.match(future.json.message, /^Too large resource version: \d+, current: \d+$/);
    const registry = h.api.registry as unknown as ApiRegistry;
    const resource = registry.kinds.find("", "v1", "configmaps");
    assert.ok(resource);
    assert.equal(registry.rest(resource).storage.cache.waiting, 0, "who gave up is forgotten");
    assert.equal((await h.ask("GET", `${maps}?resourceVersion=x`)).status, 400);
    assert.equal((await h.ask("GET", `${maps}?fieldSelector=metadata.name%3Db`)).json.items.length, 1);
    assert.equal((await h.ask("GET", `${maps}?fieldSelector=spec.color%3Db`)).status, 400);
  }));
