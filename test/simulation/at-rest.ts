// What must be true of a cluster when nothing has gone wrong for a while: what runs is what is meant, the API says what runs, and nothing
// is left of what is gone. Given as a list of complaints, empty when all is well.
import { Deployment } from "#api/apps/deployment/deployment.ts";
import { Node } from "#api/core/node/node.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { isSidecar } from "#api/core/pod/resources.ts";
import { conditionOf } from "#api/meta/conditions.ts";
import { annotations, isMirror, labels } from "#kubelet/layout.ts";
import { type Cluster, manifestsFolder } from "./cluster.ts";

const sandboxesKept = 1;

/** What was seen of Pods over time; things that may never go back are noticed when they do. */
export class Ledger {
  readonly complaints: string[] = [];
  readonly #phases = new Map<string, string>();
  readonly #restarts = new Map<string, number>();

  constructor(cluster: Cluster) {
    cluster.onChange(Pod, ({ type, object }) => {
      const { uid, name } = object.metadata;
      if (type === "deleted") return this.#forget(uid);
      // What became of a static Pod is known to its machine only, and to a kubelet that starts anew no longer.
      if (isMirror(object)) return;
      const { phase = "" } = object.status;
      const before = this.#phases.get(uid);
      if ((before === "Succeeded" || before === "Failed") && before !== phase)
        this.complaints.push(`Pod ${name} was ${before} and is ${phase}`);
      this.#phases.set(uid, phase);
      for (const { name: container, restartCount } of [
        ...(object.status.initContainerStatuses ?? []),
        ...(object.status.containerStatuses ?? []),
      ]) {
        const key = `${uid}/${container}`;
        if (Number(restartCount) < (this.#restarts.get(key) ?? 0))
          this.complaints.push(`container ${container} of Pod ${name} had ${this.#restarts.get(key)} restarts and has ${restartCount}`);
        this.#restarts.set(key, Number(restartCount));
      }
    });
  }

  #forget(uid: string): void {
    this.#phases.delete(uid);
    for (const key of this.#restarts.keys()) if (key.startsWith(`${uid}/`)) this.#restarts.delete(key);
  }
}

export function problemsAtRest(cluster: Cluster, ledger: Ledger): readonly string[] {
  const pods = cluster.list(Pod);
  return [
    ...ledger.complaints,
    ...cluster.list(Node).flatMap(ofNode),
    ...cluster.list(Deployment).flatMap((deployment) => ofDeployment(deployment, pods)),
    ...pods.flatMap((pod) => ofPod(cluster, pod)),
    ...cluster.nodeNames.flatMap((name) => leftOn(cluster, name, pods)),
  ];
}

function ofNode({ metadata, spec, status }: Node): readonly string[] {
  const ready = conditionOf(status.conditions, "Ready")?.status;
  return [
    ...(ready === "True" ? [] : [`Node ${metadata.name} is not ready: ${ready}`]),
    ...(spec.taints ?? []).map(({ key, effect }) => `Node ${metadata.name} still has the taint ${key}:${effect}`),
  ];
}

function ofDeployment({ metadata, spec, status }: Deployment, pods: readonly Pod[]): readonly string[] {
  const own = pods.filter(({ metadata: { labels: has }, status: { phase } }) => has?.["app"] === metadata.name && phase === "Running");
  const wanted = spec.replicas;
  const counts = [status.replicas, status.readyReplicas, status.updatedReplicas, status.availableReplicas].map((count) => count ?? 0);
  return [
    ...(own.length === wanted ? [] : [`Deployment ${metadata.name} has ${own.length} running Pods of ${wanted}`]),
    ...(counts.every((count) => count === wanted) ? [] : [`Deployment ${metadata.name} counts ${counts.join(", ")} of ${wanted}`]),
  ];
}

function ofPod(cluster: Cluster, pod: Pod): readonly string[] {
  const { metadata, spec, status } = pod;
  const { nodeName } = spec;
  const name = `Pod ${metadata.name} (${status.phase ?? "no phase"} on ${nodeName ?? "no node"}, ${metadata.uid})`;
  if (metadata.deletionTimestamp !== undefined) return [`${name} is still going since ${metadata.deletionTimestamp}`];
  if (!nodeName) return [`${name} has no node`];
  const containers = cluster
    .machine(nodeName)
    .runtime.all()
    .containers.filter(({ labels: own }) => own[labels.podUid] === uidOnNode(pod));
  const running = containers.filter(({ state }) => state === "running");
  const complaints: string[] = [];
  const isFinal = status.phase === "Succeeded" || status.phase === "Failed";
  if (spec.restartPolicy === "Never") {
    for (const one of spec.containers) {
      const started = containers.filter(({ name: container, startedAt }) => container === one.name && startedAt !== undefined);
      if (started.length > 1) complaints.push(`${name}: container ${one.name} was started ${started.length} times`);
    }
  }
  if (isFinal) {
    for (const one of running) complaints.push(`${name}: container ${one.name} still runs`);
    const exits = (status.containerStatuses ?? []).map(({ state }) => state?.terminated?.exitCode);
    const failures = [...exits, ...(status.initContainerStatuses ?? []).map(({ state }) => state?.terminated?.exitCode)];
    if (status.phase === "Succeeded" && !exits.every((code) => code === 0)) complaints.push(`${name} ended with ${exits.join()}`);
    if (status.phase === "Failed" && status.reason === undefined && !failures.some((code) => code !== undefined && code !== 0))
      complaints.push(`${name} does not say why: ${JSON.stringify(status)}`);
    return complaints;
  }
  const statuses = [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])];
  const specs = [...(spec.initContainers ?? []), ...spec.containers];
  for (const one of specs) {
    const said = statuses.find(({ name: container }) => container === one.name);
    const [newest, second] = containers.filter(({ name: container }) => container === one.name).toSorted((a, b) => b.attempt - a.attempt);
    const what = `${name}: container ${one.name}`;
    if (!said) {
      complaints.push(`${what} has no status`);
      continue;
    }
    if (newest?.state === "running" && second?.state === "running") complaints.push(`${what} runs twice`);
    if (newest?.state === "running" && !said.state?.running)
      complaints.push(`${what} runs, and is said to be ${JSON.stringify(said.state)}`);
    if (newest?.state !== "running" && said.state?.running) complaints.push(`${what} is said to run, and is ${newest?.state ?? "gone"}`);
    if (newest?.state === "running" && said.containerID?.split("://")[1] !== newest.id)
      complaints.push(`${what} is said to be ${said.containerID}, and is ${newest.id}`);
    if (newest && newest.state !== "created" && Number(said.restartCount) !== newest.attempt)
      complaints.push(`${what} is said to be number ${said.restartCount}, and is ${newest.attempt}`);
    if (newest?.state === "exited" && !said.state?.waiting && said.state?.terminated?.exitCode !== newest.exitCode)
      complaints.push(`${what} ended with ${newest.exitCode}, and is said to be ${JSON.stringify(said.state)}`);
    const isMeantToRun = spec.restartPolicy === "Always" && (spec.containers.includes(one) || isSidecar(one));
    if (isMeantToRun && status.phase === "Running" && !said.state?.running && !said.state?.waiting && !said.state?.terminated)
      complaints.push(`${what} is neither running nor waiting: ${JSON.stringify(said.state)}`);
    if (said.state?.waiting?.reason === "ContainerCreating") complaints.push(`${what} is still being made`);
  }
  const isWaiting = statuses.some(({ state }) => state?.waiting !== undefined);
  if (running.length === 0 && !isWaiting) complaints.push(`${name}: nothing runs, and nothing is waited for: ${JSON.stringify(statuses)}`);
  return complaints;
}

