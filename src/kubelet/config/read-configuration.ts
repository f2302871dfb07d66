// Reads the kubelet's config file and the drop-ins beside it, strictly: what is misspelt is an error that names file and field.
import { ConfigError } from "#component/component.ts";
import { FileError } from "#platform/files.ts";
import type { World } from "#platform/world.ts";
import { withDefaults } from "#schema/derive/defaults.ts";
import { DecodeError, normalise } from "#schema/derive/json.ts";
import type { Json, JsonObject } from "#schema/field.ts";
import { isQuantity } from "#schema/quantity.ts";
import { durationToMilliseconds } from "#schema/time.ts";
import { readYaml } from "#wire/yaml/yaml.ts";
import { thresholdProblems } from "../eviction/thresholds.ts";
import { shutdownProblems } from "../shutdown/groups.ts";
import { idsOfPod } from "../user-namespaces.ts";
import { evictionDefaults, KubeletConfiguration, shutdownPeriods, thresholdConfiguration, unused } from "./kubelet-configuration.ts";

const apiVersion = "kubelet.config.k8s.io/v1beta1";
const dropInEnding = ".conf";

export interface ConfigurationFiles {
  readonly file?: string | undefined;
  /** A folder whose *.conf files are laid over the file, in the order of their names. */
  readonly dropInFolder?: string | undefined;
  /** Fields given as flags; they win over files. */
  readonly flags?: JsonObject;
}

/** The configuration with its defaults. Rejects with ConfigError. */
export async function readConfiguration(
  world: World,
  { file, dropInFolder, flags = {} }: ConfigurationFiles,
): Promise<KubeletConfiguration> {
  let merged: JsonObject = {};
  for (const path of [...(file ? [file] : []), ...(await dropIns(world, dropInFolder))]) {
    const document = await readDocument(world, path);
    merged = laidOver(merged, document) as JsonObject;
  }
  const given = decode(laidOver(merged, flags) as JsonObject, file ?? "flags");
  for (const field of unused)
    if (isSet(given[field])) world.log.warn("a field of the kubelet's configuration has no effect here", { field, file });
  const configuration = withDefaults(KubeletConfiguration, given);
  const problems = problemsOf(configuration);
  if (problems.length > 0)
    throw new ConfigError(`failed to validate kubelet configuration, error: ${problems.join(", ")}, path: ${file ?? "flags"}`);
  return { ...configuration, evictionHard: configuration.evictionHard ?? evictionDefaults };
}

async function dropIns(world: World, folder: string | undefined): Promise<readonly string[]> {
  if (!folder) return [];
  try {
    return (await world.files.list(folder)).filter((name) => name.endsWith(dropInEnding)).map((name) => `${folder}/${name}`);
  } catch (error) {
    if (error instanceof FileError && error.code === "ENOENT") return [];
    throw new ConfigError(`kubelet config folder ${folder}: ${(error as Error).message}`);
  }
}

async function readDocument(world: World, path: string): Promise<JsonObject> {
  const wrong = (what: string) => new ConfigError(`failed to load kubelet config file, path: ${path}, error: ${what}`);
  let text: string;
  try {
    text = await world.files.readText(path);
  } catch (error) {
    throw wrong((error as Error).message);
  }
  let document: Json;
  try {
    document = readYaml(text) as Json;
  } catch (error) {
    throw wrong(`it is not YAML: ${(error as Error).message}`);
  }
  if (document === null || typeof document !== "object" || Array.isArray(document)) throw wrong("it holds no KubeletConfiguration");
  const object = document as JsonObject;
  if (object["kind"] !== "KubeletConfiguration" || object["apiVersion"] !== apiVersion)
    throw wrong(
      `no kind ${JSON.stringify(object["kind"] ?? "")} is registered for version ${JSON.stringify(object["apiVersion"] ?? "")}; ` +
        `expected kind "KubeletConfiguration" of ${JSON.stringify(apiVersion)}`,
    );
  decode(object, path);
  return object;
}

function decode(document: JsonObject, path: string): KubeletConfiguration {
  const wrong = (what: string) => new ConfigError(`failed to load kubelet config file, path: ${path}, error: ${what}`);
  try {
    const { value, problems } = normalise(KubeletConfiguration, document);
    if (problems.length > 0) throw wrong(`strict decoding error: ${problems.map(({ message }) => message).join(", ")}`);
    return value;
  } catch (error) {
    if (error instanceof DecodeError) throw wrong(error.message);
    throw error;
  }
}

