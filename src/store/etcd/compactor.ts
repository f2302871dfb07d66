// Keeps five minutes of history, together with every other API server at the same etcd: whoever changes the key `compact_rev_key` first
// compacts, and the others wait for the next time.
import type { Scope } from "#base/scope.ts";
import type { World } from "#platform/world.ts";
import type { Revision } from "../store.ts";
import type { EtcdConnection } from "./connection.ts";
import { keyBytes } from "./keys.ts";
import { CompactionRequest, CompactionResponse, TxnRequest, TxnResponse } from "./messages.ts";

const key = keyBytes("compact_rev_key");
const versionTarget = 0;

export async function compactNowAndThen(scope: Scope, world: World, connection: EtcdConnection, everyMilliseconds: number): Promise<void> {
  let version = 0;
  let revision: Revision = 0;
  for (;;) {
    await world.clock.sleep(scope, everyMilliseconds);
    try {
      const turn = await takeTurn(connection, version, revision);
      if (turn.won && revision > 0) {
        await connection.call("/etcdserverpb.KV/Compact", CompactionRequest, { revision }, CompactionResponse, { changes: true });
      }
      version = turn.version;
      revision = turn.revision;
    } catch (error) {
      scope.throwIfStopped();
      world.log.warn("history could not be compacted; trying again later", { error: (error as Error).message });
    }
  }
}

/** Writes the revision to compact to, if nobody has since `version`. Gives the key's version now, and the store's revision. */
async function takeTurn(
  connection: EtcdConnection,
  version: number,
  revision: Revision,
): Promise<{ readonly won: boolean; readonly version: number; readonly revision: Revision }> {
  const answer = await connection.call(
    "/etcdserverpb.KV/Txn",
    TxnRequest,
    {
      compare: [{ target: versionTarget, key, version }],
      success: [{ put: { key, value: keyBytes(String(revision)) } }],
      failure: [{ range: { key } }],
    },
    TxnResponse,
    { changes: true },
  );
  const now = Number(answer.header?.revision ?? 0);
  if (answer.succeeded) return { won: true, version: version + 1, revision: now };
  return { won: false, version: Number(answer.responses[0]?.range?.items[0]?.version ?? 0), revision: now };
}
