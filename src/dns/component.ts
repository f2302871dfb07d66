// The cluster's name server as a daemon.
import type { Scope } from "#base/scope.ts";
import { sharedInformers } from "#client/informers.ts";
import { accessFor, clientFor } from "#component/cluster-client.ts";
import { type Component, ConfigError } from "#component/component.ts";
import { clientFlags, daemonFlags, daemonValues } from "#component/daemon-flags.ts";
import { type Flag, FlagError } from "#component/flags.ts";
import { textResponse } from "#component/serving.ts";
import type { World } from "#platform/world.ts";
import { readCorefile } from "./corefile.ts";
import { dnsMetrics } from "./dns-metrics.ts";
import { startDns } from "./dns.ts";
import { type DnsSettings, type ForwardedZone, upstreamAddress } from "./settings.ts";

const flags = [
  ...daemonFlags,
  ...clientFlags,
  {
    name: "conf",
    type: "string",
    doc: "A Corefile; it wins over the flags about domains and resolvers, and is read again when it changes.",
  },
  { name: "bind-address", type: "string", default: "0.0.0.0", doc: "Address to answer at." },
  { name: "port", type: "integer", default: 53, doc: "Port to answer at, over UDP and TCP." },
  { name: "health-port", type: "integer", default: 8080, doc: "Port of /health." },
  { name: "ready-port", type: "integer", default: 8181, doc: "Port of /ready." },
  { name: "metrics-port", type: "integer", default: 9153, doc: "Port of /metrics." },
  { name: "cluster-domain", type: "string", default: "cluster.local", doc: "The domain of the cluster's names." },
  { name: "upstream", type: "list", default: [], doc: "Resolvers for other names; those of /etc/resolv.conf when empty." },
  { name: "stub-domain", type: "list", default: [], doc: "Domains with resolvers of their own: example.org=10.0.0.1." },
  { name: "lameduck", type: "duration", default: 0, doc: "How long it goes on answering when it is told to end." },
  { name: "cache-seconds", type: "integer", default: 30, doc: "How long others' answers are kept at most; 0 keeps none." },
] as const satisfies readonly Flag[];

const reloadMilliseconds = 10_000;
/** How long answers about the cluster's names may be kept. */
const ownSeconds = 5;

export const component: Component = {
  name: "cluster-dns",
  doc: "Answers for the names of Services and Pods.",
  flags,
  async start(scope, world, arguments_) {
    const values = daemonValues("cluster-dns", flags, arguments_, world.log);
    const resolvers = await machineResolvers(world);
    const upstreams = values.upstream.length > 0 ? values.upstream : resolvers;
    const zone = (name: string, those: readonly string[]): ForwardedZone => {
      const wrong = those.find((upstream) => !upstreamAddress(upstream));
      if (wrong !== undefined) throw new FlagError(`${JSON.stringify(wrong)} is no address of a resolver`);
      return { zone: name, upstreams: those, order: "sequential", cacheSeconds: values["cache-seconds"] };
    };
    let settings: DnsSettings = {
      domain: values["cluster-domain"].toLowerCase().replace(/\.$/, ""),
      seconds: ownSeconds,
      answersPods: true,
      lameduckMilliseconds: values["lameduck"],
      hosts: new Map(),
      zones: [zone("", upstreams), ...stubDomains(values["stub-domain"]).map(([name, those]) => zone(name, those))],
    };
    if (values.conf)
      settings = await followCorefile(scope, world, values.conf, resolvers, (changed) => {
        settings = changed;
      });
    let isReady = false;
    const metrics = dnsMetrics();
    const host = values["bind-address"];
    const serve = (port: number, path: string, respond: () => readonly [status: number, text: string]) =>
      world.network.serve(scope, { host, port }, async (request) => {
        if (request.path !== path) return textResponse(404, "404 page not found\n");
        const [status, text] = respond();
        return textResponse(status, text);
      });
    await serve(values["health-port"], "/health", () => [200, "OK"]);
    await serve(values["ready-port"], "/ready", () => (isReady ? [200, "OK"] : [503, "kubernetes"]));
    await serve(values["metrics-port"], "/metrics", () => [200, metrics.text()]);
    const client = clientFor(scope, world, await accessFor(world, values.kubeconfig), "cluster-dns");
    const informers = sharedInformers(scope, world, client);
    await startDns(scope, world, { informers, host, port: values.port, settings: () => settings, metrics });
    isReady = true;
    // Runs first when all this stops.
    scope.defer("answer a while longer", () => new Promise((resolve) => world.clock.timer(settings.lameduckMilliseconds, resolve)));
  },
};

function stubDomains(texts: readonly string[]): readonly (readonly [zone: string, upstreams: readonly string[]])[] {
  const zones = new Map<string, string[]>();
  for (const text of texts) {
    const [name = "", upstream = ""] = text.split("=");
    if (name === "" || upstream === "") throw new FlagError(`--stub-domain: ${JSON.stringify(text)} is not like example.org=10.0.0.1`);
    const zone = name.toLowerCase().replace(/\.$/, "");
    zones.set(zone, [...(zones.get(zone) ?? []), upstream]);
  }
  return [...zones];
}

/** What the file says, and later what it says anew. A change that cannot be read leaves things as they are. */
async function followCorefile(
  scope: Scope,
  world: World,
  path: string,
  resolvers: readonly string[],
  changed: (settings: DnsSettings) => void,
): Promise<DnsSettings> {
  let known = "";
  const read = async () => {
    const text = await world.files.readText(path);
    if (text === known) return undefined;
    const { settings, ignored } = readCorefile(text, resolvers);
    known = text;
    for (const line of ignored) world.log.warn("a line of the Corefile has no effect", { line });
    return settings;
  };
  let first: DnsSettings | undefined;
  try {
    first = await read();
  } catch (error) {
    throw new ConfigError(`Corefile ${path}: ${(error as Error).message}`);
  }
  scope.start("Corefile", async (task) => {
    let failed = "";
    for (;;) {
      await world.clock.sleep(task, reloadMilliseconds);
      try {
        const settings = await read();
        if (settings) {
          world.log.info("the Corefile was read again");
          changed(settings);
        }
        failed = "";
      } catch (error) {
        const { message } = error as Error;
        if (message !== failed) world.log.error("the Corefile cannot be read; what it said before holds", { error: message });
        failed = message;
      }
    }
  });
  if (!first) throw new ConfigError(`Corefile ${path}: it is empty`);
  return first;
}

async function machineResolvers(world: World): Promise<readonly string[]> {
  try {
    const text = await world.files.readText("/etc/resolv.conf");
    return [...text.matchAll(/^\s*nameserver\s+([0-9A-Fa-f.:]+)\s*$/gm)]
      .map(([, address]) => address as string)
      .filter((address) => !address.startsWith("127.") && address !== "::1");
  } catch {
    return [];
  }
}
