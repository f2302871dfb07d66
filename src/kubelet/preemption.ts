// Which Pods of a full node make room for a critical one: as few as need be, those that asked for least and matter least. Pure.
import type { Pod } from "#api/core/pod/pod.ts";
import { type QualityOfService, qualityOfService } from "#api/core/pod/quality-of-service.ts";
import { isCritical } from "./layout.ts";

const rank: Readonly<Record<QualityOfService, number>> = { BestEffort: 0, Burstable: 1, Guaranteed: 2 };

/** `fits` says whether the Pod can run beside these. Undefined where no others may go, or it does not help. */
export function victimsFor(pod: Pod, others: readonly Pod[], fits: (rest: readonly Pod[]) => boolean): readonly Pod[] | undefined {
  const priority = (one: Pod) => one.spec.priority ?? 0;
  const candidates = others
    .filter((one) => !isCritical(one) && priority(one) < priority(pod))
    .sort((a, b) => rank[qualityOfService(a)] - rank[qualityOfService(b)] || priority(a) - priority(b));
  let chosen: readonly Pod[] = [];
  const without = (gone: readonly Pod[]) => others.filter((one) => !gone.includes(one));
  for (const candidate of candidates) {
    if (fits(without(chosen))) break;
    chosen = [...chosen, candidate];
  }
  if (!fits(without(chosen))) return undefined;
  // Those that matter most are spared first, where the rest is enough.
  for (const one of chosen.toReversed()) {
    const fewer = chosen.filter((other) => other !== one);
    if (fits(without(fewer))) chosen = fewer;
  }
  return chosen;
}
