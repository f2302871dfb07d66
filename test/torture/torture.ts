// Rounds of torture: an API server is killed with -9 at random instants, over and over on the same data, while writers write and watchers
// watch; after every round the checkers judge all that was seen.
import type { ObservedList, Violation } from "../checkers/observed.ts";
import { type Environment, type Server, ServerFailed } from "./environment.ts";
import { planRound } from "./plan.ts";
import { judge, type Round } from "./verdict.ts";
import { TortureWatcher } from "./watcher.ts";
import { emptyRecord, listAll, Writer } from "./writer.ts";

export interface TortureOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly writers?: number;
  readonly watchers?: number;
  readonly killMillisecondsMax?: number;
  /** Told of every round. */
  readonly progress?: (text: string) => void;
}

export interface TortureResult {
  readonly rounds: number;
  readonly kills: number;
  readonly writes: number;
  readonly unknown: number;
  readonly reads: number;
  readonly events: number;
  readonly resumes: number;
  readonly violations: readonly Violation[];
  readonly history?: unknown;
}

const defaultParticipants = 16;
const defaultKillMilliseconds = 500;
const groups = 4;
const catchUpMilliseconds = 30_000;

/** The environment is the caller's to close. */
export async function torture(environment: Environment, options: TortureOptions): Promise<TortureResult> {
  const run = new Torture(environment, options);
  try {
    return await run.rounds();
  } finally {
    await run.close();
  }
}

class Torture {
  readonly #environment: Environment;
  readonly #options: TortureOptions;
  readonly #watchers: readonly TortureWatcher[];
  #server: Server;
  #runs: Promise<unknown>[] = [];
  #counts = { rounds: 0, kills: 0, writes: 0, unknown: 0, reads: 0 };

