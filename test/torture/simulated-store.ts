// One seed of torture in virtual time: the embedded store over a simulated database that loses what was not synced, is slow, full or
// broken, under a clock that jumps; with writers, watchers that resume, and compactions. The checkers judge what was seen.
import { rootScope, type Scope } from "#base/scope.ts";
import type { Databases } from "#platform/database.ts";
import { SeededRandom } from "#platform/simulated/random.ts";
import { type SimulatedWorld, simulatedWorld } from "#platform/simulated/world.ts";
import { openDiskStore } from "#store/disk/disk-store.ts";
import { Compacted, FutureRevision, type Operation, type Store, type StoreEvent, type WatchBatch } from "#store/store.ts";
import { checkLinearizable, type KeyOperation } from "../checkers/linearizable.ts";
import type {
  AcknowledgedWrite,
  ListedItem,
  ObservedBatch,
  ObservedEvent,
  ObservedList,
  ObservedWatch,
  Value,
  Violation,
} from "../checkers/observed.ts";
import { checkAcknowledged, checkRebuilt, checkRevisions, checkWatcherState, type RevisionSeen } from "../checkers/state-promises.ts";
import { checkWatches, joinHistory } from "../checkers/watch-promises.ts";

export interface SimulatedOptions {
  /** A wrong database in place of the simulated one: what the checkers must find. */
  readonly databases?: (databases: Databases) => Databases;
}

export interface SimulatedResult {
  readonly kills: number;
  readonly writes: number;
  readonly unknown: number;
  readonly events: number;
  readonly resumes: number;
  readonly violations: readonly Violation[];
}

type Ending = Omit<KeyOperation, "end"> & { end: number };

const path = "store";
const keys = 6;
const writers = 5;
const decoder = new TextDecoder();
const encoder = new TextEncoder();
const settleMilliseconds = 60_000;
const lateMilliseconds = 10_000;

export async function simulateStore(seed: number, options: SimulatedOptions = {}): Promise<SimulatedResult> {
  const world = simulatedWorld({ seed });
  const run = new StoreRun(world, new SeededRandom(seed).stream("torture"), options);
  return world.run(() => run.lives());
}

/** A key's place: some watchers see only one folder. Keys with a time to live are their own, since nobody knows who deletes them when. */
const plainKey = (number: number) => `/${number % 2 === 0 ? "even" : "odd"}/${number}`;
const prefixes = ["/", "/", "/even/", "/odd/", "/even/2"] as const;

class StoreRun {
  readonly #world: SimulatedWorld;
  readonly #random: SeededRandom;
  readonly #databases: Databases;
  readonly #operations: KeyOperation[] = [];
  /** Writes that were rejected, which no later write has followed yet: only a crash could still bring them back (D4). */
  #doubtful: { readonly at: number; readonly operations: readonly Ending[] }[] = [];
  readonly #acknowledged: AcknowledgedWrite[] = [];
  readonly #revisions: RevisionSeen[] = [];
  readonly #snapshots: ObservedList[] = [];
  readonly #violations: Violation[] = [];
  readonly #watchers: SimulatedWatcher[];
  #time = 0;
  #values = 0;
  #crashes = 0;
  #unknown = 0;
  #lastDeadline = 0;

  constructor(world: SimulatedWorld, random: SeededRandom, { databases = (real) => real }: SimulatedOptions) {
    this.#world = world;
    this.#random = random;
    this.#databases = databases(world.databases);
    this.#watchers = prefixes.map((prefix, at) => new SimulatedWatcher(`watcher ${at} of ${prefix}`, prefix, at % 2 === 0));
  }

  async lives(): Promise<SimulatedResult> {
    const lives = 2 + this.#random.integer(3);
    for (let life = 1; life <= lives; life++) await this.#live(life);
    await this.#last();
    this.#judge();
    const { length: writes } = this.#acknowledged;
    const sum = (each: (watcher: SimulatedWatcher) => number) => this.#watchers.reduce((total, watcher) => total + each(watcher), 0);
    return {
      kills: this.#crashes,
      writes,
      unknown: this.#unknown,
      events: sum(({ events }) => events),
      resumes: sum(({ watches }) => watches.length),
      violations: this.#violations,
    };
  }

