import assert from "node:assert/strict";
import { test } from "node:test";
import { Node } from "#api/core/node/node.ts";
import { complete } from "#schema/derive/defaults.ts";
import { isAboutNode } from "./request-rules.ts";

test("a node gets serving certificates for itself, whatever it says its addresses are", () => {
  const nodeOf = (name: string, ...addresses: readonly (readonly [string, string])[]) =>
    complete(Node, { metadata: { name }, status: { addresses: addresses.map(([type, address]) => ({ type, address })) } });
  const claims = ["kubernetes", "kubernetes.default.svc", "dns.kube-system.svc.cluster.local", "n2", "*.n1"] as const;
  const own = nodeOf(
    "n1",
    ["InternalIP", "10.0.0.1"],
    ["Hostname", "n1"],
    ["InternalDNS", "n1.example.com"],
    ["InternalIP", "10.0.0.2"],
    ["ExternalIP", "10.96.0.1"],
    ...claims.map((name) => ["InternalDNS", name] as const),
  );
  const others = { nodes: [own, nodeOf("n2", ["InternalIP", "10.0.0.2"])], apiServerAddresses: ["10.96.0.1"] };
  const asks = (dnsNames: readonly string[], ipAddresses: readonly string[]) =>
    isAboutNode({ subject: { commonName: "" }, publicKey: "", dnsNames, ipAddresses, emailAddresses: [], uris: [] }, own, others);
  assert.ok(asks(["n1", "n1.example.com"], ["10.0.0.1"]));
  for (const name of [...claims, "else"]) assert.ok(!asks([name], []), name);
  for (const address of ["10.0.0.2", "10.96.0.1", "10.0.0.3"]) assert.ok(!asks([], [address]), address);
});
