// What the server counts about requests, under upstream's names.
import { type Gauge, Metrics } from "#component/metrics.ts";
import type { World } from "#platform/world.ts";
import type { Resource } from "./registry/resource.ts";
import type { ParsedRequest } from "./request-info.ts";

const buckets = [0.005, 0.025, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60];

export class RequestMetrics {
  readonly metrics = new Metrics();
  readonly #total = this.metrics.counter("apiserver_request_total", "Requests answered, by verb, resource and code.", [
    "code",
    "component",
    "dry_run",
    "group",
    "resource",
    "scope",
    "subresource",
    "verb",
    "version",
  ]);
  readonly #seconds = this.metrics.histogram(
    "apiserver_request_duration_seconds",
    "Seconds until the answer stood, without watches.",
    ["component", "group", "resource", "scope", "subresource", "verb", "version"],
    buckets,
  );
  readonly #longRunning: Gauge;
  readonly #running = new Map<string, number>();
  #inFlight: () => { readOnly: number; mutating: number } = () => ({ readOnly: 0, mutating: 0 });

  constructor(world: World) {
    const labels = ["component", "group", "resource", "scope", "subresource", "verb", "version"];
    this.#longRunning = this.metrics.gauge("apiserver_longrunning_requests", "Watches, execs and the like that are open.", labels);
    const startedAt = world.clock.now() / 1000;
    this.metrics.gauge("process_start_time_seconds", "When the process started.", [], () => startedAt);
    this.metrics.gauge("apiserver_current_inflight_requests", "Requests being worked on.", ["request_kind"], () => {
      const { readOnly, mutating } = this.#inFlight();
      return [
        [["readOnly"], readOnly],
        [["mutating"], mutating],
      ];
    });
  }

  watchInFlight(read: () => { readOnly: number; mutating: number }): void {
    this.#inFlight = read;
  }

  /** `served`: what the request is about; undefined when nobody serves that, which anyone may ask for, so that it must not become a label. */
  answered(method: string, info: ParsedRequest | undefined, served: Resource | undefined, status: number, seconds: number): void {
    const verb = info?.isResourceRequest ? (upperVerbs[info.verb] ?? "OTHER") : (knownMethods[method] ?? "OTHER");
    const scope = scopeOf(info);
    const { group, version, plural } = served?.kind ?? { group: "", version: "", plural: "" };
    const subresource = served && info && hasSubresource(served, info.subresource) ? info.subresource : "";
    this.#total.add([String(status), "apiserver", "", group, plural, scope, subresource, verb, version]);
    if (verb !== "WATCH") this.#seconds.observe(["apiserver", group, plural, scope, subresource, verb, version], seconds);
  }

  /** Counts one until the returned function is called. */
  longRunning(info: ParsedRequest): () => void {
    const { group, resource, subresource, version } = info;
    const labels = ["apiserver", group, resource, scopeOf(info), subresource, upperVerbs[info.verb] ?? "CONNECT", version];
    const id = labels.join("/");
    this.#count(id, labels, 1);
    let over = false;
    return () => {
      if (!over) this.#count(id, labels, -1);
      over = true;
    };
  }

  #count(id: string, labels: readonly string[], by: number): void {
    const value = (this.#running.get(id) ?? 0) + by;
    this.#running.set(id, value);
    this.#longRunning.set(labels, value);
  }
}

function hasSubresource({ subresources, kind }: Resource, name: string): boolean {
  return Object.hasOwn(subresources, name) || (kind.subresources !== undefined && Object.hasOwn(kind.subresources, name));
}

function scopeOf(info: ParsedRequest | undefined): string {
  if (!info?.isResourceRequest) return "";
  return info.name !== "" ? "resource" : info.namespace !== "" ? "namespace" : "cluster";
}

const upperVerbs: Readonly<Record<string, string>> = {
  get: "GET",
  list: "LIST",
  watch: "WATCH",
  create: "POST",
  update: "PUT",
  patch: "PATCH",
  delete: "DELETE",
  deletecollection: "DELETECOLLECTION",
};
const knownMethods: Readonly<Record<string, string>> = {
  GET: "GET",
  HEAD: "HEAD",
  POST: "POST",
  PUT: "PUT",
  PATCH: "PATCH",
  DELETE: "DELETE",
};
