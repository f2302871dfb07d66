// Real kubectl against a server of ours: what it printed, and how it ended.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, realpathSync } from "node:fs";
import { join } from "node:path";

export interface Ran {
  readonly code: number;
  /** What it printed to stdout, then to stderr, without the last line break. */
  readonly text: string;
  readonly out: string;
}

export interface Kubectl {
  (line: string, more?: { readonly input?: string; readonly env?: Record<string, string>; readonly milliseconds?: number }): Promise<Ran>;
}

/** The kubectl on PATH, when it is 1.27 or newer; else why there is none. */
export function findKubectl(): { readonly path: string } | { readonly missing: string } {
  const path = spawnSync("sh", ["-c", "command -v kubectl"], { encoding: "utf8" }).stdout.trim();
  if (path === "") return { missing: "there is no kubectl on PATH" };
  const told = spawnSync(path, ["version", "--client", "-o", "json"], { encoding: "utf8" }).stdout;
  const minor = Number(/"minor": *"(\d+)/.exec(told)?.[1]);
  return minor >= 27 ? { path } : { missing: `kubectl is 1.${minor}, older than 1.27` };
}

/** Other versions that lie beside it, as `kubectl.1.27`. */
export function kubectlOfVersion(path: string, version: string): string | undefined {
  const other = `${realpathSync(path)}.${version}`;
  return existsSync(other) ? other : undefined;
}

/** Runs commands given as a line; single quotes keep words together. */
export function kubectlAt(path: string, kubeconfig: string, folder: string): Kubectl {
  const cache = mkdtempSync(join(folder, "kubectl-cache-"));
  return (line, { input = "", env = {}, milliseconds = 30_000 } = {}) =>
    new Promise((resolve, reject) => {
      const child = spawn(path, ["--cache-dir", cache, ...wordsOf(line)], {
        env: { PATH: process.env["PATH"], HOME: folder, KUBECONFIG: kubeconfig, TMPDIR: folder, ...env },
        stdio: ["pipe", "pipe", "pipe"],
        timeout: milliseconds,
      });
      let [out, error] = ["", ""];
      // A chunk may end inside of a character.
      child.stdout.setEncoding("utf8").on("data", (chunk: string) => (out += chunk));
      child.stderr.setEncoding("utf8").on("data", (chunk: string) => (error += chunk));
      child.stdin.on("error", () => {});
      child.on("error", reject);
      child.on("close", (code) => resolve({ code: code ?? -1, text: `${out}${error}`.trimEnd(), out: out.trimEnd() }));
      child.stdin.end(input);
    });
}

function wordsOf(line: string): readonly string[] {
  return [...line.matchAll(/(?:[^\s']|'[^']*')+/g)].map(([word]) => word.replaceAll("'", ""));
}
