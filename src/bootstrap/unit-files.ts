// The units that keep layer 2 running. systemd reads them where it is process 1, our supervisor elsewhere: the same files.
import type { World } from "#platform/world.ts";
import { writeIfChanged } from "./kubeconfigs.ts";
import {
  BootstrapError,
  bootScriptPath,
  containerdSocket,
  entryProgram,
  kubeletConfigPath,
  kubeletProgram,
  kubernetesFolder,
  networkScriptPath,
  nodeProgram,
  ourMark,
  podNetworkPath,
  targetName,
  unitFolder,
} from "./layout.ts";

const exec = (flags: readonly string[]) =>
  [
    kubeletProgram,
    `--config=${kubeletConfigPath}`,
    `--kubeconfig=${kubernetesFolder}/kubelet.conf`,
    `--container-runtime-endpoint=unix://${containerdSocket}`,
    ...flags,
  ].join(" ");

export const kubeletUnit = `# ${ourMark}.
[Unit]
Description=kubelet: The Kubernetes Node Agent
Documentation=https://kubernetes.io/docs/
Wants=network-online.target
After=network-online.target

[Service]
ExecStart=${exec([])}
Restart=always
StartLimitInterval=0
RestartSec=10

[Install]
WantedBy=multi-user.target
`;

export const networkUnit = `# ${ourMark}.
[Unit]
Description=Keeps cluster addresses on this machine
After=network-online.target
Wants=network-online.target
Before=containerd.service kubelet.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh ${networkScriptPath} up
`;

export const target = `# ${ourMark}.
[Unit]
Description=This machine as a Kubernetes node
Wants=keelson-network.service containerd.service kubelet.service

[Install]
WantedBy=multi-user.target
`;

export const ourUnits: Readonly<Record<string, string>> = {
  "kubelet.service": kubeletUnit,
  "keelson-network.service": networkUnit,
  [targetName]: target,
};

/** What this node's kubelet is told beside what everybody's is, and after what it starts: the unit stays as it is. */
export function kubeletDropIn(flags: readonly string[]): string {
  return `# ${ourMark}.\n[Unit]\nAfter=containerd.service keelson-network.service\n\n[Service]\nExecStart=\nExecStart=${exec([`--pod-network-config=${podNetworkPath}`, ...flags])}\n`;
}

/** A daemon's heap rather stays small than growing for speed. */
export const heapFlags = ["--max-semi-space-size=4"];
/** Node's flags wherever our bundle runs. */
export const nodeFlags = ["--disable-warning=ExperimentalWarning", ...heapFlags];

/** Our supervisor, where systemd is not process 1. */
export const superviseCommand = [nodeProgram, ...nodeFlags, entryProgram, "supervise"];

/** What `keepRunning` does, for machines on which nothing but a script can be run when they start. */
export const bootScript = `#!/bin/sh
# ${ourMark}. Starts what keeps this node running: to be run when the machine starts, where systemd does not do it.
mkdir -p /var/log/keelson
setsid sh -c 'while :; do "$@" && exit 0; sleep 1; done' keelson-guard ${superviseCommand.join(" ")} </dev/null >>/var/log/keelson/supervisor.log 2>&1 &
`;

export async function writeBootScript(world: World): Promise<void> {
  await writeIfChanged(world, bootScriptPath, bootScript, 0o755);
}

export const kubeletWrapper = `#!/bin/sh
# ${ourMark}. The kubelet of Keelson, under the name and path that every tool expects.
exec ${nodeProgram} ${nodeFlags.join(" ")} ${entryProgram} kubelet "$@"
`;

/** A kubelet or a unit of that name that is somebody else's is never overwritten. */
export async function refuseForeignKubelet(world: World): Promise<void> {
  const { files } = world;
  if ((await files.stat(kubeletProgram)) && !(await isOurs(world, kubeletProgram)))
    throw new BootstrapError(
      `${kubeletProgram} is another kubelet's: this machine is a node already, or was made ready to be one`,
      "Remove it with whatever installed it (apt-get remove kubelet, kubeadm reset), then run keelson up again.",
    );
  for (const folder of [unitFolder, "/lib/systemd/system", "/usr/lib/systemd/system"]) {
    const path = `${folder}/kubelet.service`;
    if ((await files.stat(path, { follow: true })) && !(await isOurs(world, path)))
      throw new BootstrapError(
        `${path} is another kubelet's unit: this machine is a node already, or was made ready to be one`,
        "Remove it with whatever installed it, then run keelson up again.",
      );
  }
}

/** Whether \`up\` made this file. Reads no more than its head. */
export async function isOurs(world: World, path: string): Promise<boolean> {
  const info = await world.files.stat(path, { follow: true });
  if (info?.kind !== "file") return false;
  const file = await world.files.open(path);
  try {
    return new TextDecoder().decode(await file.read(0, 512)).includes(ourMark);
  } finally {
    await file.close();
  }
}

/** All but the kubelet's: what a supervisor has to know before it can start. */
export async function writeBaseUnits(world: World): Promise<void> {
  for (const [name, text] of Object.entries(ourUnits))
    if (name !== "kubelet.service") await writeIfChanged(world, `${unitFolder}/${name}`, text);
}

/** Gives whether anything changed. */
export async function writeKubeletUnit(world: World, flags: readonly string[]): Promise<boolean> {
  const unit = await writeIfChanged(world, `${unitFolder}/kubelet.service`, kubeletUnit);
  const dropIn = await writeIfChanged(world, `${unitFolder}/kubelet.service.d/10-keelson.conf`, kubeletDropIn(flags));
  return (await writeIfChanged(world, kubeletProgram, kubeletWrapper, 0o755)) || unit || dropIn;
}
