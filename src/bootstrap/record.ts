// What `up` changed that was there before, noted before it is changed, so that `down` puts it back: also after an `up` that was killed.
import type { World } from "#platform/world.ts";
import { dataFolder, recordPath } from "./layout.ts";

export interface UpRecord {
  /** Files that were replaced, with their content; null for those that were not there. */
  readonly files: Readonly<Record<string, string | null>>;
  /** Settings of the kernel, below /proc/sys. */
  readonly kernel: Readonly<Record<string, string>>;
  /** Folders that were not there. */
  readonly absent: readonly string[];
  /** Folders that were there, with nothing in them. */
  readonly empty: readonly string[];
  /** Tables of nftables that were there: "ip nat". */
  readonly tables: readonly string[];
  /** Whether containerd ran before. */
  readonly containerdRan?: boolean;
  /** Absent in records of former versions, which made control planes only. */
  readonly role?: "control plane" | "worker";
  /** Of a worker: where the cluster's API is. */
  readonly server?: string;
  readonly podRange?: string;
  readonly serviceRange?: string;
  readonly nodeName?: string;
  readonly nodeAddress?: string;
  readonly secondaryAddress?: string;
  readonly domain?: string;
  readonly store?: string;
}

const nothing = { files: {}, kernel: {} };

export async function readRecord(world: World): Promise<UpRecord | undefined> {
  try {
    return JSON.parse(await world.files.readText(recordPath)) as UpRecord;
  } catch {
    return undefined;
  }
}

/** Adds to the record. What was noted first stays: it is what was there before us. */
export async function note(world: World, more: Partial<UpRecord>): Promise<void> {
  const known: Partial<UpRecord> & Pick<UpRecord, "files" | "kernel"> = (await readRecord(world)) ?? nothing;
  const merged = {
    ...more,
    ...known,
    files: { ...more.files, ...known.files },
    kernel: { ...more.kernel, ...known.kernel },
  };
  await world.files.makeFolder(dataFolder, { mode: 0o755 });
  await world.files.replace(recordPath, `${JSON.stringify(merged, undefined, 2)}\n`, { mode: 0o600 });
}

/** Where `up`, or what it starts, makes folders. */
const touched = [
  "/etc/cni",
  "/etc/cni/net.d",
  "/etc/containerd",
  "/etc/containerd/certs.d",
  "/etc/containerd/certs.d/docker.io",
  "/etc/kubernetes",
  "/etc/systemd/system/containerd.service.d",
  "/etc/systemd/system/kubelet.service.d",
  "/etc/systemd/system/multi-user.target.wants",
  "/opt/cni",
  "/opt/containerd",
  "/run/containerd",
  "/run/cni",
  "/run/keelson",
  "/run/kube-proxy",
  "/run/netns",
  "/usr/lib/keelson",
  "/var/lib/cni",
  "/var/lib/cni/networks",
  "/var/lib/cni/results",
  "/var/lib/containerd",
  "/var/lib/etcd",
  "/var/lib/keelson",
  "/var/lib/kubelet",
  "/var/log/containers",
  "/var/log/keelson",
  "/var/log/pods",
];

/** What of all this is not there, or is empty, as the first `up` finds it. */
export async function foldersBefore(world: World): Promise<Pick<UpRecord, "absent" | "empty">> {
  const absent: string[] = [];
  const empty: string[] = [];
  for (const path of touched) {
    if (!(await world.files.stat(path))) absent.push(path);
    else if ((await world.files.list(path).catch(() => [""])).length === 0) empty.push(path);
  }
  return { absent, empty };
}

/** "ip nat" for each table that nft lists; none where there is no nft yet. */
export async function packetTables(world: World): Promise<readonly string[]> {
  const result = await world.processes.run("nft", ["list", "tables"], { timeoutMilliseconds: 10_000 }).catch(() => undefined);
  return [...(result?.stdout ?? "").matchAll(/^table (\S+ \S+)/gm)].map(([, name]) => name as string);
}
