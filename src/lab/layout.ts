// Where a lab machine's things are on the machine that holds it, and what it is described by.

export const labsFolder = "/var/lib/keelson-lab";
/** Inside the machine: the folder both sides see. */
export const exchangeInside = "/run/keelson-lab";

export interface LabMachine {
  readonly name: string;
  /** Machines of one fabric reach each other. */
  readonly fabric: string;
  /** The node's own address, on an interface that leads nowhere. */
  readonly address: string;
  /** And its one of IPv6, where it has one: on the same interface, in a subnet of 64 bits. */
  readonly ipv6Address?: string;
  /** The machine's first process, as the holding machine counts. */
  readonly initId: number;
  readonly initStarted: string;
  readonly systemd: boolean;
  /** The 127.0.0.1 port of the holding machine that leads to port 6443 of this one. */
  readonly apiPort: number | undefined;
  readonly createdAt: number;
  /** What it takes to start it again on its disk. */
  readonly readOnlyPaths: readonly string[];
  readonly forwardCommand: readonly string[];
  /** Its disk, in memory and of this size; without it, the holding machine's. */
  readonly diskMegabytes?: number;
  /** Where programs came from that it has instead of the holding machine's. */
  readonly programs?: string;
}

/** What the caller got wrong, or the machine refuses, in words for people. */
export class LabError extends Error {
  override readonly name = "LabError";
}

export interface LabPlaces {
  readonly folder: string;
  /** The machine's file system is mounted here, in its own mount namespace only. */
  readonly root: string;
  readonly exchange: string;
  readonly stateFile: string;
  readonly bootLog: string;
  /** Says which fabric it hangs on, before there is any state. */
  readonly fabricFile: string;
  readonly namespace: string;
  /** The folder's name in every cgroup hierarchy. */
  readonly group: string;
}

export function placesOf(name: string): LabPlaces {
  if (!/^[a-z0-9](?:[a-z0-9-]{0,28}[a-z0-9])?$/.test(name))
    throw new LabError(`"${name}" cannot be a lab machine's name: up to 30 lower-case letters, digits and inner dashes`);
  const folder = `${labsFolder}/${name}`;
  return {
    folder,
    root: `${folder}/root`,
    exchange: `${folder}/exchange`,
    stateFile: `${folder}/lab.json`,
    bootLog: `${folder}/boot.log`,
    fabricFile: `${folder}/fabric`,
    namespace: `keelson-${name}`,
    group: `keelson-${name}`,
  };
}

/** The network namespace that joins the machines of a fabric, and holds the other ends of their interfaces. */
export function fabricNamespace(fabric: string): string {
  return `keelson-${fabric}.outside`;
}

/** The bridge of a machine's subnet, and the interface there that leads to it. */
export function fabricLinks(address: string): { readonly bridge: string; readonly port: string } {
  const hex = (text: string) => Number(text).toString(16).padStart(2, "0");
  const parts = address.split(".").map(hex);
  return { bridge: `net${parts.slice(0, 3).join("")}`, port: `to${parts.join("")}` };
}

export interface GroupMount {
  readonly point: string;
  readonly version: 1 | 2;
  /** What `mount -o` takes to mount the same hierarchy: "cpu,cpuacct" or "none,name=systemd". */
  readonly controllers: string;
}

/** The cgroup hierarchies mounted, from /proc/mounts. */
export function groupMounts(mounts: string): readonly GroupMount[] {
  const found = mounts.split("\n").flatMap((line): GroupMount[] => {
    const [, point = "", type, options = ""] = line.split(" ");
    if (type === "cgroup2") return [{ point, version: 2, controllers: "" }];
    if (type !== "cgroup") return [];
    const words = options
      .split(",")
      .filter((word) => !/^(rw|ro|nosuid|nodev|noexec|relatime|noatime|xattr|seclabel|clone_children|release_agent=.*)$/.test(word));
    return [
      { point, version: 1, controllers: words.some((word) => word.startsWith("name=")) ? ["none", ...words].join(",") : words.join(",") },
    ];
  });
  return found.filter(
    ({ point, controllers, version }, index) =>
      found.findIndex((other) => other.version === version && other.controllers === controllers) === index &&
      point.startsWith("/sys/fs/cgroup"),
  );
}
