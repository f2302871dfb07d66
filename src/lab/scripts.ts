// The shell scripts that raise a lab machine. Pure: text from options.
import { addressText, readAddress } from "#base/ip.ts";
import { exchangeInside, fabricLinks, fabricNamespace, type GroupMount, type LabPlaces } from "./layout.ts";

export interface MachineOptions {
  readonly name: string;
  readonly fabric: string;
  readonly address: string;
  readonly ipv6Address?: string;
  readonly places: LabPlaces;
  readonly groups: readonly GroupMount[];
  /** Seen inside at the same path, read-only. */
  readonly readOnlyPaths: readonly string[];
  /** Kept running inside by the first process; answers on a socket of the exchange folder. */
  readonly insideCommand: readonly string[];
  readonly systemd: boolean;
  readonly diskMegabytes?: number;
  /** A folder whose programs the machine has instead of the holding machine's. */
  readonly programs?: string;
}

/** Paths that a machine has for itself: what the holding machine has there is not seen. */
const ownPaths = [
  "/etc/kubernetes",
  "/etc/keelson",
  "/etc/cni",
  "/opt/cni",
  "/etc/systemd/system",
  "/etc/systemd/network",
  "/root/.kube",
  "/var/lib/kubelet",
  "/var/lib/keelson",
  "/var/lib/etcd",
  "/var/lib/cni",
  "/var/log/pods",
  "/var/log/containers",
  "/var/log/keelson",
  "/var/log/journal",
];

/** Started with the machine where systemd is not its first process. */
const bootProgram = "/usr/lib/keelson/boot";
const devices = ["null", "zero", "full", "random", "urandom", "tty", "kmsg", "fuse"];
const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * Runs on the holding machine. Makes the machine's network namespace and its link to the fabric, the fabric where it is the first in it, and
 * the cgroups; starts the machine's first process; prints the id of the process that guards it (killing one kills the other).
 */
export function outsideScript({ address, ipv6Address, fabric, places, groups, diskMegabytes }: MachineOptions): string {
  const { namespace, group, folder } = places;
  const outside = quote(fabricNamespace(fabric));
  const { bridge, port } = fabricLinks(address);
  const gateway = address.replace(/\d+$/, "1");
  return `set -eu
ip netns add ${quote(namespace)}
ip -n ${quote(namespace)} link set lo up
if [ ! -e /run/netns/${outside} ]; then
  ip netns add ${outside}
  ip -n ${outside} link set lo up
  # The gateway leads nowhere but to the fabric's other subnets, and says so at once.
  ip -n ${outside} route add unreachable default
  ip netns exec ${outside} sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward; echo 0 >/proc/sys/net/ipv4/icmp_ratelimit'
fi
if ! ip -n ${outside} link show ${bridge} >/dev/null 2>&1; then
  ip -n ${outside} link add ${bridge} address ${hardwareAddress(gateway)} type bridge forward_delay 0
  ip -n ${outside} address add ${quote(`${gateway}/24`)} dev ${bridge}
  ip -n ${outside} link set ${bridge} up
fi
# The cable of a machine that just lost its power goes some time after it.
ip -n ${outside} link delete ${port} 2>/dev/null || true
ip -n ${quote(namespace)} link add eth0 address ${hardwareAddress(address)} type veth peer name ${port} netns ${outside}
ip -n ${outside} link set ${port} master ${bridge} up
ip -n ${quote(namespace)} address add ${quote(`${address}/24`)} dev eth0
ip -n ${quote(namespace)} link set eth0 up
ip -n ${quote(namespace)} route add default via ${quote(gateway)}
${ipv6Address === undefined ? "" : ipv6Link(ipv6Address, { outside, inside: quote(namespace), bridge })}# An overlay cannot lie on an overlay. The disk outlives the machine's own mounts.
if { ${diskMegabytes === undefined ? "false" : "true"} || [ "$(stat -f -c %T ${quote(folder)})" = overlayfs ]; } && [ ! -d ${quote(`${folder}/memory`)} ]; then
  mkdir ${quote(`${folder}/memory`)}
  mount -t tmpfs ${diskMegabytes === undefined ? "" : `-o size=${Math.floor(diskMegabytes)}m `}tmpfs ${quote(`${folder}/memory`)}
fi
rm -f ${quote(`${places.exchange}/ready`)}
${groups.map((mount) => makeGroup(mount, group)).join("\n")}
setsid sh ${quote(`${folder}/launch.sh`)} >${quote(places.bootLog)} 2>&1 </dev/null &
echo $!
`;
}

