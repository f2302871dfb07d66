// Written by tools/index; do not edit.
import type { Command } from "./command.ts";

/** What can be named on the command line; each is loaded only when called. */
export const allCommands: readonly { readonly name: string; readonly doc: string; readonly load: () => Promise<Command> }[] = [
  {
    name: "dev",
    doc: "A control plane in one process, with simulated nodes.",
    load: async () => (await import("./dev/dev.ts")).dev,
  },
];
