// kube-proxy as a daemon.
import { sharedInformers } from "#client/informers.ts";
import { accessFor, clientFor } from "#component/cluster-client.ts";
import { type Component, ConfigError } from "#component/component.ts";
import { clientFlags, daemonFlags, daemonValues } from "#component/daemon-flags.ts";
import { type Flag, type FlagValues, readDuration } from "#component/flags.ts";
import { healthResponse, textResponse } from "#component/serving.ts";
import type { Scope } from "#base/scope.ts";
import type { World } from "#platform/world.ts";
import type { JsonObject } from "#schema/field.ts";
import type { ProxyConfiguration } from "./config/proxy-configuration.ts";
import { readConfiguration } from "./config/read-configuration.ts";
import { tableLoader } from "./nftables/nftables.ts";
import { serviceTableName } from "./nftables/service-table.ts";
import { enforceNetworkPolicies } from "./network-policy/network-policies.ts";
import { policyTableName } from "./network-policy/policy-table.ts";
import { type ProxyMetrics, proxyMetrics } from "./proxy-metrics.ts";
import { type RunningProxy, startProxy } from "./proxy.ts";

const flags = [
  ...daemonFlags,
  ...clientFlags,
  { name: "config", type: "string", doc: "Configuration file; with one, most other flags count for nothing." },
  { name: "hostname-override", type: "string", doc: "Name of this machine's Node; the host name when absent." },
  { name: "cluster-cidr", type: "list", default: [], doc: "Where Pods have their addresses." },
  { name: "proxy-mode", type: "string", default: "nftables", doc: "How connections are forwarded; every mode is carried out by nftables." },
  { name: "healthz-bind-address", type: "string", default: "0.0.0.0:10256", doc: "Address and port of /healthz and /livez." },
  { name: "metrics-bind-address", type: "string", default: "127.0.0.1:10249", doc: "Address and port of /metrics." },
  {
    name: "nodeport-addresses",
    type: "list",
    default: [],
    doc: "Ranges of this machine's addresses at which node ports answer, or primary; primary when empty.",
  },
  { name: "masquerade-all", type: "boolean", default: false, doc: "Give all connections to Services this machine's address." },
  { name: "nftables-sync-period", type: "duration", default: 30_000, doc: "How often all rules are written anew." },
  { name: "nftables-min-sync-period", type: "duration", default: 20, doc: "Changes within this time are carried out together." },
  { name: "network-policies", type: "boolean", default: false, doc: "Keep this machine's Pods to what NetworkPolicies allow." },
  { name: "cleanup", type: "boolean", default: false, doc: "Remove all rules and exit." },
  { name: "detect-local-mode", type: "string", doc: "", ignored: "Pods are told by --cluster-cidr" },
  { name: "bind-address", type: "string", doc: "", ignored: "both families are served" },
  { name: "oom-score-adj", type: "integer", doc: "", ignored: "it is the Pod's to say" },
  { name: "conntrack-max-per-core", type: "integer", doc: "", ignored: "the kernel's limits stay" },
  { name: "conntrack-min", type: "integer", doc: "", ignored: "the kernel's limits stay" },
] as const satisfies readonly Flag[];

/** Off unless asked for: whoever may write Services could otherwise take others' traffic. */
const externalIpsGate = "AllowServiceExternalIPs";

export const component: Component = {
  name: "kube-proxy",
  doc: "Makes connections to Services reach Pods.",
  flags,
  async start(scope, world, arguments_) {
    const values = daemonValues("kube-proxy", flags, arguments_, world.log);
    const configuration = await readConfiguration(world, values.config, asConfiguration(values));
    const { nftables, featureGates = {}, clientConnection, nodePortAddresses = [] } = configuration;
    const families = (await speaksIpv6(world)) ? (["IPv4", "IPv6"] as const) : (["IPv4"] as const);
    if (values.cleanup) {
      for (const family of families)
        for (const name of [serviceTableName, policyTableName])
          await tableLoader(world).clear({ family: family === "IPv4" ? "ip" : "ip6", name });
      world.processes.self.exit(0);
    }
    const access = await accessFor(world, clientConnection.kubeconfig || values.kubeconfig);
    const informers = sharedInformers(scope, world, clientFor(scope, world, access, "kube-proxy"));
    const metrics = proxyMetrics();
    const node = configuration.hostnameOverride || world.network.hostname();
    const proxy = await startProxy(scope, world, {
      informers,
      node,
      families,
      table: {
        clusterCidrs: configuration.clusterCIDR ? configuration.clusterCIDR.split(",") : [],
        masqueradesAll: nftables.masqueradeAll ?? false,
        masqueradeBit: nftables.masqueradeBit ?? 14,
      },
      metrics,
      nodePortAddresses: nodePortAddresses.length > 0 ? nodePortAddresses : ["primary"],
      allowsExternalIps: featureGates[externalIpsGate] ?? false,
      minSyncMilliseconds: readDuration(nftables.minSyncPeriod) ?? 20,
      syncPeriodMilliseconds: readDuration(nftables.syncPeriod) || 30_000,
    });
    if (values["network-policies"]) await enforceNetworkPolicies(scope, world, { informers, node, families });
    await serveHealth(scope, world, configuration.healthzBindAddress, { proxy, metrics });
    await serveMetrics(scope, world, configuration, metrics);
  },
};