/** Objects are merged field by field; everything else is replaced. */
function laidOver(below: Json, above: Json): Json {
  if (!isObject(below) || !isObject(above)) return above;
  const merged = new Map<string, Json>(Object.entries(below));
  for (const [key, value] of Object.entries(above)) {
    const under = merged.get(key);
    merged.set(key, under === undefined ? value : laidOver(under, value));
  }
  return Object.fromEntries(merged);
}

function isObject(value: Json): value is JsonObject {
  return value !== null && typeof value === "object" && !Array.isArray(value);
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== "" && value !== "0s" && value !== false;
}

function isDuration(text: string): boolean {
  try {
    return durationToMilliseconds(text) >= 0;
  } catch {
    return false;
  }
}

function problemsOf(configuration: KubeletConfiguration): readonly string[] {
  const problems: string[] = [];
  const { port, healthzPort = 0, containerLogMaxSize, containerLogMaxFiles = 5, authorization, authentication } = configuration;
  if (port < 1 || port > 65_535) problems.push("invalid configuration: port (--port) " + `${port} must be between 1 and 65535, inclusive`);
  if (healthzPort < 0 || healthzPort > 65_535)
    problems.push(`invalid configuration: healthzPort (--healthz-port) ${healthzPort} must be between 0 and 65535, inclusive`);
  if (!isQuantity(containerLogMaxSize))
    problems.push(`invalid configuration: containerLogMaxSize ${JSON.stringify(containerLogMaxSize)} is no quantity`);
  if (containerLogMaxFiles < 2) problems.push(`invalid configuration: containerLogMaxFiles ${containerLogMaxFiles} must be greater than 1`);
  const { imageGCHighThresholdPercent: high = 85, imageGCLowThresholdPercent: low = 80 } = configuration;
  for (const [name, flag, percent] of [
    ["imageGCHighThresholdPercent", "--image-gc-high-threshold", high],
    ["imageGCLowThresholdPercent", "--image-gc-low-threshold", low],
  ] as const)
    if (percent < 0 || percent > 100)
      problems.push(`invalid configuration: ${name} (${flag}) ${percent} must be between 0 and 100, inclusive`);
  if (low >= high)
    problems.push(
      `invalid configuration: imageGCLowThresholdPercent (--image-gc-low-threshold) ${low} must be less than imageGCHighThresholdPercent (--image-gc-high-threshold) ${high}`,
    );
  const { idsPerPod = idsOfPod } = configuration.userNamespaces;
  if (Number(idsPerPod) < idsOfPod || Number(idsPerPod) >= 2 ** 32 || Number(idsPerPod) % idsOfPod !== 0)
    problems.push(`invalid configuration: userNamespaces.idsPerPod ${idsPerPod} must be a multiple of ${idsOfPod} below 4294967296`);
  const restartPeriod = configuration.crashLoopBackOff.maxContainerRestartPeriod || "300s";
  const restartSeconds = isDuration(restartPeriod) ? durationToMilliseconds(restartPeriod) / 1_000 : 0;
  if (restartSeconds < 1 || restartSeconds > 300)
    problems.push(
      `invalid configuration: CrashLoopBackOff.MaxContainerRestartPeriod (got: ${restartSeconds} seconds) must be set between 1s and 300s`,
    );
  const { mode } = authorization;
  if (mode !== "Webhook" && mode !== "AlwaysAllow")
    problems.push(`invalid configuration: authorization.mode ${JSON.stringify(mode)} must be "Webhook" or "AlwaysAllow"`);
  if (authentication.anonymous.enabled && mode === "AlwaysAllow")
    problems.push("invalid configuration: anonymous callers and authorization.mode AlwaysAllow together open the node to everybody");
  for (const field of ["systemReserved", "kubeReserved"] as const)
    for (const [name, amount] of Object.entries(configuration[field] ?? {}))
      if (!isQuantity(amount)) problems.push(`invalid configuration: ${field} ${name}=${amount} is no quantity`);
  for (const field of ["evictionHard", "evictionSoft", "evictionMinimumReclaim"] as const)
    for (const [signal, threshold] of Object.entries(configuration[field] ?? {}))
      if (!/^\d+(\.\d+)?%$/.test(threshold) && !isQuantity(threshold))
        problems.push(`invalid configuration: ${field} ${signal}=${threshold} is neither a percentage nor a quantity`);
  for (const [signal, period] of Object.entries(configuration.evictionSoftGracePeriod ?? {}))
    if (!isDuration(period)) problems.push(`invalid configuration: evictionSoftGracePeriod ${signal}=${period} is no duration`);
  for (const problem of shutdownProblems(shutdownPeriods(configuration))) problems.push(`invalid configuration: ${problem}`);
  for (const problem of thresholdProblems(thresholdConfiguration(configuration))) problems.push(`invalid configuration: ${problem}`);
  return problems;
}
