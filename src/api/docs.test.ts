import assert from "node:assert/strict";
import { test } from "node:test";
import type { Field, Type } from "#schema/message.ts";
import { allKinds } from "./all.ts";

/** Fields that say nothing of themselves, by message and name. */
function undocumented(type: Type<unknown>, seen: Set<Type<unknown>>): readonly string[] {
  if (seen.has(type)) return [];
  seen.add(type);
  return Object.entries(type.fields as Record<string, Field>).flatMap(([name, { doc, element }]) => {
    const own = name !== "apiVersion" && name !== "kind" && !doc ? [`${type.name}.${name}`] : [];
    return "message" in element ? [...own, ...undocumented(element.message(), seen)] : own;
  });
}

test("every kind and every field is explained", () => {
  const seen = new Set<Type<unknown>>();
  assert.deepEqual(
    allKinds.flatMap((kind) => undocumented(kind.message, seen)),
    [],
  );
  assert.deepEqual(
    allKinds.filter(({ doc }) => !doc).map(({ name }) => name),
    [],
  );
  assert.ok(seen.size > 150, "the walk reaches the messages");
});
