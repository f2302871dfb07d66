// A lab machine that is a node with a control plane, the real kubectl led to it, and a registry inside it with images made here.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestContext } from "node:test";
import { labExec } from "#lab/lab.ts";
import { bundledKeelson } from "./bundled.ts";
import { eventually, machineFor, type TestMachine, world } from "./lab-machine.ts";

export interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CommandOptions {
  readonly input?: string | Buffer;
  readonly seconds?: number;
}

export interface LabNode {
  readonly machine: TestMachine;
  readonly address: string;
  /** kubectl's output; the test fails when kubectl does. Words are split at spaces unless an array is given. */
  kubectl(command: string | readonly string[], options?: CommandOptions): Promise<string>;
  /** kubectl whatever comes of it. */
  tryKubectl(command: string | readonly string[], options?: CommandOptions): Promise<Result>;
  apply(manifest: string): Promise<string>;
  /** Runs a script with KUBECONFIG set, outside of the machine. */
  script(text: string, options?: CommandOptions): Promise<Result>;
}

/** What the machine running the tests must have, beside what lab machines need. */
export const nodePrograms = ["kubectl", "containerd", "runc", "nft", "iptables"];
export const registryPrograms = ["docker-registry", "skopeo", "umoci", "busybox"];

/** Makes the machine, runs `keelson up` in it, and takes it down after the test. */
export async function nodeFor(
  context: TestContext,
  { name, address, systemd = false, flags = [] }: { name: string; address: string; systemd?: boolean; flags?: readonly string[] },
): Promise<LabNode> {
  const machine = await machineFor(context, { name, address, systemd });
  const up = await labExec(world, name, [...(await bundledKeelson()), "up", ...flags], { timeoutMilliseconds: 300_000 });
  if (up.code !== 0) throw new Error(`keelson up: exit ${up.code ?? up.signal}\n${up.stdout}${up.stderr}`);
  const folder = mkdtempSync(path.join(tmpdir(), "keelson-kubectl-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const kubeconfig = path.join(folder, "kubeconfig");
  const inside = await machine.sh("cat /etc/kubernetes/admin.conf");
  writeFileSync(kubeconfig, inside.replace(/server: .*/, `server: https://127.0.0.1:${machine.apiPort}`));
  // A home of its own: kubectl keeps what it discovers there. One shell, whoever runs the tests: `script` starts $SHELL.
  const environment = { ...process.env, KUBECONFIG: kubeconfig, HOME: folder, SHELL: "/bin/sh" };
  const run = (program: string, arguments_: readonly string[], { input, seconds = 60 }: CommandOptions = {}) =>
    new Promise<Result>((resolve) => {
      const limits = { env: environment, timeout: seconds * 1_000, maxBuffer: 64 * 2 ** 20, killSignal: "SIGKILL" as const };
      const child = execFile(program, [...arguments_], limits, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
        resolve({ code, stdout, stderr });
      });
      // Who does not read its input is not to fail the test by that.
      child.stdin?.on("error", () => {});
      child.stdin?.end(input);
    });
  const tryKubectl: LabNode["tryKubectl"] = (words, options) =>
    run("kubectl", typeof words === "string" ? words.split(" ") : words, options);
  const kubectl: LabNode["kubectl"] = async (words, options) => {
    const { code, stdout, stderr } = await tryKubectl(words, options);
    if (code !== 0) throw new Error(`kubectl ${String(words)}: exit ${code}\n${stdout}${stderr}${await instead(words)}`);
    return stdout.trim();
  };
  /** What there is of what was waited for in vain. */
  const instead = async (words: string | readonly string[]): Promise<string> => {
    const [verb, ...rest] = typeof words === "string" ? words.split(" ") : words;
    if (verb !== "wait") return "";
    const { stdout } = await tryKubectl(["describe", ...rest.filter((word) => !/^--(for|timeout)=/.test(word))]);
    return stdout.slice(-4_000);
  };
  return {
    machine,
    address,
    kubectl,
    tryKubectl,
    apply: (manifest) => kubectl("apply -f -", { input: manifest }),
    script: (text, options) => run("sh", ["-c", text], options),
  };
}

/** What a container does that only has to be there: nothing, until it is told to end. */
export const untilTold = "trap 'exit 0' TERM; sleep 100000 & wait";

export const busyboxImage = "127.0.0.1:5000/busybox:1";

/** A page that says `version N`; it answers for a second after it was told to end. */
export const webImage = (version: number | string): string => `127.0.0.1:5000/web:${version}`;

/** A registry at 127.0.0.1:5000 of the machine, with busybox and two versions of a web server. */
export async function startRegistry(machine: TestMachine): Promise<void> {
  await machine.sh(`
mkdir -p /var/lib/test-registry && cd /var/lib/test-registry
cat >registry.yml <<END
version: 0.1
log: {level: warn}
storage: {filesystem: {rootdirectory: /var/lib/test-registry/data}}
http: {addr: 127.0.0.1:5000}
END
setsid docker-registry serve registry.yml >log 2>&1 </dev/null &
umoci init --layout oci
umoci new --image oci:base
umoci unpack --image oci:base bundle
cd bundle/rootfs
mkdir -p bin etc tmp && chmod 1777 tmp
for name in $(busybox --list); do ln -sf busybox bin/$name; done
cp --remove-destination /bin/busybox bin/busybox
echo 'root:x:0:0::/:/bin/sh' >etc/passwd
echo 'root:x:0:' >etc/group
cd ../..
umoci repack --image oci:base bundle
umoci config --image oci:base --config.cmd /bin/sh --config.env PATH=/bin --os linux --architecture amd64`);
  await eventually("the registry answers", 10, async () =>
    (await machine.run(["curl", "-sf", "http://127.0.0.1:5000/v2/"])).code === 0 ? true : undefined,
  );
  const push = (from: string, to: string) =>
    machine.sh(`cd /var/lib/test-registry; skopeo --insecure-policy copy -q --dest-tls-verify=false oci:oci:${from} docker://${to}`);
  await push("base", busyboxImage);
  for (const version of [1, 2]) {
    const serve = `mkdir /www; echo version ${version} >/www/index.html; trap "sleep 1; exit 0" TERM; httpd -f -p 8080 -h /www & wait`;
    await machine.sh(
      `cd /var/lib/test-registry; umoci config --image oci:base --tag web-${version} --config.cmd sh --config.cmd -c --config.cmd '${serve}'`,
    );
    await push(`web-${version}`, webImage(version));
  }
}

/** A Pod that waits, for commands to be run in it. */
export async function startBox({ kubectl }: LabNode, name: string): Promise<void> {
  await kubectl(["run", name, `--image=${busyboxImage}`, "--restart=Never", "--", "sh", "-c", untilTold]);
  await kubectl(`wait --for=condition=Ready pod/${name} --timeout=60s`);
}

/** The first line a URL answers with, asked from within a Pod. (busybox's wget crashes when given a time limit itself.) */
export async function askFromPod({ kubectl }: LabNode, pod: string, url: string): Promise<string> {
  return (await kubectl(["exec", pod, "--", "timeout", "5", "wget", "-q", "-O-", url])).split("\n")[0] ?? "";
}

/** What Pods leave on a machine: nothing, once they are gone. Given are those that are none of kube-system's. */
export async function tracesOfPods(machine: TestMachine): Promise<readonly string[]> {
  const text = await machine.sh(`
for folder in /var/lib/kubelet/pods/* /sys/fs/cgroup/*/kubepods/pod* /sys/fs/cgroup/*/kubepods/*/pod*; do [ ! -d "$folder" ] || echo "$folder"; done
ls -d /var/log/pods/* /var/log/containers/* 2>/dev/null || true
ls -d /var/lib/cni/networks/*/10.* 2>/dev/null || true
ip -o link show type veth | cut -d: -f2
ctr -n k8s.io containers ls -q
nft list ruleset 2>/dev/null | grep -E 'endpoint-|hostport|HOSTPORT' || true`);
  return text.split("\n").filter((line) => line !== "");
}