  /** From opening the store to losing it. */
  async #live(life: number): Promise<void> {
    const { clock } = this.#world;
    const scope = this.#scope();
    const store = await this.#open(scope);
    const over = { now: false };
    for (const watcher of this.#watchers) watcher.connect(store);
    const file = this.#world.databases.file(path);
    const work = [
      ...Array.from({ length: writers }, (_, at) => this.#write(`w${life}-${at}`, store, over)),
      this.#read(`r${life}`, store, over),
      this.#disturb(over),
      this.#interrupt(store, over),
    ];
    await this.#wait(20 + this.#random.integer(400));
    over.now = true;
    for (const watcher of this.#watchers) watcher.disconnect();
    const way = this.#random.integer(4);
    if (way > 0) {
      // The machine is gone; the store that stays behind has nothing to do with the next one.
      file.crash();
      this.#crashes++;
      file.fail(undefined);
      file.slow(0);
    }
    await scope.stop();
    file.fail(undefined);
    file.slow(0);
    // Every operation has ended, at the latest with its store.
    const late = clock.timer(lateMilliseconds, () => this.#break("D7", "an operation has no answer though its store was closed"));
    await Promise.all(work);
    late.cancel();
    this.#endDoubtful();
  }

  /** Reopens for good, lets time pass, and looks at what is there. */
  async #last(): Promise<void> {
    // E1: gone, at the latest about two seconds after the time. While a store is open it does not go by the wall clock.
    this.#world.clock.setWallClock(Math.max(this.#world.clock.now(), this.#lastDeadline) + 1);
    const scope = this.#scope();
    const store = await this.#open(scope);
    for (const watcher of this.#watchers) watcher.connect(store);
    await this.#wait(5_000);
    await this.#transact("last", store, ["/even/0"], false);
    const list = await this.#list("last", store);
    const upTo = list.revision;
    await this.#wait(settleMilliseconds);
    for (const watcher of this.#watchers) {
      if (watcher.revision < upTo) this.#break("W6", `${watcher.name} is at revision ${watcher.revision} and was not told of ${upTo}`);
      this.#violations.push(...checkWatcherState(watcher.name, watcher.state, list, (key) => key.startsWith(watcher.prefix)));
    }
    for (const key of list.items.keys()) if (key.startsWith("/expiring/")) this.#break("E1", `${key} is still there`);
    this.#snapshots.push(list);
    await scope.stop();
  }

  #judge(): void {
    const watches = this.#watchers.flatMap((watcher) => watcher.watches.map((watch) => watcher.observed(watch)));
    const { history, violations } = joinHistory(1, new Map(), watches);
    this.#violations.push(
      ...violations,
      ...this.#watchers.flatMap(({ problems }) => problems),
      ...checkWatches(history, watches),
      ...checkAcknowledged(history, this.#acknowledged, this.#snapshots.at(-1)?.revision ?? 0),
      ...checkRevisions(this.#revisions),
      ...this.#snapshots.flatMap((list) => checkRebuilt(history, list)),
    );
    const verdict = checkLinearizable(this.#operations);
    if (verdict.verdict !== "linearizable") this.#violations.push({ rule: verdict.verdict, message: verdict.message });
  }

  async #write(client: string, store: Store, over: { now: boolean }): Promise<void> {
    while (!over.now) {
      const kind = this.#random.integer(10);
      const first = this.#random.integer(keys);
      const second = (first + 1 + this.#random.integer(keys - 1)) % keys;
      if (kind === 0) await this.#get(client, store, plainKey(first), over);
      else if (kind === 1) await this.#expiring(client, store, over);
      else await this.#transact(client, store, kind < 5 ? [plainKey(first), plainKey(second)] : [plainKey(first)], kind > 6, over);
      if (this.#random.integer(2) === 0) await this.#wait(this.#random.integer(25));
    }
  }

  /** Puts or deletes the keys at once, with a condition on the first when asked to. */
  async #transact(client: string, store: Store, names: readonly string[], conditional: boolean, over = { now: false }): Promise<void> {
    const [first = ""] = names;
    const known = conditional ? await this.#get(client, store, first, over) : undefined;
    if (over.now) return;
    const writes = names.map((key) => ({ key, value: this.#random.integer(4) === 0 ? null : `${client}.${++this.#values}` }));
    const operations: Operation[] = writes.map(({ key, value }) =>
      value === null ? { type: "delete", key } : { type: "put", key, value: encoder.encode(value) },
    );
    const when = known && { is: known.value };
    const start = this.#tick();
    const noted = (rest: Partial<KeyOperation>) =>
      writes.map(({ key, value }, at) => ({
        key,
        client,
        start,
        end: this.#tick(),
        ...(at === 0 && when && { when }),
        becomes: { value },
        ...rest,
      }));
    try {
      const conditions = known ? [{ key: first, modRevision: known.revision }] : [];
      const result = await store.transact({ conditions, operations });
      if (over.now) return this.#maybe(noted({}));
      if (!result.succeeded) {
        const current = valueOf(result.current[0]?.value);
        this.#note({ key: first, client, start, end: this.#tick(), when: { is: current } });
        if (current === known?.value && result.current[0]?.modRevision === known?.revision)
          this.#break("T2", `${client} was refused at revision ${result.revision}, though ${first} is what it expected`);
        return;
      }
      const { revision } = result;
      const changed = writes.some(({ value }) => value !== null);
      // What changes nothing is not written, and settles nothing either.
      if (changed) this.#settleDoubtful(start);
      for (const operation of noted({})) this.#note(operation);
      // Deleting what is not there makes no revision, so only what was put is known to have made one.
      this.#revisions.push({ by: client, start, end: this.#tick(), revision, made: changed });
      for (const { key, value } of writes) if (value !== null) this.#acknowledged.push({ client, key, value, revision });
    } catch {
      this.#maybe(noted({}));
    }
  }

  /** A key of its own that the store deletes by itself. */
  async #expiring(client: string, store: Store, over: { now: boolean }): Promise<void> {
    const key = `/expiring/${client}-${++this.#values}`;
    const timeToLiveSeconds = 1 + this.#random.integer(30);
    this.#lastDeadline = Math.max(this.#lastDeadline, this.#world.clock.now() + timeToLiveSeconds * 1000);
    const start = this.#tick();
    try {
      const value = encoder.encode(key);
      const { revision } = await store.transact({ conditions: [], operations: [{ type: "put", key, value, timeToLiveSeconds }] });
      if (over.now) return;
      this.#settleDoubtful(start);
      this.#revisions.push({ by: client, start, end: this.#tick(), revision, made: true });
      this.#acknowledged.push({ client, key, value: key, revision });
    } catch {
      // Whether it happened is told by the watches.
    }
  }

  async #get(client: string, store: Store, key: string, over: { now: boolean }): Promise<(ListedItem & { value: Value }) | undefined> {
    const start = this.#tick();
    try {
      const { item, revision } = await store.get(key);
      if (over.now) return undefined;
      const value = valueOf(item?.value);
      const end = this.#tick();
      this.#note({ key, client, start, end, when: { is: value } });
      this.#revisions.push({ by: `${client} (get)`, start, end, revision, made: false });
      return { value: value as string, revision: item?.modRevision ?? 0 };
    } catch {
      return undefined;
    }
  }

  /** Lists, now and at revisions of the past, and compacts. */
  async #read(client: string, store: Store, over: { now: boolean }): Promise<void> {
    while (!over.now) {
      await this.#wait(this.#random.integer(60));
      if (over.now) return;
      try {
        const list = await this.#list(client, store);
        if (over.now) return;
        const past = Math.max(1, list.revision - this.#random.integer(30));
        if (this.#random.integer(3) === 0) {
          const { items } = await store.range("/", "0", { revision: past });
          this.#snapshots.push(listed(past, items));
        }
        // Never what the slowest watcher has not seen, so that each can go on where it was.
        const safe = Math.min(past, ...this.#watchers.map(({ revision }) => revision));
        if (this.#random.integer(4) === 0 && safe > 1) await store.compact(safe);
      } catch (error) {
        if (error instanceof FutureRevision) this.#break("G4", error.message);
        // Compacted, closed, or unable to write: nothing was promised.
      }
    }
  }

  async #list(client: string, store: Store): Promise<ObservedList> {
    const start = this.#tick();
    const { items, revision } = await store.range("/", "0");
    const end = this.#tick();
    const list = listed(revision, items);
    this.#revisions.push({ by: `${client} (list)`, start, end, revision, made: false });
    this.#snapshots.push(list);
    for (let key = 0; key < keys; key++) {
      const name = plainKey(key);
      this.#note({ key: name, client, start, end, when: { is: list.items.get(name)?.value ?? null } });
    }
    return list;
  }

  /** The disk is slow, full or broken for a while; the clock jumps. */
  async #disturb(over: { now: boolean }): Promise<void> {
    const { clock, databases } = this.#world;
    const file = databases.file(path);
    while (!over.now) {
      await this.#wait(this.#random.integer(120));
      if (over.now) return;
      const kind = this.#random.integer(5);
      if (kind === 0) file.slow(this.#random.integer(40));
      else if (kind === 1) file.fail("io");
      else if (kind === 2) file.fail("full");
      else if (kind === 3) clock.setWallClock(clock.now() + (this.#random.fraction() - 0.5) * 7_200_000);
      else {
        file.fail(undefined);
        file.slow(0);
      }
      if (kind !== 1 && kind !== 2) continue;
      await this.#wait(this.#random.integer(20));
      file.fail(undefined);
    }
  }

  /** Watchers lose their watch now and then, and resume. */
  async #interrupt(store: Store, over: { now: boolean }): Promise<void> {
    while (!over.now) {
      await this.#wait(this.#random.integer(40));
      const watcher = this.#watchers[this.#random.integer(this.#watchers.length)];
      if (over.now || !watcher) return;
      watcher.disconnect();
      if (this.#random.integer(2) === 0) await this.#wait(this.#random.integer(30));
      if (!over.now) watcher.connect(store);
    }
  }

  #note(operation: KeyOperation): void {
    this.#operations.push(operation);
  }

  /** Of unknown outcome until the store's end, or until a later write succeeds. */
  #maybe(operations: readonly KeyOperation[]): void {
    this.#unknown++;
    const open = operations.map((operation) => ({ ...operation, maybe: true, end: Number.POSITIVE_INFINITY }));
    this.#operations.push(...open);
    this.#doubtful.push({ at: this.#tick(), operations: open });
  }

  /** The store has ended: what was rejected and was to come back, has. */
  #endDoubtful(): void {
    const end = this.#tick();
    for (const { operations } of this.#doubtful) for (const operation of operations) operation.end = end;
    this.#doubtful = [];
  }

  /** A write that was asked for after others were rejected has succeeded: those never happen (D4). */
  #settleDoubtful(start: number): void {
    const settled = this.#doubtful.filter(({ at }) => at < start);
    if (settled.length === 0) return;
    this.#doubtful = this.#doubtful.filter(({ at }) => at >= start);
    const gone = new Set<KeyOperation>(settled.flatMap(({ operations }) => operations));
    const kept = this.#operations.filter((operation) => !gone.has(operation));
    this.#operations.length = 0;
    this.#operations.push(...kept);
  }

  #scope(): Scope {
    return rootScope("store", (error) =>
      this.#break("D3", `a task of the store failed: ${error instanceof Error ? error.stack : String(error)}`),
    );
  }

  async #open(scope: Scope): Promise<Store> {
    const world = Object.create(this.#world, { databases: { value: this.#databases } }) as SimulatedWorld;
    return openDiskStore(scope, world, { path });
  }

  #break(rule: string, message: string): void {
    this.#violations.push({ rule, message });
  }

  #wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.#world.clock.timer(milliseconds, resolve);
    });
  }

