// Real objects of v1.36, as the API server writes them in JSON and protobuf, through our declarations and back, byte for byte.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { normalise, readJson, writeJson } from "#schema/derive/json.ts";
import { readProtobuf, unwrapUnknown, wrapUnknown, writeProtobuf } from "#schema/derive/protobuf.ts";
import type { Type } from "#schema/message.ts";

const apiFolder = import.meta.dirname;
const wireFolder = join(apiFolder, "../../test/support/wire");

/** Every type declared under src/api, by "apiVersion kind", or by its name where it belongs to all versions. */
async function declaredTypes(): Promise<ReadonlyMap<string, Type<unknown>>> {
  const types = new Map<string, Type<unknown>>();
  const files = readdirSync(apiFolder, { recursive: true, encoding: "utf8" });
  for (const file of files.filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))) {
    for (const declared of Object.values((await import(join(apiFolder, file))) as Record<string, unknown>)) {
      if (typeof declared !== "object" || declared === null) continue;
      if ("apiVersion" in declared && "message" in declared && "name" in declared) {
        types.set(`${declared.apiVersion} ${declared.name}`, declared.message as Type<unknown>);
      } else if ("fields" in declared && "options" in declared && Object.hasOwn(declared.fields as object, "apiVersion")) {
        types.set((declared as Type<unknown>).name, declared as Type<unknown>);
      }
    }
  }
  return types;
}

const types = await declaredTypes();
for (const file of readdirSync(wireFolder).filter((name) => name.endsWith(".json"))) {
  test(`${file} round-trips`, () => {
    const text = readFileSync(join(wireFolder, file), "utf8");
    const bytes = new Uint8Array(readFileSync(join(wireFolder, file.replace(/json$/, "pb"))));
    const plain = JSON.parse(text);
    const type = types.get(`${plain.apiVersion} ${plain.kind}`) ?? types.get(plain.kind);
    assert.ok(type, `${plain.kind} is declared`);

    const { value, problems } = readJson(type, text);
    assert.deepEqual(problems, []);
    assert.deepEqual(JSON.parse(writeJson(value)), plain);
    assert.deepEqual(normalise(type, plain), { value, problems: [] });

    const envelope = unwrapUnknown(bytes);
    assert.deepEqual({ apiVersion: envelope.apiVersion, kind: envelope.kind }, { apiVersion: plain.apiVersion, kind: plain.kind });
    assert.deepEqual(readProtobuf(type, envelope.raw, envelope), value);
    assert.deepEqual(wrapUnknown(envelope.apiVersion, envelope.kind, writeProtobuf(type, value)), bytes);
  });
}
