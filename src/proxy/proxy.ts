// kube-proxy: makes connections to Services reach Pods, on this machine.
import type { Scope } from "#base/scope.ts";
import { Node } from "#api/core/node/node.ts";
import { Service } from "#api/core/service/service.ts";
import { EndpointSlice } from "#api/discovery.k8s.io/endpoint-slice/endpoint-slice.ts";
import type { Informers } from "#client/informers.ts";
import type { World } from "#platform/world.ts";
import { addressesOf, type Family, rangesOf } from "./addresses.ts";
import { flowCleaner } from "./conntrack/conntrack.ts";
import { healthCheckServers } from "./health-checks.ts";
import { tableLoader } from "./nftables/nftables.ts";
import { serviceTable, type ServiceTableOptions } from "./nftables/service-table.ts";
import type { ProxyMetrics } from "./proxy-metrics.ts";
import { forwardedPorts, healthChecks } from "./rules.ts";

export interface ProxyNeeds {
  readonly informers: Informers;
  /** The name of this machine's Node. */
  readonly node: string;
  readonly families: readonly Family[];
  readonly table: Omit<ServiceTableOptions, "family">;
  /** Ranges of the addresses at which node ports answer; "primary" for those of the Node object; none for all of this machine's. */
  readonly nodePortAddresses: readonly string[];
  readonly allowsExternalIps: boolean;
  readonly metrics: ProxyMetrics;
  /** Changes within this time are carried out together. */
  readonly minSyncMilliseconds?: number;
  /** Rules are loaded anew after this long even when nothing changed, in case somebody else touched them. */
  readonly syncPeriodMilliseconds?: number;
}

export interface RunningProxy {
  /** Whether the rules of what was first seen are loaded. */
  readonly isSynced: boolean;
  /** When the rules were last seen to be right, by the wall clock in milliseconds: for /healthz. */
  readonly updatedAt: number;
  /** Whether the last changes were carried out, or have not waited for long. */
  readonly isHealthy: boolean;
  /** Whether the Node is to keep getting traffic: it is not being deleted. */
  readonly isNodeEligible: boolean;
}

/** After carrying out changes took long, there is rest for this many times as long, up to the longest, before the next. */
const restShare = 3;
const restMillisecondsMax = 1_000;
/** Writing all rules anew may take one part in this many of the time. */
const renewalShare = 50;
/** Changes that wait for longer than this mean that something is stuck. */
const stuckMilliseconds = 60_000;
const triggerAnnotation = "endpoints.kubernetes.io/last-change-trigger-time";
const triggersMax = 1_000;
const deletionTaint = "ToBeDeletedByClusterAutoscaler";
const zoneLabel = "topology.kubernetes.io/zone";

