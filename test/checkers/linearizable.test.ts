import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "#platform/simulated/random.ts";
import { checkLinearizable, type KeyOperation } from "./linearizable.ts";

const operation = (start: number, end: number, rest: Partial<KeyOperation>): KeyOperation => ({
  key: "a",
  client: "c",
  start,
  end,
  ...rest,
});
const wrote = (start: number, end: number, value: string | null, rest: Partial<KeyOperation> = {}) =>
  operation(start, end, { becomes: { value }, ...rest });
const read = (start: number, end: number, is: string | null) => operation(start, end, { when: { is } });
const verdict = (...operations: KeyOperation[]) => checkLinearizable(operations).verdict;

test("operations that overlap may have happened in either order", () => {
  assert.equal(verdict(wrote(0, 10, "x"), wrote(1, 9, "y"), read(11, 12, "x")), "linearizable");
  assert.equal(verdict(wrote(0, 10, "x"), wrote(1, 9, "y"), read(11, 12, "y")), "linearizable");
  assert.equal(verdict(wrote(0, 10, "x"), read(1, 2, null), read(3, 4, "x")), "linearizable");
  assert.equal(verdict(), "linearizable");
});

test("a stale read is found", () => {
  assert.equal(verdict(wrote(0, 1, "x"), read(2, 3, null)), "violation");
  assert.equal(verdict(wrote(0, 10, "x"), read(1, 2, "x"), read(3, 4, null)), "violation");
  assert.equal(verdict(wrote(0, 1, "x"), wrote(2, 3, "y"), read(4, 5, "x")), "violation");
});

test("a lost write is found", () => {
  assert.equal(verdict(wrote(0, 1, "x"), wrote(2, 3, "y", { when: { is: null } })), "violation");
  assert.equal(verdict(wrote(0, 1, "x"), wrote(2, 3, null), read(4, 5, "x")), "violation");
});

test("two who succeed with one condition are found, and one who is refused without reason", () => {
  const when = { is: "x" } as const;
  assert.equal(verdict(wrote(0, 1, "x"), wrote(2, 9, "y", { when }), wrote(3, 8, "z", { when })), "violation");
  assert.equal(verdict(wrote(0, 1, "x"), wrote(2, 9, "y", { when }), operation(3, 8, { when: { isNot: ["x", null] } })), "linearizable");
  assert.equal(verdict(wrote(0, 1, "x"), operation(3, 8, { when: { isNot: ["x", null] } })), "violation");
});

test("what has an unknown outcome may have happened or not, but not both, not before its call and not after its end", () => {
  const maybe = wrote(2, 5, "y", { maybe: true });
  assert.equal(verdict(wrote(0, 1, "x"), maybe, read(6, 7, "x")), "linearizable");
  assert.equal(verdict(wrote(0, 1, "x"), maybe, read(6, 7, "y"), read(8, 9, "y")), "linearizable");
  assert.equal(verdict(wrote(0, 1, "x"), maybe, read(6, 7, "y"), read(8, 9, "x")), "violation");
  assert.equal(verdict(wrote(0, 1, "x"), maybe, read(6, 7, "x"), read(8, 9, "y")), "violation");
  assert.equal(verdict(wrote(0, 1, "x"), { ...maybe, end: Number.POSITIVE_INFINITY }, read(6, 7, "x"), read(8, 9, "y")), "linearizable");
  assert.equal(verdict(wrote(0, 1, "x"), read(1.2, 1.4, "y"), maybe), "violation");
});

test("keys are independent, and begin as it is said", () => {
  const initial = new Map([["a", ["x", "y"]]]);
  const other = { ...read(0, 1, null), key: "b" };
  assert.equal(checkLinearizable([read(0, 1, "y"), other], { initial }).verdict, "linearizable");
  assert.equal(checkLinearizable([read(0, 1, null), other], { initial }).verdict, "violation");
  const said = checkLinearizable([other, read(0, 1, "z")], { initial });
  assert.ok(said.verdict === "violation" && said.key === "a");
});

test("a search that takes too long is undecided", () => {
  const many = Array.from({ length: 40 }, (_, at) => wrote(0, 100, `v${at}`));
  assert.equal(checkLinearizable([...many, read(101, 102, "made up")], { stepsMax: 5_000 }).verdict, "undecided");
});

/** A register that works, used by concurrent clients of a seed; each operation takes effect somewhere inside of its time. */
function correctHistory(seed: number): KeyOperation[] {
  const random = new SeededRandom(seed);
  let state: string | null = null;
  let written = 0;
  const free = Array.from({ length: 8 }, () => 0);
  const history: KeyOperation[] = [];
  for (let now = 1; now < 120; now++) {
    const client = random.integer(free.length);
    const start: number = Math.max(now - random.integer(12), free[client] as number) + random.fraction() / 4;
    if (start > now) continue;
    const end = now + 0.5 + random.integer(12);
    free[client] = end + 0.01;
    const from: string | null = state;
    const value = random.integer(6) === 0 ? null : `v${++written}`;
    const kind = random.integer(5);
    const base = { key: "a", client: `c${client}`, start, end };
    if (kind === 0) history.push({ ...base, when: { is: from } });
    else if (kind === 1) history.push({ ...base, when: { isNot: [from === null ? "other" : null, "another"] } });
    else {
      const maybe = kind === 2;
      const happens = !maybe || random.integer(2) === 0;
      history.push({ ...base, when: { is: from }, becomes: { value }, ...(maybe && { maybe }) });
      if (happens) state = value;
    }
  }
  return history;
}

test("histories of a register that works pass, and with one answer changed they do not", () => {
  let found = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const history = correctHistory(seed);
    assert.equal(checkLinearizable(history).verdict, "linearizable", `seed ${seed}`);
    const at = history.findIndex(({ becomes, maybe }, index) => index > history.length / 2 && becomes && !maybe);
    const broken = history.map((each, index) => (index === at ? { ...each, when: { is: "never written" } } : each));
    if (checkLinearizable(broken).verdict === "violation") found++;
  }
  assert.equal(found, 60);
});
