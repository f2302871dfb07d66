// metrics.k8s.io/v1beta1: what nodes and Pods use now. Objects and tables are made when they are asked for; nothing is stored.
import { Node } from "#api/core/node/node.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { StatusError } from "#api/meta/status-error.ts";
import type { Client } from "#client/client.ts";
import type { World } from "#platform/world.ts";
import { writeJson } from "#schema/derive/json.ts";
import type { Json } from "#schema/field.ts";
import { addQuantities } from "#schema/quantity.ts";
import { formatTime } from "#schema/time.ts";
import type { HttpHandler, HttpResponse } from "#wire/http/message.ts";
import type { Sampler } from "./sampler.ts";
import { cpuQuantity, memoryQuantity, shownUsage, type Usage, windowText } from "./usage.ts";

export interface MetricsApiNeeds {
  readonly client: Client;
  readonly sampler: Sampler;
}

interface Measured {
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string | undefined;
    readonly creationTimestamp: string;
    readonly labels?: Readonly<Record<string, string>> | undefined;
  };
  readonly timestamp: string;
  readonly window: string;
  readonly usage?: Amounts;
  readonly containers?: readonly { readonly name: string; readonly usage: Amounts }[];
}

type Amounts = { readonly cpu: string; readonly memory: string };
type Resource = "nodes" | "pods";

const group = "metrics.k8s.io";
const groupVersion = `${group}/v1beta1`;
const kinds = { nodes: "NodeMetrics", pods: "PodMetrics" } as const;
const resources: Json = {
  kind: "APIResourceList",
  apiVersion: "v1",
  groupVersion,
  resources: [
    { name: "nodes", singularName: "", namespaced: false, kind: "NodeMetrics", verbs: ["get", "list"] },
    { name: "pods", singularName: "", namespaced: true, kind: "PodMetrics", verbs: ["get", "list"] },
  ],
};
const version = { groupVersion, version: "v1beta1" };
const apiGroup: Json = { kind: "APIGroup", apiVersion: "v1", name: group, versions: [version], preferredVersion: version };

/** Serves who may: whoever hands requests in has asked. */
export function metricsApi(world: World, needs: MetricsApiNeeds): HttpHandler {
  return async (request) => {
    try {
      if (request.method !== "GET" && request.method !== "HEAD")
        throw new StatusError("MethodNotAllowed", "the server does not allow this method on the requested resource");
      const query = new URLSearchParams(request.query);
      return answer(await documentAt(world, needs, request.path, query, asTable(request.headers["accept"])), request.wantsObjects);
    } catch (error) {
      const known = error instanceof StatusError ? error : new StatusError("InternalError", `Internal error occurred: ${String(error)}`);
      return answer(known.status() as Json, request.wantsObjects, known.code);
    }
  };
}

function answer(document: Json, wantsObjects: boolean | undefined, status = 200): HttpResponse {
  const headers = { "content-type": "application/json" };
  if (wantsObjects) return { status, headers, object: document };
  return { status, headers, body: new TextEncoder().encode(`${writeJson(document)}\n`) };
}

async function documentAt(world: World, needs: MetricsApiNeeds, path: string, query: URLSearchParams, table: boolean): Promise<Json> {
  const [root, ...parts] = path.split("/").filter((part) => part !== "");
  if (root !== "apis") throw notFound();
  const [asked, v1beta1, first, second, third, fourth] = parts.map(decodeURIComponent);
  if (asked === undefined) return { kind: "APIGroupList", apiVersion: "v1", groups: [apiGroup] };
  if (asked !== group) throw notFound();
  if (v1beta1 === undefined) return apiGroup;
  if (v1beta1 !== "v1beta1" || parts.length > 6) throw notFound();
  if (first === undefined) return resources;
  await needs.sampler.fresh();
  if (first === "nodes" && third === undefined) return nodes(second);
  if (first === "pods" && second === undefined) return pods("", undefined);
  if (first === "namespaces" && third === "pods" && second !== undefined) return pods(second, fourth);
  throw notFound();

  async function nodes(name: string | undefined): Promise<Json> {
    const found = name === undefined ? (await needs.client.list(Node, selectorsOf(query))).items : [await needs.client.get(Node, { name })];
    return shown(
      "nodes",
      found.flatMap(({ metadata }) => nodeMetrics(needs.sampler, metadata) ?? []),
      name,
    );
  }

  async function pods(namespace: string, name: string | undefined): Promise<Json> {
    const found =
      name === undefined
        ? (await needs.client.list(Pod, { ...(namespace !== "" && { namespace }), ...selectorsOf(query) })).items
        : [await needs.client.get(Pod, { namespace, name })];
    return shown(
      "pods",
      found.flatMap(({ metadata }) => podMetrics(needs.sampler, metadata) ?? []),
      name,
      namespace,
    );
  }

  function shown(resource: Resource, items: readonly Measured[], name: string | undefined, namespace = ""): Json {
    const [only] = items;
    if (name !== undefined && !only) throw noMetrics(resource, namespace === "" ? name : `${namespace}/${name}`);
    if (table) return tableOf(resource, items);
    if (name !== undefined) return { kind: kinds[resource], apiVersion: groupVersion, ...only } as unknown as Json;
    const list = { kind: `${kinds[resource]}List`, apiVersion: groupVersion, metadata: {}, items };
    return list as unknown as Json;
  }
}

