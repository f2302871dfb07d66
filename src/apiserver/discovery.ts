// What is served, told to clients: /api, /apis, each group, each version, and all of it in one document.
import { sha256 } from "#base/sha256.ts";
import type { Kind } from "#schema/kind.ts";
import { writeJson } from "#schema/derive/json.ts";
import type { Headers, HttpResponse } from "#wire/http/message.ts";
import type { ApiRequest } from "./request.ts";
import type { Aggregation, RemoteVersion } from "./aggregation/aggregation.ts";
import type { RemoteResource } from "./aggregation/remote-discovery.ts";
import { type GroupVersion, type Kinds } from "./registry/kinds.ts";
import { negotiate } from "./registry/negotiation.ts";
import { respondObject } from "./registry/respond.ts";
import { type Resource, verbsOf } from "./registry/resource.ts";

type Document = Readonly<Record<string, unknown>>;

export class Discovery {
  readonly #kinds: Kinds;
  /** Versions that other servers serve. */
  readonly #others: Others | undefined;
  readonly #serverAddress: string;
  readonly #documents = new Map<string, Document>();
  #aggregated = new Map<string, { readonly bytes: Uint8Array; readonly object: Document; readonly etag: string }>();
  #revision = -1;
  #seen: Others["versions"] | undefined;
  #merged: ReadonlyMap<string, readonly Version[]> = new Map();

  constructor(kinds: Kinds, others: Others | undefined, serverAddress: string) {
    this.#kinds = kinds;
    this.#others = others;
    this.#serverAddress = serverAddress;
  }

  /** Undefined when the path is none of discovery's. */
  serve(request: ApiRequest): HttpResponse | undefined {
    if (this.#revision !== this.#kinds.revision || this.#seen !== this.#others?.versions) {
      this.#documents.clear();
      this.#aggregated.clear();
      this.#revision = this.#kinds.revision;
      this.#seen = this.#others?.versions;
      this.#merged = merged(this.#kinds, this.#seen ?? []);
    }
    const path = request.info.path.length > 1 && request.info.path.endsWith("/") ? request.info.path.slice(0, -1) : request.info.path;
    if (path === "/api" || path === "/apis") {
      const version = aggregatedVersion(request.http.headers.accept);
      if (version) return this.#serveAggregated(request, path, version);
    }
    let document = this.#documents.get(path);
    if (!document) {
      document = this.#document(path);
      if (!document) return undefined;
      this.#documents.set(path, document);
    }
    const form = negotiate(request.http.headers.accept);
    return respondObject(request.http, document, undefined, form.as === "object" ? form : negotiate(""));
  }

