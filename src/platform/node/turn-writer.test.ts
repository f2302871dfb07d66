import assert from "node:assert/strict";
import { test } from "node:test";
import { framedOnce, Rounds, TurnWriter } from "./turn-writer.ts";

class Recorder extends TurnWriter {
  readonly sent: Uint8Array[] = [];
  readonly framed: Uint8Array[] = [];
  readonly unsentBytes = 0;

  constructor(rounds?: Rounds) {
    super(new AbortController().signal, rounds);
  }

  protected send(bytes: Uint8Array): void {
    this.sent.push(bytes);
    this.framed.push(framedOnce(bytes, (inner) => Buffer.from(`<${Buffer.from(inner)}>`)));
  }

  protected finish(): void {}
  protected abandon(): void {}
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const texts = (all: readonly Uint8Array[]) => all.map((bytes) => Buffer.from(bytes).toString());

test("writers that were given the same pieces in a turn send the same bytes, made once; others send their own", async () => {
  const [a, b, c, d] = [Buffer.from("a"), Buffer.from("b"), Buffer.from("c"), Buffer.from("d")];
  const writers = [new Recorder(), new Recorder(), new Recorder(), new Recorder(), new Recorder()];
  const given = [[a, b], [a, b], [a, c], [a, b, d], [b]];
  writers.forEach((writer, index) => given[index]?.forEach((piece) => writer.write(piece)));
  await turn();
  assert.deepEqual(
    writers.map(({ sent }) => texts(sent)),
    [["ab"], ["ab"], ["ac"], ["abd"], ["b"]],
  );
  assert.deepEqual(
    writers.map(({ framed }) => texts(framed)),
    [["<ab>"], ["<ab>"], ["<ac>"], ["<abd>"], ["<b>"]],
  );
  assert.equal(writers[0]?.sent[0], writers[1]?.sent[0]);
  assert.equal(writers[0]?.framed[0], writers[1]?.framed[0]);
});

test("after a round of writes that took long, what comes fast is gathered into one write; what comes alone is written at once", () => {
  let now = 0;
  const due: { readonly at: number; readonly act: () => void }[] = [];
  const rounds = new Rounds({
    now: () => now,
    soon: (act) => due.push({ at: now, act }),
    later: (act, milliseconds) => due.push({ at: now + milliseconds, act }),
  });
  const pass = (milliseconds: number) => {
    now += milliseconds;
    for (const { act } of due.splice(0, due.filter(({ at }) => at <= now).length)) act();
  };
  class Slow extends Recorder {
    protected override send(bytes: Uint8Array): void {
      now += 0.25;
      super.send(bytes);
    }
  }
  const writer = new Slow(rounds);
  const write = (text: string) => writer.write(Buffer.from(text));
  write("a");
  pass(0);
  assert.deepEqual(texts(writer.sent), ["a"]);
  for (const text of ["b", "c", "d"]) {
    write(text);
    pass(0.5);
  }
  assert.deepEqual(texts(writer.sent), ["a"]);
  pass(0.5);
  assert.deepEqual(texts(writer.sent), ["a", "bcd"], "after a rest of eight times as long");
  pass(2);
  write("e");
  pass(0);
  assert.deepEqual(texts(writer.sent), ["a", "bcd", "e"]);
  // However long it took, it rests no longer than four milliseconds.
  for (let count = 0; count < 100; count++) new Slow(rounds).write(Buffer.from("x"));
  pass(10);
  write("f");
  pass(3.9);
  assert.equal(writer.sent.length, 3);
  pass(0.2);
  assert.deepEqual(texts(writer.sent).at(-1), "f");
});

test("bytes that are used again in a later turn are sent as they are then", async () => {
  const bytes = Buffer.from("one");
  const writer = new Recorder();
  for (const text of ["one", "two"]) {
    bytes.write(text);
    const before = writer.sent.length;
    writer.write(bytes);
    while (writer.sent.length === before) await turn();
  }
  bytes.write("six");
  writer.write(bytes);
  writer.write(bytes);
  writer.end();
  assert.deepEqual(texts(writer.framed), ["<one>", "<two>", "<sixsix>"]);
});
