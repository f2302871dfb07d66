// JSON patch (RFC 6902). Written here because the npm package gives "__proto__" and "constructor" in a path a meaning of their own.
// What was there is never changed in place: the objects and lists on a path are copied, so a failed patch leaves no trace. Each is copied
// once; what this patch copied is its own to change, or ten thousand operations on one large object would copy it ten thousand times.
import type { Json, JsonObject } from "../field.ts";
import { isList, isObject, type MutableJson, sameJson, setOwn } from "./json-objects.ts";

export const maxJsonPatchOperations = 10_000;

/** What clients see is the message and the code; `detail` says which operation failed and why. */
export class JsonPatchError extends Error {
  override readonly name = "JsonPatchError";
  readonly code: 400 | 413 | 422;
  readonly detail: string;
  constructor(code: 400 | 413 | 422, message: string, detail: string = message) {
    super(message);
    this.code = code;
    this.detail = detail;
  }
}

/** The target after all operations, in order. Throws JsonPatchError. */
export function jsonPatch(target: Json, patch: Json): Json {
  if (!isList(patch))
    throw malformed(`json: cannot unmarshal ${isObject(patch) ? "object" : typeof patch} into Go value of type jsonpatch.Patch`);
  if (patch.length > maxJsonPatchOperations) {
    throw new JsonPatchError(413, `The allowed maximum operations in a JSON patch is ${maxJsonPatchOperations}, got ${patch.length}`);
  }
  let budget = maxCopiedNodes;
  const copied = (value: Json): Json => {
    budget -= countNodes(value, budget);
    if (budget < 0) throw impossible(`copies more than ${maxCopiedNodes} values`);
    return structuredClone(value);
  };
  const own: Own = new WeakSet();
  return patch.reduce<Json>((document, operation) => step(document, operation, copied, own), target);
}

/** The objects and lists that this patch made, and nobody else has seen. */
type Own = WeakSet<object>;

/** Copies that copy copies grow exponentially. */
const maxCopiedNodes = 1_000_000;

function step(document: Json, operation: Json, copied: (value: Json) => Json, own: Own): Json {
  if (!isObject(operation)) throw malformed("an operation is an object");
  const path = pointer(operation, "path");
  switch (operation["op"]) {
    case "add":
      return put(document, path, valueOf(operation), "add", own);
    case "replace":
      return put(document, path, valueOf(operation), "replace", own);
    case "remove":
      return remove(document, path, own);
    case "copy":
      return put(document, path, copied(find(document, pointer(operation, "from"), "copy")), "add", own);
    case "move": {
      const from = pointer(operation, "from");
      const value = find(document, from, "move");
      if (from.length < path.length && from.every((token, i) => token === path[i])) {
        throw impossible(`cannot move ${text(from)} into itself`);
      }
      return from.length === path.length && from.every((token, i) => token === path[i])
        ? document
        : put(remove(document, from, own), path, value, "add", own);
    }
    case "test": {
      const expected = valueOf(operation);
      const actual = lookup(document, path);
      if (actual === undefined ? expected !== null : !sameJson(actual, expected)) throw impossible(`testing path ${text(path)} failed`);
      return document;
    }
    default:
      throw impossible(`Unexpected kind: ${JSON.stringify(operation["op"]) ?? "unknown"}`);
  }
}

type Path = readonly string[];

/** No object is deeper, and no list of operations may make one so deep that nobody can walk it. */
const maxDepth = 1_000;

function pointer(operation: JsonObject, member: "path" | "from"): Path {
  const pointer = Object.hasOwn(operation, member) ? operation[member] : undefined;
  if (typeof pointer !== "string") throw impossible(`an operation needs a "${member}"`);
  if (pointer === "") return [];
  if (!pointer.startsWith("/")) throw impossible(`"${pointer}" is not a JSON pointer`);
  const tokens = pointer.slice(1).split("/");
  if (tokens.length > maxDepth) throw impossible(`a path has at most ${maxDepth} parts`);
  return tokens.map((token) => token.replaceAll("~1", "/").replaceAll("~0", "~"));
}

