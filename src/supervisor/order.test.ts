import assert from "node:assert/strict";
import { test } from "node:test";
import { OrderError, transactionFor } from "./order.ts";
import { readUnit, type Unit } from "./unit-file.ts";

function units(texts: Readonly<Record<string, string>>): ReadonlyMap<string, Unit> {
  return new Map(
    Object.entries(texts).map(([name, text]) => [
      name,
      readUnit(name, [{ path: name, text: `[Unit]\n${text}\n${name.endsWith(".service") ? "[Service]\nExecStart=/bin/true\n" : ""}` }]),
    ]),
  );
}

test("a target's units come in order, and the target last", () => {
  const set = units({
    "all.target": "Wants=b.service c.service gone.service",
    "a.service": "Before=c.service",
    "b.service": "Requires=a.service\nAfter=a.service network-online.target",
    "c.service": "After=b.service",
  });
  const { units: order, waits, warnings } = transactionFor("all.target", set, new Map());
  assert.deepEqual(order, ["a.service", "b.service", "c.service", "all.target"]);
  assert.deepEqual(waits.get("b.service"), ["a.service"]);
  assert.deepEqual(warnings, ["unit gone.service not found, wanted by all.target"]);
});

test("units linked into the target's wants folder take part", () => {
  const { units: order } = transactionFor(
    "all.target",
    units({ "all.target": "", "a.service": "" }),
    new Map([["all.target", ["a.service"]]]),
  );
  assert.deepEqual(order, ["a.service", "all.target"]);
});

test("a cycle is named, and a unit that is merely wanted is left out", () => {
  const set = units({ "all.target": "Wants=a.service b.service", "a.service": "After=b.service", "b.service": "After=a.service" });
  const { units: order, warnings } = transactionFor("all.target", set, new Map());
  assert.deepEqual(order, ["a.service", "all.target"]);
  assert.deepEqual(warnings, ["ordering cycle a.service -> b.service -> a.service: b.service is left out to break it"]);
});

test("a cycle of required units, and a missing required unit, are refused", () => {
  const cycle = units({ "all.target": "Requires=a.service b.service", "a.service": "After=b.service", "b.service": "After=a.service" });
  assert.throws(
    () => transactionFor("all.target", cycle, new Map()),
    (error) => error instanceof OrderError && /a\.service -> b\.service -> a\.service/.test(error.message),
  );
  assert.throws(
    () => transactionFor("a.service", units({ "a.service": "Requires=gone.service" }), new Map()),
    /cannot start a.service: unit gone.service not found/,
  );
  assert.throws(() => transactionFor("gone.service", units({}), new Map()), /Unit gone.service not found/);
});
