import assert from "node:assert/strict";
import { test } from "node:test";
import type { Container } from "#api/core/pod/container.ts";
import type { HTTPGetAction } from "#api/core/pod/probe.ts";
import { bracketed, headersOf, portNumber, urlOf } from "./http-get.ts";

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

test("PROBE6 whatever the path says, the declared host is asked", () => {
  const asked = (path: string, host = "10.0.0.2") => urlOf({ scheme: "HTTPS", path }, host, 8080).href;
  assert.equal(asked("/a?b=c"), "https://10.0.0.2:8080/a?b=c");
  assert.equal(asked("a b"), "https://10.0.0.2:8080/a%20b");
  assert.equal(asked("//other.example/x"), "https://10.0.0.2:8080//other.example/x");
  assert.equal(asked("http://other.example/x", "fd00::2"), "https://[fd00::2]:8080/http://other.example/x");
  assert.throws(() => asked("/", "no host"), TypeError);
});
