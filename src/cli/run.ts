// Finds the command or component that was named, and runs it.
import type { Scope } from "#base/scope.ts";
import type { Component } from "#component/component.ts";
import { flagHelp } from "#component/flags.ts";
import type { World } from "#platform/world.ts";
import { allCommands } from "./all.ts";
import { type Command, type Starters, UserError } from "./command.ts";

export async function runCommandLine(scope: Scope, world: World, arguments_: readonly string[], starters: Starters): Promise<number> {
  const { self } = world.processes;
  if (arguments_[0] === "help" && arguments_.length > 1)
    return runCommandLine(scope, world, [...arguments_.slice(1, 2), "--help"], starters);
  const [name, ...rest] = arguments_;
  if (name === undefined || name === "help" || name === "--help" || name === "-h") {
    self.writeOut(overview(starters));
    return name === undefined ? 2 : 0;
  }
  if (name === "version" || name === "--version") {
    self.writeOut(`keelson ${self.version}\n`);
    return 0;
  }
  const listed = allCommands.find((one) => one.name === name);
  if (listed) {
    const command = await listed.load();
    if (rest.some((argument) => argument === "--help" || argument === "-h")) {
      self.writeOut(commandHelp(command));
      return 0;
    }
    return command.run(scope, world, rest, starters);
  }
  const starter = starters.components[name];
  if (starter) return runComponent(scope, world, await starter(), rest);
  throw new UserError(
    `unknown command ${JSON.stringify(name)}`,
    `Run "keelson help" for what there is.${closest(name, [...allCommands.map((one) => one.name), ...Object.keys(starters.components)])}`,
  );
}

/** Starts a daemon and stays until the process is told to stop. */
async function runComponent(scope: Scope, world: World, component: Component, arguments_: readonly string[]): Promise<number> {
  if (arguments_.includes("--help") || arguments_.includes("-h")) {
    world.processes.self.writeOut(`${component.doc}\n\nUsage:\n  ${component.name} [flags]\n\nFlags:\n${flagHelp(component.flags)}\n`);
    return 0;
  }
  await component.start(scope, world, arguments_);
  await new Promise<void>((resolve) => {
    if (scope.stopped) resolve();
    else scope.signal.addEventListener("abort", () => resolve(), { once: true });
  });
  return 0;
}

function commandHelp({ name, doc, usage, flags }: Command): string {
  return `${doc}\n\nUsage:\n  keelson ${`${name} ${usage}`.trimEnd()}\n${flags.length > 0 ? `\nFlags:\n${flagHelp(flags)}\n` : ""}`;
}

function overview(starters: Starters): string {
  const lines = allCommands.map(({ name, doc }) => `  ${name.padEnd(14)}${doc}`);
  return [
    "keelson: Kubernetes, from the supervisor to the Pods.",
    "",
    "Commands:",
    ...lines,
    "",
    "Components, under their upstream names and flags:",
    `  ${Object.keys(starters.components).join("  ")}`,
    "",
    'Run "keelson COMMAND --help" for more.',
    "",
  ].join("\n");
}

function closest(name: string, known: readonly string[]): string {
  const near = known.find((one) => one.startsWith(name) || name.startsWith(one) || distance(name, one) <= 2);
  return near ? ` Did you mean "${near}"?` : "";
}

function distance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, at) => at);
  for (let i = 1; i <= left.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= right.length; j += 1) {
      next[j] = Math.min(
        (row[j] as number) + 1,
        (next[j - 1] as number) + 1,
        (row[j - 1] as number) + (left[i - 1] === right[j - 1] ? 0 : 1),
      );
    }
    row = next;
  }
  return row[right.length] as number;
}