function selectorsOf(query: URLSearchParams) {
  const [labelSelector, fieldSelector] = [query.get("labelSelector"), query.get("fieldSelector")];
  return { resourceVersion: "0", ...(labelSelector && { labelSelector }), ...(fieldSelector && { fieldSelector }) };
}

type Named = Measured["metadata"];

function nodeMetrics(sampler: Sampler, metadata: Named): Measured | undefined {
  const usage = sampler.nodeUsage(metadata.name);
  return usage && { ...measured(metadata, usage), usage: amounts(usage) };
}

/** All of a Pod's containers together are as old as the oldest reading among them. */
function podMetrics(sampler: Sampler, metadata: Named): Measured | undefined {
  const usages = sampler.podUsage(metadata.namespace ?? "", metadata.name);
  const [first] = usages;
  if (!first) return undefined;
  const oldest = usages.reduce((earliest, { usage }) => (usage.at < earliest.at ? usage : earliest), first.usage);
  return { ...measured(metadata, oldest), containers: usages.map(({ container, usage }) => ({ name: container, usage: amounts(usage) })) };
}

function measured({ name, namespace, labels }: Named, { at, windowMilliseconds }: Usage) {
  const timestamp = formatTime(at);
  const metadata = { name, ...(namespace && { namespace }), creationTimestamp: timestamp, ...(labels && { labels }) };
  return { metadata, timestamp, window: windowText(windowMilliseconds) };
}

function amounts({ nanoCores, memoryBytes }: Usage): Amounts {
  return { cpu: cpuQuantity(nanoCores), memory: memoryQuantity(memoryBytes) };
}

function tableOf(resource: Resource, items: readonly Measured[]): Json {
  const column = (name: string, format = "") => ({ name, type: "string", format, description: "", priority: 0 });
  const rows = items.map(({ metadata, usage, containers, window }) => ({
    cells: [metadata.name, ...shownUsage(usage ?? totalOf(containers ?? [])), window],
    object: { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata },
  }));
  return {
    kind: "Table",
    apiVersion: "meta.k8s.io/v1",
    metadata: {},
    columnDefinitions: [column("Name", "name"), column("cpu"), column("memory"), column("window")],
    rows: rows as unknown as Json,
  };
}

function totalOf(all: readonly { readonly usage: Amounts }[]): Amounts {
  return all.reduce((sum, { usage }) => ({ cpu: addQuantities(sum.cpu, usage.cpu), memory: addQuantities(sum.memory, usage.memory) }), {
    cpu: "0",
    memory: "0",
  });
}

function asTable(accept = ""): boolean {
  return accept.split(",", 32).some((clause) => /^\s*application\/json\s*;.*\bas=Table\b/.test(clause));
}

function notFound(): StatusError {
  return new StatusError("NotFound", "the server could not find the requested resource");
}

function noMetrics(resource: Resource, name: string): StatusError {
  const kind = resource === "nodes" ? "nodemetrics" : "podmetrics";
  return new StatusError("NotFound", `${kind}.${group} ${JSON.stringify(name)} not found`, { name, group, kind });
}
