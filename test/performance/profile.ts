// Reads what `node --cpu-prof` wrote, and says where the time went.
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

interface Profile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: { functionName: string; url: string; lineNumber: number } }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** The profile of the busiest thread of `folder`. */
export function largestProfile(folder: string): string {
  const files = readdirSync(folder).filter((name) => name.endsWith(".cpuprofile"));
  const [largest] = files.sort((left, right) => statSync(join(folder, right)).size - statSync(join(folder, left)).size);
  if (!largest) throw new Error(`no profile was written to ${folder}`);
  return join(folder, largest);
}

/** The functions that took most time by themselves, in the profile of the busiest thread of `folder`. Idle time is left out. */
export function hottest(folder: string, count: number): readonly string[] {
  const profile = JSON.parse(readFileSync(largestProfile(folder), "utf8")) as Profile;
  const names = new Map<number, string>();
  for (const { id, callFrame } of profile.nodes) {
    const file = callFrame.url.split("/").at(-1) ?? "";
    names.set(id, `${callFrame.functionName || "(anonymous)"} ${file && `${file}:${callFrame.lineNumber + 1}`}`);
  }
  const own = new Map<string, number>();
  let busy = 0;
  profile.samples.forEach((sample, index) => {
    const name = names.get(sample) ?? "";
    if (name.startsWith("(idle)")) return;
    const microseconds = profile.timeDeltas[index] ?? 0;
    own.set(name, (own.get(name) ?? 0) + microseconds);
    busy += microseconds;
  });
  return [...own]
    .sort((left, right) => right[1] - left[1])
    .slice(0, count)
    .map(([name, microseconds]) => `${((microseconds / busy) * 100).toFixed(1).padStart(5)} %  ${name}`);
}
