import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeBase64 } from "#base/base64.ts";
import { bootstrapSecretOf, clusterInfoSignatures, hasExpired, isSignedWith, readBootstrapToken } from "./bootstrap-token.ts";
import type { Secret } from "./secret.ts";

const secretOf = (data: Readonly<Record<string, string>>, name = "bootstrap-token-abcdef") =>
  ({
    apiVersion: "v1",
    kind: "Secret",
    type: "bootstrap.kubernetes.io/token",
    metadata: { namespace: "kube-system", name },
    data: Object.fromEntries(Object.entries(data).map(([key, text]) => [key, encodeBase64(new TextEncoder().encode(text))])),
  }) as unknown as Secret;
const token = { "token-id": "abcdef", "token-secret": "0123456789abcdef" };

test("tokens have one form", () => {
  assert.deepEqual(readBootstrapToken("abcdef.0123456789abcdef"), { id: "abcdef", secret: "0123456789abcdef" });
  for (const wrong of ["", "abcdef", "ABCDEF.0123456789abcdef", "abcdef.0123456789abcdef ", "abcdef.0123456789abcde"])
    assert.equal(readBootstrapToken(wrong), undefined, wrong);
});

test("a Secret is a token when it is named after it", () => {
  assert.equal(bootstrapSecretOf(secretOf(token))?.secret, "0123456789abcdef");
  assert.equal(bootstrapSecretOf(secretOf(token, "bootstrap-token-ghijkl")), undefined);
  assert.equal(bootstrapSecretOf({ ...secretOf(token), type: "Opaque" }), undefined);
  assert.equal(bootstrapSecretOf(secretOf({ "token-id": "abcdef" })), undefined);
  const allowed = {
    ...token,
    "usage-bootstrap-authentication": "true",
    "auth-extra-groups": "system:bootstrappers:a, system:bootstrappers:b",
  };
  assert.deepEqual(bootstrapSecretOf(secretOf(allowed))?.groups, ["system:bootstrappers:a", "system:bootstrappers:b"]);
  assert.equal(bootstrapSecretOf(secretOf({ ...token, "auth-extra-groups": "system:masters" }))?.groups, undefined);
  const ending = bootstrapSecretOf(secretOf({ ...token, expiration: "2026-01-01T00:00:00Z" }));
  assert.ok(ending && hasExpired(ending, Date.UTC(2026, 0, 1)) && !hasExpired(ending, Date.UTC(2025, 0, 1)));
  const unreadable = bootstrapSecretOf(secretOf({ ...token, expiration: "soon" }));
  assert.ok(unreadable && hasExpired(unreadable, 0));
});

test("the cluster's kubeconfig is signed as upstream signs it", () => {
  const kubeconfig = "Hello from the other side. I must have called a thousand times.";
  const good = { id: "joshua", secret: "my voice is my passcode" };
  const data = { kubeconfig, ...clusterInfoSignatures(kubeconfig, [good]) };
  assert.deepEqual(data, {
    kubeconfig,
    "jws-kubeconfig-joshua": "eyJhbGciOiJIUzI1NiIsImtpZCI6Impvc2h1YSJ9..VShe2taLd-YTrmWuRkcL_8QTNDHYxQIEBsAYYiIj1_8",
  });
  assert.equal(isSignedWith(data, good), "yes");
  assert.equal(isSignedWith({ ...data, kubeconfig: "other" }, good), "no");
  assert.equal(isSignedWith(data, { ...good, secret: "another" }), "no");
  assert.equal(isSignedWith(data, { ...good, id: "abcdef" }), "not with this token");
});
