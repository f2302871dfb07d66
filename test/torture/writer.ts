// A client that creates, changes, deletes and reads a few ConfigMaps, and writes down what it asked, when, and what it was told.
import type { AcknowledgedWrite, ObservedList, Value } from "../checkers/observed.ts";
import type { Condition, KeyOperation } from "../checkers/linearizable.ts";
import type { RevisionSeen } from "../checkers/state-promises.ts";
import { type Answer, type Api, type Environment, NotSent } from "./environment.ts";
import type { Step } from "./plan.ts";

export const namespace = "default";
export const collection = `/api/v1/namespaces/${namespace}/configmaps`;
/** Marks what belongs to the torture, so that others' objects do not disturb it. */
export const label = "torture";

/** What all writers of a round have seen. */
export interface Record {
  readonly operations: KeyOperation[];
  readonly acknowledged: AcknowledgedWrite[];
  readonly revisions: RevisionSeen[];
  readonly lists: { readonly client: string; readonly start: number; readonly end: number; readonly list: ObservedList }[];
  /** Answers that no server may give. */
  readonly odd: string[];
}

export function emptyRecord(): Record {
  return { operations: [], acknowledged: [], revisions: [], lists: [], odd: [] };
}

/** What the group of an object and its identity are, in one value, since a selector sees the group. */
export function valueOf(object: Answer["json"]): string {
  return `${object.data?.id}/${object.metadata.labels?.group}`;
}

export function groupOf(value: string): string {
  return value.slice(value.lastIndexOf("/") + 1);
}

/** All objects as they are now, by name. */
export async function listAll(api: Api): Promise<ObservedList> {
  const { status, json } = await api.ask("GET", `${collection}?labelSelector=${label}`);
  if (status !== 200) throw new Error(`a list was answered with ${status}: ${JSON.stringify(json).slice(0, 300)}`);
  const items = new Map<string, { value: string; revision: number }>();
  for (const item of json.items) items.set(item.metadata.name, { value: valueOf(item), revision: Number(item.metadata.resourceVersion) });
  return { revision: Number(json.metadata.resourceVersion), items };
}

export class Writer {
  readonly #name: string;
  readonly #environment: Environment;
  readonly #record: Record;
  /** The newest that it knows of each object: what its updates stand on. */
  readonly #known = new Map<string, { readonly value: string; readonly revision: string }>();
  #writes = 0;

  constructor(name: string, environment: Environment, record: Record) {
    this.#name = name;
    this.#environment = environment;
    this.#record = record;
  }

  /** Goes on until told to stop, or until nobody listens any more. */
  async run(steps: Iterator<Step, never>, stopped: () => boolean): Promise<void> {
    while (!stopped()) {
      const start = this.#environment.now();
      try {
        await this.step(steps.next().value);
      } catch (error) {
        if (!(error instanceof NotSent)) throw error;
      }
      // Nothing was done, or nobody is there: not as fast as the processor can.
      if (this.#environment.now() - start < 0.2) await this.#environment.pause(1);
    }
  }

  async step(step: Step): Promise<void> {
    if (step.do === "list") return this.#list();
    const { key } = step;
    const known = this.#known.get(key);
    const path = `${collection}/${key}`;
    const id = `${this.#name}.${++this.#writes}`;
    const value = `${id}/g${step.group}`;
    const labels = { [label]: "yes", group: `g${step.group}` };
    const data = { id, ...(step.bytes > 0 && { filling: "x".repeat(step.bytes) }) };
    switch (step.do) {
      case "get":
        return this.#operate(key, "GET", path);
      case "create":
        return this.#operate(key, "POST", collection, { metadata: { name: key, labels }, data }, { when: { is: null }, value });
      case "patch":
        return this.#operate(key, "PATCH", path, { metadata: { labels }, data }, { when: { isNot: [null] }, value });
      case "delete":
        return this.#operate(key, "DELETE", path, undefined, { when: { isNot: [null] }, value: null });
      case "delete this": {
        if (!known) return this.#operate(key, "GET", path);
        const body = { preconditions: { resourceVersion: known.revision } };
        return this.#operate(key, "DELETE", path, body, { when: { is: known.value }, value: null });
      }
      case "update": {
        if (!known) return this.#operate(key, "GET", path);
        const body = { metadata: { name: key, labels, resourceVersion: known.revision }, data };
        return this.#operate(key, "PUT", path, body, { when: { is: known.value }, value });
      }
    }
  }

  async #operate(
    key: string,
    method: string,
    path: string,
    body?: unknown,
    write?: { readonly when: Condition; readonly value: Value },
  ): Promise<void> {
    const client = this.#name;
    const start = this.#environment.now();
    const note = (outcome: { when?: Condition; becomes?: { value: Value }; maybe?: boolean }) =>
      this.#record.operations.push({ key, client, start, end: this.#environment.now(), ...outcome });
    let answer: Answer;
    try {
      answer = await this.#environment.api.ask(method, path, body, method === "PATCH" ? "application/merge-patch+json" : undefined);
    } catch (error) {
      if (error instanceof NotSent) throw error;
      if (write) note({ when: write.when, becomes: { value: write.value }, maybe: true });
      return;
    }
    const { status, json } = answer;
    const end = this.#environment.now();
    const known = () => this.#known.set(key, { value: valueOf(json), revision: json.metadata.resourceVersion });
    if (status === 404) {
      this.#known.delete(key);
      note({ when: { is: null } });
    } else if (status === 200 && !write) {
      known();
      note({ when: { is: valueOf(json) } });
    } else if ((status === 200 || status === 201) && write) {
      note({ when: write.when, becomes: { value: write.value } });
      if (write.value === null) {
        this.#known.delete(key);
        return;
      }
      const revision = Number(json.metadata.resourceVersion);
      if (valueOf(json) !== write.value)
        this.#record.odd.push(`${client} wrote ${write.value} to ${key} and was answered ${valueOf(json)}`);
      known();
      this.#record.acknowledged.push({ client, key, value: write.value, revision });
      this.#record.revisions.push({ by: client, start, end, revision, made: true });
    } else if (status === 409 && write) {
      this.#known.delete(key);
      note({ when: refused(write.when, json.reason) });
    } else if (status === 429) await this.#environment.pause(5);
    else if (status >= 500) {
      if (write) note({ when: write.when, becomes: { value: write.value }, maybe: true });
      await this.#environment.pause(5);
    } else this.#record.odd.push(`${client}: ${method} ${path} was answered with ${status}: ${JSON.stringify(json).slice(0, 300)}`);
  }

  async #list(): Promise<void> {
    const start = this.#environment.now();
    let list: ObservedList;
    try {
      list = await listAll(this.#environment.api);
    } catch (error) {
      if (error instanceof NotSent) throw error;
      return;
    }
    const end = this.#environment.now();
    this.#record.revisions.push({ by: `${this.#name} (list)`, start, end, revision: list.revision, made: false });
    this.#record.lists.push({ client: this.#name, start, end, list });
  }
}

/** What a conflict says of the key: that it is there (AlreadyExists), or that it is there and another. */
function refused(when: Condition, reason: unknown): Condition {
  return reason === "AlreadyExists" || !("is" in when) ? { isNot: [null] } : { isNot: [null, when.is] };
}
