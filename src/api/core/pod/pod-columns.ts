// How tables show a Pod: its state in one word, how many containers are ready, and how often they were restarted.
import type { Column } from "#schema/kind.ts";
import { parseTime } from "#schema/time.ts";
import { ageColumn, ageOf, nameColumn, orNone } from "#api/meta/columns.ts";
import { isTrue } from "#api/meta/conditions.ts";
import type { Pod } from "./pod.ts";
import type { ContainerStateTerminated, ContainerStatus } from "./pod-status.ts";
import { isTerminal, isTerminating } from "./readiness.ts";
import { isSidecar } from "./resources.ts";

export const podColumns: readonly Column<Pod>[] = [
  nameColumn,
  { name: "Ready", doc: "Ready containers of all containers.", read: (pod) => `${summaryOf(pod).ready}/${summaryOf(pod).total}` },
  { name: "Status", doc: "What the Pod and its containers are doing.", read: (pod) => summaryOf(pod).status },
  { name: "Restarts", doc: "How often containers were restarted, and how long ago the last time.", read: restartsCell },
  ageColumn,
  {
    name: "IP",
    priority: 1,
    doc: "Address of the Pod.",
    read: ({ status }) => orNone(status.podIPs?.[0]?.ip ?? status.podIP),
  },
  { name: "Node", priority: 1, doc: "Node that runs the Pod.", read: ({ spec }) => orNone(spec.nodeName) },
  {
    name: "Nominated Node",
    priority: 1,
    doc: "Node where room is being made for the Pod.",
    read: ({ status }) => orNone(status.nominatedNodeName),
  },
  { name: "Readiness Gates", priority: 1, doc: "Readiness gates that have opened.", read: readinessGates },
];

interface PodSummary {
  readonly status: string;
  readonly ready: number;
  readonly total: number;
  readonly restarts: number;
  /** When a container last ended and was restarted. */
  readonly lastRestart: string | undefined;
}

const summaries = new WeakMap<Pod, PodSummary>();

/** The Pod's state as people read it; objects are frozen, so that it is worked out once. */
export function summaryOf(pod: Pod): PodSummary {
  const known = summaries.get(pod);
  if (known !== undefined) return known;
  const summary = summarise(pod);
  summaries.set(pod, summary);
  return summary;
}

function summarise(pod: Pod): PodSummary {
  const { spec, status } = pod;
  const sidecars = new Set((spec.initContainers ?? []).filter(isSidecar).map(({ name }) => name));
  const inits = status.initContainerStatuses ?? [];
  const blocking = inits.findIndex((container) => !hasDoneItsPart(container, sidecars));
  const passed = blocking < 0 ? inits : inits.slice(0, blocking);
  const readySidecars = passed.filter(
    (container) => sidecars.has(container.name) && container.state.terminated?.exitCode !== 0 && container.ready,
  );
  const total = spec.containers.length + sidecars.size;

  let word = wordOfPod(pod);
  let ready = readySidecars.length;
  let counted: readonly ContainerStatus[];
  if (blocking >= 0) word = wordOfInit(inits[blocking] as ContainerStatus, blocking, spec.initContainers?.length ?? 0);
  if (blocking >= 0 && !isTrue(status.conditions, "Initialized")) {
    counted = inits.slice(0, blocking + 1);
  } else {
    const seen = blocking < 0 ? inits : inits.slice(0, blocking + 1);
    const containers = status.containerStatuses ?? [];
    const running = containers.filter((container) => stateWord(container) === undefined && container.ready && container.state.running);
    counted = [...seen.filter(({ name }) => sidecars.has(name)), ...containers];
    ready += running.length;
    // The first container that has something to say says it for all.
    word = containers.map(stateWord).find((said) => said !== undefined) ?? word;
    if (word === "Completed" && running.length > 0) word = isTrue(status.conditions, "Ready") ? "Running" : "NotReady";
  }
  if (isTerminating(pod)) {
    if (status.reason === "NodeLost") word = "Unknown";
    else if (!isTerminal(pod)) word = "Terminating";
  }
  const restarts = counted.reduce((sum, { restartCount }) => sum + restartCount, 0);
  return { status: word, ready, total, restarts, lastRestart: latest(counted) };
}

function wordOfPod({ status }: Pod): string {
  const gated = status.conditions?.some(({ type, reason }) => type === "PodScheduled" && reason === "SchedulingGated");
  return gated ? "SchedulingGated" : status.reason || (status.phase ?? "");
}

/** Whether the init container does not hold up the ones after it. */
function hasDoneItsPart(container: ContainerStatus, sidecars: ReadonlySet<string>): boolean {
  if (container.state.terminated?.exitCode === 0) return true;
  return sidecars.has(container.name) && container.started === true;
}

function wordOfInit(container: ContainerStatus, index: number, total: number): string {
  const { terminated, waiting } = container.state;
  if (terminated !== undefined) return `Init:${endWord(terminated)}`;
  if (waiting?.reason && waiting.reason !== "PodInitializing") return `Init:${waiting.reason}`;
  return `Init:${index}/${total}`;
}

function stateWord({ state: { waiting, terminated } }: ContainerStatus): string | undefined {
  if (waiting?.reason) return waiting.reason;
  return terminated && endWord(terminated);
}

function endWord({ reason, signal, exitCode }: ContainerStateTerminated): string {
  return reason || (signal ? `Signal:${signal}` : `ExitCode:${exitCode}`);
}

function latest(containers: readonly ContainerStatus[]): string | undefined {
  return containers
    .flatMap(({ lastState }) => lastState.terminated?.finishedAt ?? [])
    .reduce<string | undefined>((last, time) => (last === undefined || parseTime(time) > parseTime(last) ? time : last), undefined);
}

function restartsCell(pod: Pod, { now }: { readonly now: number }): string {
  const { restarts, lastRestart } = summaryOf(pod);
  return restarts === 0 || lastRestart === undefined ? `${restarts}` : `${restarts} (${ageOf(lastRestart, now)} ago)`;
}

function readinessGates({ spec, status }: Pod): string {
  const gates = spec.readinessGates ?? [];
  if (gates.length === 0) return "<none>";
  return `${gates.filter(({ conditionType }) => isTrue(status.conditions, conditionType)).length}/${gates.length}`;
}
