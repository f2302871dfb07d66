// Watches: what is there, then every change, in order, once. The bytes of an event are made once and sent to all who asked for that form.
//
// Invariants:
// - A watcher has sent everything up to `#sent` that its selection shows, and nothing behind it twice.
// - An object that enters the selection is ADDED, one that leaves it is DELETED as it last was, at the revision of the change.
// - A watcher whose peer takes too little is cut: it resumes from the last revision it saw.
import { StatusError } from "#api/meta/status-error.ts";
import { writeJson } from "#schema/derive/json.ts";
import { wrapUnknown, writeProtobuf } from "#schema/derive/protobuf.ts";
import type { FieldError, Kind, KubernetesObject } from "#schema/kind.ts";
import { Compacted, type Revision } from "#store/store.ts";
import type { Timer } from "#platform/clock.ts";
import type { Headers, HttpResponse, Sink } from "#wire/http/message.ts";
import type { ApiRequest } from "../request.ts";
import type { StoredRecord } from "../storage/record.ts";
import type { CacheEvent } from "../storage/window.ts";
import type { Subscriber, WatchCache } from "../storage/watch-cache.ts";
import { historyAfter } from "../storage/history.ts";
import { expired } from "./errors.ts";
import { statusEnvelope } from "./respond.ts";
import { invalid } from "./invalid.ts";
import type { KindRest } from "./kind-rest.ts";
import { cacheAt, revisionOf, type Selection, selectionOf, wholeParameter } from "./list.ts";
import { type Form, mediaTypes } from "./negotiation.ts";
import { joined, lengthPrefixed } from "./protobuf-pieces.ts";
import { envelopeOf, jsonOf, metadataEnvelope, metadataOnly } from "./render.ts";
import { tableOf } from "./table.ts";

const encoder = new TextEncoder();
/** What a peer may owe us before it is cut. */
const bufferedBytesMax = 16 * 1024 * 1024;
const minSeconds = 1_800;
const maxSeconds = 86_400 * 365;

type EventType = "ADDED" | "MODIFIED" | "DELETED";

export async function respondWatch(rest: KindRest, request: ApiRequest, form: Form): Promise<HttpResponse> {
  if (form.media === "yaml")
    throw new StatusError(
      "NotAcceptable",
      "only the following media types are accepted: application/json, application/vnd.kubernetes.protobuf;stream=watch",
      {},
    );
  const { query } = request;
  const selection = selectionOf(rest, request);
  const options = watchOptions(rest, query);
  await cacheAt(rest, options.since);
  const seconds = options.timeoutSeconds ?? minSeconds + rest.world.random.integer(minSeconds);
  const start = await startOf(rest, request.info.namespace, options);
  const headers: Headers = {
    "cache-control": "no-cache, private",
    "content-type":
      form.media === "protobuf" ? `${mediaTypes.protobuf};stream=watch` : form.as === "object" ? "application/json" : form.contentType,
  };
  let started = false;
  return {
    status: 200,
    headers,
    body: {
      stream(sink) {
        if (started) return;
        started = true;
        new Watcher(rest, request, { selection, form, bookmarks: options.bookmarks, initialEvents: options.initialEvents }, sink).run(
          start,
          seconds,
        );
      },
    },
  };
}

interface WatchOptions {
  /** Undefined: begin with what is there now. 0: with what the cache has. */
  readonly since: Revision | undefined;
  readonly bookmarks: boolean;
  /** Whether the client asked for the state as events, with a bookmark behind them; undefined: nothing said. */
  readonly initialEvents: boolean | undefined;
  readonly timeoutSeconds: number | undefined;
}

