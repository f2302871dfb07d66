// Takes a path apart: what is asked for, of which kind, where. Knows no kinds; "/api/v1/namespaces/a/pods/x/log" speaks for itself.
import { fieldRequirements, SelectorError } from "#schema/derive/selectors.ts";
import type { RequestInfo } from "./request.ts";

/** RequestInfo and what routing needs besides. */
export interface ParsedRequest extends RequestInfo {
  /** What follows the subresource, with its slash; "" when nothing does. */
  readonly rest: string;
  /** Whether this is a watch: by `?watch=true`, or by the old /watch/ path. */
  readonly isWatch: boolean;
}

const methodVerbs: Readonly<Record<string, string>> = {
  POST: "create",
  GET: "get",
  HEAD: "get",
  PUT: "update",
  PATCH: "patch",
  DELETE: "delete",
};

/** Of namespaces themselves; anything else behind a namespace's name is a resource within it. */
const namespaceSubresources: ReadonlySet<string> = new Set(["status", "finalize"]);

/** Throws URIError for percent-encoding that is none. */
export function parseRequest(method: string, path: string, query: URLSearchParams): ParsedRequest {
  const parts = segments(path);
  const [root] = parts;
  const isCore = root === "api";
  if (!(isCore || root === "apis") || parts.length < (isCore ? 3 : 4)) return nonResource(method, path);
  const group = isCore ? "" : (parts[1] as string);
  const version = parts[isCore ? 1 : 2] as string;
  let at = isCore ? 2 : 3;
  let verb = methodVerbs[method] ?? "";
  let old = "";
  if ((parts[at] === "watch" || parts[at] === "proxy") && parts.length > at + 1) {
    old = parts[at] as string;
    at++;
  }
  let namespace = "";
  let resource = parts[at] as string;
  let name = parts[at + 1] ?? "";
  let subresource = parts[at + 2] ?? "";
  let behind = at + 3;
  if (resource === "namespaces" && name !== "") {
    namespace = name;
    if (parts.length > at + 2 && !(isCore && namespaceSubresources.has(subresource))) {
      resource = subresource;
      name = parts[at + 3] ?? "";
      subresource = parts[at + 4] ?? "";
      behind = at + 5;
    }
  }
  const fieldSelector = query.get("fieldSelector") ?? undefined;
  const labelSelector = query.get("labelSelector") ?? undefined;
  const isWatch = old === "watch" || isTrue(query.get("watch"));
  if (old === "watch") verb = "watch";
  else if (old === "proxy") verb = "proxy";
  else if (name === "" && verb === "get") verb = isWatch ? "watch" : "list";
  else if (name === "" && verb === "delete") verb = "deletecollection";
  else if (name !== "" && verb === "get" && isWatch && subresource === "") verb = "watch";
  if ((verb === "list" || verb === "watch") && name === "" && fieldSelector) name = singleName(fieldSelector);
  return {
    verb,
    isResourceRequest: true,
    path,
    group,
    version,
    resource,
    subresource,
    namespace,
    name,
    ...(labelSelector !== undefined && { labelSelector }),
    ...(fieldSelector !== undefined && { fieldSelector }),
    rest: restOf(path, parts.length > behind ? behind : -1, parts.length),
    isWatch: verb === "watch",
  };
}

/** The name in `metadata.name=x`, so that rules about one object hold for lists of it. */
function singleName(selector: string): string {
  const name = requiredValue(selector, "metadata.name");
  return name === undefined || /^\.{1,2}$|[/%]/.test(name) ? "" : name;
}

/** What a field selector says the field must be, read just as the list itself reads it; undefined for selectors that cannot be read. */
export function requiredValue(selector: string, field: string): string | undefined {
  try {
    return fieldRequirements(selector).find((one) => one.field === field && one.operator === "=")?.value;
  } catch (error) {
    if (error instanceof SelectorError) return undefined;
    throw error;
  }
}

function isTrue(value: string | null): boolean {
  return value !== null && value !== "0" && value !== "false";
}

function nonResource(method: string, path: string): ParsedRequest {
  const verb = method.toLowerCase();
  return {
    verb,
    isResourceRequest: false,
    path,
    group: "",
    version: "",
    resource: "",
    subresource: "",
    namespace: "",
    name: "",
    rest: "",
    isWatch: false,
  };
}

function segments(path: string): readonly string[] {
  const trimmed = path.startsWith("/") ? path.slice(1) : path;
  const parts = (trimmed.endsWith("/") ? trimmed.slice(0, -1) : trimmed).split("/");
  return path.includes("%") ? parts.map(decodeURIComponent) : parts;
}

/** The path behind its first `count` segments, as it was sent. */
function restOf(path: string, count: number, total: number): string {
  if (count < 0 || count > total) return "";
  let at = 0;
  for (let seen = 0; seen < count; seen++) {
    at = path.indexOf("/", at + 1);
    if (at < 0) return "";
  }
  return path.slice(at);
}
