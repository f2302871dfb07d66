// What the end-to-end tests need beside Node: containers, networks, and the real clients. Installed where it is missing, with Debian's packages.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";

/** Programs the tests call, and the package each comes from. */
const packages: readonly (readonly [program: string, name: string])[] = [
  ["containerd", "containerd"],
  ["runc", "runc"],
  ["nft", "nftables"],
  ["iptables", "iptables"],
  ["conntrack", "conntrack"],
  ["busybox", "busybox-static"],
  ["skopeo", "skopeo"],
  ["umoci", "umoci"],
  ["docker-registry", "docker-registry"],
  ["systemd-nspawn", "systemd-container"],
  ["etcd", "etcd-server"],
  ["etcdctl", "etcd-client"],
  ["kubectl", "kubernetes-client"],
  ["ip", "iproute2"],
  ["nsenter", "util-linux"],
  ["pgrep", "procps"],
  ["script", "bsdutils"],
  ["curl", "curl"],
  ["git", "git"],
  ["openssl", "openssl"],
];
const cniFolders = ["/usr/lib/cni", "/opt/cni/bin"];

/** Installs what is missing. Without root or apt-get it says what the tests will have to skip. */
export function prepare(): void {
  const missing = packages.filter(([program]) => !isThere(program)).map(([, name]) => name);
  if (!cniFolders.some((folder) => existsSync(`${folder}/bridge`))) missing.push("containernetworking-plugins");
  if (missing.length === 0) return;
  if (process.getuid?.() !== 0 || !isThere("apt-get")) {
    console.log(
      `missing: ${missing.join(" ")}; tests that need them are skipped or fail. As root on Debian or Ubuntu they are installed here.`,
    );
    return;
  }
  console.log(`installing ${missing.join(" ")}`);
  const environment = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const run = (...arguments_: readonly string[]) =>
    execFileSync("apt-get", [...arguments_], { env: environment, stdio: ["ignore", "ignore", "inherit"] });
  // No service is to start by itself because its package was installed.
  const guard = "/usr/sbin/policy-rc.d";
  const guards = !existsSync(guard);
  if (guards) execFileSync("sh", ["-c", `printf '#!/bin/sh\\nexit 101\\n' > ${guard} && chmod 755 ${guard}`]);
  try {
    run("update", "-q");
    run("install", "-q", "-y", "--no-install-recommends", ...missing);
  } catch (error) {
    console.log(`apt-get failed: ${(error as Error).message}; tests that need what is missing will fail`);
  } finally {
    if (guards) execFileSync("rm", ["-f", guard]);
  }
}

function isThere(program: string): boolean {
  const folders = [...(process.env["PATH"] ?? "").split(":"), "/usr/sbin", "/sbin"];
  return (
    folders.some((folder) => folder !== "" && existsSync(`${folder}/${program}`)) ||
    spawnSync("sh", ["-c", `command -v ${program}`]).status === 0
  );
}

if (import.meta.main) {
  prepare();
  console.log(
    `CNI plugins: ${
      cniFolders
        .filter((folder) => existsSync(folder))
        .map((folder) => `${folder} (${readdirSync(folder).length})`)
        .join(", ") || "none"
    }`,
  );
}
