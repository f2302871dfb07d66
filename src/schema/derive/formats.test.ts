import assert from "node:assert/strict";
import { test } from "node:test";
import type { Format } from "../message.ts";
import { formatProblems } from "./formats.ts";
import { parseCidr, parseIp } from "#base/ip.ts";

test("each format takes what upstream takes, and refuses what it refuses", () => {
  const cases: Record<Format, { readonly good: readonly string[]; readonly bad: readonly string[] }> = {
    dns1123Label: { good: ["a", "0a", "a-b", "a".repeat(63)], bad: ["", "A", "-a", "a-", "a.b", "a_b", "a".repeat(64), "a\n"] },
    dns1123Subdomain: { good: ["a", "a.b-c.0"], bad: ["", "a..b", ".a", "a.", "A.b", "a.-b", `${"a".repeat(254)}`] },
    dns1035Label: { good: ["a", "a-0"], bad: ["0a", "", "a.b"] },
    labelKey: { good: ["a", "A_b.c", "example.com/Name"], bad: ["", "a/", "/a", "a/b/c", "A.com/b", "-a", "a b"] },
    labelValue: { good: ["", "a", "A_b.c-0"], bad: ["-a", "a b", "a".repeat(64)] },
    portName: { good: ["http", "a-1"], bad: ["", "123", "a--b", "-a", "a-", "A", "a".repeat(16)] },
    environmentName: { good: ["PATH", "my.var", "a b", "1"], bad: ["", "a=b", "é", "a\n"] },
    configMapKey: { good: ["a.b", "KEY_1", ".hidden"], bad: ["", ".", "..", "..a", "a/b", "a b"] },
    absolutePath: { good: ["/", "/a"], bad: ["", "a"] },
    ip: {
      good: ["10.0.0.1", "::", "2001:db8::1", "::ffff:1.2.3.4"],
      bad: ["", "1.2.3", "1.2.3.256", "01.2.3.4", "1::2::3", "g::", "1:2:3:4:5:6:7:8:9"],
    },
    cidr: { good: ["10.0.0.0/8", "::/0", "fd00::/64"], bad: ["10.0.0.0", "10.0.0.0/33", "10.0.0.0/08", "/8", "a/1"] },
    uri: { good: ["https://example.com/a?b#c", "urn:a:b"], bad: ["", "example.com", "://"] },
  };
  for (const [format, { good, bad }] of Object.entries(cases)) {
    for (const value of good) assert.deepEqual(formatProblems(format as Format, value), [], `${format}: ${value}`);
    for (const value of bad) assert.notEqual(formatProblems(format as Format, value).length, 0, `${format}: ${value}`);
  }
});

test("addresses are read into their bytes", () => {
  assert.deepEqual(parseIp("192.168.0.1"), Uint8Array.of(192, 168, 0, 1));
  assert.deepEqual(parseIp("2001:db8::ff00:1"), Uint8Array.of(0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0, 0, 1));
  assert.deepEqual(parseCidr("10.1.0.0/16"), { address: Uint8Array.of(10, 1, 0, 0), bits: 16 });
});

test("no text makes a checker slow", () => {
  const formats: readonly Format[] = [
    "dns1123Label",
    "dns1123Subdomain",
    "dns1035Label",
    "labelKey",
    "labelValue",
    "portName",
    "configMapKey",
    "ip",
  ];
  for (const format of formats) {
    for (const value of [`${"a-".repeat(50_000)}!`, `${"a.".repeat(50_000)}!`, `${"a".repeat(100_000)}!`]) {
      const started = performance.now();
      assert.notEqual(formatProblems(format, value).length, 0);
      assert.ok(performance.now() - started < 500, `${format} of ${value.slice(0, 4)}…`);
    }
  }
});
