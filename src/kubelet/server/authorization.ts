// Which right on the Node each path of the kubelet's server asks for: a finer one first where there is one, then "proxy", which opens all.
import type { Attributes, Caller, Delegated } from "#component/delegated.ts";

const verbs: Readonly<Record<string, string>> = { POST: "create", GET: "get", PUT: "update", PATCH: "patch", DELETE: "delete" };

/** First segments of paths that start something in a container, or connect to it. */
export const streamingPaths: ReadonlySet<string> = new Set(["exec", "attach", "portForward", "run"]);

/** The subresources of nodes of which one must be allowed. */
export function subresourcesFor(path: string): readonly string[] {
  const isBelow = (folder: string) => path === folder || path.startsWith(`${folder}/`);
  if (isBelow("/stats")) return ["stats"];
  if (isBelow("/metrics")) return ["metrics"];
  if (isBelow("/logs")) return ["log"];
  if (isBelow("/checkpoint")) return ["checkpoint"];
  if (isBelow("/pods") || isBelow("/runningpods")) return ["pods", "proxy"];
  if (isBelow("/healthz")) return ["healthz", "proxy"];
  if (isBelow("/configz")) return ["configz", "proxy"];
  return ["proxy"];
}

/** Running something in a container is never only reading, although WebSockets begin with GET. */
export function verbOf(method: string, path: string): string {
  if (isStreaming(path)) return "create";
  return Object.hasOwn(verbs, method) ? (verbs[method] as string) : "";
}

/** By the first segment as the server reads it: decoded, empty ones left out. */
function isStreaming(path: string): boolean {
  const first = path.split("/").find((segment) => segment !== "") ?? "";
  try {
    return streamingPaths.has(decodeURIComponent(first));
  } catch {
    return true;
  }
}

/** Undefined when the caller may; otherwise what the answer says. */
export async function whyForbidden(
  delegated: Delegated,
  caller: Caller,
  nodeName: string,
  method: string,
  path: string,
): Promise<string | undefined> {
  const verb = verbOf(method, path);
  const subresources = subresourcesFor(path);
  for (const subresource of subresources) {
    const attributes: Attributes = { verb, resource: { group: "", version: "v1", resource: "nodes", subresource, name: nodeName } };
    if (await delegated.authorize(caller, attributes)) return undefined;
  }
  return `Forbidden (user=${caller.user}, verb=${verb}, resource=nodes, subresource(s)=[${subresources.join(" ")}])\n`;
}
