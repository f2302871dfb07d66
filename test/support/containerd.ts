// A real containerd in a network namespace of its own without an uplink, with images made here. Needs root and Debian's packages.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { assert } from "#base/assert.ts";
import { pauseProgram } from "#bootstrap/images/pause.ts";

export interface Containerd {
  readonly folder: string;
  readonly endpoint: string;
  readonly images: { readonly pause: string; readonly busybox: string };
  /** Where Pods' cgroups may hang, so that no other node's are touched. */
  readonly cgroupRoot: string;
  run(program: string, ...args: string[]): string;
  kill(): void;
  start(): Promise<void>;
  stop(): Promise<void>;
}

export function missingTools(): string | undefined {
  if (process.getuid?.() !== 0) return "needs root";
  const missing = ["containerd", "runc", "umoci", "skopeo", "busybox", "nsenter", "ip"].filter((program) => {
    try {
      execFileSync("which", [program], { stdio: "ignore" });
      return false;
    } catch {
      return true;
    }
  });
  return missing.length === 0 ? undefined : `needs ${missing.join(", ")}`;
}

export async function startContainerd(name: string): Promise<Containerd> {
  const folder = mkdtempSync(`/tmp/${name}-`);
  const namespace = folder.slice("/tmp/".length);
  const sh = (script: string) => execFileSync("sh", ["-ec", script], { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  sh(`ip netns add ${namespace}; ip -n ${namespace} link set lo up`);
  for (const sub of ["cni", "certs.d", "ipam"]) mkdirSync(join(folder, sub));
  writeFileSync(join(folder, "config.toml"), config(folder));
  writeFileSync(join(folder, "cni", "10-podnet.conflist"), network(folder));
  const endpoint = `unix://${folder}/containerd.sock`;
  const images = { pause: "registry.local:5000/pause:1", busybox: "registry.local:5000/busybox:1" };
  let id = 0;

  const containerd: Containerd = {
    folder,
    endpoint,
    images,
    cgroupRoot: `/${namespace}`,
    run: (program, ...args) => execFileSync("nsenter", [`--net=/run/netns/${namespace}`, program, ...args], { encoding: "utf8" }),
    kill: () => process.kill(id, "SIGKILL"),
    async start() {
      const log = openSync(join(folder, "containerd.log"), "a");
      const arguments_ = [`--net=/run/netns/${namespace}`, "containerd", "-c", join(folder, "config.toml")];
      const child = spawn("nsenter", arguments_, { stdio: ["ignore", log, log], detached: true });
      child.unref();
      id = child.pid as number;
      for (let tries = 0; tries < 200; tries++) {
        try {
          execFileSync("ctr", ["-a", `${folder}/containerd.sock`, "version"], { stdio: "ignore" });
          return;
        } catch {
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      }
      throw new Error(`containerd did not start: ${readFileSync(join(folder, "containerd.log"), "utf8").slice(-2000)}`);
    },
    async stop() {
      const ctr = `ctr -a ${folder}/containerd.sock -n k8s.io`;
      try {
        sh(`for t in $(${ctr} tasks ls -q); do ${ctr} tasks kill -s KILL $t || true; done; sleep 0.3
            for t in $(${ctr} tasks ls -q); do ${ctr} tasks rm -f $t || true; done
            for c in $(${ctr} containers ls -q); do ${ctr} containers rm $c || true; done`);
      } catch {
        // What is left is killed with the daemon's folder below.
      }
      process.kill(id, "SIGTERM");
      await new Promise((resolve) => setTimeout(resolve, 300));
      sh(`awk -v f=${folder}/ 'index($5, f) == 1 {print $5}' /proc/self/mountinfo | sort -r | xargs -r -n1 umount -l
          ip netns del ${namespace}
          for d in /sys/fs/cgroup/*/${namespace}; do [ -d $d ] && find $d -depth -type d -exec rmdir {} \\; || true; done`);
      rmSync(folder, { recursive: true, force: true });
    },
  };
  await containerd.start();
  makeImages(folder, sh, images);
  return containerd;
}

function makeImages(folder: string, sh: (script: string) => string, { pause, busybox }: { pause: string; busybox: string }): void {
  const program = pauseProgram(process.arch);
  assert(program, `there is no pause program for ${process.arch}`);
  writeFileSync(join(folder, "pause"), program, { mode: 0o755 });
  sh(`umoci init --layout oci
      umoci new --image oci:pause; umoci unpack --image oci:pause b-pause; install -m755 pause b-pause/rootfs/pause
      umoci repack --image oci:pause b-pause; umoci config --image oci:pause --config.entrypoint /pause --os linux --architecture amd64
      umoci new --image oci:busybox; umoci unpack --image oci:busybox b-busybox; mkdir -p b-busybox/rootfs/bin b-busybox/rootfs/etc b-busybox/rootfs/tmp
      chmod 1777 b-busybox/rootfs/tmp; install -m755 $(command -v busybox) b-busybox/rootfs/bin/busybox
      echo 'root:x:0:0:root:/:/bin/sh' > b-busybox/rootfs/etc/passwd; echo 'root:x:0:' > b-busybox/rootfs/etc/group`);
  for (const applet of execFileSync("busybox", ["--list"], { encoding: "utf8" }).trim().split("\n")) {
    const path = join(folder, "b-busybox/rootfs/bin", applet);
    if (!existsSync(path)) symlinkSync("busybox", path);
  }
  sh(`umoci repack --image oci:busybox b-busybox
      umoci config --image oci:busybox --config.cmd /bin/sh --config.env PATH=/bin --os linux --architecture amd64
      skopeo --insecure-policy copy oci:oci:pause oci-archive:pause.tar:${pause}
      skopeo --insecure-policy copy oci:oci:busybox oci-archive:busybox.tar:${busybox}
      ctr -a ${folder}/containerd.sock -n k8s.io images import pause.tar
      ctr -a ${folder}/containerd.sock -n k8s.io images import busybox.tar`);
}

function config(folder: string): string {
  return `version = 2
root = "${folder}/root"
state = "${folder}/state"
oom_score = 0
[grpc]
  address = "${folder}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "registry.local:5000/pause:1"
  disable_apparmor = true
  restrict_oom_score_adj = true
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${folder}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "${folder}/certs.d"
`;
}

function network(folder: string): string {
  return JSON.stringify({
    cniVersion: "0.4.0",
    name: "podnet",
    plugins: [
      {
        type: "bridge",
        bridge: "cni0",
        isGateway: true,
        isDefaultGateway: true,
        ipMasq: false,
        hairpinMode: true,
        ipam: { type: "host-local", dataDir: `${folder}/ipam`, ranges: [[{ subnet: "10.244.1.0/24" }]] },
      },
    ],
  });
}
