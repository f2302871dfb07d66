// Keeps Pods of this machine to what NetworkPolicies allow them. Pods and Namespaces are only watched once there is a policy.
import type { Scope } from "#base/scope.ts";
import { Namespace } from "#api/core/namespace/namespace.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { isTerminal } from "#api/core/pod/readiness.ts";
import { NetworkPolicy } from "#api/networking.k8s.io/network-policy/network-policy.ts";
import type { Informer } from "#client/informer.ts";
import type { Informers } from "#client/informers.ts";
import type { World } from "#platform/world.ts";
import { deepEqual } from "#schema/derive/equal.ts";
import type { KubernetesObject } from "#schema/kind.ts";
import { tableLoader } from "../nftables/nftables.ts";
import { isolatedPods } from "./isolation.ts";
import { policyTable } from "./policy-table.ts";

export interface NetworkPolicyNeeds {
  readonly informers: Informers;
  /** The name of this machine's Node. */
  readonly node: string;
  readonly families: readonly ("IPv4" | "IPv6")[];
}

/** Changes within this time are carried out together. */
const gatherMilliseconds = 20;
/** After carrying out changes took long, there is rest for this many times as long, up to the longest, before the next. */
const restShare = 4;
const restMillisecondsMax = 2_000;
/** Rules are written anew after this long, in case somebody else touched them. */
const renewMilliseconds = 30_000;

export async function enforceNetworkPolicies(scope: Scope, world: World, needs: NetworkPolicyNeeds): Promise<void> {
  const { informers, node, families } = needs;
  const policies = informers.for(NetworkPolicy);
  const kernels = families.map((family) => ({ family, loader: tableLoader(world) }));
  let isDirty = true;
  let wake: (() => void) | undefined;
  let restsUntil = 0;
  const changed = () => {
    isDirty = true;
    wake?.();
  };
  const watch = <T extends KubernetesObject>(informer: Informer<T>, shown: (object: T) => unknown) =>
    scope.defer(
      `${informer.kind.plural} for policies`,
      informer.onChange(({ type, object, old }) => {
        if (type !== "changed" || !deepEqual(shown(object), shown(old))) changed();
      }),
    );
  await policies.synced;
  watch(policies, ({ metadata, spec }) => [metadata.uid, spec]);
  scope.defer("wake", () => wake?.());
  let cluster: { readonly pods: Informer<Pod>; readonly namespaces: Informer<Namespace> } | undefined;

  async function load(anew: boolean): Promise<void> {
    if (policies.size > 0 && !cluster) {
      cluster = { pods: informers.for(Pod), namespaces: informers.for(Namespace) };
      await Promise.all([cluster.pods.synced, cluster.namespaces.synced]);
      watch(cluster.pods, seenOf);
      watch(cluster.namespaces, ({ metadata }) => metadata.labels);
    }
    const isolated = isolatedPods({
      policies: policies.list(),
      pods: cluster?.pods.list() ?? [],
      namespaces: cluster?.namespaces.list() ?? [],
      node,
    });
    for (const { family, loader } of kernels) await loader.load(policyTable(isolated, family), anew);
  }

  scope.start("network policies", async (task) => {
    while (!task.stopped) {
      let anew = false;
      if (!isDirty) {
        await new Promise<void>((resolve) => {
          const timer = world.clock.timer(renewMilliseconds, () => {
            anew = true;
            resolve();
          });
          wake = () => {
            timer.cancel();
            resolve();
          };
        });
        wake = undefined;
      }
      await world.clock.sleep(task, Math.max(gatherMilliseconds, restsUntil - world.clock.monotonic()));
      isDirty = false;
      try {
        const began = world.clock.monotonic();
        await load(anew);
        const ended = world.clock.monotonic();
        restsUntil = ended + Math.min(restMillisecondsMax, (ended - began) * restShare);
      } catch (error) {
        isDirty = true;
        world.log.error("cannot load the rules of network policies; trying again", { error: (error as Error).message });
        await world.clock.sleep(task, 1_000);
      }
    }
  });
}

/** What of a Pod policies look at. */
function seenOf(pod: Pod): unknown {
  const { metadata, spec, status } = pod;
  return [metadata.labels, spec.nodeName, status.podIP, status.podIPs, isTerminal(pod)];
}
