// A watcher as client-go's informers are: it lists, watches, resumes from the last version it saw whenever the connection ends, and keeps
// what it knows in a cache. What it was delivered is kept for the checkers, round by round.
import type { ObservedBatch, ObservedWatch, Revision } from "../checkers/observed.ts";
import type { Answer, Environment } from "./environment.ts";
import { collection, groupOf, label, listAll, valueOf } from "./writer.ts";

const lookEveryMilliseconds = 5;

export class TortureWatcher {
  readonly name: string;
  /** The only group it is interested in. */
  readonly group: string | undefined;
  /** What it believes to be there. */
  readonly state = new Map<string, string>();
  readonly #environment: Environment;
  readonly #problems: string[] = [];
  #watches: { from: Revision; batches: ObservedBatch[] }[] = [];
  #revision: Revision = 0;
  #resumes = 0;
  #lists = 0;
  #events = 0;
  #stopped = false;
  #close: (() => void) | undefined;

  constructor(name: string, environment: Environment, group?: string) {
    this.name = name;
    this.#environment = environment;
    this.group = group;
  }

  get events(): number {
    return this.#events;
  }

  get resumes(): number {
    return this.#resumes;
  }

  get revision(): Revision {
    return this.#revision;
  }

  selects = (_key: string, value: string): boolean => this.group === undefined || groupOf(value) === this.group;

  /** Runs until stopped. */
  async run(): Promise<void> {
    while (!this.#stopped) {
      if (this.#revision === 0 && !(await this.#list())) {
        await this.#environment.pause(20);
        continue;
      }
      if (!(await this.#watch())) await this.#environment.pause(20);
    }
  }

  stop(): void {
    this.#stopped = true;
    this.#close?.();
  }

  /** Resolves when everything up to the revision was delivered; false: not in time. */
  async reaches(revision: Revision, limitMilliseconds: number): Promise<boolean> {
    const { now, pause } = this.#environment;
    for (const deadline = now() + limitMilliseconds; this.#revision < revision; await pause(lookEveryMilliseconds)) {
      if (now() > deadline) return false;
    }
    return true;
  }

  /** What was delivered since the last call, for the checkers. */
  takeRound(): { readonly watches: readonly ObservedWatch[]; readonly problems: readonly string[] } {
    const watches = this.#watches
      .filter(({ batches }) => batches.length > 0)
      .map(({ from, batches }) => ({ name: this.name, from, batches, ...(this.group !== undefined && { selects: this.selects }) }));
    // A watch that is still open goes on behind what it has delivered.
    this.#watches = this.#watches.slice(-1).map(({ from, batches }) => ({ from: (batches.at(-1)?.revision ?? from - 1) + 1, batches: [] }));
    return { watches, problems: this.#problems.splice(0) };
  }

  get #selector(): string {
    return this.group === undefined ? label : encodeURIComponent(`${label},group=${this.group}`);
  }

  async #list(): Promise<boolean> {
    try {
      const { items, revision } = await listAll(this.#environment.watching);
      this.state.clear();
      for (const [key, { value }] of items) if (this.selects(key, value)) this.state.set(key, value);
      this.#revision = revision;
      this.#lists++;
      if (this.#lists > 1) this.#problems.push(`it was told to list again, though history is kept for minutes`);
      return true;
    } catch {
      return false;
    }
  }

  /** True when it was open. */
  #watch(): Promise<boolean> {
    const watch = { from: this.#revision + 1, batches: [] as ObservedBatch[] };
    this.#watches.push(watch);
    return new Promise((resolve) => {
      let open = false;
      this.#close = this.#environment.watching.follow(
        `${collection}?watch=1&resourceVersion=${this.#revision}&allowWatchBookmarks=true&timeoutSeconds=3600&labelSelector=${this.#selector}`,
        {
          status: (status) => {
            open = status === 200;
            if (open) this.#resumes++;
          },
          line: (item) => this.#line(item, this.#watches.at(-1) as typeof watch),
          ended: () => resolve(open),
        },
      );
      if (this.#stopped) this.#close();
    });
  }

  #line({ type, object }: Answer["json"], watch: { batches: ObservedBatch[] }): void {
    if (type === undefined) return;
    if (type === "ERROR") {
      if (object.code === 410) this.#revision = 0;
      else this.#problems.push(`an error came: ${JSON.stringify(object).slice(0, 300)}`);
      return;
    }
    const revision = Number(object.metadata.resourceVersion);
    if (type === "BOOKMARK") {
      watch.batches.push({ events: [], revision });
      this.#revision = revision;
      return;
    }
    const key = object.metadata.name as string;
    const value = valueOf(object);
    const gone = type === "DELETED";
    const before = this.state.get(key);
    if ((type === "ADDED") !== (before === undefined))
      this.#problems.push(`${type} ${key} at ${revision}, which was ${before ?? "not there"} before`);
    if (gone) this.state.delete(key);
    else this.state.set(key, value);
    this.#events++;
    watch.batches.push({ events: [{ revision, key, value: gone ? null : value, ...(type === "ADDED" && { previous: null }) }], revision });
    this.#revision = revision;
  }
}
