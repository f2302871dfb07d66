// kube-proxy: makes connections to Services reach Pods, on this machine.
import type { Scope } from "#base/scope.ts";
import { Service } from "#api/core/service/service.ts";
import { EndpointSlice } from "#api/discovery.k8s.io/endpoint-slice/endpoint-slice.ts";
import type { Informers } from "#client/informers.ts";
import type { World } from "#platform/world.ts";
import type { RuleLoader } from "./nftables/nftables.ts";
import { forwardedPorts } from "./rules.ts";

export interface ProxyNeeds {
  readonly informers: Informers;
  /** The name of this machine's Node. */
  readonly node: string;
  readonly loaders: readonly { readonly family: "IPv4" | "IPv6"; readonly loader: RuleLoader }[];
  /** Changes within this time are carried out together. */
  readonly minSyncMilliseconds?: number;
}

export interface RunningProxy {
  /** Whether the rules of what was first seen are loaded, and when they last were, by the monotonic clock: for /healthz. */
  readonly isSynced: boolean;
  readonly syncedAt: number;
}

/** Rules are loaded anew after this long even when nothing changed, in case somebody else touched them. */
const syncPeriodMilliseconds = 30_000;

export async function startProxy(scope: Scope, world: World, needs: ProxyNeeds): Promise<RunningProxy> {
  const { informers, node, loaders, minSyncMilliseconds = 20 } = needs;
  const services = informers.for(Service);
  const slices = informers.for(EndpointSlice);
  const state = { isSynced: false, syncedAt: 0 };
  let isDirty = true;
  let wake: (() => void) | undefined;
  const changed = () => {
    isDirty = true;
    wake?.();
  };

  await Promise.all([services.synced, slices.synced]);
  scope.throwIfStopped();
  scope.defer("Services", services.onChange(changed));
  scope.defer("EndpointSlices", slices.onChange(changed));
  scope.defer("wake", () => wake?.());
  scope.start("rules", async (task) => {
    while (!task.stopped) {
      let anew = false;
      if (!isDirty) {
        await new Promise<void>((resolve) => {
          const timer = world.clock.timer(syncPeriodMilliseconds, () => {
            anew = true;
            resolve();
          });
          wake = () => {
            timer.cancel();
            resolve();
          };
        });
      }
      await world.clock.sleep(task, minSyncMilliseconds);
      isDirty = false;
      try {
        for (const { family, loader } of loaders)
          await loader.load(forwardedPorts({ services: services.list(), slices: slices.list(), node, family }), anew);
        state.isSynced = true;
        state.syncedAt = world.clock.monotonic();
      } catch (error) {
        isDirty = true;
        world.log.error("cannot load rules; trying again", { error: (error as Error).message });
        await world.clock.sleep(task, 1_000);
      }
    }
  });
  return state;
}
