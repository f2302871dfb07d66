// `keelson down`: everything that `up` made, and all that grew from it, goes; what was there before comes back.
import type { World } from "#platform/world.ts";
import { containerdAnswers } from "./containerd.ts";
import {
  BootstrapError,
  containerdConfigPath,
  dataFolder,
  installFolder,
  kubeletFolder,
  kubeletProgram,
  kubernetesFolder,
  networkConfigPath,
  networkScriptPath,
  registryHostsFolder,
  targetName,
  unitFolder,
} from "./layout.ts";
import { checkRoot } from "./machine-check.ts";
import type { Progress } from "./progress.ts";
import { readRecord, type UpRecord } from "./record.ts";
import type { Services } from "./services.ts";
import { isOurs, ourUnits } from "./unit-files.ts";

/** Gives false when nothing of a node was found. */
export async function down(world: World, { services, progress }: { services: Services; progress: Progress }): Promise<boolean> {
  const { step, say } = progress;
  checkRoot(world);
  const record = await readRecord(world);
  const isThere = record !== undefined || (await isOurs(world, kubeletProgram)) || (await world.files.stat(installFolder)) !== undefined;
  if (!isThere) return false;
  const before: UpRecord = record ?? { files: {}, kernel: {}, absent: [], empty: [], tables: [] };

  await step("stopped the kubelet", async () => {
    await services.stop(targetName).catch(() => {});
    await services.stop("kubelet.service").catch(() => {});
  });
  await step("removed all containers and images", async (found) => {
    if (!(await containerdAnswers(world))) await services.start("containerd.service").catch(() => {});
    const deadline = world.clock.monotonic() + 15_000;
    while (!(await containerdAnswers(world)) && world.clock.monotonic() < deadline) await pause(world, 200);
    found(`${await removeContainers(world)} containers`);
  });
  await step("stopped the supervisor's units", async () => {
    if (!before.containerdRan) {
      await services.stop("containerd.service").catch(() => {});
      if (await containerdAnswers(world))
        throw new BootstrapError("containerd does not end", "End it by hand and run keelson down again, which removes what it leaves.");
    }
    await services.stop("keelson-network.service").catch(() => {});
    for (const name of [...Object.keys(ourUnits), "containerd.service"])
      if (name !== "containerd.service" || !before.containerdRan) await services.disable(name).catch(() => {});
    await services.leave();
  });
  await step("removed mounts, cgroups, links, rules and routes", async () => {
    await removeMounts(world, kubeletFolder);
    await removeGroups(world);
    await removeNetwork(world, before);
  });
  await step("removed files", async () => {
    await removeFiles(world, before);
    await services.reload().catch(() => {});
    if (before.containerdRan)
      await services
        .restart("containerd.service")
        .catch((error) => say(`containerd does not start with its former configuration: ${String(error)}`));
  });
  return true;
}

async function removeContainers(world: World): Promise<number> {
  const script = `
ids=$(ctr -n k8s.io containers ls -q) || exit 0
echo "$ids" | grep -c .
if [ -n "$ids" ]; then
  for id in $ids; do ctr -n k8s.io tasks kill -s SIGKILL -a "$id" & done; wait
  ctr -n k8s.io tasks rm -f $ids
  ctr -n k8s.io containers rm $ids
  ctr -n k8s.io snapshots ls | awk 'NR > 1 { print $1 }' >/dev/null
fi
images=$(ctr -n k8s.io images ls -q)
if [ -n "$images" ]; then ctr -n k8s.io images rm --sync $images >/dev/null; fi
true`;
  const { stdout } = await world.processes.run("sh", ["-c", script], { timeoutMilliseconds: 60_000 });
  // What containerd does not know any more, or could not be asked about.
  const orphans = `
for id in $(grep -alE '^[^ ]*containerd-shim-runc-v2.-namespace.k8s\\.io' /proc/[0-9]*/cmdline 2>/dev/null | cut -d/ -f3); do
  kill -KILL "$id" || true
done`;
  await world.processes.run("sh", ["-c", orphans], { timeoutMilliseconds: 10_000 });
  return Number.parseInt(stdout, 10) || 0;
}

async function removeMounts(world: World, path: string): Promise<void> {
  // The kernel names mount points without links, and the folder may be one, to a larger disk.
  const folder = (await world.processes.run("readlink", ["-f", path], { timeoutMilliseconds: 5_000 })).stdout.trim() || path;
  const mounts = (await world.files.readText("/proc/self/mounts").catch(() => ""))
    .split("\n")
    .map((line) => unescaped(line.split(" ")[1] ?? ""));
  for (const point of mounts.reverse())
    if (point.startsWith(`${folder}/`) || point.startsWith("/run/containerd/io.containerd."))
      await world.processes.run("umount", ["-l", point]);
  const left = (await world.files.readText("/proc/self/mounts").catch(() => "")).includes(` ${folder}/`);
  // Files are removed below this folder: never through a mount.
  if (left) throw new BootstrapError(`something is still mounted below ${folder}`, "Unmount it and run keelson down again.");
}

