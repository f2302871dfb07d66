// Whether a user is a kubelet, and of which node.
import type { User } from "../../request.ts";

export const nodesGroup = "system:nodes";
export const nodeUserPrefix = "system:node:";

/** The node's name; "" for a member of system:nodes whose name says none; undefined for anybody else. */
export function nodeNameOf({ name, groups }: User): string | undefined {
  if (!name.startsWith(nodeUserPrefix) || !groups.includes(nodesGroup)) return undefined;
  return name.slice(nodeUserPrefix.length);
}
