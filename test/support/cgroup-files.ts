// Where a lab machine's kernel keeps the amounts of Pods and containers, on version 1 and 2 of its cgroups, in the words of version 1.
import type { TestMachine } from "./lab-machine.ts";

export type Amount = "shares" | "quota" | "memory" | "used" | "processes";

export interface CgroupFiles {
  /** The folder of memory's hierarchy. */
  readonly memory: string;
  /** The file of an amount, in the cgroup "/kubepods/…"; a container's own is "". */
  pathOf(amount: Amount, cgroup?: string): string;
  /** What such a file says. */
  read(amount: Amount, text: string): string;
  /** How many shares are written. */
  shares(count: number): string;
}

const root = "/sys/fs/cgroup";
const first: Readonly<Record<Amount, string>> = {
  shares: "cpu/@/cpu.shares",
  quota: "cpu/@/cpu.cfs_quota_us",
  memory: "memory/@/memory.limit_in_bytes",
  used: "memory/@/memory.usage_in_bytes",
  processes: "pids/@/pids.max",
};
const second: Readonly<Record<Amount, string>> = {
  shares: "@/cpu.weight",
  quota: "@/cpu.max",
  memory: "@/memory.max",
  used: "@/memory.current",
  processes: "@/pids.max",
};

export async function cgroupFilesOf(machine: TestMachine): Promise<CgroupFiles> {
  const isSecond = (await machine.run(["test", "-e", `${root}/cgroup.controllers`])).code === 0;
  const names = isSecond ? second : first;
  return {
    memory: isSecond ? root : `${root}/memory`,
    pathOf: (amount, cgroup = "") => `${root}/${names[amount].replace("@", cgroup)}`.replaceAll(/\/+/g, "/"),
    read(_, text) {
      const word = text.trim().split(" ")[0] as string;
      return word === "max" ? "-1" : word;
    },
    shares: (count) => String(isSecond ? 1 + Math.floor(((count - 2) * 9999) / 262142) : count),
  };
}
