// From two readings to a usage: processor time per second between them, and memory as it was last.
import { quantityToWhole } from "#schema/quantity.ts";
import type { Reading } from "./resource-metrics.ts";

export interface Usage {
  /** Milliseconds since 1970: when the newer reading was taken. */
  readonly at: number;
  readonly windowMilliseconds: number;
  readonly nanoCores: number;
  readonly memoryBytes: number;
}

const youngMinimumMilliseconds = 1_000;
const youngMaximumMilliseconds = 60_000;

/** Undefined where the two are not of the same run, or no time lies between them. What has just begun is measured from its beginning. */
export function usageOf(older: Reading | undefined, after: Reading | undefined): Usage | undefined {
  if (!after) return undefined;
  const before = older && older.startedAt === after.startedAt ? older : beginningOf(after);
  if (!before || after.at <= before.at || after.cpuSeconds < before.cpuSeconds) return undefined;
  const windowMilliseconds = after.at - before.at;
  const nanoCores = Math.round(((after.cpuSeconds - before.cpuSeconds) / windowMilliseconds) * 1e12);
  return { at: after.at, windowMilliseconds, nanoCores, memoryBytes: after.memoryBytes };
}

function beginningOf({ at, startedAt }: Reading): Pick<Reading, "at" | "cpuSeconds"> | undefined {
  if (startedAt === undefined || at - startedAt < youngMinimumMilliseconds || at - startedAt > youngMaximumMilliseconds) return undefined;
  return { at: startedAt, cpuSeconds: 0 };
}

/** "12345678n", or "2m" where nothing finer is said. */
export function cpuQuantity(nanoCores: number): string {
  let [value, suffix] = [nanoCores, 0];
  while (value !== 0 && suffix < 3 && value % 1_000 === 0) {
    value /= 1_000;
    suffix += 1;
  }
  return `${value}${value === 0 ? "" : ["n", "u", "m", ""][suffix]}`;
}

/** "8124Ki", rounded up: what is used is not told as less. */
export function memoryQuantity(bytes: number): string {
  return `${Math.ceil(bytes / 1_024)}Ki`;
}

/** "15.004s" */
export function windowText(milliseconds: number): string {
  return `${milliseconds / 1_000}s`;
}

/** "12m" and "8Mi", as tables show them. */
export function shownUsage({ cpu, memory }: { readonly cpu: string; readonly memory: string }): readonly [string, string] {
  return [cpu, `${Math.floor(quantityToWhole(memory) / 2 ** 20)}Mi`];
}
