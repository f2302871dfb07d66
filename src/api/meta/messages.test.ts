// What travels beside objects, through both encodings and back.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigMap } from "#api/core/config-map/config-map.ts";
import { PodLogOptions } from "#api/core/pod/pod-options.ts";
import { readJson, writeJson } from "#schema/derive/json.ts";
import { readProtobuf, writeProtobuf } from "#schema/derive/protobuf.ts";
import type { Type } from "#schema/message.ts";
import { APIGroupDiscoveryList } from "./aggregated-discovery.ts";
import { APIGroupList } from "./discovery.ts";
import { listMessage } from "./object-list.ts";
import { ListOptions } from "./options.ts";
import { PartialObjectMetadataList } from "./partial-object-metadata.ts";
import { Table } from "./table.ts";
import { WatchEvent } from "./watch-event.ts";

function read<T>(type: Type<T>, plain: unknown): T {
  const { value, problems } = readJson(type, JSON.stringify(plain));
  assert.deepEqual(problems, []);
  assert.deepEqual(JSON.parse(writeJson(value)), plain);
  return value;
}

/** Reads JSON strictly, and takes the value through protobuf. */
function bothWays<T>(type: Type<T>, plain: { readonly apiVersion: string; readonly kind: string }): T {
  const value = read(type, plain);
  assert.deepEqual(readProtobuf(type, writeProtobuf(type, value), plain), value);
  return value;
}

test("aggregated discovery", () => {
  const kind = { group: "apps", version: "v1", kind: "Deployment" };
  const status = { subresource: "status", responseKind: kind, verbs: ["get", "patch", "update"] };
  const deployments = {
    resource: "deployments",
    responseKind: kind,
    scope: "Namespaced",
    singularResource: "deployment",
    verbs: ["create", "get"],
    shortNames: ["deploy"],
    categories: ["all"],
    subresources: [status],
  };
  const items = [{ metadata: { name: "apps" }, versions: [{ version: "v1", resources: [deployments], freshness: "Current" }] }];
  bothWays(APIGroupDiscoveryList, { apiVersion: "apidiscovery.k8s.io/v2", kind: "APIGroupDiscoveryList", metadata: {}, items } as never);
});

test("plain discovery", () => {
  const version = { groupVersion: "apps/v1", version: "v1" };
  const groups = [{ name: "apps", versions: [version], preferredVersion: version }];
  bothWays(APIGroupList, { apiVersion: "v1", kind: "APIGroupList", groups } as never);
});

test("lists of a kind, and of metadata", () => {
  const items = [{ metadata: { name: "a" }, data: { k: "v" } }];
  const list = bothWays(listMessage(ConfigMap), {
    apiVersion: "v1",
    kind: "ConfigMapList",
    metadata: { resourceVersion: "7" },
    items,
  } as never);
  assert.equal(list.items[0]?.data?.["k"], "v");
  const partial = { apiVersion: "meta.k8s.io/v1", kind: "PartialObjectMetadataList", metadata: {}, items: [{ metadata: { name: "a" } }] };
  bothWays(PartialObjectMetadataList, partial);
});

test("tables keep cells of every type", () => {
  const column = { name: "Name", type: "string", format: "name", description: "", priority: 0 };
  const rows = [{ cells: ["a", 1, true, null], object: { kind: "PartialObjectMetadata", metadata: { name: "a" } } }];
  const table = read(Table, { kind: "Table", apiVersion: "meta.k8s.io/v1", metadata: {}, columnDefinitions: [column], rows });
  assert.deepEqual(table.rows[0]?.cells, ["a", 1, true, null]);
});

test("options and watch events", () => {
  bothWays(ListOptions, { apiVersion: "v1", kind: "ListOptions", watch: true, timeoutSeconds: 5, sendInitialEvents: false } as never);
  bothWays(PodLogOptions, { apiVersion: "v1", kind: "PodLogOptions", follow: true, tailLines: 0 } as never);
  const event = read(WatchEvent, { type: "ADDED", object: { kind: "Pod" } });
  assert.deepEqual(readProtobuf(WatchEvent, writeProtobuf(WatchEvent, event)), event);
});
