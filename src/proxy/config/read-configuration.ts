// Reads kube-proxy's config file, strictly: what is misspelt is an error that names file and field.
import { ConfigError } from "#component/component.ts";
import type { World } from "#platform/world.ts";
import { withDefaults } from "#schema/derive/defaults.ts";
import { DecodeError, normalise } from "#schema/derive/json.ts";
import { parseCidr } from "#base/ip.ts";
import type { JsonObject } from "#schema/field.ts";
import { readYaml } from "#wire/yaml/yaml.ts";
import { ProxyConfiguration, unused } from "./proxy-configuration.ts";

const apiVersion = "kubeproxy.config.k8s.io/v1alpha1";

/** The configuration with its defaults. Where there is a file, `flags` count for nothing but the host name, as upstream. Rejects with ConfigError. */
export async function readConfiguration(world: World, file: string | undefined, flags: JsonObject): Promise<ProxyConfiguration> {
  const document = file ? await readDocument(world, file) : flags;
  const { hostnameOverride } = flags;
  const given = decode({ ...document, ...(hostnameOverride !== undefined && { hostnameOverride }) }, file ?? "flags");
  for (const field of unused) if (given[field]) world.log.warn("a field of kube-proxy's configuration has no effect here", { field, file });
  const configuration = withDefaults(ProxyConfiguration, given);
  const problems = problemsOf(configuration);
  if (problems.length > 0) throw new ConfigError(`kube-proxy configuration ${file ?? "from flags"}: ${problems.join(", ")}`);
  return configuration;
}

async function readDocument(world: World, path: string): Promise<JsonObject> {
  const wrong = (what: string) => new ConfigError(`failed to load kube-proxy config file, path: ${path}, error: ${what}`);
  let document: unknown;
  try {
    document = readYaml(await world.files.readText(path));
  } catch (error) {
    throw wrong((error as Error).message);
  }
  if (document === null || typeof document !== "object" || Array.isArray(document)) throw wrong("it holds no KubeProxyConfiguration");
  const object = document as JsonObject;
  if (object["kind"] !== "KubeProxyConfiguration" || object["apiVersion"] !== apiVersion)
    throw wrong(
      `no kind ${JSON.stringify(object["kind"] ?? "")} is registered for version ${JSON.stringify(object["apiVersion"] ?? "")}; ` +
        `expected kind "KubeProxyConfiguration" of ${JSON.stringify(apiVersion)}`,
    );
  return object;
}

function decode(document: JsonObject, path: string): ProxyConfiguration {
  const wrong = (what: string) => new ConfigError(`failed to load kube-proxy config file, path: ${path}, error: ${what}`);
  try {
    const { value, problems } = normalise(ProxyConfiguration, document);
    if (problems.length > 0) throw wrong(`strict decoding error: ${problems.map(({ message }) => message).join(", ")}`);
    return value;
  } catch (error) {
    if (error instanceof DecodeError) throw wrong(error.message);
    throw error;
  }
}

function problemsOf({ mode, clusterCIDR = "", nodePortAddresses = [], nftables }: ProxyConfiguration): readonly string[] {
  const problems: string[] = [];
  // kubeadm's file leaves the mode empty, and older ones name what no longer makes a difference to anybody but the kernel.
  if (!["", "nftables", "iptables", "ipvs"].includes(mode)) problems.push(`mode: ${JSON.stringify(mode)} is not known; use nftables`);
  for (const cidr of clusterCIDR === "" ? [] : clusterCIDR.split(","))
    if (!parseCidr(cidr))
      problems.push(`clusterCIDR: ${JSON.stringify(cidr)} must be a valid CIDR block (e.g. 10.100.0.0/16 or fde4:8dba:82e1::/48)`);
  for (const range of nodePortAddresses)
    if (!parseCidr(range) && !(range === "primary" && nodePortAddresses.length === 1))
      problems.push(`nodePortAddresses: ${JSON.stringify(range)} must be a valid CIDR, or alone "primary"`);
  const { masqueradeBit = 14 } = nftables;
  if (masqueradeBit < 0 || masqueradeBit > 31) problems.push("nftables.masqueradeBit: must be within the range [0, 31]");
  return problems;
}
