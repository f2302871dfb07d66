// A store so simple that it is right: every state is kept whole.
import type { Operation, Revision, Transaction } from "../store.ts";

interface Held {
  readonly text: string;
  readonly created: Revision;
  readonly modified: Revision;
  readonly version: number;
}
type State = ReadonlyMap<string, Held>;

const decoder = new TextDecoder();

export class NaiveModel {
  /** By revision. */
  readonly #states: State[] = [new Map(), new Map()];
  readonly #events: { readonly revision: Revision; readonly key: string; readonly shown: string; readonly previous: string }[] = [];

  get revision(): Revision {
    return this.#states.length - 1;
  }

  /** Returns what the store must answer. */
  transact({ conditions, operations }: Transaction): string {
    const state = this.#states.at(-1) as State;
    if (!conditions.every(({ key, modRevision }) => (state.get(key)?.modified ?? 0) === modRevision)) {
      return `failed@${this.revision} ${conditions.map(({ key }) => show(key, state.get(key))).join(" ")}`;
    }
    const next = new Map(state);
    const revision = this.revision + 1;
    const before = this.#events.length;
    for (const operation of operations) this.#apply(next, operation, revision);
    if (this.#events.length > before) this.#states.push(next);
    return `succeeded@${this.revision}`;
  }

  range(from: string, to: string, revision: Revision): string[] {
    const state = this.#states[revision] as State;
    const encoder = new TextEncoder();
    const order = (text: string) => [...encoder.encode(text)].map((byte) => String.fromCharCode(byte)).join("");
    return [...state]
      .filter(([key]) => order(key) >= order(from) && (to === "" || order(key) < order(to)))
      .sort(([left], [right]) => (order(left) < order(right) ? -1 : 1))
      .map(([key, held]) => show(key, held));
  }

  events(prefix: string, from: Revision, upTo: Revision, previous: boolean): string[] {
    return this.#events
      .filter((event) => event.key.startsWith(prefix) && event.revision >= from && event.revision <= upTo)
      .map((event) => (previous && event.previous !== "absent" ? `${event.shown} after ${event.previous}` : event.shown));
  }

  #apply(next: Map<string, Held>, operation: Operation, revision: Revision): void {
    const { key } = operation;
    const held = next.get(key);
    const previous = show(key, held);
    if (operation.type === "put") {
      const made = {
        text: decoder.decode(operation.value),
        created: held?.created ?? revision,
        modified: revision,
        version: (held?.version ?? 0) + 1,
      };
      next.set(key, made);
      this.#events.push({ revision, key, shown: `put ${show(key, made)}`, previous });
    } else if (next.delete(key)) this.#events.push({ revision, key, shown: `delete ${key}@${revision}`, previous });
  }
}

function show(key: string, held: Held | undefined): string {
  return held ? `${key}=${held.text}@${held.modified}(${held.created})#${held.version}` : "absent";
}
