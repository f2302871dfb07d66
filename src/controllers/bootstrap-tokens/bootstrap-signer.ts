// Signs the ConfigMap cluster-info with every bootstrap token, so that whoever has one can tell the cluster from another.
import type { Scope } from "#base/scope.ts";
import { ConfigMap } from "#api/core/config-map/config-map.ts";
import { type BootstrapToken, clusterInfo, clusterInfoSignatures, isSignature } from "#api/core/secret/bootstrap-token.ts";
import { startWorkQueue } from "#client/work-queue.ts";
import { deepEqual } from "#schema/derive/equal.ts";
import type { World } from "#platform/world.ts";
import { type ControllerNeeds, freeController } from "../controller.ts";
import { liveTokens } from "./live-tokens.ts";

export const bootstrapSignerController = freeController({
  name: "bootstrap-signer",
  because: "its one object depends on Secrets of another namespace, and on the time",
  // Its rights are roles in two namespaces, which every cluster has by default.
  reads: [],
  writes: [],
  run,
});

function run(scope: Scope, world: World, { client, informers }: ControllerNeeds): void {
  const infos = informers.for(ConfigMap, { namespace: clusterInfo.namespace, fieldSelector: `metadata.name=${clusterInfo.name}` });
  const tokens = liveTokens(world, informers);
  const queue = startWorkQueue(scope, world, { workers: 1, backoffFirstMilliseconds: 100, backoffMaxMilliseconds: 60_000 }, async () => {
    const info = infos.get(`${clusterInfo.namespace}/${clusterInfo.name}`);
    const signed =
      info &&
      signedInfo(
        info,
        tokens.now().filter(({ maySign }) => maySign),
      );
    if (signed) infos.observe(await client.update(ConfigMap, signed));
  });
  scope.start("bootstrap-signer", async (task) => {
    await Promise.all([infos.synced, tokens.synced]);
    task.throwIfStopped();
    const look = () => queue.add("cluster-info");
    scope.defer("cluster-info", infos.onChange(look));
    await tokens.follow(task, look);
  });
}

/** The ConfigMap with the signatures that it should have; undefined when it has them. */
export function signedInfo(info: ConfigMap, tokens: readonly BootstrapToken[]): ConfigMap | undefined {
  const { data = {} } = info;
  const { kubeconfig } = data;
  if (kubeconfig === undefined) return undefined;
  const others = Object.fromEntries(Object.entries(data).filter(([entry]) => !isSignature(entry)));
  const wanted = { ...others, ...clusterInfoSignatures(kubeconfig, tokens) };
  return deepEqual(wanted, data) ? undefined : { ...info, data: wanted };
}
