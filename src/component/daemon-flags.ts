// Flags that every daemon takes, under upstream's names.
import type { Log } from "#platform/log.ts";
import { type Flag, FlagError, type FlagValues, parseFlags } from "./flags.ts";

/** Reads what a daemon was started with: warns of what is ignored, and refuses what is no flag, as upstream words it. */
export function daemonValues<const F extends readonly Flag[]>(
  daemon: string,
  flags: F,
  arguments_: readonly string[],
  log: Pick<Log, "warn">,
): FlagValues<F> {
  const { values, rest, warnings } = parseFlags(flags, arguments_);
  if (rest.length > 0)
    throw new FlagError(`"${daemon}" does not take any arguments, got [${rest.map((one) => JSON.stringify(one)).join(" ")}]`);
  for (const warning of warnings) log.warn(warning);
  return values;
}

/** Accepted everywhere, so that upstream's unit files and manifests start our daemons unchanged. */
export const daemonFlags = [
  { name: "v", type: "integer", default: 0, doc: "How much to log: 0 for what matters, 4 and more for debugging." },
  { name: "vmodule", type: "string", doc: "", ignored: "one level counts for all modules" },
  { name: "logging-format", type: "string", doc: "", ignored: "logs are text" },
  { name: "log-flush-frequency", type: "duration", doc: "", ignored: "logs are written at once" },
  { name: "log-dir", type: "string", doc: "", ignored: "logs go to standard error" },
  { name: "log-file", type: "string", doc: "", ignored: "logs go to standard error" },
  { name: "logtostderr", type: "boolean", doc: "", ignored: "logs go to standard error" },
  { name: "alsologtostderr", type: "boolean", doc: "", ignored: "logs go to standard error" },
  { name: "feature-gates", type: "list", default: [], doc: "Features to switch on or off: Name=true,Other=false." },
  { name: "profiling", type: "boolean", default: false, doc: "", ignored: "profiles are taken with node --cpu-prof" },
] as const satisfies readonly Flag[];

/** The address and port a daemon serves /healthz and /metrics at, and who may read them. */
export const servingFlags = [
  { name: "bind-address", type: "string", default: "127.0.0.1", doc: "Address to serve health and metrics at." },
  { name: "tls-cert-file", type: "string", doc: "Certificate to serve with; one is made in memory when absent." },
  { name: "tls-private-key-file", type: "string", doc: "Key that belongs to --tls-cert-file." },
  { name: "authentication-kubeconfig", type: "string", doc: "Kubeconfig with which callers' tokens are checked." },
  { name: "authorization-kubeconfig", type: "string", doc: "Kubeconfig with which callers' rights are checked." },
  {
    name: "authorization-always-allow-paths",
    type: "list",
    default: ["/healthz", "/livez", "/readyz"],
    doc: "Paths that anybody may read.",
  },
  { name: "authentication-tolerate-lookup-failure", type: "boolean", default: true, doc: "", ignored: "no configuration is looked up" },
  { name: "client-ca-file", type: "string", doc: "CA bundle that clients' certificates must lead to." },
  { name: "requestheader-client-ca-file", type: "string", doc: "", ignored: "no front proxy is trusted here" },
] as const satisfies readonly Flag[];

export const leaderElectionFlags = [
  { name: "leader-elect", type: "boolean", default: true, doc: "Act only while holding the Lease, so that of several copies one acts." },
  {
    name: "leader-elect-lease-duration",
    type: "duration",
    default: 15_000,
    doc: "How long others wait after the holder was last heard of.",
  },
  { name: "leader-elect-renew-deadline", type: "duration", default: 10_000, doc: "How long the holder tries to renew before it gives up." },
  { name: "leader-elect-retry-period", type: "duration", default: 2_000, doc: "Time between tries." },
  { name: "leader-elect-resource-namespace", type: "string", default: "kube-system", doc: "Namespace of the Lease." },
  { name: "leader-elect-resource-name", type: "string", doc: "Name of the Lease; the component's name when absent." },
  { name: "leader-elect-resource-lock", type: "string", default: "leases", doc: "What is held; only leases are known." },
] as const satisfies readonly Flag[];

export const clientFlags = [
  { name: "kubeconfig", type: "string", doc: "Where the API server is and who we are; inside a Pod its service account when absent." },
  { name: "master", type: "string", doc: "", ignored: "the server comes from --kubeconfig" },
  { name: "kube-api-qps", type: "string", doc: "", ignored: "calls are not rationed here; the server protects itself" },
  { name: "kube-api-burst", type: "integer", doc: "", ignored: "calls are not rationed here; the server protects itself" },
  { name: "kube-api-content-type", type: "string", doc: "", ignored: "JSON is spoken" },
] as const satisfies readonly Flag[];