/** A static Pod is known to its machine by the uid of its manifest. */
const uidOnNode = ({ metadata }: Pod): string => metadata.annotations?.[annotations.configMirror] ?? metadata.uid;

/** No folder of volumes or logs belongs to nobody. */
export async function folderProblems(cluster: Cluster): Promise<readonly string[]> {
  const complaints: string[] = [];
  for (const nodeName of cluster.nodeNames) {
    const { files } = cluster.machine(nodeName).world;
    const own = new Set(
      cluster
        .list(Pod)
        .filter(({ spec }) => spec.nodeName === nodeName)
        .map(uidOnNode),
    );
    const podFolders = await files.list("/var/lib/kubelet/pods").catch(() => []);
    for (const uid of podFolders) if (!own.has(uid)) complaints.push(`${nodeName}: the folder of Pod ${uid} is left`);
    const logFolders = await files.list("/var/log/pods").catch(() => []);
    for (const name of logFolders)
      if (!own.has(name.slice(name.lastIndexOf("_") + 1))) complaints.push(`${nodeName}: the logs ${name} are left`);
  }
  return complaints;
}

/** Every manifest has a mirror in the API, and no mirror is without its manifest. */
export async function mirrorProblems(cluster: Cluster): Promise<readonly string[]> {
  const complaints: string[] = [];
  for (const nodeName of cluster.nodeNames) {
    const names = await cluster
      .machine(nodeName)
      .world.files.list(manifestsFolder)
      .catch(() => []);
    const wanted = names.map((file) => `${file.replace(/\.json$/, "")}-${nodeName}`).sort();
    const mirrors = cluster
      .list(Pod)
      .filter(({ metadata, spec }) => spec.nodeName === nodeName && metadata.annotations?.[annotations.configMirror] !== undefined)
      .map(({ metadata }) => metadata.name)
      .sort();
    if (wanted.join() !== mirrors.join()) complaints.push(`${nodeName}: manifests ${wanted.join()}, mirrors ${mirrors.join()}`);
  }
  return complaints;
}

