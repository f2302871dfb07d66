import assert from "node:assert/strict";
import { test } from "node:test";
import { simulatedWorld } from "#platform/simulated/world.ts";
import { repositoryOf, startImageAccess, type VerificationPolicy } from "./image-access.ts";
import type { PullCredential } from "./registry-auth.ts";

function credential(name: string, password: string): PullCredential {
  return { auth: { username: "u", password }, secret: { uid: `uid-${name}`, namespace: "shop", name } };
}

const image = { id: "sha256:1", name: "r.local:5000/team/app:1" };

test("IMAGE3 an image pulled with a secret is for Pods with that secret, or the same words; one pulled without is for all", async () => {
  const world = simulatedWorld({ seed: 1 });
  const access = (policy: VerificationPolicy = "NeverVerifyPreloadedImages", allowlist: string[] = []) =>
    startImageAccess(world, { rootFolder: "/k", policy, allowlist });
  const first = access();
  const may = (who: ReturnType<typeof access>, ...credentials: PullCredential[]) => who.mayUse(image, async () => credentials);
  assert.equal(await may(first), true, "brought by others");
  assert.equal(await may(access("AlwaysVerify")), false);
  assert.equal(await may(access("NeverVerifyAllowlistedImages", ["r.local:5000/team/*"])), true);
  assert.equal(await may(access("NeverVerifyAllowlistedImages", ["r.local:5000/other"])), false);
  await first.pulled(image, credential("a", "one"));
  for (const who of [first, access()]) {
    assert.equal(await may(who), false);
    assert.equal(await may(who, credential("b", "two")), false);
    assert.equal(await may(who, credential("a", "changed")), true);
    assert.equal(await may(who, credential("b", "one")), true);
  }
  assert.equal(await may(access("NeverVerify")), true);
  const other = { ...image, name: "r.local:5000/other:1" };
  assert.equal(await first.mayUse(other, async () => [credential("a", "one")]), false, "another name of the same image");
  await first.pulled(image, undefined);
  assert.equal(await may(first), true);
  assert.equal(await first.mayUse(other, async () => []), true, "what anybody could pull is nobody's secret");
  await first.keepOnly(["sha256:1"]);
  assert.equal((await world.files.list("/k/image_manager/pulled")).length, 1);
  await first.keepOnly([]);
  assert.equal((await world.files.list("/k/image_manager/pulled")).length, 0);
});

test("IMAGE3 a record that cannot be read lets nobody in", async () => {
  const world = simulatedWorld({ seed: 1 });
  const options = { rootFolder: "/k", policy: "NeverVerifyPreloadedImages", allowlist: [] } as const;
  await startImageAccess(world, options).pulled(image, undefined);
  const [file] = await world.files.list("/k/image_manager/pulled");
  await world.files.write(`/k/image_manager/pulled/${file}`, "{");
  assert.equal(await startImageAccess(world, options).mayUse(image, async () => [credential("a", "one")]), false);
  assert.equal(repositoryOf("a/b:1@sha256:00"), "a/b");
});