/** What the flags say, as a configuration file would say it. */
function asConfiguration(values: FlagValues<typeof flags>): JsonObject {
  const gates = values["feature-gates"].map((text) => text.split("=") as [string, string?]);
  const hostname = values["hostname-override"];
  return {
    clientConnection: { kubeconfig: values.kubeconfig ?? "" },
    ...(hostname !== undefined && { hostnameOverride: hostname.trim().toLowerCase() }),
    clusterCIDR: values["cluster-cidr"].join(","),
    mode: values["proxy-mode"],
    healthzBindAddress: values["healthz-bind-address"],
    metricsBindAddress: values["metrics-bind-address"],
    nodePortAddresses: values["nodeport-addresses"],
    featureGates: Object.fromEntries(gates.map(([name, value = "true"]) => [name, value === "true"])),
    nftables: {
      masqueradeAll: values["masquerade-all"],
      syncPeriod: `${values["nftables-sync-period"]}ms`,
      minSyncPeriod: `${values["nftables-min-sync-period"]}ms`,
    },
  };
}

async function speaksIpv6(world: World): Promise<boolean> {
  return (await world.files.stat("/proc/net/if_inet6")) !== undefined;
}

interface Health {
  readonly proxy: RunningProxy;
  readonly metrics: ProxyMetrics;
}

/** /healthz says whether load balancers should send traffic here, /livez whether the proxy works; both say how old the rules are. */
async function serveHealth(scope: Scope, world: World, at: string, { proxy, metrics }: Health): Promise<void> {
  if (at === "") return;
  await world.network.serve(scope, hostAndPort(at), async ({ path }) => {
    if (path !== "/healthz" && path !== "/livez") return textResponse(404, "404 page not found\n");
    const isEligible = proxy.isNodeEligible;
    const status = proxy.isHealthy && (path === "/livez" || isEligible) ? 200 : 503;
    metrics.asked(path === "/healthz" ? "healthz" : "livez", status);
    const now = world.clock.now();
    const [lastUpdated, currentTime] = [proxy.isHealthy ? now : proxy.updatedAt, now].map((time) => new Date(time).toISOString());
    const body = `{"lastUpdated": "${lastUpdated}","currentTime": "${currentTime}", "nodeEligible": ${isEligible}}`;
    return textResponse(status, body, { "content-type": "application/json" });
  });
}

async function serveMetrics(scope: Scope, world: World, configuration: ProxyConfiguration, metrics: ProxyMetrics): Promise<void> {
  const { metricsBindAddress } = configuration;
  if (metricsBindAddress === "") return;
  await world.network.serve(scope, hostAndPort(metricsBindAddress), async ({ path, query }) => {
    switch (path) {
      case "/healthz":
        return healthResponse(path, new URLSearchParams(query), []);
      case "/proxyMode":
        return textResponse(200, "nftables");
      case "/configz":
        return textResponse(200, JSON.stringify({ "kubeproxy.config.k8s.io": configuration }), { "content-type": "application/json" });
      case "/metrics":
        return textResponse(200, metrics.text(), { "content-type": "text/plain; version=0.0.4; charset=utf-8" });
      default:
        return textResponse(404, "404 page not found\n");
    }
  });
}

function hostAndPort(at: string): { readonly host: string; readonly port: number } {
  const colon = at.lastIndexOf(":");
  const port = Number(at.slice(colon + 1));
  if (colon < 0 || !Number.isInteger(port) || port > 65_535)
    throw new ConfigError(`${JSON.stringify(at)} is not an address and a port, such as 0.0.0.0:10256`);
  return { host: at.slice(0, colon).replace(/^\[|\]$/g, "") || "0.0.0.0", port };
}
