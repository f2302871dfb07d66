// What the container runtime calls the RuntimeClass of a Pod.
import type { Node } from "#api/core/node/node.ts";
import { RuntimeClass } from "#api/node.k8s.io/runtime-class/runtime-class.ts";
import { isReason } from "#api/meta/status-error.ts";
import type { Client } from "#client/client.ts";

/** Rejects when there is no such class. */
export type HandlerOf = (runtimeClassName: string | undefined) => Promise<string>;

/** What the runtime tells of a handler; undefined where it tells nothing, or the node is not registered yet. */
export function featuresOf(node: Node | undefined, handler: string) {
  return node?.status.runtimeHandlers?.find(({ name = "" }) => name === handler)?.features;
}

const knownMax = 100;

/** Asks for a class each time a sandbox is made; while the API server cannot be reached, what was known last holds. */
export function runtimeHandlers(client: Client | undefined): HandlerOf {
  const known = new Map<string, string>();
  return async (name) => {
    if (!name) return "";
    try {
      if (!client) throw new Error("this node has no API server");
      const { handler } = await client.get(RuntimeClass, { name });
      known.delete(name);
      if (known.size >= knownMax) known.delete(known.keys().next().value as string);
      known.set(name, handler);
      return handler;
    } catch (error) {
      const last = known.get(name);
      if (last !== undefined && !isReason(error, "NotFound")) return last;
      throw new Error(`failed to lookup RuntimeClass ${name}: ${(error as Error).message}`, { cause: error });
    }
  };
}
