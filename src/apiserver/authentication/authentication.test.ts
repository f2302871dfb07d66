// Who a request comes from: certificates, tokens in headers and files, and nobody.
import assert from "node:assert/strict";
import { test } from "node:test";
import { simulatedWorld } from "#platform/simulated/world.ts";
import type { HttpRequest, Peer } from "#wire/http/message.ts";
import { authenticatorChain } from "./authentication.ts";
import { bearerTokenAuthenticator, withoutTokenProtocol } from "./bearer-token.ts";
import { clientCertificateAuthenticator } from "./client-certificate.ts";
import { parseTokenFile, staticTokens, TokenFileError } from "./static-tokens.ts";

const world = simulatedWorld({ seed: 1 });
const tokens = staticTokens(world, parseTokenFile('# people\nsecret,jane,u1,"dev, ops"\n\nother,"joe, the second",u2\n'), ["api"]);
const chain = (anonymous: boolean) =>
  authenticatorChain({ authenticators: [clientCertificateAuthenticator(world), bearerTokenAuthenticator(tokens, ["api"])], anonymous });

const request = (peer: Partial<Peer>, headers: HttpRequest["headers"] = {}): HttpRequest => ({
  method: "GET",
  path: "/",
  query: "",
  headers,
  peer: { address: "x", ...peer },
  body: async () => new Uint8Array(0),
  signal: new AbortController().signal,
});

const certificate = { commonName: "ann", organizations: ["a", "b"], notAfter: world.clock.now() + 1_000 };

test("a certificate names the user and its groups; the same connection gives the same user", async () => {
  const asked = request({ certificate });
  const user = await chain(false).authenticate(asked);
  assert.deepEqual(user, { name: "ann", groups: ["a", "b", "system:authenticated"] });
  const authenticator = chain(false);
  assert.equal(await authenticator.authenticate(asked), await authenticator.authenticate(asked));
});

test("bad credentials are refused even where nobody is let in", async () => {
  const refused = { code: 401, message: "Unauthorized" };
  const past = { ...certificate, notAfter: world.clock.now() - 1 };
  await assert.rejects(async () => chain(true).authenticate(request({ untrustedCertificate: true })), refused);
  await assert.rejects(async () => chain(true).authenticate(request({ certificate: past })), refused);
  await assert.rejects(async () => chain(true).authenticate(request({}, { authorization: "Bearer wrong" })), refused);
  await assert.rejects(async () => chain(false).authenticate(request({})), refused);
});

test("without credentials it is system:anonymous", async () => {
  assert.deepEqual(await chain(true).authenticate(request({})), { name: "system:anonymous", groups: ["system:unauthenticated"] });
});

test("tokens come in the header, or as a WebSocket's protocol that goes no further", async () => {
  const jane = await chain(false).authenticate(request({}, { authorization: "bearer secret" }));
  assert.deepEqual(jane, { name: "jane", uid: "u1", groups: ["dev", "ops", "system:authenticated"] });
  const protocols = "base64url.bearer.authorization.k8s.io.b3RoZXI, v5.channel.k8s.io";
  const joe = await chain(false).authenticate(request({}, { upgrade: "websocket", "sec-websocket-protocol": protocols }));
  assert.equal(joe?.name, "joe, the second");
  assert.equal(withoutTokenProtocol(protocols), "v5.channel.k8s.io");
});

test("a static token is for the API server alone", async () => {
  assert.equal(await tokens.authenticateToken("secret", ["vault"]), undefined);
  assert.deepEqual((await tokens.authenticateToken("secret", ["vault", "api"]))?.audiences, ["api"]);
});

test("a token file with a broken line is refused as a whole", () => {
  assert.throws(() => parseTokenFile("a,b\nonly-a-token\n"), TokenFileError);
});

test.after(() => world.close());
