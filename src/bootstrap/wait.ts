// Waiting for what others bring about, with the reason when it does not come.
import { Node } from "#api/core/node/node.ts";
import type { Scope } from "#base/scope.ts";
import type { Client } from "#client/client.ts";
import type { World } from "#platform/world.ts";
import { BootstrapError } from "./layout.ts";

const pollMilliseconds = 100;

export interface Awaited {
  readonly what: string;
  readonly seconds: number;
  holds(): Promise<boolean>;
  /** Asked after the time has passed. */
  why(): Promise<readonly string[]>;
}

/** Polls; after `seconds` it fails with what `why` finds out. */
export async function until(scope: Scope, world: World, { what, seconds, holds, why }: Awaited): Promise<void> {
  const deadline = world.clock.monotonic() + seconds * 1_000;
  while (!(await holds())) {
    if (world.clock.monotonic() > deadline) {
      const lines = await why().catch(() => []);
      throw new BootstrapError(
        `waited ${seconds} s for ${what} in vain${lines.map((line) => `\n  | ${line}`).join("")}`,
        "Everything that was made stays. Mend what is said above and run the same command again, or keelson down.",
      );
    }
    await world.clock.sleep(scope, pollMilliseconds);
  }
}

export async function isNodeReady(client: Client, name: string): Promise<boolean> {
  try {
    const { status } = await client.get(Node, { name });
    return status?.conditions?.some(({ type, status: state }) => type === "Ready" && state === "True") ?? false;
  } catch {
    return false;
  }
}

export async function nodeConditions(client: Client, name: string): Promise<readonly string[]> {
  try {
    const { status } = await client.get(Node, { name });
    return (status?.conditions ?? []).map(({ type, status: state, message }) => `${type}=${state} ${message ?? ""}`);
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)];
  }
}