/** /proc/mounts writes a space as \\040. */
function unescaped(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** Every hierarchy's groups of Pods, the deepest first, with whatever still runs in them. */
async function removeGroups(world: World): Promise<void> {
  const script = `
for try in 1 2 3 4 5 6 7 8 9 10; do
  left=
  for top in /sys/fs/cgroup/kubepods /sys/fs/cgroup/*/kubepods /sys/fs/cgroup/kubepods.slice /sys/fs/cgroup/*/kubepods.slice; do
    [ -d "$top" ] || continue
    find "$top" -name cgroup.procs -exec cat {} + 2>/dev/null | sort -u | while read -r id; do kill -9 "$id" 2>/dev/null; done
    find "$top" -depth -type d -exec rmdir {} + 2>/dev/null
    [ -d "$top" ] && left=1
  done
  [ -z "$left" ] && exit 0
  sleep 0.2
done`;
  await world.processes.run("sh", ["-c", script], { timeoutMilliseconds: 30_000 });
}

async function removeNetwork(world: World, before: UpRecord): Promise<void> {
  const { processes, files } = world;
  if (await files.stat(networkScriptPath)) await processes.run("/bin/sh", [networkScriptPath, "down"], { timeoutMilliseconds: 30_000 });
  // Namespaces that containerd made for Pods, and with them their links.
  const isPods = /^cni-[0-9a-f-]{36}$/;
  for (const name of await files.list("/run/netns").catch(() => []))
    if (isPods.test(name)) await processes.run("ip", ["netns", "delete", name]);
  for (const folder of ["/var/lib/cni/networks/keelson"]) await files.remove(folder, { recursive: true });
  for (const name of await files.list("/var/lib/cni/results").catch(() => []))
    if (/^(keelson|cni-loopback)-/.test(name)) await files.remove(`/var/lib/cni/results/${name}`);
  const { stdout } = await processes.run("nft", ["list", "tables"], { timeoutMilliseconds: 10_000 });
  const ours = ["ip keelson", ...["kube-proxy", "kube-network-policies"].flatMap((name) => [`ip ${name}`, `ip6 ${name}`])];
  // Made by the portmap plugin through iptables, where there was none before.
  const plugins = ["ip nat", "ip filter", "ip mangle", "ip6 nat", "ip6 filter"].filter((name) => !before.tables.includes(name));
  const known = new Set([...ours, ...(before.tables.length > 0 || before.absent.length > 0 ? plugins : [])]);
  for (const [, name = ""] of stdout.matchAll(/^table (\S+ \S+)/gm))
    if (known.has(name)) await processes.run("nft", ["delete", "table", ...name.split(" ")]);
  for (const [path, value] of Object.entries(before.kernel)) await files.write(`/proc/sys/${path}`, value).catch(() => {});
}

async function removeFiles(world: World, before: UpRecord): Promise<void> {
  const { files } = world;
  if (await isOurs(world, kubeletProgram)) await files.remove(kubeletProgram);
  for (const name of [
    ...Object.keys(ourUnits),
    "containerd.service",
    "containerd.service.d/10-keelson.conf",
    "kubelet.service.d/10-keelson.conf",
  ]) {
    const path = `${unitFolder}/${name}`;
    if (await isOurs(world, path)) await files.remove(path);
  }
  for (const name of [
    "pki",
    "manifests",
    "admin.conf",
    "controller-manager.conf",
    "scheduler.conf",
    "kubelet.conf",
    "bootstrap-kubelet.conf",
  ])
    await files.remove(`${kubernetesFolder}/${name}`, { recursive: true });
  await files.remove(networkConfigPath);
  const hosts = `${registryHostsFolder}/docker.io/hosts.toml`;
  if (await isOurs(world, hosts)) await files.remove(hosts);
  if (!(containerdConfigPath in before.files) && (await isOurs(world, containerdConfigPath))) await files.remove(containerdConfigPath);
  for (const [path, text] of Object.entries(before.files)) {
    if (text === null) await files.remove(path);
    else await files.replace(path, text);
  }
  for (const name of await files.list(kubeletFolder).catch(() => [])) await files.remove(`${kubeletFolder}/${name}`, { recursive: true });
  // The record goes last of all but the folders, so that a `down` that is killed can be repeated.
  await files.remove(installFolder, { recursive: true });
  const absent = [...before.absent].sort((one, other) => other.length - one.length);
  for (const folder of absent) if (folder !== dataFolder && folder !== "/run/netns") await removeFolder(world, folder, before);
  for (const folder of before.empty.filter((path) => !path.startsWith("/etc/")))
    for (const name of await files.list(folder).catch(() => [])) await files.remove(`${folder}/${name}`, { recursive: true });
  if (absent.includes("/run/netns") && (await files.list("/run/netns").catch(() => [""])).length === 0) {
    await world.processes.run("umount", ["/run/netns"]);
    await files.remove("/run/netns").catch(() => {});
  }
  await files.remove(dataFolder, { recursive: true });
}

/** A folder that was not there goes with all that is in it; one that a mount stands on is emptied. */
async function removeFolder(world: World, folder: string, before: UpRecord): Promise<void> {
  if (folder === "/var/lib/containerd" && before.containerdRan) return;
  // Others may have put something here since.
  const isShared = folder.startsWith("/etc/") || folder === "/opt/cni";
  const isMounted = (await world.files.readText("/proc/self/mounts")).split("\n").some((line) => line.split(" ")[1] === folder);
  if (isMounted) for (const name of await world.files.list(folder)) await world.files.remove(`${folder}/${name}`, { recursive: true });
  else if (isShared) await world.processes.run("find", [folder, "-depth", "-type", "d", "-empty", "-delete"]);
  else await world.files.remove(folder, { recursive: true });
}

/** Whether systemd's or our supervisor's target is known: a node is up, or half so. */
export async function isNode(world: World): Promise<boolean> {
  return (await world.files.stat(`${unitFolder}/${targetName}`)) !== undefined;
}

function pause(world: World, milliseconds: number): Promise<void> {
  return new Promise((resolve) => void world.clock.timer(milliseconds, resolve));
}
