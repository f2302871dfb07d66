// Deletes bootstrap tokens that have ended.
import type { Scope } from "#base/scope.ts";
import { Secret } from "#api/core/secret/secret.ts";
import { startWorkQueue } from "#client/work-queue.ts";
import type { World } from "#platform/world.ts";
import { isReason } from "#api/meta/status-error.ts";
import { type ControllerNeeds, freeController } from "../controller.ts";
import { liveTokens } from "./live-tokens.ts";

export const tokenCleanerController = freeController({
  name: "token-cleaner",
  because: "what ends a token is time alone",
  // Its rights are a role in kube-system, which every cluster has by default.
  reads: [],
  writes: [],
  run,
});

function run(scope: Scope, world: World, { client, informers }: ControllerNeeds): void {
  const tokens = liveTokens(world, informers);
  const queue = startWorkQueue(scope, world, { workers: 1, backoffFirstMilliseconds: 100, backoffMaxMilliseconds: 60_000 }, async () => {
    for (const { metadata } of tokens.ended()) {
      try {
        await client.delete(Secret, metadata, { preconditions: { uid: metadata.uid } });
      } catch (error) {
        if (!isReason(error, "NotFound", "Conflict")) throw error;
      }
    }
  });
  scope.start("token-cleaner", async (task) => {
    await tokens.synced;
    task.throwIfStopped();
    await tokens.follow(task, () => queue.add("tokens"));
  });
}
