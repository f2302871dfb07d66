import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#platform/simulated/random.ts";
import { prefixEnd } from "../store.ts";
import { compareKeys, OrderedKeys } from "./ordered-keys.ts";

const bytesOrder = (left: string, right: string) => Buffer.compare(Buffer.from(left), Buffer.from(right));
const alphabet = ["a", "b", "/", "\u00e9", "\ud7ff", "\ue000", "\uffff", "\u{10000}", "\u{1f600}", "\u{10ffff}", "\0"];

for (const [name, letters] of [
  ["plain", alphabet.slice(0, 3)],
  ["any", alphabet],
] as const) {
  test(`${name} keys are walked in the order of their bytes, through insertions and removals`, () => {
    const random = new SeededRandom(name.length);
    const word = () => Array.from({ length: 1 + random.integer(7) }, () => letters[random.integer(letters.length)]).join("");
    const model = new Set<string>();
    const keys = new OrderedKeys<{ key: string }>();
    for (let step = 0; step < 6000; step++) {
      const key = word();
      if (random.integer(4) === 0) {
        keys.remove(key);
        model.delete(key);
      } else if (!model.has(key)) {
        keys.insert({ key });
        model.add(key);
      }
      if (step % 500 !== 499) continue;
      const from = word();
      const to = random.integer(3) === 0 ? "" : prefixEnd(from);
      const seen: string[] = [];
      keys.walk(from, to, (entry) => seen.push(entry.key) > 0);
      const wanted = [...model].filter((key) => bytesOrder(from, key) <= 0 && (to === "" || bytesOrder(key, to) < 0));
      assert.deepEqual(seen, wanted.sort(bytesOrder));
    }
  });
}

test("compareKeys agrees with the bytes of UTF-8", () => {
  for (const left of alphabet)
    for (const right of alphabet) assert.equal(Math.sign(compareKeys(`x${left}`, `x${right}`)), bytesOrder(`x${left}`, `x${right}`));
});

test("prefixEnd stands behind every key with the prefix and before every other that follows", () => {
  for (const prefix of ["a", "/registry/", "a\ud7ff", "a\uffff", "\u{10ffff}", "a\u{10ffff}", ""]) {
    const end = prefixEnd(prefix);
    if (end !== "") assert.equal(bytesOrder(`${prefix}\u{10ffff}\u{10ffff}`, end), -1);
    else assert.match(prefix, /^\u{10ffff}*$/u);
  }
  assert.equal(prefixEnd("/a/"), "/a0");
});
