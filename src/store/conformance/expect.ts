// The few expectations of the suite, free of any test runner so that it also runs in a browser.
import type { KeyValue, StoreEvent } from "../store.ts";

export class Unexpected extends Error {
  override readonly name = "Unexpected";
}

export function expect(condition: boolean, what: string): asserts condition {
  if (!condition) throw new Unexpected(what);
}

/** Compares what JSON shows of both. */
export function expectEqual(actual: unknown, expected: unknown, what: string): void {
  const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (left !== right) throw new Unexpected(`${what}: ${left} instead of ${right}`);
}

/** Runs `act` and returns the name of the error it rejects with. */
export async function failure(act: () => unknown): Promise<string> {
  try {
    await act();
  } catch (error) {
    return (error as Error).name;
  }
  return "no error";
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export function bytes(text: string): Uint8Array {
  return encoder.encode(text);
}

/** "key=value@modified(created)#version" */
export function shown(item: KeyValue | undefined): string {
  if (!item) return "absent";
  return `${item.key}=${decoder.decode(item.value)}@${item.modRevision}(${item.createRevision})#${item.version}`;
}

export function shownEvent(event: StoreEvent): string {
  const previous = event.previous ? ` after ${shown(event.previous)}` : "";
  return event.type === "put" ? `put ${shown(event.current)}${previous}` : `delete ${event.key}@${event.revision}${previous}`;
}
