// Which units a target needs, and in which order they start. Pure.
import type { Unit } from "./unit-file.ts";

export interface Transaction {
  /** Every unit to start, each after those it waits for. */
  readonly units: readonly string[];
  /** For each unit, those of the transaction that it starts after. */
  readonly waits: ReadonlyMap<string, readonly string[]>;
  readonly warnings: readonly string[];
}

export class OrderError extends Error {
  override readonly name = "OrderError";
}

/** Targets that stand for what the machine has done long before a supervisor like this one runs. */
const alwaysReached = new Set(
  "network-online network network-pre nss-lookup nss-user-lookup local-fs local-fs-pre remote-fs remote-fs-pre basic sysinit sockets timers paths slices swap time-sync time-set multi-user default graphical getty rpcbind cryptsetup"
    .split(" ")
    .map((name) => `${name}.target`),
);

export function isAlwaysReached(name: string): boolean {
  return alwaysReached.has(name);
}

/**
 * The closure of `goal` over what units want and require, in starting order.
 * Throws OrderError when a required unit is missing or unusable, or a cycle has no unit that is merely wanted.
 */
export function transactionFor(
  goal: string,
  units: ReadonlyMap<string, Unit>,
  wantedBy: ReadonlyMap<string, readonly string[]>,
): Transaction {
  const warnings: string[] = [];
  const dropped = new Set<string>();
  for (;;) {
    const chosen = closure(goal, units, wantedBy, dropped, warnings);
    const waits = waitsAmong(chosen, units);
    const sorted = sort([...chosen.keys()], waits);
    if (sorted.order) return { units: sorted.order, waits, warnings };
    const names = sorted.cycle;
    const victim = names.findLast((name) => chosen.get(name) === "wanted" && name !== goal);
    if (victim === undefined)
      throw new OrderError(`cannot start ${goal}: ordering cycle ${[...names, names[0]].join(" -> ")}, and every unit of it is required`);
    warnings.push(`ordering cycle ${[...names, names[0]].join(" -> ")}: ${victim} is left out to break it`);
    dropped.add(victim);
  }
}

type Need = "required" | "wanted";

function closure(
  goal: string,
  units: ReadonlyMap<string, Unit>,
  wantedBy: ReadonlyMap<string, readonly string[]>,
  dropped: ReadonlySet<string>,
  warnings: string[],
): Map<string, Need> {
  const chosen = new Map<string, Need>();
  const waiting: { name: string; need: Need; by: string }[] = [{ name: goal, need: "required", by: goal }];
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const { name, need, by } = next;
    if (dropped.has(name)) continue;
    const before = chosen.get(name);
    if (before === "required" || before === need) continue;
    const unit = units.get(name);
    if (!unit) {
      missing(name, need, by, warnings);
      continue;
    }
    if (unit.unusable !== undefined && need === "wanted") {
      if (!warnings.includes(`${name}: ${unit.unusable}`)) warnings.push(`${name}: ${unit.unusable}`);
      continue;
    }
    if (unit.unusable !== undefined) throw new OrderError(`cannot start ${name}: ${unit.unusable}`);
    chosen.set(name, need);
    for (const required of unit.requires) waiting.push({ name: required, need, by: name });
    for (const wanted of [...unit.wants, ...(wantedBy.get(name) ?? [])]) waiting.push({ name: wanted, need: "wanted", by: name });
  }
  return chosen;
}

function missing(name: string, need: Need, by: string, warnings: string[]): void {
  if (isAlwaysReached(name)) return;
  const message = `unit ${name} not found, ${need} by ${by}`;
  if (need === "required") throw new OrderError(name === by ? `Unit ${name} not found.` : `cannot start ${by}: ${message}`);
  if (!warnings.includes(message)) warnings.push(message);
}

function waitsAmong(chosen: ReadonlyMap<string, Need>, units: ReadonlyMap<string, Unit>): Map<string, readonly string[]> {
  const waits = new Map<string, Set<string>>([...chosen.keys()].map((name) => [name, new Set()]));
  for (const name of chosen.keys()) {
    const unit = units.get(name);
    if (!unit) continue;
    for (const earlier of unit.after) if (chosen.has(earlier) && earlier !== name) waits.get(name)?.add(earlier);
    for (const later of unit.before) if (later !== name) waits.get(later)?.add(name);
  }
  for (const name of chosen.keys()) {
    const unit = units.get(name);
    if (unit?.kind !== "target") continue;
    for (const member of [...unit.wants, ...unit.requires])
      if (chosen.has(member) && !waits.get(member)?.has(name)) waits.get(name)?.add(member);
  }
  return new Map([...waits].map(([name, earlier]) => [name, [...earlier]]));
}

/** Orders depth first, by name where nothing else decides; or names one cycle, each unit waiting for the next. */
function sort(
  names: readonly string[],
  waits: ReadonlyMap<string, readonly string[]>,
): { order: readonly string[] } | { order: undefined; cycle: readonly string[] } {
  const order: string[] = [];
  const done = new Set<string>();
  for (const root of [...names].sort()) {
    const path: { name: string; rest: string[] }[] = [];
    const open = (name: string) => path.push({ name, rest: [...(waits.get(name) ?? [])].sort().reverse() });
    if (!done.has(root)) open(root);
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const earlier = top.rest.pop();
      if (earlier === undefined) {
        done.add(top.name);
        order.push(top.name);
        path.pop();
      } else if (!done.has(earlier)) {
        const start = path.findIndex(({ name }) => name === earlier);
        if (start >= 0) return { order: undefined, cycle: path.slice(start).map(({ name }) => name) };
        open(earlier);
      }
    }
  }
  return { order };
}
