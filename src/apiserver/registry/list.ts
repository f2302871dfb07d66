// Lists: from the cache as it is now, or page by page as of one revision.
import { StatusError } from "#api/meta/status-error.ts";
import { decodeBase64, encodeBase64 } from "#base/base64.ts";
import { parseFieldSelector, parseLabelSelector, SelectorError } from "#schema/derive/selectors.ts";
import { wrapUnknown } from "#schema/derive/protobuf.ts";
import { writeJson } from "#schema/derive/json.ts";
import type { FieldError } from "#schema/kind.ts";
import { Compacted, FutureRevision, prefixEnd, type Revision } from "#store/store.ts";
import type { Body, HttpResponse } from "#wire/http/message.ts";
import type { ApiRequest } from "../request.ts";
import type { KindStorage } from "../storage/kind-storage.ts";
import type { StoredRecord } from "../storage/record.ts";
import { badRequest, expired, tooLargeResourceVersion } from "./errors.ts";
import { invalid } from "./invalid.ts";
import type { KindRest } from "./kind-rest.ts";
import { listBody } from "./list-blocks.ts";
import type { Form } from "./negotiation.ts";
import { joined, lengthPrefixed } from "./protobuf-pieces.ts";
import { jsonOf, metadataOnly, protobufOf } from "./render.ts";
import { encode } from "./render.ts";
import { formHeaders } from "./respond.ts";
import { tableOf } from "./table.ts";

const encoder = new TextEncoder();
const waitMilliseconds = 3_000;

/** What a request selects. Undefined fields select everything. */
export interface Selection {
  readonly matches: ((record: StoredRecord) => boolean) | undefined;
  /** The one name it can only be, when the field selector says so. */
  readonly name: string | undefined;
  /** The one node whose Pods are wanted. */
  readonly nodeName?: string | undefined;
}

export interface ListQuery {
  readonly limit: number;
  readonly continue: string;
  /** Undefined: the newest. 0: any. */
  readonly revision: Revision | undefined;
  readonly exact: boolean;
}

interface Page {
  readonly records: readonly StoredRecord[];
  readonly revision: Revision;
  readonly continue: string;
  readonly remaining: number | undefined;
}

export async function respondList(rest: KindRest, request: ApiRequest, form: Form): Promise<HttpResponse> {
  const { kind } = rest;
  const selection = selectionOf(rest, request);
  const query = listQuery(request.query);
  const page = await listPage(rest, request.info.namespace, selection, query);
  const views = page.records.map((record) => record.as(kind));
  const metadata = {
    resourceVersion: String(page.revision),
    ...(page.continue !== "" && { continue: page.continue }),
    ...(page.remaining !== undefined && page.remaining > 0 && { remainingItemCount: page.remaining }),
  };
  const headers = formHeaders(form);
  if (form.as === "table") {
    const table = tableOf(kind, views, { form, query: request.query, now: rest.world.clock.now(), metadata, withColumns: true });
    if (request.http.wantsObjects) return { status: 200, headers, object: table };
    return { status: 200, headers, body: encode(table, form) };
  }
  const apiVersion = form.as === "metadata" ? form.version : kind.apiVersion;
  const listName = form.as === "metadata" ? "PartialObjectMetadataList" : kind.listName;
  if (request.http.wantsObjects || form.media === "yaml" || form.pretty) {
    const items = views.map(({ object }) => (form.as === "metadata" ? metadataOnly(object, form) : object));
    const object = { kind: listName, apiVersion, metadata, items };
    return request.http.wantsObjects ? { status: 200, headers, object } : { status: 200, headers, body: encode(object, form) };
  }
  return { status: 200, headers, body: form.media === "protobuf" ? protobufList() : jsonList() };

  function jsonList(): Body {
    const head = `{"kind":${JSON.stringify(listName)},"apiVersion":${JSON.stringify(apiVersion)},"metadata":${writeJson(metadata)},"items":[`;
    if (form.as === "object") {
      const whole = !selection.matches && query.limit === 0 && query.continue === "" && !query.exact;
      return listBody(encoder.encode(head), views, listEnd, whole ? rest.listBlocks.at(request.info.namespace) : undefined);
    }
    const pieces: Uint8Array[] = [encoder.encode(head)];
    views.forEach((view, index) => {
      if (index > 0) pieces.push(comma);
      pieces.push(jsonOf(view, form));
    });
    pieces.push(listEnd);
    return pieces;
  }

  function protobufList(): Body {
    const pieces: Uint8Array[] = [lengthPrefixed(1, listMeta(metadata))];
    for (const view of views) pieces.push(lengthPrefixed(2, protobufOf(view, kind, form)));
    return wrapUnknown(apiVersion, listName, joined(pieces));
  }
}

