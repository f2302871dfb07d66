// Members of an etcd, each in a network namespace of its own, joined by a bridge in another: nothing of it leads outside.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

const ip = (...words: readonly string[]) => execFileSync("ip", words, { stdio: "pipe" });

export interface NamespacedMember {
  readonly name: string;
  readonly endpoint: string;
  start(): Promise<void>;
  kill(): Promise<void>;
  /** Takes its cable out, or puts it back. */
  cut(): void;
  join(): void;
  /** Whether it says that it leads. */
  leads(): Promise<boolean>;
}

/** Names are short: the system's limit for links is 15 letters. */
export interface NetworkNames {
  readonly hub: string;
  readonly members: readonly string[];
}

/** Makes the namespaces: the hub at 10.99.0.1, members from 10.99.0.11 on. */
export function makeNetwork({ hub, members }: NetworkNames): void {
  ip("netns", "add", hub);
  ip("-n", hub, "link", "set", "lo", "up");
  ip("-n", hub, "link", "add", "br0", "type", "bridge");
  ip("-n", hub, "addr", "add", "10.99.0.1/24", "dev", "br0");
  ip("-n", hub, "link", "set", "br0", "up");
  for (const [index, name] of members.entries()) {
    ip("netns", "add", name);
    ip("-n", name, "link", "set", "lo", "up");
    ip("-n", hub, "link", "add", `v-${index}`, "type", "veth", "peer", "name", "eth0", "netns", name);
    ip("-n", hub, "link", "set", `v-${index}`, "master", "br0", "up");
    ip("-n", name, "addr", "add", `10.99.0.${11 + index}/24`, "dev", "eth0");
    ip("-n", name, "link", "set", "eth0", "up");
  }
}

export function removeNetwork({ hub, members }: NetworkNames): void {
  for (const name of [...members, hub]) {
    try {
      ip("netns", "del", name);
    } catch {
      // It was never made.
    }
  }
}

/** Called inside of the hub. `folders` are the members' data folders; `logs` where a member's log is to lie on another disk. */
export function namespacedMembers(
  { hub, members }: NetworkNames,
  folders: readonly string[],
  logs: readonly (string | undefined)[] = [],
): readonly NamespacedMember[] {
  const cluster = members.map((name, index) => `${name}=http://10.99.0.${11 + index}:2380`).join(",");
  return members.map((name, index) => {
    const address = `10.99.0.${11 + index}`;
    const endpoint = `http://${address}:2379`;
    const folder = folders[index] as string;
    let child: ChildProcess | undefined;
    return {
      name,
      endpoint,
      start: async () => {
        mkdirSync(folder, { recursive: true });
        const words = [
          ...["--name", name, "--data-dir", join(folder, "data"), "--logger", "zap", "--log-level", "error"],
          ...["--listen-client-urls", endpoint, "--advertise-client-urls", endpoint],
          ...["--listen-peer-urls", `http://${address}:2380`, "--initial-advertise-peer-urls", `http://${address}:2380`],
          ...["--initial-cluster", cluster],
          // As etcd's guide to tuning has it for members on one local network: ten times a round trip, and ten of those.
          ...["--heartbeat-interval", "50", "--election-timeout", "500"],
          ...(logs[index] === undefined ? [] : ["--wal-dir", logs[index]]),
        ];
        const started = spawn("ip", ["netns", "exec", name, "etcd", ...words], { stdio: ["ignore", "ignore", "inherit"] });
        child = started;
        for (const limit = performance.now() + 40_000; !(await healthOf(endpoint)); await pause(50)) {
          if (started.exitCode !== null || performance.now() > limit) throw new Error(`etcd ${name} does not answer`);
        }
      },
      kill: async () => {
        const running = child;
        if (!running || running.exitCode !== null || running.signalCode !== null) return;
        const gone = new Promise((resolve) => running.once("exit", resolve));
        // "ip netns exec" has become etcd itself.
        running.kill("SIGKILL");
        await gone;
      },
      cut: () => void ip("-n", hub, "link", "set", `v-${index}`, "down"),
      join: () => void ip("-n", hub, "link", "set", `v-${index}`, "up"),
      leads: async () => /^etcd_server_is_leader 1$/m.test(await textOf(`${endpoint}/metrics`)),
    };
  });
}

async function healthOf(endpoint: string): Promise<boolean> {
  return /"health" *: *"true"/.test(await textOf(`${endpoint}/health`));
}

function textOf(url: string): Promise<string> {
  return new Promise((resolve) => {
    const sent = request(url, { timeout: 2_000 }, (answer) => {
      let text = "";
      answer.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      answer.on("end", () => resolve(text));
      answer.on("error", () => resolve(""));
    });
    sent.on("timeout", () => sent.destroy());
    sent.on("error", () => resolve(""));
    sent.end();
  });
}
