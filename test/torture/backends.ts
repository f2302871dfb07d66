// What stands behind the API server.
import { join } from "node:path";
import type { Backend } from "./torture.ts";

/** The embedded store: its folder lives on through all rounds. */
export function diskBackend(folder: string): Backend {
  return { name: "disk", arguments: [`--data-dir=${join(folder, "data")}`], broken: async () => {}, close: async () => {} };
}
