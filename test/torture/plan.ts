// What a round does, as a function of the seed and the round's number: which operations each writer tries, and when the kill comes.
import { SeededRandom } from "#platform/simulated/random.ts";

export type Step =
  | {
      readonly do: "create" | "update" | "patch" | "delete" | "delete this" | "get";
      readonly key: string;
      readonly group: number;
      readonly bytes: number;
    }
  | { readonly do: "list" };

export interface RoundPlan {
  /** One endless row of steps for each writer. */
  readonly writers: readonly Iterator<Step, never>[];
  /** After the writers began. */
  readonly killMilliseconds: number;
  /** A second kill, this long after the server was started again, whether it was ready by then or not. */
  readonly killStartMilliseconds: number | undefined;
  /** For whatever the backend breaks beside. */
  readonly random: SeededRandom;
}

export interface PlanOptions {
  readonly seed: number;
  readonly writers: number;
  readonly killMillisecondsMax: number;
}

const keys = 24;
const groups = 4;

/** Few keys make conflicts; kinds of steps are weighted by how often they stand here. */
const kinds = [
  "create",
  "create",
  "update",
  "update",
  "update",
  "update",
  "patch",
  "patch",
  "delete",
  "delete this",
  "get",
  "get",
  "list",
] as const;

export function planRound(round: number, { seed, writers, killMillisecondsMax }: PlanOptions): RoundPlan {
  const stream = (part: string) => new SeededRandom(seed).stream(`round ${round} ${part}`);
  const kill = stream("kill");
  return {
    writers: Array.from({ length: writers }, (_, writer) => steps(stream(`writer ${writer}`))),
    killMilliseconds: 30 + kill.integer(killMillisecondsMax - 30),
    killStartMilliseconds: kill.integer(10) === 0 ? kill.integer(900) : undefined,
    random: stream("faults"),
  };
}

function* steps(random: SeededRandom): Generator<Step, never> {
  for (;;) {
    const kind = kinds[random.integer(kinds.length)] as (typeof kinds)[number];
    const key = `key-${random.integer(keys)}`;
    const group = random.integer(groups);
    // Mostly small, now and then more than a page of the database.
    const bytes = random.integer(12) === 0 ? random.integer(60_000) : random.integer(400);
    yield kind === "list" ? { do: "list" } : { do: kind, key, group, bytes };
  }
}
