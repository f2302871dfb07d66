// The built-in Pod network's part on this machine: the container network configuration with this node's range, and the ways to the Pods of
// all the other nodes. The bridge that Pods hang on is made by the standard plugins.
//
// Invariants:
// - What is made is always a whole plan; what nobody wants any more goes.
// - A node that cannot be reached at the moment keeps its way: only a Node that is deleted, or has another range, loses it.
import type { Scope } from "#base/scope.ts";
import type { World } from "#platform/world.ts";
import { familyOf, readAddress } from "#base/ip.ts";
import { type NetworkNode, type NetworkPlan, networkPlan, type Way } from "./plan.ts";
import { networkScript, type ScriptNames } from "./script.ts";

/** Written by whoever makes the machine a node. */
export interface PodNetworkConfig extends ScriptNames {
  /** A range, or one of each family: "10.244.0.0/16,fd00:42::/56". */
  readonly podRange: string;
  readonly serviceRange: string;
  /** Where the script with the ways is kept. */
  readonly script: string;
  /** The container network configuration, and where it belongs; the ranges of its address plugin are filled in here. */
  readonly networkConfigPath: string;
  readonly networkConfig: { readonly plugins: readonly (object & { readonly ipam?: object })[] };
}

export interface PodNetworkNeeds {
  readonly config: PodNetworkConfig;
  readonly nodeName: string;
  readonly synced: Promise<void>;
  nodes(): readonly NetworkNode[];
  /** Calls back at every change. */
  onChange(changed: () => void): () => void;
}

/** Carried out anew after this long even when nothing changed, in case somebody else touched it. */
const renewMilliseconds = 60_000;
const retryMilliseconds = 1_000;
/** Nodes that could not be reached are looked for again. */
const unreachedMilliseconds = 5_000;
/** Changes within this time are carried out together. */
const gatherMilliseconds = 20;

export function startPodNetwork(scope: Scope, world: World, needs: PodNetworkNeeds): void {
  const { config, nodeName } = needs;
  const families = familyRanges(config);
  const ways = new Map<string, Way>();
  let essence: string | undefined;
  let hasRoutes = false;
  let faults = "";
  let isDirty = true;
  /** Whoever could not be reached may be there a little later. */
  let isPartial = false;
  let wake: (() => void) | undefined;

  scope.start("Pod network", async (task) => {
    await needs.synced;
    task.throwIfStopped();
    task.defer(
      "Nodes",
      needs.onChange(() => {
        if (JSON.stringify(needs.nodes()) === essence) return;
        isDirty = true;
        wake?.();
      }),
    );
    task.defer("wake", () => wake?.());
    for (;;) {
      while (!isDirty && !task.stopped) {
        await sleepUntilWoken(isPartial ? unreachedMilliseconds : renewMilliseconds);
        if (hasRoutes || isPartial) break;
      }
      task.throwIfStopped();
      await world.clock.sleep(task, gatherMilliseconds);
      isDirty = false;
      try {
        await look();
      } catch (error) {
        world.log.error("the Pod network cannot be set; trying again", { error: (error as Error).message });
        isDirty = true;
        await world.clock.sleep(task, retryMilliseconds);
      }
    }
  });

  async function look(): Promise<void> {
    const nodes = needs.nodes();
    if (JSON.stringify(nodes) !== essence || isPartial)
      await findWays(nodes.filter(({ name }) => name !== nodeName).flatMap(({ addresses }) => addresses));
    const plans = families.map((ranges) => networkPlan({ ...ranges, nodeName, nodes, wayTo: (address) => ways.get(address) }));
    const all = plans.flatMap((plan) => plan.faults);
    tellFaults(all);
    await writeNetworkConfig(plans);
    const script = networkScript(plans, config);
    const routes = plans.reduce((sum, plan) => sum + plan.routes.length, 0);
    if ((await world.files.readText(config.script).catch(() => "")) !== script) {
      await world.files.replace(config.script, script, { mode: 0o700 });
      world.log.info("the ways to other nodes' Pods changed", { routes });
    }
    const { code, stderr } = await world.processes.run("/bin/sh", [config.script], { timeoutMilliseconds: 60_000 });
    if (code !== 0) throw new Error(stderr.trim().slice(0, 2_000));
    essence = JSON.stringify(nodes);
    hasRoutes = routes > 0;
    isPartial = all.some((fault) => fault.endsWith("cannot be reached"));
  }

  /** How the kernel would send a packet there. What is not known now stays as it was known. */
  async function findWays(addresses: readonly string[]): Promise<void> {
    for (const address of addresses.filter((text) => readAddress(text) !== undefined)) {
      const family = familyOf(address) === "IPv4" ? "-4" : "-6";
      const { code, stdout } = await world.processes.run("ip", [family, "-o", "route", "get", address], { timeoutMilliseconds: 10_000 });
      const device = / dev ([A-Za-z0-9_.-]{1,15}) /.exec(stdout)?.[1];
      if (code === 0 && device !== undefined) ways.set(address, { device, isRouted: / via [0-9a-f]/.test(stdout) });
    }
  }

  async function writeNetworkConfig(plans: readonly NetworkPlan[]): Promise<void> {
    const ranges = plans.flatMap(({ ownRange }) => ownRange ?? []);
    if (ranges.length === 0) return;
    const { networkConfig, networkConfigPath: path } = config;
    const plugins = networkConfig.plugins.map((plugin) =>
      plugin.ipam ? { ...plugin, ipam: { ...plugin.ipam, ranges: ranges.map((subnet) => [{ subnet }]) } } : plugin,
    );
    const text = `${JSON.stringify({ ...networkConfig, plugins }, undefined, 2)}\n`;
    if ((await world.files.readText(path).catch(() => undefined)) === text) return;
    await world.files.makeFolder(path.slice(0, path.lastIndexOf("/")));
    await world.files.replace(path, text, { mode: 0o644 });
    world.log.info("Pods of this node have addresses", { range: ranges.join(",") });
  }

  function tellFaults(all: readonly string[]): void {
    const now = all.join("; ");
    if (now !== faults && now !== "") world.log.warn("some nodes have no way to their Pods", { why: now });
    faults = now;
  }

  function sleepUntilWoken(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = world.clock.timer(milliseconds, resolve);
      wake = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}

/** The ranges of Pods and Services by family, the cluster's first one first. */
function familyRanges({
  podRange,
  serviceRange,
}: PodNetworkConfig): readonly { readonly podRange: string; readonly serviceRange: string }[] {
  const services = serviceRange.split(",");
  return podRange.split(",").map((pods) => ({
    podRange: pods,
    serviceRange: services.find((one) => familyOf(one) === familyOf(pods)) ?? "",
  }));
}
