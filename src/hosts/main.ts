#!/usr/bin/env node
// Where the program starts: the World of this machine, and the command that was asked for. Everything else is loaded when it is needed.
import { rootScope, ScopeStopped } from "#base/scope.ts";
import { diskProblem, UserError } from "#cli/command.ts";
import { runCommandLine } from "#cli/run.ts";
import { ConfigError } from "#component/component.ts";
import { FlagError } from "#component/flags.ts";
import { giveBackIdleMemory } from "#platform/node/idle-memory.ts";
import { DatabaseError } from "#platform/database.ts";
import { FileError } from "#platform/files.ts";
import { nodeWorld } from "#platform/node/world.ts";
import { starters } from "./starters.ts";
import { version } from "./version.ts";

const levels = ["error", "warn", "info", "debug"] as const;

async function main(): Promise<number> {
  const world = nodeWorld({ version, logLevel: logLevel(process.argv) });
  const { self } = world.processes;
  const scope = rootScope("keelson", (error, path) => {
    if (error instanceof ScopeStopped) return;
    world.log.error("a task failed", { task: path, error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
    self.exit(1);
  });
  let signals = 0;
  // The entry of the bundle ends at once, as long as there is nothing to end in order.
  process.removeAllListeners("SIGTERM");
  for (const signal of ["SIGTERM", "SIGINT"]) {
    world.processes.onSignal(scope, signal, () => {
      signals += 1;
      if (signals > 1) self.exit(130);
      void scope.stop();
    });
  }
  if (isDaemon(self.arguments[0])) giveBackIdleMemory();
  try {
    const code = await runCommandLine(scope, world, self.arguments, starters);
    await scope.stop();
    return code;
  } catch (error) {
    if (error instanceof ScopeStopped) return signals > 0 ? 0 : 1;
    await scope.stop();
    return report(error);
  }
}

function isDaemon(name = ""): boolean {
  return name === "supervise" || name === "dev" || Object.hasOwn(starters.components, name);
}

/** What went wrong in the words of whoever can mend it; a stack only for our own mistakes. */
function report(error: unknown): number {
  if (error instanceof UserError) {
    process.stderr.write(`keelson: ${error.message}\n${error.advice ? `${error.advice}\n` : ""}`);
    return 1;
  }
  if (error instanceof FlagError || error instanceof ConfigError) {
    process.stderr.write(`Error: ${error.message}\n`);
    return error instanceof FlagError ? 2 : 1;
  }
  if (error instanceof FileError || error instanceof DatabaseError) {
    process.stderr.write(`keelson: ${diskProblem(error)}\n`);
    return 1;
  }
  process.stderr.write(`keelson: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  return 1;
}

/** --v as upstream counts it: 4 and more is debugging. */
function logLevel(arguments_: readonly string[]): (typeof levels)[number] {
  const flag = arguments_.findIndex((argument) => /^--?v(=|$)/.test(argument));
  // Daemons tell what they do; whoever typed a command only wants to know what went wrong.
  if (flag < 0) return arguments_[2] === "dev" ? "warn" : "info";
  const text = (arguments_[flag] as string).split("=")[1] ?? arguments_[flag + 1] ?? "";
  return Number(text) >= 4 ? "debug" : "info";
}

process.exitCode = await main();
// What is left open (sockets of clients that went away) must not keep a finished command alive.
process.exit();
