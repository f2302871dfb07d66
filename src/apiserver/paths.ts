// Everything outside the resource tree: health, version, metrics, discovery, OpenAPI, and what others add.
import { DeleteOptions } from "#api/meta/delete-options.ts";
import { ListMeta } from "#api/meta/list-meta.ts";
import { Status } from "#api/meta/status.ts";
import { sha256 } from "#base/sha256.ts";
import type { Metrics } from "#component/metrics.ts";
import { openapiV2Protobuf, openapiV2ProtobufType } from "#schema/derive/openapi-protobuf.ts";
import { openapiV2, openapiV3 } from "#schema/derive/openapi.ts";
import { writeJson } from "#schema/derive/json.ts";
import type { JsonObject } from "#schema/field.ts";
import type { Headers, HttpResponse } from "#wire/http/message.ts";
import type { Aggregation } from "./aggregation/aggregation.ts";
import type { Discovery } from "./discovery.ts";
import type { HealthPaths, serveHealth } from "./health.ts";
import { methodNotAllowed } from "./registry/errors.ts";
import { jsonForm } from "./registry/negotiation.ts";
import type { ApiRegistry } from "./registry/registry.ts";
import { respondObject } from "./registry/respond.ts";
import type { ApiRequest } from "./request.ts";
import type { PathHandler } from "./start.ts";
import { gitVersion, versionInfo } from "./version.ts";

export interface PathNeeds {
  readonly registry: ApiRegistry;
  readonly metrics: Metrics;
  readonly discovery: Discovery;
  readonly health: HealthPaths;
  readonly paths: Readonly<Record<string, PathHandler>>;
  readonly serveHealth: typeof serveHealth;
  /** Versions that other servers serve. */
  readonly others: Pick<Aggregation, "versions"> | undefined;
}

const openapiOptions = { version: gitVersion, types: [Status, DeleteOptions, ListMeta] };
const encoder = new TextEncoder();

export function servePaths(needs: PathNeeds): (request: ApiRequest) => Promise<HttpResponse | undefined> {
  const openapi = new OpenApi(needs.registry, needs.others);
  return async (request) => {
    const { http, info, query } = request;
    const { path } = info;
    const own = Object.hasOwn(needs.paths, path) ? needs.paths[path] : undefined;
    if (own) return own(request);
    if (http.method !== "GET" && http.method !== "HEAD") return knownPath(path) && !info.isResourceRequest ? refuse() : undefined;
    switch (path) {
      case "/version":
      case "/version/":
        return respondObject(http, versionInfo(), undefined, jsonForm);
      case "/metrics":
        return text(needs.metrics.text(), "text/plain; version=0.0.4; charset=utf-8");
      case "/":
        return respondObject(http, { paths: rootPaths(needs) }, undefined, jsonForm);
    }
    if (path.startsWith("/openapi/")) return openapi.serve(request);
    return (await needs.serveHealth(needs.health, path, query)) ?? needs.discovery.serve(request);
  };
}

function refuse(): never {
  throw methodNotAllowed();
}

function knownPath(path: string): boolean {
  return /^\/(api|apis|version|livez|readyz|healthz|metrics|openapi)(\/|$)/.test(path);
}

function rootPaths({ registry, paths, health }: PathNeeds): readonly string[] {
  const groups = [...registry.kinds.groups()].flatMap(([group, versions]) =>
    group === ""
      ? ["/api", ...versions.map(({ version }) => `/api/${version}`)]
      : [`/apis/${group}`, ...versions.map(({ version }) => `/apis/${group}/${version}`)],
  );
  const checks = ["livez", "readyz"].flatMap((root) => [`/${root}`, ...health[root as "livez"].map(({ name }) => `/${root}/${name}`)]);
  return [...groups, "/apis", ...checks, "/healthz", "/metrics", "/openapi/v2", "/openapi/v3", "/version", ...Object.keys(paths)].sort();
}

function text(body: string, contentType: string): HttpResponse {
  return { status: 200, headers: { "content-type": contentType, "cache-control": "no-cache, private" }, body: encoder.encode(body) };
}

interface Document {
  readonly object: Readonly<Record<string, unknown>>;
  readonly bytes: Uint8Array;
  readonly hash: string;
  /** Of the v2 document, once someone asked for it so. */
  protobuf?: Uint8Array;
}

