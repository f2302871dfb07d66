import assert from "node:assert/strict";
import { test } from "node:test";
import type { Client } from "#client/client.ts";
import { simulatedWorld } from "#platform/simulated/world.ts";
import type { HttpRequest } from "#wire/http/message.ts";
import { delegatedTo } from "./delegated.ts";

const request = (headers: Readonly<Record<string, string>>, certificate?: object) =>
  ({ headers, peer: { address: "a", certificate } }) as unknown as HttpRequest;

test("callers and their rights are asked about once in a while, and strangers are nobody", async () => {
  const world = simulatedWorld({ seed: 1 });
  const asked: string[] = [];
  const client = {
    create: (kind: { name: string }, { spec }: { spec: { token?: string; user?: string } }) => {
      asked.push(`${kind.name} ${spec.token ?? spec.user}`);
      const status =
        kind.name === "TokenReview"
          ? { authenticated: spec.token === "good", user: { username: "ann", groups: ["g"] } }
          : { allowed: spec.user === "ann" };
      return Promise.resolve({ status });
    },
  } as unknown as Client;
  const delegated = delegatedTo(world, client);
  await world.run(async () => {
    assert.equal(await delegated.authenticate(request({})), undefined);
    assert.equal(await delegated.authenticate(request({ authorization: "Basic abc" })), undefined);
    assert.equal(await delegated.authenticate(request({ authorization: "Bearer bad" })), undefined);
    for (let count = 0; count < 3; count += 1) {
      const caller = await delegated.authenticate(request({ authorization: "Bearer good" }));
      assert.deepEqual(caller, { user: "ann", uid: undefined, groups: ["g"] });
      assert.equal(await delegated.authorize(caller as { user: string; groups: string[] }, { verb: "get", path: "/metrics" }), true);
    }
    assert.equal(await delegated.authorize({ user: "bob", groups: [] }, { verb: "get", path: "/metrics" }), false);
    assert.deepEqual(asked, ["TokenReview bad", "TokenReview good", "SubjectAccessReview ann", "SubjectAccessReview bob"]);
    const node = await delegated.authenticate(request({}, { commonName: "system:node:a", organizations: ["system:nodes"], notAfter: 0 }));
    assert.deepEqual(node, { user: "system:node:a", groups: ["system:nodes", "system:authenticated"] });
    await new Promise<void>((resolve) => world.clock.timer(11_000, () => resolve()));
    await delegated.authenticate(request({ authorization: "Bearer good" }));
    assert.equal(asked.length, 5, "what was learned is forgotten after ten seconds");
  });
});

test("SERVER3 what is allowed may be remembered for longer than what is not", async () => {
  const world = simulatedWorld({ seed: 1 });
  const asked: string[] = [];
  const client = {
    create: (_: unknown, { spec }: { spec: { user: string } }) => {
      asked.push(spec.user);
      return Promise.resolve({ status: { allowed: spec.user === "ann" } });
    },
  } as unknown as Client;
  const delegated = delegatedTo(world, client, { callerMilliseconds: 0, allowedMilliseconds: 300_000, deniedMilliseconds: 30_000 });
  const askAt = (seconds: number, user: string) =>
    new Promise<void>((resolve) =>
      world.clock.timer(seconds * 1_000, () => void delegated.authorize({ user, groups: [] }, { verb: "get" }).then(() => resolve())),
    );
  await world.run(() =>
    Promise.all([0, 20, 40, 290, 310].flatMap((seconds) => ["ann", "bob"].map((user) => askAt(seconds, user)))).then(() => {}),
  );
  assert.deepEqual(asked, ["ann", "bob", "bob", "bob", "ann"], "bob at 0, 40 and 290 s: what he was told at 290 s holds at 310");
});