function watchOptions(_rest: KindRest, query: URLSearchParams): WatchOptions {
  const bookmarks = isTrue(query.get("allowWatchBookmarks"));
  const said = query.get("sendInitialEvents");
  const initialEvents = said === null ? undefined : isTrue(said);
  const match = query.get("resourceVersionMatch") ?? "";
  const errors: FieldError[] = [];
  const field = "resourceVersionMatch";
  if (initialEvents === undefined && match !== "") {
    errors.push({ type: "Forbidden", field, detail: "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided" });
  }
  if (initialEvents !== undefined && match === "") {
    errors.push({ type: "Forbidden", field, detail: "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan" });
  } else if (initialEvents !== undefined && match !== "NotOlderThan") {
    errors.push({ type: "NotSupported", field, value: match, detail: `supported values: "NotOlderThan"` });
  }
  if (errors.length > 0) throw invalid({ group: "meta.k8s.io", name: "ListOptions" }, "", errors);
  const seconds = wholeParameter(query, "timeoutSeconds");
  return {
    since: revisionOf(query.get("resourceVersion") ?? ""),
    bookmarks,
    initialEvents,
    timeoutSeconds: seconds === 0 ? undefined : Math.min(seconds, maxSeconds),
  };
}

function isTrue(value: string | null): boolean {
  return value !== null && value !== "0" && value !== "false";
}

/** How a watch begins: with the state of the cache, or with the changes behind a revision. */
type Start =
  | { readonly type: "state" }
  | { readonly type: "now" }
  | { readonly type: "changes"; readonly after: Revision }
  /** The window is too short: these changes, read from the store's history, come first. */
  | { readonly type: "history"; readonly changes: readonly CacheEvent[]; readonly after: Revision };

async function startOf(rest: KindRest, namespace: string, { since, initialEvents }: WatchOptions): Promise<Start> {
  const { cache } = rest.storage;
  if (initialEvents === true) return { type: "state" };
  if (since === undefined || since === 0) return initialEvents === false ? { type: "now" } : { type: "state" };
  if (since >= cache.completeAfter) return { type: "changes", after: since };
  try {
    const { changes, revision } = await historyAfter(rest.storage, namespace, since);
    return { type: "history", changes, after: revision };
  } catch (error) {
    if (error instanceof Compacted) throw expired(`too old resource version: ${since} (${error.compacted})`);
    throw error;
  }
}

interface WatcherOptions {
  readonly selection: Selection;
  readonly form: Form;
  readonly bookmarks: boolean;
  readonly initialEvents: boolean | undefined;
}

class Watcher implements Subscriber {
  readonly namespace: string;
  readonly nodeName: string | undefined;
  readonly #rest: KindRest;
  readonly #cache: WatchCache;
  readonly #kind: Kind;
  readonly #request: ApiRequest;
  readonly #options: WatcherOptions;
  readonly #sink: Sink;
  readonly #push: ((item: unknown) => void) | undefined;
  readonly #frameKey: string;
  #sent: Revision = 0;
  #columnsSent = false;
  #over = false;
  /** Bytes of the start that the peer has yet to take: they are not its fault, and only ever become fewer. */
  #owedSinceStart = 0;
  #timer: Timer | undefined;
  #unsubscribe: (() => void) | undefined;
  #takeBackBookmarks: (() => void) | undefined;
  readonly #gone = () => this.#end(false);

  constructor(rest: KindRest, request: ApiRequest, options: WatcherOptions, sink: Sink) {
    const { storage, kind } = rest;
    this.namespace = storage.namespaced ? request.info.namespace : "";
    this.nodeName = options.selection.nodeName;
    this.#rest = rest;
    this.#cache = storage.cache;
    this.#kind = kind;
    this.#request = request;
    this.#options = options;
    this.#sink = sink;
    this.#push = request.http.wantsObjects ? sink.push : undefined;
    this.#frameKey = `${kind.apiVersion} ${options.form.key}`;
  }