/** The same after every start, as a real interface's is: others remember it. */
function hardwareAddress(address: string): string {
  return ["02", "00", ...address.split(".").map((part) => Number(part).toString(16).padStart(2, "0"))].join(":");
}

/** The same once more for IPv6. Nobody else has these addresses, so nobody is asked. */
function ipv6Link(address: string, { outside, inside, bridge }: Readonly<Record<"outside" | "inside" | "bridge", string>>): string {
  const read = readAddress(address);
  const gateway = addressText("IPv6", (((read?.value ?? 0n) >> 64n) << 64n) + 1n);
  return `ip netns exec ${outside} sh -c 'echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'
ip -n ${outside} -6 route replace unreachable default
ip -n ${outside} address replace ${gateway}/64 dev ${bridge} nodad
ip -n ${inside} address add ${address}/64 dev eth0 nodad
ip -n ${inside} -6 route add default via ${gateway}
`;
}

function makeGroup({ point, version }: GroupMount, group: string): string {
  const at = `${point}/${group}`;
  if (version === 2)
    return `mkdir -p ${quote(at)}; for c in $(cat ${quote(`${at}/cgroup.controllers`)}); do { echo "+$c" >${quote(`${at}/cgroup.subtree_control`)}; } 2>/dev/null || true; done`;
  return `mkdir -p ${quote(at)}; if [ -e ${quote(`${at}/cpuset.cpus`)} ]; then cat ${quote(`${point}/cpuset.cpus`)} >${quote(`${at}/cpuset.cpus`)}; cat ${quote(`${point}/cpuset.mems`)} >${quote(`${at}/cpuset.mems`)}; fi`;
}

/** Joins the machine's cgroups, then becomes the guard of its first process. */
export function launchScript({ places, groups }: MachineOptions): string {
  return `set -eu
${groups.map(({ point }) => `echo $$ >${quote(`${point}/${places.group}/cgroup.procs`)}`).join("\n")}
exec nsenter --net=${quote(`/run/netns/${places.namespace}`)} unshare --mount --pid --uts --ipc --cgroup --fork --kill-child --propagation private sh ${quote(`${places.folder}/inside.sh`)}
`;
}

/** Programs go where the machine has one of the name already, so that units which name the path start them. */
function placeLines(programs: string, root: string): string {
  return `if [ -n "$fresh" ]; then
  for program in ${quote(programs)}/*; do
    for folder in /usr/local/bin /usr/bin /usr/sbin; do if [ -e ${quote(root)}"$folder/\${program##*/}" ]; then break; fi; done
    cp "$program" ${quote(root)}"$folder/"
  done
fi
`;
}