  /** Moments in the order they happen, which is finer than virtual time. */
  #tick(): number {
    return ++this.#time;
  }
}

/** Resumes where it was, like everyone who keeps a cache. */
class SimulatedWatcher {
  readonly name: string;
  readonly prefix: string;
  readonly previous: boolean;
  readonly state = new Map<string, string>();
  readonly watches: { readonly from: number; readonly batches: ObservedBatch[] }[] = [];
  readonly problems: Violation[] = [];
  revision = 1;
  events = 0;
  #stop: (() => void) | undefined;

  constructor(name: string, prefix: string, previous: boolean) {
    this.name = name;
    this.prefix = prefix;
    this.previous = previous;
  }

  connect(store: Store): void {
    this.disconnect();
    const watch = { from: this.revision + 1, batches: [] as ObservedBatch[] };
    this.watches.push(watch);
    let open = true;
    const { stop } = store.watch(
      { prefix: this.prefix, from: watch.from, previous: this.previous },
      {
        batch: (batch) => {
          if (open) this.#batch(watch.batches, batch);
          else this.problems.push({ rule: "W8", message: `${this.name}: a batch came after its watch was stopped` });
        },
        ended: (error) => {
          if (open && error instanceof Compacted)
            this.problems.push({ rule: "W5", message: `${this.name}: refused from revision ${watch.from}: ${error.message}` });
        },
      },
    );
    this.#stop = () => {
      open = false;
      stop();
    };
  }

  disconnect(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  observed({ from, batches }: { readonly from: number; readonly batches: readonly ObservedBatch[] }): ObservedWatch {
    return { name: this.name, from, batches, ...(this.prefix !== "/" && { selects: (key: string) => key.startsWith(this.prefix) }) };
  }

  #batch(batches: ObservedBatch[], { events, revision }: WatchBatch): void {
    batches.push({ revision, events: events.map((event) => observedEvent(event, this.previous)) });
    for (const event of events) {
      if (event.type === "put") this.state.set(event.current.key, decoder.decode(event.current.value));
      else this.state.delete(event.key);
    }
    this.events += events.length;
    this.revision = revision;
  }
}

function observedEvent(event: StoreEvent, withPrevious: boolean): ObservedEvent {
  const previous = withPrevious || event.previous ? { previous: valueOf(event.previous?.value) } : {};
  return event.type === "put"
    ? { revision: event.current.modRevision, key: event.current.key, value: decoder.decode(event.current.value), ...previous }
    : { revision: event.revision, key: event.key, value: null, ...previous };
}

function valueOf(bytes: Uint8Array | undefined): Value {
  return bytes ? decoder.decode(bytes) : null;
}

function listed(
  revision: number,
  items: readonly { readonly key: string; readonly value: Uint8Array; readonly modRevision: number }[],
): ObservedList {
  return {
    revision,
    items: new Map(items.map(({ key, value, modRevision }) => [key, { value: decoder.decode(value), revision: modRevision }])),
  };
}
