import assert from "node:assert/strict";
import { test } from "node:test";
import { expandSpecifiers, isUnitName, parseSize, parseTimeSpan, parseUnitText, splitWords } from "./unit-syntax.ts";

test("lines continue past comments, and bad lines are named", () => {
  const { assignments, warnings } = parseUnitText(
    "stray=1\n[Service]\n; comment\nExecStart=/bin/a \\\n# inside\n  b \\\n  c\nnonsense\n[bad\n",
    "x.service",
  );
  assert.deepEqual(assignments, [{ section: "Service", key: "ExecStart", value: "/bin/a b c", where: "x.service:4" }]);
  assert.deepEqual(warnings, [
    "x.service:1: Assignment outside of section. Ignoring.",
    "x.service:8: Missing '=', ignoring line.",
    "x.service:9: Invalid section header '[bad'",
  ]);
});

test("words keep what is quoted and resolve escapes", () => {
  assert.deepEqual(splitWords(`a 'b c' "d\\"e" f\\x41\\tg "" 'it''s'`), ["a", "b c", 'd"e', "fA\tg", "", "its"]);
  assert.equal(splitWords("'open"), undefined);
});

test("specifiers of an instance", () => {
  const unknown: string[] = [];
  assert.equal(
    expandSpecifiers("%n %p %i %N 100%% %Y", "tunnel@a-b.service", {}, unknown),
    "tunnel@a-b.service tunnel a-b tunnel@a-b 100% %Y",
  );
  assert.deepEqual(unknown, ["%Y"]);
  assert.equal(expandSpecifiers("%I", "x@a-b\\x2dc.service", {}, unknown), "a/b-c");
});

test("time spans and sizes", () => {
  assert.deepEqual(["90", "5min 20s", "100ms", "1.5h", "infinity", "", "ten", "5parsec"].map(parseTimeSpan), [
    90_000,
    320_000,
    100,
    5_400_000,
    Number.POSITIVE_INFINITY,
    undefined,
    undefined,
    undefined,
  ]);
  assert.deepEqual(["64K", "1G", "infinity", "-1"].map(parseSize), [65_536, 2 ** 30, Number.POSITIVE_INFINITY, undefined]);
  assert.equal(parseTimeSpan(`${"1".repeat(99)}!`), undefined);
});

test("a unit's name is safe as a file's name", () => {
  assert.deepEqual(
    ["a.service", "a@b-c.service", "x.target", "../a.service", "a/b.service", "a.socket", ".service", "__proto__.service"].map(isUnitName),
    [true, true, true, false, false, false, false, true],
  );
});
