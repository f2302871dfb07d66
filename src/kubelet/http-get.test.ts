import assert from "node:assert/strict";
import { test } from "node:test";
import type { Container } from "#api/core/pod/container.ts";
import type { HTTPGetAction } from "#api/core/pod/probe.ts";
import { bracketed, headersOf, portNumber } from "./http-get.ts";

const asking = (...headers: readonly (readonly [string, string])[]) =>
  headersOf({ httpHeaders: headers.map(([name, value]) => ({ name, value })) } as unknown as HTTPGetAction, "kube-probe/1.36");

test("PROBE6 declared headers win over those that are always sent, and those of one name are joined", () => {
  assert.deepEqual(asking(), { "user-agent": "kube-probe/1.36", accept: "*/*", connection: "close" });
  assert.deepEqual(asking(["Accept", ""], ["User-Agent", "mine"], ["X-A", "1"], ["x-a", "2"], ["__proto__", "x"]), {
    "user-agent": "mine",
    connection: "close",
    "x-a": "1, 2",
    ["__proto__"]: "x",
  });
});

test("PROBE6 ports by number and by name", () => {
  const container = { ports: [{ name: "web", containerPort: 8080 }] } as unknown as Container;
  assert.deepEqual(
    [80, "web", "81", "other"].map((port) => portNumber(container, port)),
    [80, 8080, 81, undefined],
  );
  assert.deepEqual(["::1", "[::1]", "a.example"].map(bracketed), ["[::1]", "[::1]", "a.example"]);
});