const comma = encoder.encode(",");
const listEnd = encoder.encode("]}\n");

function listMeta(metadata: { resourceVersion: string; continue?: string; remainingItemCount?: number }): Uint8Array {
  const pieces = [lengthPrefixed(1, noBytes), lengthPrefixed(2, encoder.encode(metadata.resourceVersion))];
  pieces.push(lengthPrefixed(3, encoder.encode(metadata.continue ?? "")));
  if (metadata.remainingItemCount !== undefined) pieces.push(varintField(4, metadata.remainingItemCount));
  return joined(pieces);
}
const noBytes = new Uint8Array(0);

function varintField(number: number, value: number): Uint8Array {
  const bytes = [number << 3];
  let rest = value;
  while (rest > 127) {
    bytes.push((rest % 128) | 128);
    rest = Math.floor(rest / 128);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

/** Label and field selectors of a request, over stored records. Throws BadRequest. */
export function selectionOf(rest: KindRest, { query, info }: ApiRequest): Selection {
  const labelText = query.get("labelSelector") ?? "";
  const fieldText = query.get("fieldSelector") ?? "";
  if (labelText === "" && fieldText === "") {
    const { name } = info;
    return name === "" ? everything : { matches: (record) => record.object.metadata.name === name, name };
  }
  const { kind } = rest;
  try {
    const labels = labelText === "" ? undefined : parseLabelSelector(labelText);
    const fields = fieldText === "" ? undefined : parseFieldSelector(kind, fieldText);
    // A path that names one object (a watch of it) was allowed for that object alone.
    const named = info.name === "" ? undefined : info.name;
    const name = named ?? fields?.requirements.find(({ field, operator }) => field === "metadata.name" && operator === "=")?.value;
    const matches = (record: StoredRecord): boolean => {
      if (named !== undefined && record.object.metadata.name !== named) return false;
      if (labels && !labels.matches(record.object.metadata.labels)) return false;
      return !fields || fields.matches(record.as(kind).object);
    };
    const nodeName = fields?.requirements.find(({ field, operator }) => field === "spec.nodeName" && operator === "=")?.value;
    return { matches, name, nodeName };
  } catch (error) {
    if (error instanceof SelectorError) throw badRequest(error.message);
    throw error;
  }
}

const everything: Selection = { matches: undefined, name: undefined };

export function listQuery(query: URLSearchParams): ListQuery {
  const limit = wholeParameter(query, "limit");
  wholeParameter(query, "timeoutSeconds");
  const token = query.get("continue") ?? "";
  const version = query.get("resourceVersion") ?? "";
  const match = query.get("resourceVersionMatch") ?? "";
  const revision = revisionOf(version);
  const errors: FieldError[] = [];
  const field = "resourceVersionMatch";
  if (match !== "" && query.get("sendInitialEvents") === null) {
    if (version === "")
      errors.push({ type: "Forbidden", field, detail: "resourceVersionMatch is forbidden unless resourceVersion is provided" });
    if (token !== "") errors.push({ type: "Forbidden", field, detail: "resourceVersionMatch is forbidden when continue is provided" });
    if (match !== "Exact" && match !== "NotOlderThan") {
      errors.push({ type: "NotSupported", field, value: match, detail: `supported values: "Exact", "NotOlderThan"` });
    }
    if (match === "Exact" && version === "0") {
      errors.push({ type: "Forbidden", field, detail: `resourceVersionMatch "exact" is forbidden for resourceVersion "0"` });
    }
  }
  if (errors.length > 0) throw invalid({ group: "meta.k8s.io", name: "ListOptions" }, "", errors);
  if (token !== "" && version !== "" && version !== "0") {
    throw badRequest("specifying resource version is not allowed when using continue");
  }
  const exact = match === "Exact" || (match === "" && limit > 0 && revision !== undefined && revision > 0);
  return { limit, continue: token, revision, exact };
}

export function revisionOf(text: string): Revision | undefined {
  if (text === "") return undefined;
  if (!/^[0-9]{1,16}$/.test(text) || !Number.isSafeInteger(Number(text))) {
    throw badRequest(
      `invalid resource version ${JSON.stringify(text.slice(0, 64))}: strconv.ParseUint: parsing ${JSON.stringify(text.slice(0, 64))}: invalid syntax`,
    );
  }
  return Number(text);
}

/** A number of the query; 0 when it is absent or negative, which mean the same. Throws BadRequest. */
export function wholeParameter(query: URLSearchParams, name: string): number {
  const text = query.get(name);
  if (text === null || text === "") return 0;
  const why = !/^[+-]?[0-9]+$/.test(text) ? "invalid syntax" : text.length > 18 ? "value out of range" : undefined;
  if (why) throw badRequest(`strconv.ParseInt: parsing ${JSON.stringify(text.slice(0, 64))}: ${why}`);
  return Math.max(0, Number(text));
}

/** Waits until the cache is as new as asked. Throws Timeout when that takes too long. */
export async function cacheAt(rest: KindRest, revision: Revision | undefined): Promise<void> {
  const { cache, store } = rest.storage;
  if (revision === undefined) {
    const behind = cache.atLeast(await store.revision());
    if (behind) await behind;
    return;
  }
  const starting = cache.ready();
  if (starting) await starting;
  if (cache.revision >= revision) return;
  const { clock } = rest.world;
  const patience = new AbortController();
  const timer = clock.timer(waitMilliseconds, () => patience.abort(tooLargeResourceVersion(revision, cache.revision)));
  try {
    await cache.atLeast(revision, patience.signal);
  } finally {
    timer.cancel();
  }
}

async function listPage(rest: KindRest, namespace: string, selection: Selection, query: ListQuery): Promise<Page> {
  const { storage } = rest;
  if (query.continue !== "") return continuedPage(rest, namespace, selection, query);
  if (query.exact && query.revision !== undefined && query.revision > 0) {
    await cacheAt(rest, query.revision);
    return pageAt(rest, namespace, selection, query.limit, "", query.revision);
  }
  await cacheAt(rest, query.revision);
  return pageFromCache(storage, namespace, selection, query.limit, "");
}

async function continuedPage(rest: KindRest, namespace: string, selection: Selection, query: ListQuery): Promise<Page> {
  const { revision, start } = readToken(query.continue);
  if (revision < 0) {
    await cacheAt(rest, undefined);
    return pageFromCache(rest.storage, namespace, selection, query.limit, start);
  }
  await cacheAt(rest, revision);
  return pageAt(rest, namespace, selection, query.limit, start, revision);
}

/** Of what the cache holds: whole, or `limit` from `start` on. */
function pageFromCache(storage: KindStorage, namespace: string, selection: Selection, limit: number, start: string): Page {
  const { cache } = storage;
  const { revision } = cache;
  const { matches, name } = selection;
  if (name !== undefined && limit === 0 && start === "" && (namespace !== "" || !storage.namespaced)) {
    const record = cache.get(storage.keyOf(namespace, name));
    return { records: record && matches?.(record) ? [record] : [], revision, continue: "", remaining: undefined };
  }
  const sorted = cache.list(namespace);
  const { slots } = sorted;
  const folder = folderIn(storage, namespace);
  const first = start === "" ? 0 : sorted.indexOf(folder + start);
  const records: StoredRecord[] = [];
  for (let at = first; at < slots.length; at++) {
    const { record } = slots[at] as (typeof slots)[number];
    if (matches && !matches(record)) continue;
    if (limit > 0 && records.length === limit) {
      const last = records[limit - 1] as StoredRecord;
      const remaining = matches ? undefined : slots.length - first - limit;
      return { records, revision, continue: writeToken(revision, last.key.slice(folder.length)), remaining };
    }
    records.push(record);
  }
  return { records, revision, continue: "", remaining: undefined };
}

/** As of an earlier revision: from the cache when nothing changed since, else from the store's history. */
async function pageAt(
  rest: KindRest,
  namespace: string,
  selection: Selection,
  limit: number,
  start: string,
  revision: Revision,
): Promise<Page> {
  const { storage } = rest;
  const { cache, store } = storage;
  if (cache.completeAfter <= revision && cache.changesAfter(revision).length === 0) {
    const page = pageFromCache(storage, namespace, selection, limit, start);
    return page.continue === "" ? { ...page, revision } : { ...page, revision, continue: withRevision(page.continue, revision) };
  }
  const folder = folderIn(storage, namespace);
  const { matches } = selection;
  try {
    const range = await store.range(folder + start, prefixEnd(folder), { revision, ...(limit > 0 && !matches && { limit }) });
    const all = range.items.map((item) => cache.recordOf(item));
    const found = matches ? all.filter(matches) : all;
    const records = limit > 0 ? found.slice(0, limit) : found;
    const more = range.more || records.length < found.length;
    const last = records.at(-1);
    return {
      records,
      revision,
      continue: more && last ? writeToken(revision, last.key.slice(folder.length)) : "",
      remaining: more && !matches ? range.count - records.length : undefined,
    };
  } catch (error) {
    if (error instanceof FutureRevision) throw tooLargeResourceVersion(revision, error.current);
    if (!(error instanceof Compacted)) throw error;
    if (start === "") throw expired("The resourceVersion for the provided list is too old.");
    throw new ContinueExpired(tokenOf(-1, start));
  }
}

/** The folder a list reads: of the kind, or of one namespace. */
function folderIn(storage: KindStorage, namespace: string): string {
  return storage.namespaced && namespace !== "" ? `${storage.folder}${namespace}/` : storage.folder;
}

const tooOldToContinue =
  "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";

/** The history a page needs is gone; the Status carries a token that goes on with what is there now. */
export class ContinueExpired extends StatusError {
  readonly token: string;
  constructor(token: string) {
    super("Expired", tooOldToContinue);
    this.token = token;
  }

  override status(): ReturnType<StatusError["status"]> {
    return { ...super.status(), metadata: { continue: this.token } };
  }
}

/** The token that continues behind `key`. */
function writeToken(revision: Revision, key: string): string {
  return tokenOf(revision, `${key}\0`);
}

function tokenOf(revision: number, start: string): string {
  const text = JSON.stringify({ v: "meta.k8s.io/v1", rv: revision, start });
  return encodeBase64(encoder.encode(text)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function withRevision(token: string, revision: Revision): string {
  return tokenOf(revision, readToken(token).start);
}

function readToken(token: string): { readonly revision: number; readonly start: string } {
  const plain = token.replaceAll("-", "+").replaceAll("_", "/");
  const bytes = token.length > 8_192 ? 0 : decodeBase64(plain + "=".repeat((4 - (plain.length % 4)) % 4));
  try {
    if (typeof bytes === "number") throw new Error("illegal base64 data");
    const { v, rv, start } = JSON.parse(new TextDecoder().decode(bytes)) as { v?: unknown; rv?: unknown; start?: unknown };
    if (v !== "meta.k8s.io/v1") throw new Error(`server does not recognize this encoded version ${JSON.stringify(v)}`);
    if (typeof rv !== "number" || !Number.isSafeInteger(rv) || rv === 0 || rv < -1)
      throw new Error("incorrect encoded start resourceVersion (version meta.k8s.io/v1)");
    if (typeof start !== "string" || start === "" || start.startsWith("/"))
      throw new Error("encoded start key empty (version meta.k8s.io/v1)");
    return { revision: rv, start };
  } catch (error) {
    throw badRequest(`continue key is not valid: ${(error as Error).message}`);
  }
}