/** Runs as process 1 of the new namespaces: builds the machine's file system, moves into it and becomes the reaper, or systemd. */
export function insideScript(options: MachineOptions): string {
  const { name, places, readOnlyPaths, address, ipv6Address, groups, systemd, programs } = options;
  const { root, folder, exchange } = places;
  const at = (inside: string) => quote(root + inside);
  return `set -eu
hostname ${quote(`keelson-${name}`)}
over=${quote(folder)}
if [ -d ${quote(`${folder}/memory`)} ]; then over=${quote(`${folder}/memory`)}; fi
fresh=; if [ ! -e "$over/made" ]; then fresh=yes; fi
mkdir -p "$over/upper" "$over/work" "$over/containerd" "$over/kubelet"
mount -t overlay overlay -o "lowerdir=/,upperdir=$over/upper,workdir=$over/work" ${quote(root)}
${programs === undefined ? "" : placeLines(programs, root)}# The holding machine may be writing there at this moment, which is seen through the overlay.
if [ -n "$fresh" ]; then for try in 1 2 3 4 5; do if rm -rf ${ownPaths.map(at).join(" ")}; then break; fi; sleep 0.1; done; fi
mkdir -p ${["/etc/systemd/system", "/etc/kubernetes", "/var/lib/kubelet", "/var/lib/containerd", "/proc", "/sys", "/dev", "/run", "/tmp", "/var/lib/keelson-lab"].map(at).join(" ")}
echo ${quote(`keelson-${name}`)} >${at("/etc/hostname")}
printf '127.0.0.1 localhost\\n::1 localhost\\n${[address, ...(ipv6Address === undefined ? [] : [ipv6Address])].map(() => "%s %s\\n").join("")}' ${[address, ...(ipv6Address === undefined ? [] : [ipv6Address])].map((one) => `${quote(one)} ${quote(`keelson-${name}`)}`).join(" ")} >${at("/etc/hosts")}
rm -f ${at("/etc/resolv.conf")}
echo '# This machine has no uplink and no name server.' >${at("/etc/resolv.conf")}
if [ -n "$fresh" ]; then tr -d - </proc/sys/kernel/random/uuid >${at("/etc/machine-id")}; fi
: >"$over/made"
mount -t tmpfs -o mode=755,size=1m tmpfs ${at("/var/lib/keelson-lab")}
# containerd's own overlays need a file system below them that is none, and so do volumes whose owners are translated.
mount --bind "$over/containerd" ${at("/var/lib/containerd")}
mount --bind "$over/kubelet" ${at("/var/lib/kubelet")}
mount -t proc -o nosuid,nodev,noexec proc ${at("/proc")}
# Pods with user ids of their own may mount /proc only where the kernel sees one on which nothing is mounted.
mkdir ${at("/var/lib/keelson-lab/proc")}
mount -t proc -o nosuid,nodev,noexec proc ${at("/var/lib/keelson-lab/proc")}
# Each start is a boot of its own, though the kernel goes on.
cat /proc/sys/kernel/random/uuid >"$over/boot-id"
mount --bind "$over/boot-id" ${at("/proc/sys/kernel/random/boot_id")}
mount -t sysfs -o nosuid,nodev,noexec sysfs ${at("/sys")}
mount -t tmpfs -o mode=755,nosuid tmpfs ${at("/dev")}
mount -t tmpfs -o mode=755,nosuid,nodev tmpfs ${at("/run")}
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs ${at("/tmp")}
${mountGroups(options)}
for device in ${devices.join(" ")}; do
  if [ -e "/dev/$device" ]; then : >${at("/dev/")}"$device"; mount --bind "/dev/$device" ${at("/dev/")}"$device"; fi
done
mkdir -p ${["/dev/pts", "/dev/shm", "/dev/mqueue", "/run/lock", exchangeInside].map(at).join(" ")}
mount -t devpts -o newinstance,ptmxmode=666,mode=620,nosuid,noexec devpts ${at("/dev/pts")}
mount -t tmpfs -o mode=1777,nosuid,nodev tmpfs ${at("/dev/shm")}
mount -t mqueue mqueue ${at("/dev/mqueue")}
ln -s pts/ptmx ${at("/dev/ptmx")}
ln -s /proc/self/fd ${at("/dev/fd")}
for stream in 0:stdin 1:stdout 2:stderr; do ln -s "/proc/self/fd/\${stream%:*}" ${at("/dev/")}"\${stream#*:}"; done
mount --bind ${quote(exchange)} ${at(exchangeInside)}
${readOnlyPaths.map((visible) => `mkdir -p ${at(visible)}; mount --rbind ${quote(visible)} ${at(visible)}; mount -o remount,bind,ro ${at(visible)}`).join("\n")}
cd ${quote(root)}
mkdir -p .outside
pivot_root . .outside
cd /
mount --make-rshared /
umount -l /.outside
rmdir /.outside
${groups.some(({ version }) => version === 1) ? "" : leaveTheTop}
${systemd ? becomeSystemd(options) : becomeReaper(options)}
`;
}

/** In cgroup v2 a group with processes of its own cannot hand controllers down. */
const leaveTheTop = `mkdir -p /sys/fs/cgroup/init; echo 0 >/sys/fs/cgroup/init/cgroup.procs
for c in $(cat /sys/fs/cgroup/cgroup.controllers); do { echo "+$c" >/sys/fs/cgroup/cgroup.subtree_control; } 2>/dev/null || true; done`;

function mountGroups({ groups, places: { root } }: MachineOptions): string {
  const at = (point: string) => quote(root + point);
  if (groups.every(({ version }) => version === 2)) return `mount -t cgroup2 cgroup2 ${at("/sys/fs/cgroup")}`;
  const mounts = groups.map(
    ({ point, version, controllers }) =>
      `mkdir -p ${at(point)}; mount -t ${version === 2 ? "cgroup2 cgroup2" : `cgroup -o ${quote(controllers)} cgroup`} ${at(point)}`,
  );
  return [`mount -t tmpfs -o mode=755,nosuid,nodev,noexec tmpfs ${at("/sys/fs/cgroup")}`, ...mounts].join("\n");
}

