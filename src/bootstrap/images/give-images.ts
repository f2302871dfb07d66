// The images of the installation become containerd's. It pulls them from the layout, which is served to it meanwhile: sent as an archive
// they pass through its socket in small pieces, which takes it ten times as long.
import type { Scope } from "#base/scope.ts";
import { connectRuntime } from "#cri/connect.ts";
import type { World } from "#platform/world.ts";
import { BootstrapError, containerdConfigPath, containerdSocket, imagesFolder, ourMark, registryHostsFolder } from "../layout.ts";
import { nameAnnotation, readIndex } from "./image-layout.ts";
import { beginServing } from "./registry.ts";

const pullMilliseconds = 60_000;

/** Gives containerd, which runs, what it does not have yet; false when it had all. Throws a BootstrapError. */
export async function giveImages(scope: Scope, world: World): Promise<boolean> {
  const wanted = new Map<string, string[]>();
  for (const { digest, annotations } of (await readIndex(world, imagesFolder))?.manifests ?? []) {
    const name = annotations?.[nameAnnotation];
    if (name !== undefined) wanted.set(digest, [...(wanted.get(digest) ?? []), name]);
  }
  if (await hasAll(world, wanted)) return false;
  if (await looksHere(world)) {
    try {
      await pull(scope, world, wanted);
      return true;
    } catch (error) {
      world.log.info("containerd does not pull the images of the installation; they are sent to it", { error: String(error) });
    }
  }
  await send(world);
  return true;
}

async function hasAll(world: World, wanted: ReadonlyMap<string, readonly string[]>): Promise<boolean> {
  const { code, stdout } = await world.processes.run("ctr", ["-n", "k8s.io", "images", "ls"], { timeoutMilliseconds: 30_000 });
  if (code !== 0) return false;
  const present = new Map(stdout.split("\n").map((line) => [line.split(" ", 1)[0], line]));
  return [...wanted].every(([digest, names]) => names.every((name) => present.get(name)?.includes(digest)));
}

/** Whether containerd, as it is configured, asks this machine before docker.io. */
async function looksHere({ files }: World): Promise<boolean> {
  const texts = [containerdConfigPath, `${registryHostsFolder}/docker.io/hosts.toml`].map((path) => files.readText(path).catch(() => ""));
  return (await Promise.all(texts)).every((text) => text.includes(ourMark));
}

/** By digest, so that nobody else's images are taken for these, whoever answers. */
async function pull(scope: Scope, world: World, wanted: ReadonlyMap<string, readonly string[]>): Promise<void> {
  const serving = scope.child("images for containerd");
  const runtime = connectRuntime(world, containerdSocket);
  const patience = new AbortController();
  const timer = world.clock.timer(pullMilliseconds, () => patience.abort());
  try {
    // Where a kubelet runs already, it serves them.
    await beginServing(serving, world);
    for (const [digest, names] of wanted) {
      const [name = ""] = names;
      const byDigest = `${name.slice(0, name.lastIndexOf(":"))}@${digest}`;
      await runtime.pullImage(byDigest, { signal: patience.signal });
      const tag = ["-n", "k8s.io", "images", "tag", "--force", byDigest, ...names];
      const { code, stderr } = await world.processes.run("ctr", tag, { timeoutMilliseconds: 30_000 });
      if (code !== 0) throw new Error(`ctr images tag ${byDigest}: ${stderr.trim()}`);
    }
  } finally {
    timer.cancel();
    runtime.close();
    await serving.stop();
  }
}

/** One archive for all, straight into containerd: layers that images share are sent once, and nothing lies on the disk twice. */
async function send(world: World): Promise<void> {
  const script = 'cd "$0" && tar -cf - oci-layout index.json blobs | ctr -n k8s.io images import --snapshotter overlayfs -';
  const { code, stderr } = await world.processes.run("sh", ["-c", script, imagesFolder], { timeoutMilliseconds: 300_000 });
  if (code !== 0) throw new BootstrapError(`containerd did not take the images: ${stderr.trim().split("\n").slice(-3).join(" ")}`);
}