/** What a machine holds that no Pod of its own accounts for. */
function leftOn(cluster: Cluster, nodeName: string, pods: readonly Pod[]): readonly string[] {
  const { runtime } = cluster.machine(nodeName);
  const { sandboxes, containers } = runtime.all();
  const own = new Map(pods.filter(({ spec }) => spec.nodeName === nodeName).map((pod) => [uidOnNode(pod), pod]));
  const complaints: string[] = [];
  for (const { id, name, labels: has } of containers)
    if (!own.has(has[labels.podUid] ?? ""))
      complaints.push(`${nodeName}: container ${name} (${id.slice(0, 8)}) of Pod ${has[labels.podName]} is left`);
  const count = new Map<string, number>();
  for (const { id, labels: has } of sandboxes) {
    const uid = has[labels.podUid] ?? "";
    count.set(uid, (count.get(uid) ?? 0) + 1);
    if (!own.has(uid)) complaints.push(`${nodeName}: the sandbox ${id.slice(0, 8)} of Pod ${has[labels.podName]} is left`);
  }
  for (const [uid, { metadata, status }] of own) {
    const ready = sandboxes.filter(({ labels: has, ready: isReady }) => isReady && has[labels.podUid] === uid);
    const isFinal = status.phase === "Succeeded" || status.phase === "Failed";
    if (ready.length > (isFinal ? 0 : sandboxesKept))
      complaints.push(`${nodeName}: ${status.phase} Pod ${metadata.name} has ${ready.length} sandboxes`);
  }
  return complaints;
}

/** Containers that ended and wait to be started anew, each with what it waits after. */
export function waitingContainers(cluster: Cluster): ReadonlySet<string> {
  return new Set(
    cluster
      .list(Pod)
      .flatMap(({ metadata, status }) =>
        [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])].flatMap(
          ({ name, state, lastState, containerID, restartCount }) =>
            state?.waiting && (lastState?.terminated || state.waiting.reason === "CreateContainerError")
              ? [`${metadata.name} ${metadata.uid} ${name} ${state.waiting.reason} ${containerID} ${restartCount}`]
              : [],
        ),
      ),
  );
}
