import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigMap, Deployment, examplePod, Pod } from "../../../test/support/sample-kinds.ts";
import type { Json, JsonObject } from "../field.ts";
import { createdFields } from "./created-fields.ts";
import { emptySet } from "./field-set.ts";
import { rootOf } from "./managed-fields.ts";
import { normalise } from "./normalise.ts";
import { touchedFields } from "./object-fields.ts";

const root = rootOf(Pod.message, "", true);
const setOf = (object: unknown) => createdFields(root.plan, root.empty, object as JsonObject);

test("objects of one shape share their set, others do not", () => {
  const pod = structuredClone(examplePod()) as {
    metadata: { name: string; labels: Record<string, string> };
    spec: { containers: { name: string; image: string }[] };
  };
  const first = setOf(pod);
  const twin = structuredClone(pod);
  twin.metadata.name = "twin";
  twin.metadata.labels["app"] = "other";
  const [container] = twin.spec.containers;
  assert.ok(container);
  container.image = "other";
  assert.equal(setOf(twin), first);
  container.name = "other";
  assert.notEqual(setOf(twin), first);
  assert.equal(setOf(pod), first);
});

test("whatever was seen before, the set is that of the object", () => {
  let seed = 7;
  const below = (limit: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % limit;
  };
  const values: readonly Json[] = ["", "a", 0, 1, true, null, [], {}, ["a"], { name: "a" }, [{ name: "a" }, { name: "a" }]];
  const mutate = (value: Json): Json => {
    if (typeof value !== "object" || value === null || below(6) === 0) return values[below(values.length)] as Json;
    const copy = structuredClone(value) as Record<string, Json>;
    const names = Object.keys(copy);
    const name = names[below(names.length)];
    if (name === undefined) return copy;
    if (below(8) > 0) copy[name] = mutate(copy[name] as Json);
    else if (Array.isArray(copy)) copy.push(structuredClone(copy[0]));
    else delete copy[name];
    return copy;
  };
  let made = 0;
  for (const { message } of [Pod, ConfigMap, Deployment]) {
    const { plan, empty } = rootOf(message, "", true);
    const start =
      message === Pod.message ? (examplePod() as unknown as Json) : { metadata: { labels: { a: "b" } }, spec: { selector: { a: "b" } } };
    for (let round = 0; round < 1_500; round++) {
      let object: JsonObject;
      try {
        object = normalise<unknown>(message, mutate(mutate(start))).value as JsonObject;
      } catch {
        continue;
      }
      made++;
      for (let again = 0; again < 2; again++) {
        assert.deepEqual(createdFields(plan, empty, object), touchedFields(plan, empty, object) ?? emptySet);
      }
    }
  }
  assert.ok(made > 1_000, `${made}`);
});