/** The OpenAPI documents, made when first asked for and again when kinds change. */
class OpenApi {
  readonly #registry: ApiRegistry;
  readonly #others: PathNeeds["others"];
  readonly #documents = new Map<string, Document>();
  #revision = -1;
  #seen: Aggregation["versions"] | undefined;

  constructor(registry: ApiRegistry, others: PathNeeds["others"]) {
    this.#registry = registry;
    this.#others = others;
  }

  serve({ http, info, query }: ApiRequest): HttpResponse | undefined {
    const { kinds } = this.#registry;
    if (this.#revision !== kinds.revision) {
      this.#documents.clear();
      this.#revision = kinds.revision;
    }
    if (this.#seen !== this.#others?.versions) {
      this.#seen = this.#others?.versions;
      this.#documents.delete("/openapi/v3");
      this.#documents.delete("/openapi/v3/");
    }
    const document = this.#documentOf(info.path);
    if (!document) return undefined;
    const etag = `"${document.hash}"`;
    const immutable = query.get("hash") === document.hash;
    const protobuf = info.path === "/openapi/v2" && !http.wantsObjects && prefersProtobuf(http.headers.accept);
    const headers: Headers = {
      "content-type": protobuf ? protobufTypes[0] : "application/json",
      "cache-control": immutable ? "public, immutable" : "no-cache, private",
      etag,
      vary: "Accept-Encoding, Accept",
    };
    if (http.headers["if-none-match"] === etag) return { status: 304, headers };
    if (protobuf) {
      document.protobuf ??= openapiV2Protobuf(document.object as JsonObject);
      return { status: 200, headers, body: document.protobuf };
    }
    return http.wantsObjects ? { status: 200, headers, object: document.object } : { status: 200, headers, body: document.bytes };
  }

  #documentOf(path: string): Document | undefined {
    let document = this.#documents.get(path);
    if (document) return document;
    const object = this.#make(path);
    if (!object) return undefined;
    const bytes = encoder.encode(`${writeJson(object)}\n`);
    const hash = Array.from(sha256(bytes), (byte) => byte.toString(16).padStart(2, "0"))
      .join("")
      .toUpperCase();
    document = { object, bytes, hash };
    this.#documents.set(path, document);
    return document;
  }

  #make(path: string): Readonly<Record<string, unknown>> | undefined {
    const { kinds } = this.#registry;
    if (path === "/openapi/v2")
      return openapiV2(
        [...kinds.all()].map(({ kind }) => kind),
        openapiOptions,
      );
    if (path === "/openapi/v3" || path === "/openapi/v3/") {
      const paths: Record<string, { serverRelativeURL: string }> = {};
      for (const [group, versions] of kinds.groups()) {
        for (const { version } of versions) {
          const name = group === "" ? `api/${version}` : `apis/${group}/${version}`;
          const hash = this.#documentOf(`/openapi/v3/${name}`)?.hash ?? "";
          paths[name] = { serverRelativeURL: `/openapi/v3/${name}?hash=${hash}` };
        }
      }
      for (const { group, version, openapi } of this.#others?.versions ?? []) {
        const name = `apis/${group}/${version}`;
        if (openapi !== undefined && !Object.hasOwn(paths, name)) paths[name] = { serverRelativeURL: openapi };
      }
      return { paths };
    }
    const match = /^\/openapi\/v3\/(?:api\/([^/]+)|apis\/([^/]+)\/([^/]+))$/.exec(path);
    if (!match) return undefined;
    const [, core, group = "", version = core ?? ""] = match;
    const served = kinds
      .groups()
      .get(group)
      ?.find((each) => each.version === version);
    return (
      served &&
      openapiV3(
        group === "" ? version : `${group}/${version}`,
        served.resources.map(({ kind }) => kind),
        openapiOptions,
      )
    );
  }
}

/** The name clients ask by has an @, which no media type may have: the answer says it with a dot. */
const protobufTypes = [openapiV2ProtobufType.replace("@", "."), openapiV2ProtobufType] as const;

/** Whether the swagger document is wanted as protobuf rather than JSON, by the order of the Accept header. */
function prefersProtobuf(accept = ""): boolean {
  const types = accept.split(",", 32).map((clause) => clause.split(";", 1)[0]?.trim());
  const protobuf = types.findIndex((type) => type !== undefined && (protobufTypes as readonly string[]).includes(type));
  const json = types.findIndex((type) => type === "application/json" || type === "*/*");
  return protobuf >= 0 && (json < 0 || protobuf < json);
}
