// Reads every node's numbers now and again, while somebody asks for them: who asks first waits for two readings, a second apart; when nobody
// has asked for a while, nothing is read any more, and an idle cluster stays idle.
import { Node } from "#api/core/node/node.ts";
import { ScopeStopped, type Scope } from "#base/scope.ts";
import type { Client } from "#client/client.ts";
import type { World } from "#platform/world.ts";
import { type ContainerReading, type NodeReadings, readResourceMetrics } from "./resource-metrics.ts";
import { type Usage, usageOf } from "./usage.ts";

export interface SamplerNeeds {
  readonly client: Client;
  /** The text of a node's /metrics/resource. */
  readonly scrape: (node: Node) => Promise<string>;
  /** How long lies between readings while somebody asks. */
  readonly resolutionMilliseconds: number;
}

export interface Sampler {
  /** Resolves when numbers are at hand that are not too old. */
  fresh(): Promise<void>;
  nodeUsage(name: string): Usage | undefined;
  /** By container; empty when nothing is known of the Pod. */
  podUsage(namespace: string, name: string): readonly { readonly container: string; readonly usage: Usage }[];
}

interface Pair {
  readonly before: NodeReadings | undefined;
  readonly after: NodeReadings;
  readonly readAt: number;
}

const firstWindowMilliseconds = 1_000;
const unaskedMilliseconds = 120_000;
/** What is older is read again for who asks. */
const staleMilliseconds = 5_000;
const scrapesMax = 50;
/** After so many rounds without an answer a node's numbers are forgotten. */
const roundsKept = 3;

export function startSampler(scope: Scope, world: World, { client, scrape, resolutionMilliseconds }: SamplerNeeds): Sampler {
  const pairs = new Map<string, Pair>();
  let containers = new Map<string, { readonly container: string; readonly usage: Usage }[]>();
  let askedAt = 0;
  let running: Promise<void> | undefined;
  let reading: Promise<void> | undefined;
  let readAt = Number.NEGATIVE_INFINITY;

  return {
    async fresh() {
      askedAt = world.clock.monotonic();
      running ??= begin();
      await running;
      if (world.clock.monotonic() - readAt > staleMilliseconds) await round();
    },
    nodeUsage(name) {
      const pair = pairs.get(name);
      return pair && usageOf(pair.before?.node, pair.after.node);
    },
    podUsage: (namespace, name) => containers.get(`${namespace}/${name}`) ?? [],
  };

  function begin(): Promise<void> {
    const first = Promise.withResolvers<void>();
    scope.start("sample", async (task) => {
      try {
        await round();
        await world.clock.sleep(task, firstWindowMilliseconds);
        await round();
        first.resolve();
        while (world.clock.monotonic() - askedAt < unaskedMilliseconds) {
          await world.clock.sleep(task, resolutionMilliseconds);
          await round();
        }
      } catch (error) {
        first.reject(error);
        if (!(error instanceof ScopeStopped)) world.log.warn("the nodes' numbers cannot be read", { error: String(error) });
      } finally {
        running = undefined;
        pairs.clear();
        containers = new Map();
      }
    });
    first.promise.catch(() => {});
    return first.promise;
  }

  /** Who asks while nodes are being read waits for that. */
  function round(): Promise<void> {
    reading ??= readAll().finally(() => {
      reading = undefined;
      readAt = world.clock.monotonic();
    });
    return reading;
  }

  async function readAll(): Promise<void> {
    const { items: nodes } = await client.list(Node, { resourceVersion: "0" });
    const left = [...nodes];
    const workers = Array.from({ length: Math.min(scrapesMax, left.length) }, async () => {
      for (let node = left.pop(); node; node = left.pop()) await read(node);
    });
    await Promise.all(workers);
    const names = new Set(nodes.map(({ metadata }) => metadata.name));
    const oldest = world.clock.monotonic() - roundsKept * resolutionMilliseconds;
    for (const [name, { readAt }] of pairs) if (!names.has(name) || readAt < oldest) pairs.delete(name);
    containers = usagesByPod(pairs.values());
  }

  async function read(node: Node): Promise<void> {
    const { name } = node.metadata;
    try {
      const after = readResourceMetrics(await scrape(node), world.clock.now());
      pairs.set(name, { before: pairs.get(name)?.after, after, readAt: world.clock.monotonic() });
    } catch (error) {
      if (error instanceof ScopeStopped) throw error;
      world.log.warn("a node's numbers cannot be read", { node: name, error: (error as Error).message });
    }
  }
}

function usagesByPod(pairs: Iterable<Pair>): Map<string, { readonly container: string; readonly usage: Usage }[]> {
  const byPod = new Map<string, { readonly container: string; readonly usage: Usage }[]>();
  for (const { before, after } of pairs) {
    for (const [key, reading] of after.containers) {
      const usage = usageOf(before?.containers.get(key), reading);
      if (usage) add(byPod, reading, usage);
    }
  }
  return byPod;
}

function add(
  byPod: Map<string, { readonly container: string; readonly usage: Usage }[]>,
  { namespace, pod, container }: ContainerReading,
  usage: Usage,
): void {
  const key = `${namespace}/${pod}`;
  const known = byPod.get(key);
  if (known) known.push({ container, usage });
  else byPod.set(key, [{ container, usage }]);
}
