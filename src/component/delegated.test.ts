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
