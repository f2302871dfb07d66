// What is done every now and then: changes nobody told of are found, what no Pod owns any more is cleared, logs are rotated.
import { type Scope, ScopeStopped } from "#base/scope.ts";
import type { Runtime, Sandbox } from "#cri/runtime.ts";
import type { World } from "#platform/world.ts";
import type { Cgroups } from "./cgroups/cgroups.ts";
import type { KubeletOptions } from "./kubelet.ts";
import { annotations, labels, podLogFolder } from "./layout.ts";
import { rotateLog } from "./logs/rotation.ts";
import type { PodWorkers } from "./pod-workers.ts";
import type { Volumes } from "./volumes/volumes.ts";

export interface HousekeepingNeeds {
  readonly runtime: Runtime;
  readonly options: KubeletOptions;
  readonly workers: PodWorkers;
  readonly volumes: Volumes;
  readonly cgroups: Cgroups | undefined;
  /** Whether all Pods of this node are known: before that, nothing is nobody's. */
  readonly isReady: () => boolean;
}

export interface FoundPod {
  /** "kube-system/etcd-node-1". */
  readonly key: string;
  readonly uid: string;
}

export interface Housekeeping {
  /** Looks at everything the runtime has, soon. */
  relist(): void;
  /** Takes away sandboxes, folders and cgroups of Pods that are neither in the API nor in the manifests folder any more. */
  clearOrphans(): Promise<void>;
  /** The static Pods that the runtime has, whoever made them. */
  staticPods(): Promise<readonly FoundPod[]>;
  /**
   * Ends static Pods whose manifests changed or went while nobody looked, and tells of each that is gone. It takes no API: the API's server may
   * be what waits for their end. Rejects when some cannot be ended.
   */
  endFormerStaticPods(gone: (uid: string) => void): Promise<void>;
}

const periodMilliseconds = 60_000;
const logCheckMilliseconds = 10_000;
const balanceMilliseconds = 10_000;
const orphanGraceSeconds = 2;

function isOfManifest({ annotations: noted }: Sandbox): boolean {
  return noted[annotations.configSource] === "file";
}