  #document(path: string): Document | undefined {
    const [, root, first, second, ...more] = path.split("/");
    if (more.length > 0) return undefined;
    const groups = this.#merged;
    if (root === "api") {
      const core = groups.get("") ?? [];
      if (first === undefined) {
        const serverAddressByClientCIDRs = [{ clientCIDR: "0.0.0.0/0", serverAddress: this.#serverAddress }];
        return { kind: "APIVersions", versions: core.map(({ version }) => version), serverAddressByClientCIDRs };
      }
      return second === undefined ? resourceList(core.find(({ version }) => version === first)) : undefined;
    }
    if (root !== "apis") return undefined;
    if (first === undefined) {
      const named = [...groups.keys()].filter((group) => group !== "").sort(groupOrder);
      return { kind: "APIGroupList", apiVersion: "v1", groups: named.map((group) => groupOf(group, groups.get(group) ?? [])) };
    }
    const versions = first === "" ? undefined : groups.get(first);
    if (!versions) return undefined;
    if (second === undefined) return { kind: "APIGroup", apiVersion: "v1", ...groupOf(first, versions) };
    return resourceList(versions.find(({ version }) => version === second));
  }

  #serveAggregated({ http }: ApiRequest, path: string, version: "v2" | "v2beta1"): HttpResponse {
    const id = `${path} ${version}`;
    let made = this.#aggregated.get(id);
    if (!made) {
      const groups = this.#merged;
      const names = [...groups.keys()].filter((group) => (group === "") === (path === "/api")).sort(groupOrder);
      const items = names.map((group) => aggregatedGroup(group, groups.get(group) ?? []));
      const object = { kind: "APIGroupDiscoveryList", apiVersion: `apidiscovery.k8s.io/${version}`, metadata: {}, items };
      const bytes = new TextEncoder().encode(`${writeJson(object)}\n`);
      const digest = Array.from(sha256(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
      made = { bytes, object, etag: `"${digest.toUpperCase()}"` };
      this.#aggregated.set(id, made);
    }
    const headers: Headers = {
      "cache-control": "public",
      "content-type": `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`,
      etag: made.etag,
      vary: "Accept",
    };
    if (http.headers["if-none-match"] === made.etag) return { status: 304, headers };
    return http.wantsObjects ? { status: 200, headers, object: made.object } : { status: 200, headers, body: made.bytes };
  }
}

/** A version of this server's own, or another server's. */
type Version = GroupVersion | RemoteVersion;
type Others = Pick<Aggregation, "versions">;

/** This server's own versions come first, and are never another's. */
function merged(kinds: Kinds, others: readonly RemoteVersion[]): ReadonlyMap<string, readonly Version[]> {
  const all = new Map<string, readonly Version[]>(kinds.groups());
  const byPriority = others.toSorted(
    (left, right) => right.groupPriority - left.groupPriority || right.versionPriority - left.versionPriority,
  );
  for (const other of byPriority) {
    const own = all.get(other.group) ?? [];
    if (!own.some(({ version }) => version === other.version)) all.set(other.group, [...own, other]);
  }
  return all;
}

function aggregatedVersion(accept = ""): "v2" | "v2beta1" | undefined {
  for (const clause of accept.split(",", 32)) {
    const parts = clause.split(";").map((part) => part.trim());
    if (!parts.includes("as=APIGroupDiscoveryList") || !parts.includes("g=apidiscovery.k8s.io")) continue;
    if (parts[0] !== "application/json" && parts[0] !== "*/*") continue;
    if (parts.includes("v=v2")) return "v2";
    if (parts.includes("v=v2beta1")) return "v2beta1";
  }
  return undefined;
}

/** Groups that come with the server before those that were added, in upstream's order of preference where it has one. */
const order = [
  "",
  "apiregistration.k8s.io",
  "apps",
  "events.k8s.io",
  "authentication.k8s.io",
  "authorization.k8s.io",
  "autoscaling",
  "batch",
  "certificates.k8s.io",
  "networking.k8s.io",
  "policy",
  "rbac.authorization.k8s.io",
  "storage.k8s.io",
  "admissionregistration.k8s.io",
  "apiextensions.k8s.io",
  "scheduling.k8s.io",
  "coordination.k8s.io",
  "node.k8s.io",
  "discovery.k8s.io",
  "resource.k8s.io",
  "flowcontrol.apiserver.k8s.io",
];

function groupOrder(left: string, right: string): number {
  const [leftPlace, rightPlace] = [order.indexOf(left), order.indexOf(right)];
  if (leftPlace >= 0 && rightPlace >= 0) return leftPlace - rightPlace;
  if (leftPlace >= 0 || rightPlace >= 0) return leftPlace >= 0 ? -1 : 1;
  return left < right ? -1 : 1;
}

function groupOf(name: string, versions: readonly Version[]): Document {
  const named = versions.map(({ version }) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions: named, preferredVersion: named[0] };
}

function resourceList(groupVersion: Version | undefined): Document | undefined {
  // Another server's list is asked of itself.
  if (!groupVersion || "isFresh" in groupVersion) return undefined;
  const { group, version, resources } = groupVersion;
  return {
    kind: "APIResourceList",
    ...(group !== "" && { apiVersion: "v1" }),
    groupVersion: group === "" ? version : `${group}/${version}`,
    resources: [...resources].sort(byPlural).flatMap(resourceEntries),
  };
}

function byPlural(left: Resource, right: Resource): number {
  return left.kind.plural < right.kind.plural ? -1 : 1;
}

function resourceEntries(resource: Resource): readonly Document[] {
  const { kind } = resource;
  const namespaced = kind.scope === "namespaced";
  const own: Document = {
    name: kind.plural,
    singularName: kind.singular,
    namespaced,
    kind: kind.name,
    verbs: [...verbsOf(resource)].sort(),
    ...(kind.shortNames.length > 0 && { shortNames: kind.shortNames }),
    ...(kind.categories.length > 0 && { categories: kind.categories }),
    ...(!resource.create && { storageVersionHash: storageHash(kind) }),
  };
  const below = subresourcesOf(resource).map(({ name, takes, verbs }) => ({
    name: `${kind.plural}/${name}`,
    singularName: "",
    namespaced,
    ...(takes && (takes.group !== kind.group || takes.version !== kind.version) && { group: takes.group, version: takes.version }),
    kind: takes?.kind ?? kind.name,
    verbs,
  }));
  // A resource that exists only for what lies below it (a review kind's plural never does).
  return [own, ...below];
}

interface SubresourceEntry {
  readonly name: string;
  readonly takes: { readonly group: string; readonly version: string; readonly kind: string } | undefined;
  readonly verbs: readonly string[];
}

function subresourcesOf(resource: Resource): readonly SubresourceEntry[] {
  const { kind, subresources } = resource;
  const entries = new Map<string, SubresourceEntry>();
  const usual = ["get", "patch", "update"];
  if (kind.subresources?.scale) {
    entries.set("scale", { name: "scale", takes: { group: "autoscaling", version: "v1", kind: "Scale" }, verbs: usual });
  }
  if (kind.subresources?.status) entries.set("status", { name: "status", takes: undefined, verbs: usual });
  for (const [name, subresource] of Object.entries(subresources)) {
    const takes = subresource.type === "custom" ? subresource.takes : undefined;
    entries.set(name, { name, takes, verbs: [...(subresource.verbs ?? usual)].sort() });
  }
  return [...entries.values()].sort((left, right) => (left.name < right.name ? -1 : 1));
}

/** Eight bytes of the digest of what is stored, as base64: equal where two versions share their storage. */
function storageHash(kind: Kind): string {
  const stored = kind.storage?.().kind ?? kind;
  const digest = sha256(new TextEncoder().encode(`${stored.group}/${stored.version}/${stored.name}`));
  return btoa(String.fromCharCode(...digest.subarray(0, 8)));
}

function aggregatedGroup(group: string, versions: readonly Version[]): Document {
  return {
    metadata: { name: group, creationTimestamp: null },
    versions: versions.map((served) => ({
      version: served.version,
      resources: "isFresh" in served ? othersResources(served) : [...served.resources].sort(byPlural).map(aggregatedResource),
      freshness: !("isFresh" in served) || served.isFresh ? "Current" : "Stale",
    })),
  };
}

/** What another server says, in the words of the whole document. */
function othersResources({ resources }: RemoteVersion): readonly Document[] {
  const responseKind = ({ group, version, kind }: RemoteResource) => ({ group, version, kind });
  return resources
    .filter(({ name }) => !name.includes("/"))
    .map((resource) => {
      const { name, namespaced, singularName, verbs, shortNames, categories } = resource;
      const below = resources.filter((other) => other.name.startsWith(`${name}/`));
      return {
        resource: name,
        responseKind: responseKind(resource),
        scope: namespaced ? "Namespaced" : "Cluster",
        singularResource: singularName,
        verbs,
        ...(shortNames.length > 0 && { shortNames }),
        ...(categories.length > 0 && { categories }),
        ...(below.length > 0 && {
          subresources: below.map((other) => ({
            subresource: other.name.slice(name.length + 1),
            responseKind: responseKind(other),
            verbs: other.verbs,
          })),
        }),
      };
    });
}

function aggregatedResource(resource: Resource): Document {
  const { kind } = resource;
  const subresources = subresourcesOf(resource).map(({ name, takes, verbs }) => ({
    subresource: name,
    responseKind: takes ?? kindOf(kind),
    verbs,
  }));
  return {
    resource: kind.plural,
    responseKind: kindOf(kind),
    scope: kind.scope === "namespaced" ? "Namespaced" : "Cluster",
    singularResource: kind.singular,
    verbs: [...verbsOf(resource)].sort(),
    ...(kind.shortNames.length > 0 && { shortNames: kind.shortNames }),
    ...(kind.categories.length > 0 && { categories: kind.categories }),
    ...(subresources.length > 0 && { subresources }),
  };
}

function kindOf({ group, version, name }: Kind): Document {
  return { group, version, kind: name };
}
