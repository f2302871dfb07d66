// One command of keelson's, run to its end.
import { spawn } from "node:child_process";
import { join } from "node:path";

const main = join(import.meta.dirname, "../../src/hosts/main.ts");

export interface Ended {
  readonly code: number;
  /** What it printed to stdout and stderr. */
  readonly text: string;
}

/** Killed after so many milliseconds, as by a power cut of the process, unless it ended before. */
export function keelsonKilled(milliseconds: number, ...arguments_: readonly string[]): Promise<Ended> {
  return run(arguments_, milliseconds);
}

export function keelson(...arguments_: readonly string[]): Promise<Ended> {
  return run(arguments_, 60_000);
}

function run(arguments_: readonly string[], timeout: number): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", main, ...arguments_], {
      stdio: ["ignore", "pipe", "pipe"],
      timeout,
      killSignal: "SIGKILL",
    });
    let text = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (chunk: Buffer) => (text += String(chunk)));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code: code ?? -1, text }));
  });
}
