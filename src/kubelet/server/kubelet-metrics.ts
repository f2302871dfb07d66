// The kubelet's own metrics, under the names that dashboards and alerts know: what runs, what the runtime was asked, who asked the server.
import type { Pod } from "#api/core/pod/pod.ts";
import type { Histogram, Metrics } from "#component/metrics.ts";
import type { Runtime } from "#cri/runtime.ts";
import type { World } from "#platform/world.ts";
import type { HttpRequest, HttpResponse } from "#wire/http/message.ts";
import { allContainers, isMirror, isStatic } from "../layout.ts";
import { streamingPaths } from "./authorization.ts";

const secondsBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const operationBuckets = [
  0.005, 0.0125, 0.03125, 0.078125, 0.1953125, 0.48828125, 1.220703125, 3.0517578125, 7.62939453125, 19.073486328125,
];

/** What the runtime is asked, in upstream's words. */
const operations: Readonly<Record<string, string>> = {
  version: "version",
  status: "status",
  runSandbox: "run_podsandbox",
  stopSandbox: "stop_podsandbox",
  removeSandbox: "remove_podsandbox",
  sandboxes: "list_podsandbox",
  sandboxStatus: "podsandbox_status",
  createContainer: "create_container",
  startContainer: "start_container",
  stopContainer: "stop_container",
  removeContainer: "remove_container",
  containers: "list_containers",
  containerStatus: "container_status",
  updateContainerResources: "update_container",
  reopenContainerLog: "reopen_container_log",
  execSync: "exec_sync",
  execUrl: "exec",
  attachUrl: "attach",
  portForwardUrl: "port_forward",
  containerStats: "list_container_stats",
  sandboxStats: "list_podsandbox_stats",
  images: "list_images",
  imageStatus: "image_status",
  pullImage: "pull_image",
  removeImage: "remove_image",
  imageFileSystem: "image_fs_info",
};

/** The same runtime; what it is asked is counted and timed. */
export function measuredRuntime<R extends Runtime>({ clock }: Pick<World, "clock">, runtime: R, metrics: Metrics): R {
  const label = ["operation_type"];
  const asked = metrics.counter(
    "kubelet_runtime_operations_total",
    "[ALPHA] Cumulative number of runtime operations by operation type.",
    label,
  );
  const failed = metrics.counter(
    "kubelet_runtime_operations_errors_total",
    "[ALPHA] Cumulative number of runtime operation errors by operation type.",
    label,
  );
  const took = metrics.histogram(
    "kubelet_runtime_operations_duration_seconds",
    "[ALPHA] Duration in seconds of runtime operations. Broken down by operation type.",
    label,
    operationBuckets,
  );
  return new Proxy(runtime, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      const operation = typeof name === "string" && Object.hasOwn(operations, name) ? operations[name] : undefined;
      if (operation === undefined || typeof value !== "function") return value;
      return async (...parameters: readonly unknown[]) => {
        const began = clock.monotonic();
        asked.add([operation]);
        try {
          return (await value.apply(target, parameters)) as unknown;
        } catch (error) {
          failed.add([operation]);
          throw error;
        } finally {
          took.observe([operation], (clock.monotonic() - began) / 1_000);
        }
      };
    },
  });
}

export interface KubeletMetricsNeeds {
  readonly nodeName: string;
  readonly version: string;
  readonly pods: () => readonly Pod[];
}

export function addKubeletMetrics(world: World, metrics: Metrics, { nodeName, version, pods }: KubeletMetricsNeeds): void {
  const { self } = world.processes;
  const startedAt = world.clock.now() / 1_000;
  metrics.gauge("kubernetes_build_info", "[ALPHA] Version of the kubelet.", ["git_version"]).set([version], 1);
  metrics.gauge("kubelet_node_name", "[ALPHA] The node's name. The count is always 1.", ["node"]).set([nodeName], 1);
  metrics.gauge(
    "kubelet_running_pods",
    "[ALPHA] Number of pods that have a running pod sandbox",
    [],
    () => pods().filter(hasRunning).length,
  );
  metrics.gauge("kubelet_running_containers", "[ALPHA] Number of currently running containers", ["container_state"], () => {
    const states = pods().flatMap((pod) =>
      statusesOf(pod).map(({ state }) => (state.running ? "running" : state.terminated ? "exited" : "created")),
    );
    return ["running", "exited", "created"].map((state) => [[state], states.filter((one) => one === state).length] as const);
  });
  const byOrigin = (some: readonly Pod[]) => [
    [["true"], some.filter((pod) => isStatic(pod)).length] as const,
    [[""], some.filter((pod) => !isStatic(pod)).length] as const,
  ];
  metrics.gauge("kubelet_desired_pods", "[ALPHA] The number of pods the kubelet is being instructed to run.", ["static"], () =>
    byOrigin(pods()),
  );
  metrics.gauge("kubelet_active_pods", "[ALPHA] The number of pods the kubelet considers active.", ["static"], () =>
    byOrigin(pods().filter(({ status }) => status.phase !== "Succeeded" && status.phase !== "Failed")),
  );
  metrics.gauge(
    "kubelet_mirror_pods",
    "[ALPHA] The number of mirror pods the kubelet will try to create (one per admitted static pod).",
    [],
    () => pods().filter((pod) => isStatic(pod) || isMirror(pod)).length,
  );
  metrics.gauge("process_resident_memory_bytes", "Resident memory size in bytes.", [], () => self.memory().residentBytes);
  metrics.gauge("process_cpu_seconds_total", "Total user and system CPU time spent in seconds.", [], () => self.cpuSeconds());
  metrics.gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.", [], () => startedAt);
}

function statusesOf({ status }: Pod) {
  return [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? []), ...(status.ephemeralContainerStatuses ?? [])];
}

function hasRunning(pod: Pod): boolean {
  return allContainers(pod).length > 0 && statusesOf(pod).some(({ state }) => state.running);
}

/** Counts who asks the server for what. */
export class RequestCounts {
  readonly #clock: World["clock"];
  readonly #total;
  readonly #took: Histogram;
  #inFlight = 0;

  constructor({ clock }: Pick<World, "clock">, metrics: Metrics) {
    this.#clock = clock;
    this.#total = metrics.counter(
      "kubelet_http_requests_total",
      "[ALPHA] Number of the http requests received since the server started",
      labels,
    );
    this.#took = metrics.histogram(
      "kubelet_http_requests_duration_seconds",
      "[ALPHA] Duration in seconds to serve http requests",
      labels,
      secondsBuckets,
    );
    metrics.gauge("kubelet_http_inflight_requests", "[ALPHA] Number of the inflight http requests", [], () => this.#inFlight);
  }

  async around({ method, path, query }: HttpRequest, serve: () => Promise<HttpResponse>): Promise<HttpResponse> {
    const first = path.split("/").find((segment) => segment !== "") ?? "";
    const isLong = streamingPaths.has(first) || (first === "containerLogs" && /(^|&)follow=(1|true)(&|$)/.test(query));
    const values = [String(isLong), methods.has(method) ? method : "other", known.has(first) ? first : "other", "readwrite"];
    const began = this.#clock.monotonic();
    this.#total.add(values);
    this.#inFlight += 1;
    try {
      return await serve();
    } finally {
      this.#inFlight -= 1;
      this.#took.observe(values, (this.#clock.monotonic() - began) / 1_000);
    }
  }
}

const labels = ["long_running", "method", "path", "server_type"];
const methods: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]);
const known: ReadonlySet<string> = new Set([
  ...streamingPaths,
  ...["configz", "containerLogs", "healthz", "logs", "metrics", "pods", "runningpods", "stats"],
]);
