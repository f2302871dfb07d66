// The table that benchmarks print: what was measured, what was seen, and the goal with upstream's figure in brackets.

export function row(what: string, seen: string, goal: string): void {
  console.log(`${what.padEnd(50)}${seen.padEnd(34)}${goal}`);
}

/** The value that this share of all values does not exceed. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** Proportional set size in MiB: what a process costs, shared pages counted by their share. */
export function mebibytes(smapsRollup: string): number {
  return Number(/^Pss:\s+(\d+)/m.exec(smapsRollup)?.[1] ?? 0) / 1024;
}