export function startHousekeeping(scope: Scope, world: World, needs: HousekeepingNeeds): Housekeeping {
  const { runtime, options, workers, volumes, cgroups, isReady } = needs;

  // Logs grow whatever else is waited for.
  scope.start("logs", async (task) => {
    for (;;) {
      await world.clock.sleep(task, options.containerLogMonitorMilliseconds ?? logCheckMilliseconds);
      await rotateLogs();
    }
  });
  scope.start("processor shares", async (task) => {
    for (;;) {
      await world.clock.sleep(task, balanceMilliseconds);
      await attempt("share the processor", balance);
    }
  });
  scope.start("housekeeping", async (task) => {
    for (;;) {
      await world.clock.sleep(task, periodMilliseconds);
      await attempt("list the runtime's containers", relist);
      if (isReady()) await attempt("clear what no Pod owns", clearOrphans);
    }
  });
  return { relist: () => void attempt("list the runtime's containers", relist), clearOrphans, staticPods, endFormerStaticPods };

  async function relist(): Promise<void> {
    const [containers, sandboxes] = await Promise.all([runtime.containers(), runtime.sandboxes()]);
    const there = new Map<string, Set<string>>();
    for (const { id, state, labels: own } of containers) note(own[labels.podUid], `${id}/${state}`);
    for (const { id, ready, labels: own } of sandboxes) note(own[labels.podUid], `${id}/${ready}`);
    for (const worker of workers.all()) {
      const { containers: known, sandboxes: knownSandboxes } = worker.observed;
      const before = new Set([
        ...known.map(({ id, state }) => `${id}/${state}`),
        ...knownSandboxes.map(({ id, ready }) => `${id}/${ready}`),
      ]);
      const now = there.get(worker.uid) ?? new Set();
      if (before.size !== now.size || [...before].some((what) => !now.has(what))) worker.wake();
    }

    function note(uid: string | undefined, what: string): void {
      if (uid === undefined) return;
      const noted = there.get(uid);
      if (noted) noted.add(what);
      else there.set(uid, new Set([what]));
    }
  }

  async function balance(): Promise<void> {
    await cgroups?.balance(
      workers
        .all()
        .filter(({ isOver }) => !isOver)
        .map(({ pod }) => pod),
    );
  }

  function isOrphan(uid: string | undefined): uid is string {
    return uid !== undefined && workers.get(uid) === undefined;
  }

  async function staticPods(): Promise<readonly FoundPod[]> {
    const found = (await runtime.sandboxes()).filter(isOfManifest);
    return found.map(({ metadata: { namespace, name, uid } }) => ({ key: `${namespace}/${name}`, uid }));
  }

  async function endFormerStaticPods(gone: (uid: string) => void): Promise<void> {
    const stuck = await endOrphans(isOfManifest, gone);
    for (const error of stuck.values()) throw error;
  }

  /** Gives those that cannot be ended, by uid. */
  async function endOrphans(isMeant: (sandbox: Sandbox) => boolean, gone?: (uid: string) => void): Promise<ReadonlyMap<string, Error>> {
    const [sandboxes, containers] = await Promise.all([runtime.sandboxes(), runtime.containers()]);
    const uids = new Set(
      sandboxes
        .filter(isMeant)
        .map(({ labels: own }) => own[labels.podUid])
        .filter(isOrphan),
    );
    const stuck = new Map<string, Error>();
    const endOne = async (uid: string) => {
      await end(uid);
      gone?.(uid);
    };
    await Promise.all([...uids].map((uid) => endOne(uid).catch((error: Error) => stuck.set(uid, error))));
    return stuck;

    async function end(uid: string): Promise<void> {
      const running = containers.filter(({ labels: own, state }) => own[labels.podUid] === uid && state === "running");
      await Promise.all(
        running.map(({ id, annotations: noted }) =>
          runtime.stopContainer(id, Number(noted[annotations.gracePeriod] ?? 30) || orphanGraceSeconds),
        ),
      );
      for (const { id, labels: own } of sandboxes) {
        if (own[labels.podUid] !== uid) continue;
        await runtime.stopSandbox(id);
        await runtime.removeSandbox(id);
      }
    }
  }

  async function clearOrphans(): Promise<void> {
    // One that cannot be ended keeps its volumes and cgroup, and does not keep the others.
    const stuck = await endOrphans(() => true);
    const isClear = (uid: string | undefined): uid is string => isOrphan(uid) && !stuck.has(uid);
    for (const uid of await volumes.leftovers())
      if (isClear(uid)) await attempt(`take away the volumes of Pod ${uid}, which is gone`, () => volumes.unmount(uid));
    for (const uid of (await cgroups?.list()) ?? [])
      if (isClear(uid)) await attempt(`take away the cgroup of Pod ${uid}, which is gone`, async () => void (await cgroups?.remove(uid)));
    await clearLogs(isClear);
    for (const error of stuck.values()) throw error;
  }

  /** Logs of Pods that are gone, and links to logs that are. */
  async function clearLogs(isClear: (uid: string | undefined) => boolean): Promise<void> {
    const { files } = world;
    const { podLogsFolder, containerLogsFolder } = options;
    if (await files.stat(podLogsFolder)) {
      for (const name of await files.list(podLogsFolder)) {
        // "<namespace>_<name>_<uid>": none of the three has an underscore.
        const [, , uid, ...more] = name.split("_");
        if (more.length === 0 && isClear(uid)) await files.remove(`${podLogsFolder}/${name}`, { recursive: true });
      }
    }
    if (await files.stat(containerLogsFolder)) {
      for (const name of await files.list(containerLogsFolder)) {
        const path = `${containerLogsFolder}/${name}`;
        const isLink = (await files.stat(path))?.kind === "link";
        if (isLink && (await files.stat(path, { follow: true })) === undefined) await files.remove(path);
      }
    }
  }

  /** All at once: what is looked at together wakes this thread once, not once for each. */
  async function rotateLogs(): Promise<void> {
    const limits = { maxBytes: options.containerLogMaxBytes, maxFiles: options.containerLogMaxFiles };
    const looks = workers.all().flatMap(({ pod, observed }) => {
      const folder = podLogFolder(options.podLogsFolder, pod);
      return observed.containers
        .filter(({ state }) => state === "running")
        .map(({ id, name, attempt: number }) => {
          const path = `${folder}/${name}/${number}.log`;
          return attempt(`rotate the log ${path}`, () => rotateLog(world, runtime, id, path, limits));
        });
    });
    await Promise.all(looks);
  }

  /** It comes round again: a failure is told and no more. */
  async function attempt(what: string, act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (error instanceof ScopeStopped) throw error;
      world.log.warn(`cannot ${what}`, { error: (error as Error).message });
    }
  }
}
