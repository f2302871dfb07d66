import assert from "node:assert/strict";
import { test } from "node:test";
import type { Kind } from "../kind.ts";
import { examplePod, Pod } from "../../../test/support/sample-kinds.ts";
import { partialObjectMetadata, partialObjectMetadataList, tableFor } from "./table.ts";

const now = Date.UTC(2026, 0, 1, 0, 5);

test("a kind without columns shows name and age", () => {
  const pod = examplePod();
  const table = tableFor(Pod, [pod], { now, listMeta: { resourceVersion: "7" } });
  assert.deepEqual(
    table.columnDefinitions.map(({ name, type, format }) => [name, type, format]),
    [
      ["Name", "string", "name"],
      ["Age", "date", ""],
    ],
  );
  assert.deepEqual(table.rows, [
    {
      cells: ["web-5f7c6d8b9-abcde", "5m"],
      object: { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: pod["metadata"] },
    },
  ]);
  assert.deepEqual(table.metadata, { resourceVersion: "7" });
});

test("declared columns, whole objects, or none", () => {
  const kind = { ...Pod, columns: [{ name: "Phase", priority: 1, doc: "Where it is.", read: () => "Running" }] } as unknown as Kind;
  const pod = { ...examplePod(), metadata: { name: "p", resourceVersion: "3" } };
  const whole = tableFor(kind, [pod], { now, includeObject: "Object" });
  assert.deepEqual(whole.columnDefinitions, [{ name: "Phase", type: "string", format: "", description: "Where it is.", priority: 1 }]);
  assert.deepEqual(whole.metadata, { resourceVersion: "3" });
  assert.equal(whole.rows[0]?.object, pod);
  assert.deepEqual(tableFor(kind, [pod], { now, includeObject: "None" }).rows, [{ cells: ["Running"] }]);
});

test("objects cut down to their metadata", () => {
  const cut = { kind: "PartialObjectMetadata", apiVersion: "meta.k8s.io/v1", metadata: { name: "a" } };
  assert.deepEqual(partialObjectMetadata({ metadata: { name: "a" }, spec: {} }), cut);
  assert.deepEqual(partialObjectMetadataList([{ metadata: { name: "a" } }], { resourceVersion: "1" }).items, [cut]);
});
