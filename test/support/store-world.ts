// As much of a real World as a store needs.
import { nodeDatabases } from "../../src/platform/node/database.ts";
import type { World } from "../../src/platform/world.ts";

export function storeWorld(): World {
  const clock = {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    timer: (milliseconds: number, callback: () => void) => {
      const timer = setTimeout(callback, milliseconds);
      return { cancel: () => clearTimeout(timer) };
    },
    sleep: (scope: { readonly signal: AbortSignal }, milliseconds: number) =>
      new Promise<void>((resolve, reject) => {
        const timer = setTimeout(resolve, milliseconds);
        scope.signal.addEventListener("abort", () => {
          clearTimeout(timer);
          reject(scope.signal.reason);
        });
      }),
    endOfTurn: () => new Promise<void>((resolve) => setImmediate(resolve)),
  };
  const log = { debug: () => {}, info: () => {}, warn: console.warn, error: console.error, with: () => log };
  return { clock, log, databases: nodeDatabases() } as unknown as World;
}
