// The Pods of the manifests folder. A file that is half-written or wrong leaves the Pod it gave before as it was.
import type { Pod } from "#api/core/pod/pod.ts";
import type { Scope } from "#base/scope.ts";
import { FileError } from "#platform/files.ts";
import type { World } from "#platform/world.ts";
import { staticPod } from "./manifest.ts";

const lookAgainMilliseconds = 20_000;
const settleMilliseconds = 50;

interface Loaded {
  readonly text: string;
  readonly pod: Pod | undefined;
}

/** Calls back with all static Pods, at first and whenever they change. Resolves after the first time. */
export async function watchStaticPods(
  scope: Scope,
  world: World,
  { folder, nodeName }: { readonly folder: string; readonly nodeName: string },
  changed: (pods: readonly Pod[]) => void,
): Promise<void> {
  const loaded = new Map<string, Loaded>();
  let wake: (() => void) | undefined;
  let isDirty = false;

  await world.files.makeFolder(folder, { mode: 0o755 });
  const watcher = world.files.watch(folder, () => {
    isDirty = true;
    wake?.();
  });
  scope.defer("manifests watch", () => watcher.close());
  await load();
  changed(podsOf(loaded));

  scope.start("static pods", async (task) => {
    task.signal.addEventListener("abort", () => wake?.());
    while (!task.stopped) {
      if (!isDirty) {
        await new Promise<void>((resolve) => {
          const timer = world.clock.timer(lookAgainMilliseconds, resolve);
          wake = () => {
            timer.cancel();
            resolve();
          };
        });
        wake = undefined;
        if (task.stopped) return;
        if (isDirty) await world.clock.sleep(task, settleMilliseconds);
      }
      isDirty = false;
      if (await load()) changed(podsOf(loaded));
    }
  });

  /** True when some Pod is new, different or gone. */
  async function load(): Promise<boolean> {
    const before = podsOf(loaded);
    try {
      const names = (await world.files.list(folder)).filter((name) => !name.startsWith(".") && /\.(ya?ml|json|manifest)$/.test(name));
      for (const name of loaded.keys()) if (!names.includes(name)) loaded.delete(name);
      for (const name of names) await loadOne(name);
    } catch (error) {
      world.log.warn("cannot read the static Pods' folder", { folder, error: (error as Error).message });
    }
    const after = podsOf(loaded);
    return before.length !== after.length || before.some((pod, index) => pod !== after[index]);
  }

  async function loadOne(name: string): Promise<void> {
    const path = `${folder}/${name}`;
    const old = loaded.get(name);
    let text: string;
    try {
      text = await world.files.readText(path);
    } catch (error) {
      if (!(error instanceof FileError && error.code === "ENOENT")) throw error;
      loaded.delete(name);
      return;
    }
    if (old?.text === text) return;
    try {
      loaded.set(name, { text, pod: staticPod(text, { path, nodeName, now: world.clock.now() }) });
    } catch (error) {
      const kept = old?.pod ? "the Pod it gave before is kept" : "no Pod comes of it";
      world.log.warn(`cannot read a static Pod's manifest; ${kept}`, { path, error: (error as Error).message });
      loaded.set(name, { text, pod: old?.pod });
    }
  }
}

/** One of each name: the first file wins. */
function podsOf(loaded: ReadonlyMap<string, Loaded>): readonly Pod[] {
  const byName = new Map<string, Pod>();
  for (const name of [...loaded.keys()].sort()) {
    const pod = loaded.get(name)?.pod;
    const key = pod && `${pod.metadata.namespace}/${pod.metadata.name}`;
    if (key !== undefined && !byName.has(key)) byName.set(key, pod as Pod);
  }
  return [...byName.values()];
}
