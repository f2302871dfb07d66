import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  canonicalDuration,
  canonicalMicroTime,
  canonicalTime,
  durationOf,
  durationToMilliseconds,
  formatDuration,
  formatMicroTime,
  formatTime,
  humanDuration,
  parseDuration,
  parseTime,
} from "./time.ts";

test("times have one canonical form", () => {
  assert.equal(canonicalTime("2026-01-01T00:00:00Z"), "2026-01-01T00:00:00Z");
  assert.equal(canonicalTime("2026-01-01T02:00:00.999+02:00"), "2026-01-01T00:00:00Z");
  assert.equal(canonicalTime("2025-12-31T20:30:00-03:30"), "2026-01-01T00:00:00Z");
  assert.equal(canonicalTime("2024-02-29T23:59:59Z"), "2024-02-29T23:59:59Z");
  assert.equal(canonicalTime("0001-01-01T00:00:00Z"), "0001-01-01T00:00:00Z");
  assert.equal(canonicalMicroTime("2026-01-01T00:00:00Z"), "2026-01-01T00:00:00.000000Z");
  assert.equal(canonicalMicroTime("2026-01-01T00:00:00.1234567Z"), "2026-01-01T00:00:00.123456Z");
});

test("what is no time is refused in Go's words", () => {
  const wrong: Record<string, string> = {
    x: 'parsing time "x" as "2006-01-02T15:04:05Z07:00": cannot parse "x" as "2006"',
    "": 'parsing time "" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "2006"',
    "2026-01-01": 'parsing time "2026-01-01" as "2006-01-02T15:04:05Z07:00": cannot parse "" as "T"',
    "2026-01-01 00:00:00Z": 'parsing time "2026-01-01 00:00:00Z" as "2006-01-02T15:04:05Z07:00": cannot parse " 00:00:00Z" as "T"',
    "2026-02-30T00:00:00Z": 'parsing time "2026-02-30T00:00:00Z": day out of range',
    "2026-01-01T24:00:00Z": 'parsing time "2026-01-01T24:00:00Z": hour out of range',
    "2026-13-01T00:00:00Z": 'parsing time "2026-13-01T00:00:00Z": month out of range',
    "2026-01-01T00:00:00Zx": 'parsing time "2026-01-01T00:00:00Zx": extra text: "x"',
  };
  for (const [text, message] of Object.entries(wrong)) assert.throws(() => canonicalTime(text), { name: "DecodeError", message }, text);
  assert.throws(() => canonicalTime("0000-01-01T00:00:00+01:00"), { name: "DecodeError" });
});

test("any moment is written as the platform's calendar writes it, and read back", () => {
  const first = Date.UTC(2000, 0, 1) - 63_000_000_000_000;
  fc.assert(
    fc.property(fc.integer({ min: first, max: 253_402_300_799_999 }), (milliseconds) => {
      const iso = new Date(milliseconds).toISOString();
      assert.equal(formatTime(milliseconds), `${iso.slice(0, 19)}Z`);
      assert.equal(formatMicroTime(milliseconds), `${iso.slice(0, 23)}000Z`);
      assert.equal(parseTime(formatMicroTime(milliseconds)), milliseconds);
    }),
    { seed: 1, numRuns: 500 },
  );
});

test("durations are written as Go writes them", () => {
  const forms: Record<string, string> = {
    "0": "0s",
    "1h": "1h0m0s",
    "90m": "1h30m0s",
    "1.5s": "1.5s",
    "100ms": "100ms",
    "1500ms": "1.5s",
    "1us": "1µs",
    "1.5µs": "1.5µs",
    "-2m3s": "-2m3s",
    "10ns": "10ns",
    "2562047h47m16.854775807s": "2562047h47m16.854775807s",
  };
  for (const [text, canonical] of Object.entries(forms)) assert.equal(canonicalDuration(text), canonical, text);
  const wrong: Record<string, string> = {
    "": 'time: invalid duration ""',
    "5": 'time: missing unit in duration "5"',
    "5x": 'time: unknown unit "x" in duration "5x"',
    s: 'time: invalid duration "s"',
    "3000000h": 'time: invalid duration "3000000h"',
    "1h constructor": 'time: unknown unit "h constructor" in duration "1h constructor"',
  };
  for (const [text, message] of Object.entries(wrong)) assert.throws(() => parseDuration(text), { name: "DecodeError", message }, text);
  assert.equal(durationToMilliseconds("1m30.5s"), 90_500);
  assert.equal(durationOf(1500), "1.5s");
});

test("any duration is read back as it was", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(2n ** 62n), max: 2n ** 62n }), (nanoseconds) => {
      assert.equal(parseDuration(formatDuration(nanoseconds)), nanoseconds);
    }),
    { seed: 1 },
  );
});

test("ages are printed as kubectl prints them", () => {
  const second = 1000;
  const minute = 60 * second;
  const hour = 60 * minute;
  const day = 24 * hour;
  const ages: readonly (readonly [number, string])[] = [
    [-5 * second, "<invalid>"],
    [-1 * second, "0s"],
    [0, "0s"],
    [119 * second, "119s"],
    [2 * minute, "2m"],
    [2 * minute + 10 * second, "2m10s"],
    [10 * minute + 10 * second, "10m"],
    [179 * minute, "179m"],
    [3 * hour, "3h"],
    [3 * hour + 20 * minute, "3h20m"],
    [47 * hour, "47h"],
    [2 * day, "2d"],
    [5 * day + 3 * hour, "5d3h"],
    [8 * day + 3 * hour, "8d"],
    [729 * day, "729d"],
    [2 * 365 * day + 12 * day, "2y12d"],
    [9 * 365 * day, "9y"],
  ];
  for (const [milliseconds, text] of ages) assert.equal(humanDuration(milliseconds), text, text);
});
