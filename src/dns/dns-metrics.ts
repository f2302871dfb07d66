// What the name server counts, under CoreDNS's names.
import { Metrics } from "#component/metrics.ts";

export interface DnsMetrics {
  answered(over: "udp" | "tcp", type: string, zone: string, code: string, seconds: number): void;
  forwarded(to: string, isAnswered: boolean, seconds: number): void;
  cacheHit(isDenial: boolean): void;
  cacheMiss(): void;
  failed(): void;
  text(): string;
}

const buckets = [0.00025, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.016, 0.032, 0.064, 0.128, 0.256, 0.512, 1.024, 2.048, 4.096, 8.192];

export function dnsMetrics(): DnsMetrics {
  const metrics = new Metrics();
  const server = "dns://:53";
  const requests = metrics.counter("coredns_dns_requests_total", "Counter of DNS requests made per zone, protocol and family.", [
    "server",
    "zone",
    "proto",
    "type",
  ]);
  const responses = metrics.counter("coredns_dns_responses_total", "Counter of response status codes.", ["server", "zone", "rcode"]);
  const duration = metrics.histogram(
    "coredns_dns_request_duration_seconds",
    "Histogram of the time (in seconds) each request took per zone.",
    ["server", "zone"],
    buckets,
  );
  const hits = metrics.counter("coredns_cache_hits_total", "The count of cache hits.", ["server", "type"]);
  const misses = metrics.counter("coredns_cache_misses_total", "The count of cache misses.", ["server"]);
  const upstream = metrics.histogram(
    "coredns_proxy_request_duration_seconds",
    "Histogram of the time each request took.",
    ["proxy_name", "to"],
    buckets,
  );
  const unhealthy = metrics.counter("coredns_proxy_healthcheck_failures_total", "Counter of the number of failed healthchecks.", [
    "proxy_name",
    "to",
  ]);
  const panics = metrics.counter("coredns_panics_total", "A metrics that counts the number of panics.");
  panics.add([], 0);
  return {
    answered(over, type, zone, code, seconds) {
      requests.add([server, zone, over, type]);
      responses.add([server, zone, code]);
      duration.observe([server, zone], seconds);
    },
    forwarded(to, isAnswered, seconds) {
      if (isAnswered) upstream.observe(["forward", to], seconds);
      else unhealthy.add(["forward", to]);
    },
    cacheHit: (isDenial) => hits.add([server, isDenial ? "denial" : "success"]),
    cacheMiss: () => misses.add([server]),
    failed: () => panics.add(),
    text: () => metrics.text(),
  };
}
