// containerd on this machine: there or installed, with a configuration that fits, and an answer from it.
import type { World } from "#platform/world.ts";
import { writeIfChanged } from "./kubeconfigs.ts";
import {
  BootstrapError,
  containerdConfigPath,
  containerdSocket,
  imageRegistryPort,
  ourMark,
  registryHostsFolder,
  systemUnitFolder,
  unitFolder,
} from "./layout.ts";

const packages = ["containerd", "runc", "containernetworking-plugins", "nftables", "iptables", "conntrack", "iproute2"];
const programs = ["containerd", "ctr", "runc", "nft", "iptables", "ip"];
const pluginFolders = ["/usr/lib/cni", "/opt/cni/bin"];

/** Programs that have to come from packages. */
export async function missingPrograms(world: World, store: "disk" | "etcd"): Promise<readonly string[]> {
  const script = 'for program; do command -v "$program" >/dev/null || echo "$program"; done';
  const { stdout } = await world.processes.run("sh", ["-c", script, "check", ...programs, ...(store === "etcd" ? ["etcd"] : [])]);
  const missing = stdout.split("\n").filter((line) => line !== "");
  return (await pluginFolder(world)) === undefined ? [...missing, "CNI plugins"] : missing;
}

/** Where the CNI plugins are; undefined when there are none. */
export async function pluginFolder(world: World): Promise<string | undefined> {
  for (const folder of pluginFolders)
    if ((await world.files.stat(`${folder}/bridge`)) && (await world.files.stat(`${folder}/host-local`))) return folder;
  return undefined;
}

/** Installs what is missing with apt-get. */
export async function installPackages(world: World, missing: readonly string[], say: (line: string) => void): Promise<void> {
  const { processes } = world;
  const hasApt = (await processes.run("sh", ["-c", "command -v apt-get"])).code === 0;
  const lacks = `this machine has no ${missing.join(", no ")}`;
  if (!hasApt)
    throw new BootstrapError(lacks, `Install containerd, runc, the CNI plugins, nftables, iptables and iproute2, and run it again.`);
  const wanted = missing.includes("etcd") ? [...packages, "etcd-server"] : packages;
  say(`installing ${wanted.join(" ")} ...`);
  const environment = { ...definedOf(processes.self.environment), DEBIAN_FRONTEND: "noninteractive" };
  // A service that the package starts would run with the wrong configuration: policy-rc.d would be another's file, so it is stopped later.
  for (const arguments_ of [
    ["update", "-q"],
    ["install", "-q", "-y", "--no-install-recommends", ...wanted],
  ]) {
    const { code, stdout, stderr } = await processes.run("apt-get", arguments_, { environment, timeoutMilliseconds: 600_000 });
    // An update that fails may still leave lists good enough to install from.
    if (code === 0 || arguments_[0] === "update") continue;
    const end = `${stdout}\n${stderr}`.trim().split("\n").slice(-4).join("\n  ");
    throw new BootstrapError(
      `${lacks}, and apt-get cannot install it:\n  ${end}`,
      `Is there a network? Otherwise install these packages by hand and run it again: ${wanted.join(" ")}`,
    );
  }
}

