// What kube-proxy counts, under upstream's names.
import { Metrics } from "#component/metrics.ts";

export interface ProxyMetrics {
  /** A change came in, at this time in milliseconds. */
  queued(now: number): void;
  /** The rules were loaded, in this many seconds. */
  synced(seconds: number, now: number): void;
  /** So many seconds after endpoints changed they were in the rules. */
  programmed(seconds: number): void;
  failed(): void;
  asked(path: "healthz" | "livez", status: number): void;
  text(): string;
}

const buckets = Array.from({ length: 15 }, (_, at) => 0.001 * 2 ** at);
const programmingBuckets = [0.25, 0.5, 1, 2, 3, 4, 5, 10, 15, 20, 30, 40, 50, 60, 90, 120, 180, 240, 300];

export function proxyMetrics(): ProxyMetrics {
  const metrics = new Metrics();
  const duration = metrics.histogram("kubeproxy_sync_proxy_rules_duration_seconds", "SyncProxyRules latency in seconds", [], buckets);
  const programming = metrics.histogram(
    "kubeproxy_network_programming_duration_seconds",
    "In Cluster Network Programming Latency in seconds",
    [],
    programmingBuckets,
  );
  const last = metrics.gauge("kubeproxy_sync_proxy_rules_last_timestamp_seconds", "The last time proxy rules were successfully synced");
  const lastQueued = metrics.gauge(
    "kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds",
    "The last time a sync of proxy rules was queued",
  );
  const failures = metrics.counter("kubeproxy_sync_proxy_rules_nftables_sync_failures_total", "Cumulative proxy nftables sync failures");
  const healthz = metrics.counter("kubeproxy_proxy_healthz_total", "Cumulative proxy healthz HTTP status", ["code"]);
  const livez = metrics.counter("kubeproxy_proxy_livez_total", "Cumulative proxy livez HTTP status", ["code"]);
  failures.add([], 0);
  return {
    queued: (now) => lastQueued.set([], now / 1_000),
    synced(seconds, now) {
      duration.observe([], seconds);
      last.set([], now / 1_000);
    },
    programmed: (seconds) => programming.observe([], seconds),
    failed: () => failures.add(),
    asked: (path, status) => (path === "healthz" ? healthz : livez).add([String(status)]),
    text: () => metrics.text(),
  };
}
