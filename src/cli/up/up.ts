// keelson up: this machine becomes a node.
import { BootstrapError, canonicalRanges, type ClusterSettings, firstNodeRange } from "#bootstrap/layout.ts";
import { checkRoot } from "#bootstrap/machine-check.ts";
import { nodeAddresses } from "#bootstrap/machine-network.ts";
import { progressOn } from "#bootstrap/progress.ts";
import { readRecord } from "#bootstrap/record.ts";
import { up as raise } from "#bootstrap/up.ts";
import { FileError } from "#platform/files.ts";
import { command, flagsOnly, UserError } from "../command.ts";
import { servicesOf } from "../services.ts";

const flags = [
  { name: "node-name", type: "string", doc: "The Node's name; the host name when absent." },
  {
    name: "node-ip",
    type: "string",
    doc: "The Node's address, or one of each family; that of the interface of the default route when absent.",
  },
  { name: "pod-network-cidr", type: "string", default: "10.244.0.0/16", doc: "Addresses for Pods: a range, or one of each family." },
  { name: "service-cidr", type: "string", default: "10.96.0.0/12", doc: "Addresses for Services, likewise." },
  { name: "cluster-dns-domain", type: "string", default: "cluster.local", doc: "The domain of the cluster's names." },
  {
    name: "store",
    type: "string",
    default: "disk",
    doc: "Where the cluster is kept: disk, inside of the API server, or etcd, as a static Pod.",
  },
  { name: "v", type: "integer", default: 0, doc: "How much to log: 4 and more for debugging." },
] as const;

export const up = command({
  name: "up",
  doc: "This machine becomes a node: supervisor, kubelet, control plane, add-ons.",
  usage: "[flags]",
  flags,
  async run(scope, world, arguments_) {
    const values = flagsOnly("up", flags, arguments_);
    const { store } = values;
    if (store !== "disk" && store !== "etcd")
      throw new UserError(
        `--store ${JSON.stringify(store)} is not known`,
        "The cluster is kept on this machine's disk (disk) or in an etcd on it (etcd).",
      );
    const started = world.clock.monotonic();
    try {
      checkRoot(world);
      const hostname = world.network.hostname().toLowerCase();
      const ranges = { podRange: canonicalRanges(values["pod-network-cidr"]), serviceRange: canonicalRanges(values["service-cidr"]) };
      const { kubeletFlags: addressFlags, ...addresses } = await nodeAddresses(world, ranges, values["node-ip"]);
      const nodeName = values["node-name"] ?? hostname;
      const settings: ClusterSettings = {
        nodeName,
        ...addresses,
        ...ranges,
        nodePodRange: firstNodeRange(ranges.podRange),
        domain: values["cluster-dns-domain"],
        store,
      };
      const earlier = await readRecord(world);
      if (earlier?.role === "worker")
        throw new UserError(
          `this machine is a node of the cluster at ${earlier.server ?? "another machine"}`,
          "Run keelson down first, which takes it out of there.",
        );
      for (const name of ["podRange", "serviceRange", "nodeName", "domain"] as const)
        if (earlier?.[name] !== undefined && earlier[name] !== settings[name])
          throw new UserError(
            `this node was made with ${name} ${earlier[name]}, and cannot become one with ${settings[name]}`,
            "Run keelson down first, which removes the cluster and all that is in it.",
          );
      const kept = earlier && (earlier.store ?? "disk");
      if (kept !== undefined && kept !== store)
        throw new UserError(
          `this node keeps its cluster in ${kept}, and cannot change over to ${store} by itself`,
          `Move it with keelson store migrate while the API server is stopped, or run keelson up --store ${kept}.`,
        );
      const kubeletFlags = [...(nodeName === hostname ? [] : [`--hostname-override=${nodeName}`]), ...addressFlags];
      await raise(scope, world, { settings, services: await servicesOf(world), progress: progressOn(world), kubeletFlags });
    } catch (error) {
      if (error instanceof BootstrapError) throw new UserError(error.message, error.advice);
      if (error instanceof FileError && error.code === "ENOSPC")
        throw new UserError(`the disk is full: ${error.path} cannot be written`, "Free some space and run it again.");
      throw error;
    }
    world.processes.self.writeOut(`  up in ${((world.clock.monotonic() - started) / 1_000).toFixed(1)} s\n`);
    return 0;
  },
});