function definedOf(environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

export interface ContainerdFacts {
  /** Whether processes may be given a lower score than ours: CAP_SYS_RESOURCE. */
  readonly mayLowerOomScore: boolean;
  readonly hasAppArmor: boolean;
  readonly pluginFolder: string;
  /** "keelson/pause:0.1.0". */
  readonly pauseImage: string;
}

export async function containerdFacts(world: World, pauseImage: string): Promise<ContainerdFacts> {
  const status = await world.files.readText("/proc/self/status").catch(() => "");
  const capabilities = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? "0"}`);
  const resource = 24n;
  const appArmor = await world.files.readText("/sys/module/apparmor/parameters/enabled").catch(() => "");
  return {
    mayLowerOomScore: (capabilities >> resource) % 2n === 1n,
    hasAppArmor: appArmor.trim() === "Y",
    pluginFolder: (await pluginFolder(world)) ?? (pluginFolders[0] as string),
    pauseImage,
  };
}

/** Form 2 of the configuration, which containerd 1.6 to 2.x read. */
export function containerdConfig({ mayLowerOomScore, hasAppArmor, pluginFolder: plugins, pauseImage }: ContainerdFacts): string {
  const cri = `plugins."io.containerd.grpc.v1.cri"`;
  return `# ${ourMark}. What was here before comes back with \`keelson down\`.
version = 2
${mayLowerOomScore ? "" : "oom_score = 0\n"}
[${cri}]
  sandbox_image = "docker.io/${pauseImage}"
  disable_apparmor = ${hasAppArmor ? "false" : "true"}
  # Without CAP_SYS_RESOURCE no process gets a lower score than containerd's own.
  restrict_oom_score_adj = ${mayLowerOomScore ? "false" : "true"}
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  [${cri}.cni]
    bin_dir = "${plugins}"
    conf_dir = "/etc/cni/net.d"
  [${cri}.containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [${cri}.containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [${cri}.containerd.runtimes.runc.options]
        # As the kubelet's cgroupDriver.
        SystemdCgroup = false
  [${cri}.registry]
    config_path = "${registryHostsFolder}"
`;
}

/** True for what Debian, Docker's package or \`containerd config default\` leave, which nobody chose. */
export function isDistributionDefault(config: string): boolean {
  const settings = config
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
  if (settings.length === 0) return true;
  const known =
    /^(version = \d|\[.*\]|(bin_dir|conf_dir|path) = "(\/usr\/lib\/cni|\/opt\/cni\/bin|\/etc\/cni\/net\.d|\/(var|opt)\/.*containerd.*)"|disabled_plugins = \[("cri")?\])$/;
  return (
    settings.every((line) => known.test(line)) || (settings.some((line) => line.startsWith("required_plugins")) && settings.length > 100)
  );
}

/** Why containerd with this configuration, which somebody wrote on purpose, could not run Pods. */
export function problemWith(config: string): string | undefined {
  if (/^\s*disabled_plugins\s*=\s*\[[^\]]*"(io\.containerd\.grpc\.v1\.)?cri"/m.test(config)) return "it disables the cri plugin";
  if (/^\s*SystemdCgroup\s*=\s*true/m.test(config)) return "SystemdCgroup = true, while the kubelet is to use cgroupfs";
  return undefined;
}

/** Asks the real docker.io for whatever is not among the images that came with the installation. */
export function mirrorHosts(): string {
  return `# ${ourMark}. Images that came with the installation are served on this machine; all others by docker.io.
server = "https://registry-1.docker.io"

[host."http://127.0.0.1:${imageRegistryPort}"]
  capabilities = ["pull", "resolve"]
`;
}

export interface ContainerdSetup {
  /** The configuration that was there, to be put back by `down`; null when there was none. Undefined when it was not touched. */
  readonly replaced: string | null | undefined;
  readonly changed: boolean;
}

/** Writes the configuration where none was chosen. A chosen one is checked and left. */
export async function configureContainerd(world: World, facts: ContainerdFacts, say: (line: string) => void): Promise<ContainerdSetup> {
  const { files } = world;
  const hosts = `${registryHostsFolder}/docker.io/hosts.toml`;
  const presentHosts = await files.readText(hosts).catch(() => undefined);
  if (presentHosts === undefined || presentHosts.includes(ourMark)) await writeIfChanged(world, hosts, mirrorHosts());
  else say(`${hosts} is somebody else's and stays: keelson/hello can then not be pulled from this machine`);
  const present = await files.readText(containerdConfigPath).catch(() => undefined);
  const config = containerdConfig(facts);
  if (present === undefined || present.includes(ourMark) || isDistributionDefault(present)) {
    const changed = await writeIfChanged(world, containerdConfigPath, config);
    return { replaced: present?.includes(ourMark) ? undefined : (present ?? null), changed };
  }
  const problem = problemWith(present);
  if (problem !== undefined)
    throw new BootstrapError(
      `containerd's configuration ${containerdConfigPath} does not fit: ${problem}`,
      "It is not the distribution's own, so it is left alone. Change it, or move it away and run keelson up again.",
    );
  say(`${containerdConfigPath} was written by somebody else and stays as it is`);
  return { replaced: undefined, changed: false };
}

/** Where no package brought one. */
export function containerdUnit(program: string): string {
  return `# ${ourMark}.
[Unit]
Description=containerd container runtime
After=network.target local-fs.target

[Service]
ExecStartPre=-/sbin/modprobe overlay
ExecStart=${program}
Type=notify
Delegate=yes
KillMode=process
Restart=always
RestartSec=1
LimitNPROC=infinity
LimitCORE=infinity
LimitNOFILE=infinity
TasksMax=infinity
OOMScoreAdjust=-999

[Install]
WantedBy=multi-user.target
`;
}

/** Brought back after one second, not five: everything on the node waits for it. */
export const containerdDropIn = `# ${ourMark}.
[Service]
RestartSec=1
`;

export async function writeContainerdUnit(world: World): Promise<boolean> {
  let changed = false;
  const own = `${unitFolder}/containerd.service`;
  const isPackaged = (await world.files.stat(`${systemUnitFolder}/containerd.service`)) !== undefined;
  if (!isPackaged && !(await world.files.stat(own))) {
    const { stdout } = await world.processes.run("sh", ["-c", "command -v containerd"]);
    changed = await writeIfChanged(world, own, containerdUnit(stdout.trim() || "/usr/bin/containerd"));
  }
  return (await writeIfChanged(world, `${unitFolder}/containerd.service.d/10-keelson.conf`, containerdDropIn)) || changed;
}

/** Resolves once containerd answers and its CRI part does not say that it failed. */
export async function containerdAnswers(world: World): Promise<boolean> {
  if (!(await world.files.stat(containerdSocket))) return false;
  const { code, stdout } = await world.processes.run("ctr", ["--timeout", "5s", "plugins", "ls"], { timeoutMilliseconds: 10_000 });
  return code === 0 && /\bcri\s+\S+\s+ok\b/.test(stdout);
}
