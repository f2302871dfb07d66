import assert from "node:assert/strict";
import { test } from "node:test";
import type { Clock } from "#platform/clock.ts";
import { replyCache } from "./cache.ts";
import { readQuery, writeAnswer, writeQuestion, types } from "./message.ts";
import { readReply } from "./reply.ts";

const question = writeQuestion("www.example.org", types.A);
const query = readQuery(question);
assert.ok(query);
const soa = { name: "example.org", seconds: 900, type: "SOA", server: "a", mailbox: "b", serial: 1, negativeSeconds: 60 } as const;
const record = (seconds: number) => ({ name: "www.example.org", seconds, type: "A", address: "192.0.2.1" }) as const;
const reply = (code: number, seconds?: number) =>
  writeAnswer(
    query,
    { code, authoritative: false, answers: seconds === undefined ? [] : [record(seconds)], authority: seconds === undefined ? [soa] : [] },
    512,
  );

test("a reply is kept for as long as the shortest of its times; a denial for as long as its SOA says; a failure not at all", () => {
  assert.deepEqual([readReply(reply(0, 300))?.seconds, readReply(reply(0, 300))?.isDenial], [300, false]);
  assert.deepEqual([readReply(reply(3))?.seconds, readReply(reply(3))?.isDenial], [60, true]);
  assert.deepEqual([readReply(reply(0))?.seconds, readReply(reply(0))?.isDenial], [60, true], "the name is there, the type is not");
  assert.equal(readReply(reply(2)), undefined);
  const cut = reply(0, 300);
  cut[2] = (cut[2] as number) | 0x02;
  assert.equal(readReply(cut), undefined, "cut short");
});

test("whatever a resolver sends, it is kept or not, and never breaks anything", () => {
  for (const good of [reply(0, 300), reply(3)]) {
    for (let length = 0; length < good.length; length += 1) assert.equal(readReply(good.subarray(0, length)), undefined);
    for (let at = 0; at < good.length; at += 1)
      for (const byte of [0, 1, 0x3f, 0x40, 0xc0, 0xff]) {
        const bytes = Uint8Array.from(good);
        bytes[at] = byte;
        readReply(bytes);
      }
  }
});

test("the cache has an end: the oldest go", () => {
  const cache = replyCache({ monotonic: () => 0 } as Clock);
  for (let at = 0; at < 10_050; at += 1) cache.put(String(at), reply(0, 300), 30);
  assert.equal(cache.size, 10_000);
  assert.equal(cache.get("0", question), undefined);
  assert.ok(cache.get("10049", question));
  cache.put("short", reply(0, 0), 30);
  assert.equal(cache.get("short", question), undefined, "what may not be kept is not");
});
