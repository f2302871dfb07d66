// kube-controller-manager as a daemon.
import { accessFor, clientFor } from "#component/cluster-client.ts";
import { type Component, ConfigError } from "#component/component.ts";
import { clientFlags, daemonFlags, daemonValues, leaderElectionFlags, servingFlags } from "#component/daemon-flags.ts";
import { delegatedTo } from "#component/delegated.ts";
import { type Flag, FlagError, type FlagValues } from "#component/flags.ts";
import { leadByFlags } from "#component/lead.ts";
import { servingTls } from "#component/self-signed.ts";
import { serveComponent } from "#component/serving.ts";
import type { World } from "#platform/world.ts";
import { accountClients } from "./account-clients.ts";
import type { ClusterFacts } from "./controller.ts";
import { chosenControllers, startControllers } from "./manager.ts";
import { clusterCidrsOf } from "./node-ipam/cluster-cidrs.ts";

const name = "kube-controller-manager";

const flags = [
  ...daemonFlags,
  ...servingFlags,
  ...clientFlags,
  ...leaderElectionFlags,
  { name: "secure-port", type: "integer", default: 10_257, doc: "Port to serve health and metrics at." },
  {
    name: "controllers",
    type: "list",
    default: ["*"],
    doc: "Controllers to run: names, '*' for all that are on by default, '-name' for all but one.",
  },
  { name: "cluster-cidr", type: "list", default: [], doc: "Range that Pod addresses come from, or one of each family." },
  { name: "allocate-node-cidrs", type: "boolean", default: false, doc: "Give each Node a part of --cluster-cidr." },
  {
    name: "node-cidr-mask-size",
    type: "integer",
    default: 0,
    doc: "Size of the part each Node gets, where Pods have addresses of one family; 24 for IPv4 and 64 for IPv6 when 0.",
  },
  { name: "node-cidr-mask-size-ipv4", type: "integer", default: 0, doc: "The same, for IPv4; 24 when 0." },
  { name: "node-cidr-mask-size-ipv6", type: "integer", default: 0, doc: "The same, for IPv6; 64 when 0." },
  { name: "service-cluster-ip-range", type: "string", default: "", doc: "Range that Service addresses come from, or one of each family." },
  { name: "cluster-name", type: "string", default: "kubernetes", doc: "", ignored: "nothing is named after the cluster" },
  { name: "cluster-signing-cert-file", type: "string", doc: "CA certificate with which certificate requests are signed." },
  { name: "cluster-signing-key-file", type: "string", doc: "Key that belongs to --cluster-signing-cert-file." },
  {
    name: "cluster-signing-duration",
    type: "duration",
    default: 365 * 24 * 3_600_000,
    doc: "How long signed certificates are valid at most.",
  },
  { name: "root-ca-file", type: "string", doc: "CA bundle published in every Namespace as kube-root-ca.crt." },
  { name: "service-account-private-key-file", type: "string", doc: "", ignored: "tokens are made by the API server only" },
  {
    name: "use-service-account-credentials",
    type: "boolean",
    default: false,
    doc: "Give each controller the rights of its own service account; otherwise all use the manager's.",
  },
  { name: "node-monitor-grace-period", type: "duration", default: 50_000, doc: "How long a Node may be silent before it counts as lost." },
  { name: "node-monitor-period", type: "duration", doc: "", ignored: "each Node is looked at when its time has passed" },
  { name: "node-startup-grace-period", type: "duration", default: 60_000, doc: "The same, for Nodes that never reported." },
  {
    name: "node-eviction-rate",
    type: "string",
    default: "0.1",
    doc: "Nodes a second that lose their Pods because they are not ready, in a zone that is well.",
  },
  {
    name: "secondary-node-eviction-rate",
    type: "string",
    default: "0.01",
    doc: "The same in a zone of which many Nodes are not ready; none in zones of at most --large-cluster-size-threshold Nodes.",
  },
  {
    name: "unhealthy-zone-threshold",
    type: "string",
    default: "0.55",
    doc: "The part of a zone's Nodes (at least three) that must not be ready for the zone to be unhealthy.",
  },
  {
    name: "large-cluster-size-threshold",
    type: "integer",
    default: 50,
    doc: "Zones of more Nodes than this are large, for --secondary-node-eviction-rate.",
  },
  { name: "terminated-pod-gc-threshold", type: "integer", default: 12_500, doc: "Ended Pods that may stay before the oldest are deleted." },
  { name: "min-resync-period", type: "duration", doc: "", ignored: "watches miss nothing, nothing is resynced" },
  { name: "enable-garbage-collector", type: "boolean", default: true, doc: "Delete what has lost its owners." },
  { name: "cloud-provider", type: "string", doc: "", ignored: "there is no cloud provider in this process" },
  { name: "flex-volume-plugin-dir", type: "string", doc: "", ignored: "there are no flex volumes" },
  { name: "configure-cloud-routes", type: "boolean", doc: "", ignored: "there is no cloud provider in this process" },
  { name: "contention-profiling", type: "boolean", doc: "", ignored: "profiles are taken with node --cpu-prof" },
  { name: "permit-port-sharing", type: "boolean", doc: "", ignored: "the port is not shared" },
  ...[
    "cron-job",
    "daemonset",
    "deployment",
    "endpoint",
    "ephemeralvolume",
    "gc",
    "horizontal-pod-autoscaler",
    "job",
    "namespace",
    "rc",
    "replicaset",
    "resource-quota",
    "service",
    "serviceaccount-token",
    "service-endpoint",
    "statefulset",
    "ttl-after-finished",
    "validating-admission-policy-status",
  ].map((what) => ({
    name: `concurrent-${what}-syncs` as const,
    type: "integer" as const,
    doc: "",
    ignored: "each controller knows how many it works on",
  })),
] as const satisfies readonly Flag[];