function valueOf(operation: JsonObject): Json {
  if (!Object.hasOwn(operation, "value")) throw impossible(`an operation needs a "value"`);
  return operation["value"] as Json;
}

/** A place in a list: "-" is one past the end; undefined when the token names no place. */
function index(list: readonly Json[], token: string): number | undefined {
  if (token === "-") return list.length;
  return /^(0|[1-9][0-9]{0,9})$/.test(token) ? Number(token) : undefined;
}

function child(value: Json, token: string): Json | undefined {
  if (isList(value)) return value[index(value, token) ?? -1];
  return isObject(value) && Object.hasOwn(value, token) ? value[token] : undefined;
}

function lookup(document: Json, path: Path): Json | undefined {
  let value: Json | undefined = document;
  for (const token of path) {
    if (value === undefined) return undefined;
    value = child(value, token);
  }
  return value;
}

function find(document: Json, path: Path, operation: string): Json {
  const value = lookup(document, path);
  if (value === undefined) throw impossible(`${operation} operation does not apply: doc is missing path: ${text(path)}`);
  return value;
}

/** Makes `change` to the last object or list of the path, after copying those along it that are not this patch's own. */
function along(
  document: Json,
  path: Path,
  change: (parent: Json[] | MutableJson, token: string) => void,
  operation: string,
  own: Own,
): Json {
  const ownCopy = (value: Json): Json[] | MutableJson => {
    if (!isList(value) && !isObject(value)) throw missing(operation, path);
    if (own.has(value)) return value as Json[] | MutableJson;
    const copy = isList(value) ? [...value] : { ...value };
    own.add(copy);
    return copy;
  };
  const root = ownCopy(document);
  let at = root;
  for (const token of path.slice(0, -1)) {
    const next = child(at, token);
    if (next === undefined) throw missing(operation, path);
    const copy = ownCopy(next);
    if (Array.isArray(at)) at[index(at, token) as number] = copy;
    else setOwn(at, token, copy);
    at = copy;
  }
  change(at, path.at(-1) as string);
  return root;
}

function put(document: Json, path: Path, value: Json, operation: "add" | "replace", own: Own): Json {
  if (path.length === 0) return value;
  const change = (parent: Json[] | MutableJson, token: string): void => {
    if (Array.isArray(parent)) {
      const at = index(parent, token);
      if (at === undefined || at > parent.length || (operation === "replace" && at === parent.length)) throw missing(operation, path);
      parent.splice(at, operation === "add" ? 0 : 1, value);
      return;
    }
    if (operation === "replace" && !Object.hasOwn(parent, token)) throw missing(operation, path);
    setOwn(parent, token, value);
  };
  return along(document, path, change, operation, own);
}

function remove(document: Json, path: Path, own: Own): Json {
  if (path.length === 0) throw impossible("the whole document cannot be removed");
  const change = (parent: Json[] | MutableJson, token: string): void => {
    if (child(parent, token) === undefined) throw missing("remove", path);
    if (Array.isArray(parent)) parent.splice(index(parent, token) as number, 1);
    else delete parent[token];
  };
  return along(document, path, change, "remove", own);
}

function countNodes(value: Json, limit: number): number {
  let count = 0;
  const waiting: Json[] = [value];
  while (waiting.length > 0 && count <= limit) {
    const next = waiting.pop() as Json;
    count++;
    if (isList(next)) for (const item of next) waiting.push(item);
    else if (isObject(next)) for (const item of Object.values(next)) waiting.push(item);
  }
  return count;
}

function text(path: Path): string {
  return path.map((token) => `/${token.replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

function malformed(detail: string): JsonPatchError {
  return new JsonPatchError(400, `error decoding patch: ${detail}`);
}

function missing(operation: string, path: Path): JsonPatchError {
  return impossible(`${operation} operation does not apply: doc is missing path: ${text(path)}`);
}

function impossible(detail: string): JsonPatchError {
  return new JsonPatchError(422, "the server rejected our request due to an error in our request", detail);
}
