// keelson join: this machine becomes one more node of a cluster.
import { readBootstrapToken } from "#api/core/secret/bootstrap-token.ts";
import { isReason } from "#api/meta/status-error.ts";
import { join as joinCluster } from "#bootstrap/join.ts";
import { apiPort, BootstrapError, bracketed } from "#bootstrap/layout.ts";
import { checkRoot } from "#bootstrap/machine-check.ts";
import { progressOn } from "#bootstrap/progress.ts";
import { readRecord } from "#bootstrap/record.ts";
import { parseFlags } from "#component/flags.ts";
import { FileError } from "#platform/files.ts";
import { command, UserError } from "../command.ts";
import { servicesOf } from "../services.ts";

const flags = [
  { name: "token", type: "string", doc: "What keelson token create printed." },
  { name: "ca-hash", type: "list", default: [], doc: "Digest of the public key of the cluster's authority: sha256:…" },
  { name: "discovery-token-ca-cert-hash", type: "list", default: [], doc: "The same, as kubeadm calls it." },
  { name: "node-name", type: "string", doc: "The Node's name; the host name when absent." },
  {
    name: "node-ip",
    type: "string",
    doc: "The Node's address, or one of each family; that of the interface of the default route when absent.",
  },
  { name: "v", type: "integer", default: 0, doc: "How much to log: 4 and more for debugging." },
] as const;

const advice = "Run keelson token create on the node with the control plane, which prints the whole line.";

export const join = command({
  name: "join",
  doc: "This machine becomes one more node of a cluster that is there.",
  usage: "ADDRESS --token ID.SECRET --ca-hash sha256:…",
  flags,
  async run(scope, world, arguments_) {
    const { values, rest } = parseFlags(flags, arguments_);
    const [text, ...others] = rest;
    if (text === undefined || others.length > 0) throw new UserError("join takes the address of the cluster's API server", advice);
    const address = /^[^:]+:\d+$|\]:\d+$/.test(text) ? text : `${text.startsWith("[") ? text : bracketed(text)}:${apiPort}`;
    const token = readBootstrapToken(values.token ?? "");
    if (!token) throw new UserError("--token is six letters and digits, a dot, and sixteen more", advice);
    const caHashes = [...values["ca-hash"], ...values["discovery-token-ca-cert-hash"]];
    if (caHashes.length === 0 || !caHashes.every((hash) => /^sha256:[0-9a-f]{64}$/.test(hash)))
      throw new UserError("--ca-hash is sha256: and 64 hexadecimal digits: by it the cluster is told from any other", advice);
    const started = world.clock.monotonic();
    try {
      checkRoot(world);
      const earlier = await readRecord(world);
      if (earlier && earlier.role !== "worker")
        throw new UserError("this machine has a control plane of its own", "Run keelson down first, which removes its cluster.");
      const hostname = world.network.hostname().toLowerCase();
      const nodeName = values["node-name"] ?? hostname;
      if (earlier?.nodeName !== undefined && earlier.nodeName !== nodeName)
        throw new UserError(`this machine joined as Node ${earlier.nodeName}`, "Run keelson down first, to join under another name.");
      await joinCluster(scope, world, {
        address,
        token,
        caHashes,
        nodeName,
        ...(values["node-ip"] !== undefined && { nodeIp: values["node-ip"] }),
        services: await servicesOf(world),
        progress: progressOn(world),
        kubeletFlags: nodeName === hostname ? [] : [`--hostname-override=${nodeName}`],
      });
    } catch (error) {
      if (error instanceof BootstrapError) throw new UserError(error.message, error.advice);
      if (isReason(error, "Unauthorized")) throw new UserError(`the cluster at ${address} does not take this token any more`, advice);
      if (error instanceof FileError && error.code === "ENOSPC")
        throw new UserError(`the disk is full: ${error.path} cannot be written`, "Free some space and run it again.");
      throw error;
    }
    world.processes.self.writeOut(`  joined in ${((world.clock.monotonic() - started) / 1_000).toFixed(1)} s\n`);
    return 0;
  },
});
