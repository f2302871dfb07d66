// How much history a store keeps by itself: what list continuations and resuming watches live on.
import type { Scope } from "#base/scope.ts";
import type { World } from "#platform/world.ts";
import type { Revision, Store } from "../store.ts";
import type { History } from "./history.ts";

export interface HistoryPolicy {
  /** Changes younger than this stay readable and watchable, unless the next limit says otherwise. Default 5 minutes. */
  readonly milliseconds?: number;
  /** Superseded values beyond this are forgotten early, oldest first. Default 256 MiB. */
  readonly bytes?: number;
  /** "manual": nothing is compacted but by `compact`. Default "automatic". */
  readonly mode?: "automatic" | "manual";
}

const lookEveryMilliseconds = 15_000;

/** Compacts now and then, to the revision that was newest `milliseconds` ago. */
export async function keepHistoryBounded(scope: Scope, world: World, store: Store, history: History, policy: HistoryPolicy): Promise<void> {
  const { milliseconds = 300_000, bytes = 256 * 2 ** 20, mode = "automatic" } = policy;
  if (mode === "manual") return;
  const marks: { readonly at: number; readonly revision: Revision }[] = [];
  for (;;) {
    await world.clock.sleep(scope, Math.max(100, Math.min(lookEveryMilliseconds, milliseconds)));
    const now = world.clock.monotonic();
    marks.push({ at: now, revision: await store.revision() });
    const isDue = (mark: { readonly at: number }) => mark.at <= now - milliseconds || (history.supersededBytes > bytes && marks.length > 1);
    try {
      for (let mark = marks[0]; mark && isDue(mark); mark = marks[0]) {
        marks.shift();
        if (mark.revision > history.compacted) await store.compact(mark.revision);
      }
    } catch (error) {
      scope.throwIfStopped();
      world.log.warn("history could not be compacted; trying again later", { error: String(error) });
    }
  }
}