export const component: Component = {
  name,
  doc: "Runs the controllers that move the cluster to what its objects ask for.",
  flags,
  async start(scope, world, arguments_) {
    const values = daemonValues(name, flags, arguments_, world.log);
    const { controllers, unknown } = chosenControllers(values.controllers);
    for (const text of unknown) world.log.warn("no such controller here; it is left out", { controller: text });
    const facts = await factsFrom(world, values);
    const access = await accessFor(world, values.kubeconfig);
    const client = clientFor(scope, world, access, name);
    const delegated = delegatedTo(world, client);
    await serveComponent(scope, world, {
      host: values["bind-address"],
      port: values["secure-port"],
      tls: await servingTls(world, {
        certificateFile: values["tls-cert-file"],
        keyFile: values["tls-private-key-file"],
        clientCaFile: values["client-ca-file"],
        name,
      }),
      checks: [{ name: "ping", check: () => {} }],
      mayRead: async (request) => {
        const caller = await delegated.authenticate(request);
        return caller !== undefined && delegated.authorize(caller, { verb: "get", path: request.path });
      },
    });
    const running = values["enable-garbage-collector"]
      ? controllers
      : controllers.filter((one) => one.name !== "garbage-collector-controller");
    const own = values["use-service-account-credentials"];
    leadByFlags(scope, world, client, name, values, (leading) =>
      startControllers(leading, world, {
        client,
        facts,
        controllers: running,
        ...(own && { clientOf: accountClients(leading, world, access, client) }),
      }),
    );
  },
};

async function factsFrom(world: World, values: FlagValues<typeof flags>): Promise<ClusterFacts> {
  const read = async (flag: string, path: string) => {
    try {
      return await world.files.readText(path);
    } catch (error) {
      throw new ConfigError(`--${flag}: cannot read ${path}: ${(error as Error).message}`);
    }
  };
  const certificateFile = values["cluster-signing-cert-file"];
  const keyFile = values["cluster-signing-key-file"];
  if ((certificateFile === undefined) !== (keyFile === undefined))
    throw new FlagError("--cluster-signing-cert-file and --cluster-signing-key-file go together: give both or neither");
  if (values["allocate-node-cidrs"] && values["cluster-cidr"].length === 0)
    throw new FlagError("--allocate-node-cidrs needs --cluster-cidr");
  const rootCaFile = values["root-ca-file"];
  return {
    clusterDomain: "cluster.local",
    clusterCidrs: values["allocate-node-cidrs"]
      ? clusterCidrsOf(values["cluster-cidr"], {
          either: values["node-cidr-mask-size"],
          IPv4: values["node-cidr-mask-size-ipv4"],
          IPv6: values["node-cidr-mask-size-ipv6"],
        })
      : [],
    serviceClusterIpRange: values["service-cluster-ip-range"],
    rootCa: rootCaFile ? await read("root-ca-file", rootCaFile) : "",
    nodeMonitorGraceMilliseconds: values["node-monitor-grace-period"],
    nodeStartupGraceMilliseconds: values["node-startup-grace-period"],
    evictionRates: {
      nodes: numberOf("node-eviction-rate", values["node-eviction-rate"]),
      secondary: numberOf("secondary-node-eviction-rate", values["secondary-node-eviction-rate"]),
      largeClusterSize: values["large-cluster-size-threshold"],
      unhealthyZone: numberOf("unhealthy-zone-threshold", values["unhealthy-zone-threshold"]),
    },
    terminatedPodsMax: values["terminated-pod-gc-threshold"],
    certificateMilliseconds: values["cluster-signing-duration"],
    ...(certificateFile &&
      keyFile && {
        signer: {
          certificate: await read("cluster-signing-cert-file", certificateFile),
          key: await read("cluster-signing-key-file", keyFile),
        },
      }),
  };
}

function numberOf(flag: string, text: string): number {
  const number = Number(text);
  if (text.trim() === "" || !Number.isFinite(number) || number < 0)
    throw new FlagError(`invalid argument "${text}" for "--${flag}" flag: strconv.ParseFloat: parsing "${text}": invalid syntax`);
  return number;
}