  run(start: Start, seconds: number): void {
    const cache = this.#cache;
    if (this.#sink.signal.aborted) return;
    if (cache.revision === 0) {
      this.#sink.end();
      return;
    }
    this.#sink.signal.addEventListener("abort", this.#gone, { once: true });
    this.#timer = this.#rest.world.clock.timer(seconds * 1000, () => this.#end(true));
    if (this.#options.bookmarks) this.#takeBackBookmarks = this.#rest.bookmarks.add(() => this.#bookmark(false));
    this.#unsubscribe = cache.subscribe(this);
    this.#begin(start);
    this.#owedSinceStart = this.#sink.bufferedBytes;
  }

  #begin(start: Start): void {
    const cache = this.#cache;
    switch (start.type) {
      case "state": {
        const { matches } = this.#options.selection;
        for (const { record } of cache.list(this.namespace).slots) {
          if (!matches || matches(record)) this.#send("ADDED", record, undefined);
        }
        break;
      }
      case "now":
        break;
      case "history":
        this.#sent = 0;
        for (const event of start.changes) this.#offer(event);
        this.#sent = start.after;
        this.#replay(start.after);
        break;
      case "changes":
        this.#sent = start.after;
        this.#replay(start.after);
        break;
    }
    this.#sent = Math.max(this.#sent, cache.revision);
    if (this.#options.initialEvents === true && this.#options.bookmarks) this.#bookmark(true);
  }

  #replay(after: Revision): void {
    if (after < this.#cache.completeAfter) {
      this.#fail(expired(`too old resource version: ${after} (${this.#cache.completeAfter})`));
      return;
    }
    for (const event of this.#cache.changesAfter(after)) {
      if (this.#isHere(event)) this.#offer(event);
    }
  }

  /** Whether the change is of the namespace that is watched. */
  #isHere({ record }: CacheEvent): boolean {
    return this.namespace === "" || namespaceOf(this.#rest, record) === this.namespace;
  }

  changed(events: readonly CacheEvent[], revision: Revision): void {
    if (this.#over) return;
    for (const event of events) if (event.revision > this.#sent && this.#isHere(event)) this.#offer(event);
    // A watcher of one node is told change by change: others of this revision may follow.
    const told = this.nodeName === undefined ? revision : (events.at(-1)?.revision ?? 0);
    if (told > this.#sent) this.#sent = told;
    const { bufferedBytes } = this.#sink;
    this.#owedSinceStart = Math.min(this.#owedSinceStart, bufferedBytes);
    if (bufferedBytes > bufferedBytesMax + this.#owedSinceStart) {
      this.#rest.world.log.warn("a watch was cut because its client takes too little", { path: this.#request.http.path });
      this.#over = true;
      this.#leave();
      if (this.#sink.cut) this.#sink.cut();
      else this.#sink.end();
    }
  }

  lost(): void {
    this.#end(false);
  }

  #offer(event: CacheEvent): void {
    const { matches } = this.#options.selection;
    if (!matches) {
      this.#send(event.type, event.record, event);
      return;
    }
    const was = event.previous !== undefined && matches(event.previous);
    const is = event.type !== "DELETED" && matches(event.record);
    if (is) {
      const type = was ? "MODIFIED" : "ADDED";
      this.#send(type, event.record, type === event.type ? event : undefined);
    } else if (was) {
      if (event.type === "DELETED") this.#send("DELETED", event.record, event);
      else this.#send("DELETED", (event.previous as StoredRecord).at(event.revision), undefined);
    }
  }

  /** `shared` is the event whose frame this is, where it is the same for everyone. */
  #send(type: EventType, record: StoredRecord, shared: CacheEvent | undefined): void {
    if (this.#over) return;
    if (this.#push) {
      this.#push({ type, object: this.#shown(record.as(this.#kind).object) });
      return;
    }
    if (!shared || this.#options.form.as === "table") {
      this.#sink.write(this.#frame(type, record));
      return;
    }
    let frame = shared.frames.get(this.#frameKey);
    if (!frame) {
      frame = this.#frame(type, record);
      shared.frames.set(this.#frameKey, frame);
    }
    this.#sink.write(frame);
  }

  #shown(object: KubernetesObject): unknown {
    const { form } = this.#options;
    if (form.as === "metadata") return metadataOnly(object, form);
    return object;
  }

  #frame(type: EventType, record: StoredRecord): Uint8Array {
    const { form } = this.#options;
    const view = record.as(this.#kind);
    if (form.as === "table") return this.#tableFrame(type, record);
    if (form.media === "protobuf") {
      return protobufFrame(type, form.as === "object" ? envelopeOf(view, this.#kind) : metadataEnvelope(metadataOnly(view.object, form)));
    }
    return joined([heads[type], jsonOf(view, form), frameEnd]);
  }

  #tableFrame(type: EventType, record: StoredRecord): Uint8Array {
    const view = record.as(this.#kind);
    const withColumns = !this.#columnsSent;
    this.#columnsSent = true;
    const { form } = this.#options;
    const metadata = { resourceVersion: String(view.revision) };
    const now = this.#rest.world.clock.now();
    const object = tableOf(this.#kind, [view], { form, query: this.#request.query, now, metadata, withColumns });
    return encoder.encode(`${writeJson({ type, object })}\n`);
  }

  #bookmark(endOfInitialEvents: boolean): void {
    if (this.#over) return;
    const { form } = this.#options;
    const metadata = {
      resourceVersion: String(Math.max(this.#sent, this.#cache.revision)),
      ...(endOfInitialEvents && { annotations: { "k8s.io/initial-events-end": "true" } }),
    };
    const plain = form.as === "metadata";
    const object = {
      kind: plain ? "PartialObjectMetadata" : this.#kind.name,
      apiVersion: plain ? form.version : this.#kind.apiVersion,
      metadata,
    };
    if (this.#push) this.#push({ type: "BOOKMARK", object });
    else if (form.media === "protobuf") {
      const whole = object as unknown as KubernetesObject;
      const envelope = plain
        ? metadataEnvelope(whole)
        : wrapUnknown(object.apiVersion, object.kind, writeProtobuf(this.#kind.message, whole));
      this.#sink.write(protobufFrame("BOOKMARK", envelope));
    } else if (form.as === "table") {
      const now = this.#rest.world.clock.now();
      const table = tableOf(this.#kind, [], { form, query: this.#request.query, now, metadata, withColumns: false });
      this.#sink.write(encoder.encode(`${writeJson({ type: "BOOKMARK", object: table })}\n`));
    } else this.#sink.write(encoder.encode(`${writeJson({ type: "BOOKMARK", object })}\n`));
  }

  #fail(error: StatusError): void {
    if (this.#over) return;
    const object = error.status();
    if (this.#push) this.#push({ type: "ERROR", object });
    else if (this.#options.form.media === "protobuf") this.#sink.write(protobufFrame("ERROR", statusEnvelope(object)));
    else this.#sink.write(encoder.encode(`${writeJson({ type: "ERROR", object })}\n`));
    this.#end(false);
  }

  #end(withBookmark: boolean): void {
    if (this.#over) return;
    if (withBookmark && this.#options.bookmarks) this.#bookmark(false);
    this.#over = true;
    this.#leave();
    this.#sink.end();
  }

  #leave(): void {
    this.#timer?.cancel();
    this.#takeBackBookmarks?.();
    this.#unsubscribe?.();
    this.#sink.signal.removeEventListener("abort", this.#gone);
  }
}

const heads: Readonly<Record<EventType, Uint8Array>> = {
  ADDED: encoder.encode(`{"type":"ADDED","object":`),
  MODIFIED: encoder.encode(`{"type":"MODIFIED","object":`),
  DELETED: encoder.encode(`{"type":"DELETED","object":`),
};
const frameEnd = encoder.encode("}\n");

/** Four bytes of length, then a WatchEvent whose object is an envelope. */
function protobufFrame(type: string, envelope: Uint8Array): Uint8Array {
  const event = joined([lengthPrefixed(1, encoder.encode(type)), lengthPrefixed(2, lengthPrefixed(1, envelope))]);
  const frame = new Uint8Array(4 + event.length);
  new DataView(frame.buffer).setUint32(0, event.length);
  frame.set(event, 4);
  return frame;
}

function namespaceOf({ storage }: KindRest, record: StoredRecord): string {
  const start = storage.folder.length;
  return record.key.slice(start, record.key.indexOf("/", start));
}