  constructor(environment: Environment, options: TortureOptions) {
    this.#environment = environment;
    this.#options = options;
    const { watchers = defaultParticipants } = options;
    // Half of them see everything, the others a group each.
    this.#watchers = Array.from(
      { length: watchers },
      (_, at) => new TortureWatcher(`watcher ${at}`, environment, at < watchers / 2 ? undefined : `g${at % groups}`),
    );
    this.#server = environment.start();
  }

  async rounds(): Promise<TortureResult> {
    let history: unknown;
    let violations: readonly Violation[] = [];
    try {
      await this.#server.ready();
      let before = await this.#fenced("start");
      this.#runs = this.#watchers.map((watcher) => watcher.run());
      const { revision } = before;
      await Promise.all(this.#watchers.map((watcher) => watcher.reaches(revision, catchUpMilliseconds)));
      for (let round = 1; round <= this.#options.rounds && violations.length === 0; round++) {
        const observed = await this.#round(round, before);
        violations = judge(observed);
        if (violations.length > 0) history = shown(observed);
        before = observed.after;
        this.#counts.rounds++;
        this.#options.progress?.(`round ${round}: ${observed.record.acknowledged.length} writes acknowledged, revision ${before.revision}`);
      }
    } catch (error) {
      if (!(error instanceof ServerFailed)) throw error;
      violations = [{ rule: "start", message: error.message }];
    }
    const sum = (each: (watcher: TortureWatcher) => number) => this.#watchers.reduce((total, watcher) => total + each(watcher), 0);
    return {
      ...this.#counts,
      events: sum(({ events }) => events),
      resumes: sum(({ resumes }) => resumes),
      violations,
      ...(history !== undefined && { history }),
    };
  }

  async close(): Promise<void> {
    for (const watcher of this.#watchers) watcher.stop();
    await this.#server.kill();
    await Promise.all(this.#runs);
  }

  async #round(number: number, before: ObservedList): Promise<Round> {
    const plan = planRound(number, {
      seed: this.#options.seed,
      writers: this.#options.writers ?? defaultParticipants,
      killMillisecondsMax: this.#options.killMillisecondsMax ?? defaultKillMilliseconds,
    });
    const record = emptyRecord();
    let stopped = false;
    const writing = plan.writers.map((steps, at) => new Writer(`w${number}-${at}`, this.#environment, record).run(steps, () => stopped));
    const disturbing = this.#environment.disturb?.(plan, () => stopped);
    await this.#environment.pause(plan.killMilliseconds);
    if (this.#server.failure) throw new ServerFailed(this.#server.failure);
    await this.#server.kill();
    this.#counts.kills++;
    stopped = true;
    await Promise.all([...writing, disturbing]);
    await this.#environment.broken(plan);
    this.#server = this.#environment.start();
    if (plan.killStartMilliseconds !== undefined) {
      await this.#environment.pause(plan.killStartMilliseconds);
      if (this.#server.failure) throw new ServerFailed(this.#server.failure);
      await this.#server.kill();
      this.#counts.kills++;
      await this.#environment.broken(plan);
      this.#server = this.#environment.start();
    }
    await this.#server.ready();
    return this.#observe(number, before, record);
  }

  async #observe(number: number, before: ObservedList, record: Round["record"]): Promise<Round> {
    const restarted = this.#environment.now();
    const fences = await this.#fence(String(number), record);
    const problems: string[] = [];
    await Promise.all(
      this.#watchers.map(async (watcher) => {
        const fence = watcher.group === undefined ? Math.max(...fences.values()) : (fences.get(watcher.group) as number);
        if (!(await watcher.reaches(fence, catchUpMilliseconds)))
          problems.push(
            `${watcher.name} has not heard of revision ${fence} after ${catchUpMilliseconds / 1000} s; it is at ${watcher.revision}`,
          );
      }),
    );
    const start = this.#environment.now();
    const after = await listAll(this.#environment.api);
    const end = this.#environment.now();
    const taken = this.#watchers.map((watcher) => ({ watcher, ...watcher.takeRound() }));
    this.#counts.writes += record.acknowledged.length;
    for (const { becomes, maybe } of record.operations) {
      if (maybe) this.#counts.unknown++;
      else if (becomes?.value === null) this.#counts.writes++;
      else if (!becomes) this.#counts.reads++;
    }
    return {
      before,
      after,
      afterTimes: { start, end },
      record,
      restarted,
      watches: taken.flatMap(({ watches }) => watches),
      states: this.#watchers.map(({ name, state, selects }) => ({ name, state: new Map(state), selects })),
      problems: [...problems, ...taken.flatMap(({ watcher, problems: own }) => own.map((problem) => `${watcher.name}: ${problem}`))],
    };
  }

  async #fenced(name: string): Promise<ObservedList> {
    await this.#fence(name, emptyRecord());
    return listAll(this.#environment.api);
  }

  /** One more write for each group: who has heard of it has heard everything. */
  async #fence(name: string, record: Round["record"]): Promise<ReadonlyMap<string, number>> {
    const writer = new Writer(`fence-${name}`, this.#environment, record);
    const fences = new Map<string, number>();
    for (let group = 0; group < groups; group++) {
      const key = `fence-g${group}`;
      const before = record.acknowledged.length;
      for (const step of ["patch", "create", "patch"] as const) {
        if (record.acknowledged.length === before) await writer.step({ do: step, key, group, bytes: 0 });
      }
      const written = record.acknowledged.at(-1);
      if (!written || record.acknowledged.length === before)
        throw new ServerFailed(`${key} could not be written after the restart: ${record.odd.join("; ")}`);
      fences.set(`g${group}`, written.revision);
    }
    return fences;
  }
}

function shown({ before, after, record, watches, states, problems }: Round): unknown {
  const list = ({ revision, items }: ObservedList) => ({ revision, items: Object.fromEntries(items) });
  return {
    problems,
    before: list(before),
    after: list(after),
    operations: record.operations,
    acknowledged: record.acknowledged,
    lists: record.lists.map(({ list: seen, ...rest }) => ({ ...rest, ...list(seen) })),
    watches,
    states: states.map(({ name, state }) => ({ name, state: Object.fromEntries(state) })),
  };
}
