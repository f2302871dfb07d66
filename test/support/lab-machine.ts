// Lab machines for tests: made with the repository and this Node visible inside, taken down whatever happens.
import { existsSync } from "node:fs";
import path from "node:path";
import type { TestContext } from "node:test";
import { labDown, labExec, type LabOptions, labUp } from "#lab/lab.ts";
import type { LabMachine } from "#lab/layout.ts";
import { nodeWorld } from "#platform/node/world.ts";
import type { RunResult } from "#platform/processes.ts";

export const world = nodeWorld({ logLevel: "warn" });
export const repository = path.resolve(import.meta.dirname, "../..");
export const node = process.execPath;

/** Why machines cannot be made here, for a test's `skip`; false when they can. */
export function cannotMakeMachines(...programs: string[]): string | false {
  if (process.platform !== "linux") return "needs Linux";
  if (process.getuid?.() !== 0) return "needs root";
  const missing = ["ip", "nsenter", "unshare", ...programs].filter((program) => !isInstalled(program));
  return missing.length > 0 ? `needs ${missing.join(", ")}` : false;
}

function isInstalled(program: string): boolean {
  return program.startsWith("/")
    ? existsSync(program)
    : ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"].some((folder) => existsSync(`${folder}/${program}`));
}

export interface TestMachine extends LabMachine {
  /** Runs a shell script inside; its standard output. Fails the test when the script fails. */
  sh(script: string, input?: string): Promise<string>;
  run(command: readonly string[]): Promise<RunResult>;
}

export async function machineFor(
  context: TestContext,
  options: Omit<LabOptions, "readOnlyPaths" | "forwardCommand">,
): Promise<TestMachine> {
  const { name } = options;
  context.after(() => labDown(world, name));
  // The same tests over another containerd, runc or etcd: a folder with those programs.
  const { KEELSON_TEST_PROGRAMS: programs } = process.env;
  const machine = await labUp(world, {
    ...(programs && { programs }),
    ...options,
    readOnlyPaths: [repository],
    forwardCommand: [node, path.join(repository, "test/support/lab-forward.ts")],
  });
  const run = (command: readonly string[], input?: string) =>
    labExec(world, name, command, { timeoutMilliseconds: 60_000, ...(input === undefined ? {} : { input }) });
  return {
    ...machine,
    run,
    async sh(script, input) {
      const { code, signal, stdout, stderr } = await run(["sh", "-ec", script], input);
      if (code !== 0) throw new Error(`in ${name}: exit ${code ?? signal}\n${script}\n${stdout}${stderr}`);
      return stdout.trim();
    },
  };
}

/** A name no other test run uses at the same time. */
export function uniqueName(stem: string): string {
  return `${stem}-${process.pid}`;
}

/**
 * Looks again and again until the answer is given; throws after `seconds`. It rests as long as a look takes: kubectl that is called without a
 * rest uses the processor that what is waited for needs.
 */
export async function eventually<Value>(what: string, seconds: number, look: () => Promise<Value | undefined>): Promise<Value> {
  const deadline = performance.now() + seconds * 1_000;
  for (;;) {
    const began = performance.now();
    const value = await look();
    if (value !== undefined) return value;
    const now = performance.now();
    if (now > deadline) throw new Error(`not within ${seconds} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, Math.min(Math.max(now - began, 50), 400)));
  }
}
