// What the runtime says about one Pod.
import type { ContainerStatus, Runtime, Sandbox, SandboxStatus } from "#cri/runtime.ts";
import { type Family, familyOf } from "#base/ip.ts";
import { labels } from "../layout.ts";

export interface ObservedContainer extends ContainerStatus {
  readonly sandboxId: string;
}

export interface ObservedPod {
  /** Newest first. */
  readonly sandboxes: readonly Sandbox[];
  /** Status of the newest sandbox. */
  readonly sandbox: SandboxStatus | undefined;
  /** Newest first. */
  readonly containers: readonly ObservedContainer[];
}

export const nothingObserved: ObservedPod = { sandboxes: [], sandbox: undefined, containers: [] };

/** Looks again; what cannot have changed since `before` is not asked for. The Pod's address of the family that is the node's first comes first. */
export async function observe(runtime: Runtime, uid: string, before: ObservedPod, family: Family = "IPv4"): Promise<ObservedPod> {
  const filter = { labels: { [labels.podUid]: uid } };
  const [sandboxes, containers] = await Promise.all([runtime.sandboxes(filter), runtime.containers(filter)]);
  const newest = sandboxes.toSorted((a, b) => b.metadata.attempt - a.metadata.attempt || b.createdAt - a.createdAt);
  const known = new Map(before.containers.map((container) => [container.id, container]));
  const statuses = await Promise.all(
    containers.map(async ({ id, state, sandboxId }) => {
      const same = known.get(id);
      if (same && same.state === state && state !== "created" && state !== "unknown") return same;
      const status = await runtime.containerStatus(id);
      return status && { ...status, sandboxId };
    }),
  );
  const [first] = newest;
  const earlier = first === undefined || before.sandbox?.id !== first.id ? undefined : before.sandbox;
  const isSame = first === undefined || earlier?.ready === first.ready;
  const sandbox = isSame ? earlier : inOrder(await runtime.sandboxStatus(first.id), family);
  return {
    sandboxes: newest,
    // Once it has ended the runtime tells no addresses: a Pod had those it had.
    sandbox: sandbox?.ips.length === 0 && earlier ? { ...sandbox, ips: earlier.ips } : sandbox,
    // Attempts before times: the machine's clock may have been set back.
    containers: statuses.filter((status) => status !== undefined).sort((a, b) => b.attempt - a.attempt || b.createdAt - a.createdAt),
  };
}

/** One address of each family at most: the runtime has an order of its own. */
function inOrder(sandbox: SandboxStatus | undefined, family: Family): SandboxStatus | undefined {
  if (!sandbox) return undefined;
  const first = sandbox.ips.find((ip) => familyOf(ip) === family);
  const second = sandbox.ips.find((ip) => familyOf(ip) !== family);
  return { ...sandbox, ips: [first, second].filter((ip) => ip !== undefined) };
}

/** Containers of this name, newest first. */
export function containersNamed({ containers }: ObservedPod, name: string): readonly ObservedContainer[] {
  return containers.filter((container) => container.name === name);
}

export function isAlive({ state }: { readonly state: string }): boolean {
  return state === "running" || state === "unknown";
}
