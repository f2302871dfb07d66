import assert from "node:assert/strict";
import { test } from "node:test";
import type { Secret } from "#api/core/secret/secret.ts";
import { StatusError } from "#api/meta/status-error.ts";
import { encodeBase64 } from "#base/base64.ts";
import { simulatedWorld } from "#platform/simulated/world.ts";
import { formatTime } from "#schema/time.ts";
import type { Registry } from "../registry/resource.ts";
import { bootstrapTokens } from "./bootstrap-tokens.ts";

const world = simulatedWorld({ seed: 1 });
const good = {
  "token-id": "abcdef",
  "token-secret": "0123456789abcdef",
  "usage-bootstrap-authentication": "true",
  "auth-extra-groups": "system:bootstrappers:kubeadm:default-node-token",
};

function whoIs(text: string, data: Readonly<Record<string, string>>, more: Readonly<Record<string, string>> = {}) {
  const encoded = Object.entries(data).map(([key, value]) => [key, encodeBase64(new TextEncoder().encode(value))]);
  const secret = {
    metadata: { namespace: "kube-system", name: "bootstrap-token-abcdef", ...more },
    type: "bootstrap.kubernetes.io/token",
    data: Object.fromEntries(encoded),
  } as unknown as Secret;
  const named = (name: string) => (name === "bootstrap-token-abcdef" ? secret : undefined);
  const rest = {
    peek: async (_: string, name: string) => named(name),
    async get(_: string, name: string) {
      const found = named(name);
      if (!found) throw new StatusError("NotFound", "secrets not found");
      return found;
    },
  };
  const registry = { of: () => rest } as unknown as Pick<Registry, "of">;
  return bootstrapTokens(world, registry, ["api"]).authenticateToken(text, ["api", "vault"]);
}

test("a bootstrap token names its user and the groups that its Secret gives it", async () => {
  assert.deepEqual(await whoIs("abcdef.0123456789abcdef", good), {
    user: {
      name: "system:bootstrap:abcdef",
      groups: ["system:bootstrappers", "system:bootstrappers:kubeadm:default-node-token"],
    },
    audiences: ["api"],
  });
});

test("whatever is not wholly right is no token", async () => {
  const token = "abcdef.0123456789abcdef";
  const past = formatTime(world.clock.now() - 1_000);
  const cases: Readonly<Record<string, () => ReturnType<typeof whoIs>>> = {
    "another secret": () => whoIs("abcdef.0123456789abcdee", good),
    "an unknown id": () => whoIs("zzzzzz.0123456789abcdef", good),
    "no token at all": () => whoIs("abcdef", good),
    "not for signing in": () => whoIs(token, { ...good, "usage-bootstrap-authentication": "false" }),
    ended: () => whoIs(token, { ...good, expiration: past }),
    "an end that cannot be read": () => whoIs(token, { ...good, expiration: "soon" }),
    "groups it may not give": () => whoIs(token, { ...good, "auth-extra-groups": "system:masters" }),
    "being deleted": () => whoIs(token, good, { deletionTimestamp: past }),
    "an id that is another's": () => whoIs(token, { ...good, "token-id": "ghijkl" }),
  };
  for (const [what, ask] of Object.entries(cases)) assert.equal(await ask(), undefined, what);
});