export async function startProxy(scope: Scope, world: World, needs: ProxyNeeds): Promise<RunningProxy> {
  const { informers, node, families, metrics, allowsExternalIps, minSyncMilliseconds = 20, syncPeriodMilliseconds = 30_000 } = needs;
  const services = informers.for(Service, { labelSelector: "!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name" });
  const slices = informers.for(EndpointSlice, {
    labelSelector: "!service.kubernetes.io/headless,!service.kubernetes.io/service-proxy-name",
  });
  const nodes = informers.for(Node, { fieldSelector: `metadata.name=${node}` });
  const kernels = families.map((family) => ({ family, loader: tableLoader(world), cleaner: flowCleaner(world, family) }));
  const isOwnNode = ({ metadata }: Node) => metadata.name === node;
  const ownNode = () => nodes.get(node);
  const startedAt = world.clock.now();
  let isSynced = false;
  let renewalMilliseconds = 0;
  /** By the monotonic clock. */
  let restsUntil = 0;
  let updatedAt = world.clock.now();
  /** Since when changes wait, by the monotonic clock. */
  let waitingSince: number | undefined = world.clock.monotonic();
  let wake: (() => void) | undefined;
  const changed = () => {
    waitingSince ??= world.clock.monotonic();
    metrics.queued(world.clock.now());
    wake?.();
  };
  /** When the changes that wait began, as the endpoint controllers say. */
  const triggers: number[] = [];
  const noteTrigger = ({ metadata }: EndpointSlice) => {
    const at = Date.parse(metadata.annotations?.[triggerAnnotation] ?? "");
    if (at > startedAt && triggers.length < triggersMax) triggers.push(at);
  };
  const isHealthy = () => isSynced && (waitingSince === undefined || world.clock.monotonic() - waitingSince < stuckMilliseconds);
  const checks = healthCheckServers(scope, world, { isHealthy });

  await Promise.all([services.synced, slices.synced, nodes.synced]);
  scope.throwIfStopped();
  scope.defer("Services", services.onChange(changed));
  scope.defer(
    "EndpointSlices",
    slices.onChange((change) => {
      if (isSynced && change.type !== "deleted") noteTrigger(change.object);
      changed();
    }),
  );
  scope.defer(
    "Nodes",
    nodes.onChange(({ object, old }) => {
      if (isOwnNode(object) && (!old || placeText(object) !== placeText(old))) changed();
    }),
  );
  scope.defer("wake", () => wake?.());

  async function load(anew: boolean): Promise<void> {
    const began = world.clock.monotonic();
    const place = { node, zone: ownNode()?.metadata.labels?.[zoneLabel] };
    const observed = { ...place, services: services.list(), slices: slices.list() };
    for (const { family, loader, cleaner } of kernels) {
      const ports = forwardedPorts({ ...observed, family, allowsExternalIps });
      const nodePortAddresses = nodePortAddressesOf(needs.nodePortAddresses, ownNode(), family);
      await loader.load(serviceTable({ ports, nodePortAddresses }, { ...needs.table, family }), anew);
      await cleaner.clean(ports);
    }
    await checks.update(families.flatMap((family) => healthChecks({ ...observed, family })));
    const ended = world.clock.monotonic();
    const took = ended - began;
    if (anew || !isSynced) renewalMilliseconds = took;
    restsUntil = ended + Math.min(restMillisecondsMax, took * restShare);
    for (const trigger of triggers.splice(0)) metrics.programmed(Math.max(0, world.clock.now() - trigger) / 1_000);
    metrics.synced(took / 1_000, world.clock.now());
  }

  scope.start("rules", async (task) => {
    while (!task.stopped) {
      let anew = false;
      if (waitingSince === undefined) {
        await new Promise<void>((resolve) => {
          const timer = world.clock.timer(Math.max(syncPeriodMilliseconds, renewalMilliseconds * renewalShare), () => {
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
      await world.clock.sleep(task, Math.max(minSyncMilliseconds, restsUntil - world.clock.monotonic()));
      const since = waitingSince;
      waitingSince = undefined;
      try {
        await load(anew);
        isSynced = true;
        updatedAt = world.clock.now();
      } catch (error) {
        waitingSince = since ?? world.clock.monotonic();
        metrics.failed();
        world.log.error("cannot load rules; trying again", { error: (error as Error).message });
        await world.clock.sleep(task, 1_000);
      }
    }
  });
  return {
    get isSynced() {
      return isSynced;
    },
    get updatedAt() {
      return updatedAt;
    },
    get isHealthy() {
      return isHealthy();
    },
    get isNodeEligible() {
      const own = ownNode();
      return !own?.metadata.deletionTimestamp && !own?.spec.taints?.some(({ key }) => key === deletionTaint);
    },
  };
}

/** What of our Node the rules depend on. */
function placeText({ metadata, status }: Node): string {
  return `${metadata.labels?.[zoneLabel] ?? ""} ${(status.addresses ?? []).map(({ type, address }) => `${type}=${address}`).join(" ")}`;
}

function nodePortAddressesOf(wanted: readonly string[], node: Node | undefined, family: Family): readonly string[] | undefined {
  if (wanted[0] !== "primary") {
    const ranges = rangesOf(wanted, family);
    return ranges === "everything" || wanted.length === 0 ? undefined : ranges;
  }
  const said = node?.status.addresses ?? [];
  const ofType = (wantedType: string) =>
    addressesOf(
      said.filter(({ type }) => type === wantedType).map(({ address }) => address),
      family,
    );
  // A Node that has not said its addresses yet is reached at all of them.
  return said.length === 0 ? undefined : [...ofType("InternalIP"), ...ofType("ExternalIP")].slice(0, 1);
}
