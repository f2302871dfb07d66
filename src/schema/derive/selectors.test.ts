import assert from "node:assert/strict";
import { test } from "node:test";
import { labelSelector, parseFieldSelector, parseLabelSelector, SelectorError } from "./selectors.ts";

const labels = { app: "web", tier: "front", "example.com/size": "10" };

test("label selectors match as upstream's do", () => {
  const yes = [
    "",
    "app=web",
    "app==web",
    "app",
    "!gone",
    "gone!=x",
    "app in (api, web),tier=front",
    "app notin (x)",
    "example.com/size>9",
    "example.com/size<11",
    " app = web ",
    "app!=",
    "empty notin ()",
  ];
  const no = ["app!=web", "!app", "gone", "gone=x", "app=", "app in (api)", "app notin (web)", "example.com/size>10", "tier<5"];
  for (const text of yes) assert.equal(parseLabelSelector(text).matches(labels), true, text);
  for (const text of no) assert.equal(parseLabelSelector(text).matches(labels), false, text);
  assert.equal(parseLabelSelector("constructor").matches(labels), false);
  assert.equal(parseLabelSelector("!app").matches(undefined), true);
});

test("what is wrong with a label selector is said in upstream's words", () => {
  const wrong: [string, string][] = [
    ["app=web,", "found '', expected: identifier after ','"],
    ["=web", "found '=', expected: !, identifier, or 'end of string'"],
    ["app web", "unable to parse requirement: found 'web', expected: in, notin, =, ==, !=, gt, lt"],
    ["app in web", "unable to parse requirement: found 'web', expected: '('"],
    ["app in (a", "unable to parse requirement: found '', expected: ',' or ')'"],
    ["app=a b", "found 'b', expected: ',' or 'end of string'"],
    ["size>big", `unable to parse requirement: values[0]: Invalid value: "big": for 'Gt', 'Lt' operators, the value must be an integer`],
  ];
  for (const [text, message] of wrong) assert.throws(() => parseLabelSelector(text), new SelectorError(message), text);
  assert.throws(() => parseLabelSelector("a..b/c=1"), /unable to parse requirement: key: Invalid value: "a\.\.b\/c": prefix part/);
  assert.throws(() => parseLabelSelector("a=-"), /values\[0\]\[a\]: Invalid value: "-": a valid label must be/);
});

test("a LabelSelector object: absent is nothing, empty is everything", () => {
  assert.equal(labelSelector(undefined).matches(labels), false);
  assert.equal(labelSelector({}).matches(undefined), true);
  const expressions = [
    { key: "tier", operator: "In", values: ["front", "back"] },
    { key: "gone", operator: "DoesNotExist" },
  ];
  assert.equal(labelSelector({ matchLabels: { app: "web" }, matchExpressions: expressions }).matches(labels), true);
  assert.equal(labelSelector({ matchLabels: { app: "api" } }).matches(labels), false);
  assert.throws(
    () => labelSelector({ matchExpressions: [{ key: "a", operator: "toString" }] }),
    /"toString" is not a valid label selector operator/,
  );
});

test("field selectors know the kind's fields", () => {
  const kind = { selectable: { "status.phase": (object: never) => (object as { status: { phase: string } }).status.phase } };
  const pod = { metadata: { name: "web", namespace: "default" }, status: { phase: "Running" } };
  for (const text of ["metadata.name=web", "status.phase==Running", "status.phase!=Failed,metadata.namespace=default", ""]) {
    assert.equal(parseFieldSelector(kind, text).matches(pod), true, text);
  }
  assert.equal(parseFieldSelector(kind, "metadata.name!=web").matches(pod), false);
  assert.deepEqual(parseFieldSelector(kind, "metadata.name=a\\,b").requirements, [{ field: "metadata.name", operator: "=", value: "a,b" }]);
  assert.throws(() => parseFieldSelector(kind, "spec.foo=1"), new SelectorError("field label not supported: spec.foo"));
  assert.throws(() => parseFieldSelector(kind, "toString=1"), new SelectorError("field label not supported: toString"));
  assert.throws(() => parseFieldSelector(kind, "nonsense"), new SelectorError("invalid selector: 'nonsense'; can't understand 'nonsense'"));
});