/**
 * A shell that waits also collects orphans. It keeps one command running, the near end of the way in from outside; and it starts what an
 * installation left to be started with the machine.
 */
function becomeReaper({ insideCommand }: MachineOptions): string {
  const keep =
    insideCommand.length === 0
      ? ""
      : `( while :; do ${insideCommand.map(quote).join(" ")} >>/run/keelson-lab-forward.log 2>&1; sleep 1; done ) & `;
  const boot = `if [ -x ${bootProgram} ]; then ${bootProgram}; fi; `;
  const reaper = `trap "exit 0" TERM; ${keep}${boot}: >${exchangeInside}/ready; while :; do sleep 86400 & wait $!; done`;
  return `exec env -i PATH=${path} HOME=/root LANG=C.UTF-8 sh -c ${quote(reaper)} keelson-lab </dev/null`;
}

/** Nothing is enabled but what the distribution links under /lib; what has no place in here is masked. */
function becomeSystemd({ insideCommand }: MachineOptions): string {
  const masked = [
    "systemd-udevd.service",
    "systemd-udev-trigger.service",
    "systemd-resolved.service",
    "systemd-networkd.service",
    "systemd-logind.service",
    "getty.target",
    "getty-static.service",
    "console-getty.service",
    "serial-getty@.service",
    "systemd-remount-fs.service",
    "systemd-modules-load.service",
    "systemd-sysctl.service",
    "systemd-random-seed.service",
    "systemd-timesyncd.service",
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "fstrim.timer",
    "tmp.mount",
    "dev-hugepages.mount",
    "dev-mqueue.mount",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
    "sys-fs-fuse-connections.mount",
    "sys-kernel-config.mount",
  ];
  const forward = insideCommand.length === 0 ? "true" : insideCommand.map(systemdWord).join(" ");
  return `: >/etc/fstab
for unit in ${masked.join(" ")}; do ln -sf /dev/null "/etc/systemd/system/$unit"; done
ln -sf /lib/systemd/system/multi-user.target /etc/systemd/system/default.target
mkdir -p /etc/systemd/system/multi-user.target.wants
cat >/etc/systemd/system/keelson-lab.service <<'end of unit'
[Unit]
Description=The way into this lab machine
[Service]
ExecStartPre=/bin/sh -c ": >${exchangeInside}/ready"
ExecStart=${forward}
Restart=${insideCommand.length === 0 ? "no" : "always"}
RestartSec=1
end of unit
ln -sf ../keelson-lab.service /etc/systemd/system/multi-user.target.wants/keelson-lab.service
exec env -i PATH=${path} container=lab /lib/systemd/systemd --log-target=console --show-status=no </dev/null`;
}

function systemdWord(word: string): string {
  return `"${word.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("%", "%%").replaceAll("$", "$$$$")}"`;
}

/** Keeps the command running, on the same port again when it was killed, for as long as the machine's folder is there. */
export function forwardScript(places: LabPlaces, groups: readonly GroupMount[], port: number): string {
  const mount = groups.find(({ controllers }) => controllers === "pids") ?? groups[0];
  const join =
    mount === undefined
      ? ""
      : `mkdir -p ${quote(`${mount.point}/${places.group}/outside`)}; echo $$ >${quote(`${mount.point}/${places.group}/outside/cgroup.procs`)}`;
  return `${join}
while [ -d ${quote(places.folder)} ]; do
  "$@" "$(cat ${quote(`${places.folder}/port`)} 2>/dev/null || echo ${port})"
  code=$?
  [ -e ${quote(`${places.folder}/port`)} ] || echo "the way in ended with code $code"
  sleep 1
done`;
}

/** Joins the machine's cgroups and enters all its namespaces. */
export function enterScript(places: LabPlaces, groups: readonly GroupMount[], initId: number): string {
  const joins = groups.map(({ point, version }) => {
    const nested = version === 2 && groups.length === 1 ? "/init" : "";
    return `{ echo $$ >${quote(`${point}/${places.group}${nested}/cgroup.procs`)}; } 2>/dev/null || { echo "cannot join the lab's cgroup" >&2; exit 125; }`;
  });
  return `${joins.join("\n")}
exec nsenter --target ${initId} --all -- "$@"`;
}

function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
