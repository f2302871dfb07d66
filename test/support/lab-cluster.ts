// More machines for a cluster whose first one is up: made in the same fabric, and joined as a user would.
import type { TestContext } from "node:test";
import { labExec } from "#lab/lab.ts";
import { bundledKeelson } from "./bundled.ts";
import { machineFor, type TestMachine, world } from "./lab-machine.ts";
import type { LabNode } from "./lab-node.ts";

export interface Worker {
  readonly machine: TestMachine;
  /** Its Node's name. */
  readonly node: string;
  readonly address: string;
}

/** A command of keelson's in a machine, to its end. */
export async function keelsonIn(machine: TestMachine, ...arguments_: readonly string[]): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await labExec(world, machine.name, [...(await bundledKeelson()), ...arguments_], {
    timeoutMilliseconds: 200_000,
  });
  return { code: code ?? -1, text: stdout + stderr };
}

/** The words of the line that `token create` prints, from "join" on. */
export async function joinWords({ machine }: Pick<LabNode, "machine">): Promise<readonly string[]> {
  const { code, text } = await keelsonIn(machine, "token", "create");
  if (code !== 0) throw new Error(`keelson token create: exit ${code}\n${text}`);
  return text.trim().split(" ").slice(1);
}

export async function joinedMachine(
  context: TestContext,
  first: LabNode,
  { name, address, systemd = false }: { name: string; address: string; systemd?: boolean },
): Promise<Worker> {
  const machine = await machineFor(context, { name, address, systemd, fabric: first.machine.name });
  const { code, text } = await keelsonIn(machine, ...(await joinWords(first)));
  if (code !== 0) throw new Error(`keelson join: exit ${code}\n${text}`);
  return { machine, node: `keelson-${name}`, address };
}
