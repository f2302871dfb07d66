// The environment of a container: Services of the namespace, whole ConfigMaps and Secrets, then the variables one by one.
import { decodeBase64 } from "#base/base64.ts";
import type { ConfigMap } from "#api/core/config-map/config-map.ts";
import type { Container, EnvVar } from "#api/core/pod/container.ts";
import type { Pod } from "#api/core/pod/pod.ts";
import type { Secret } from "#api/core/secret/secret.ts";
import type { Service } from "#api/core/service/service.ts";
import { namespaceOf } from "../layout.ts";
import { environmentNameProblems } from "#schema/derive/formats.ts";
import { EnvironmentFileError, variableOf } from "./environment-file.ts";
import { expand } from "./expansion.ts";
import { type FieldContext, fieldValue, resourceValue } from "./field-paths.ts";

/** The container cannot be made as its Pod says: it waits with reason CreateContainerConfigError. */
export class ContainerConfigError extends Error {
  override readonly name = "ContainerConfigError";
}

export interface EnvironmentSources extends FieldContext {
  readonly services: readonly Service[];
  configMap(name: string): Promise<ConfigMap | undefined>;
  secret(name: string): Promise<Secret | undefined>;
  /** The text of a file in one of the Pod's volumes; undefined where there is none. `index` tells the container's variables apart. */
  file(volume: string, path: string, index: number): Promise<string | undefined>;
  /** Told what was left out. */
  warn(reason: string, message: string): void;
}

export type Environment = ReadonlyMap<string, string>;

export async function environmentOf(pod: Pod, container: Container, sources: EnvironmentSources): Promise<Environment> {
  const result = new Map<string, string>();
  for (const { prefix = "", configMapRef, secretRef } of container.envFrom ?? []) {
    const invalid: string[] = [];
    for (const [key, value] of await entriesFrom(configMapRef, secretRef)) {
      if (environmentNameProblems(prefix + key).length === 0) result.set(prefix + key, value);
      else invalid.push(prefix + key);
    }
    if (invalid.length > 0) {
      const from = configMapRef ? `configMap ${namespaceOf(pod)}/${configMapRef.name}` : `secret ${namespaceOf(pod)}/${secretRef?.name}`;
      sources.warn(
        "InvalidEnvironmentVariableNames",
        `Keys [${invalid.sort().join(", ")}] from the EnvFrom ${from} were skipped since they are considered invalid environment variable names.`,
      );
    }
  }
  const services = serviceVariables(sources.services, namespaceOf(pod), pod.spec.enableServiceLinks ?? true);
  for (const [index, variable] of (container.env ?? []).entries()) {
    const value = await valueOf(variable, index);
    if (value !== undefined) result.set(variable.name, value);
  }
  for (const [name, value] of services) if (!result.has(name)) result.set(name, value);
  return result;

  async function entriesFrom(
    configMapRef: NonNullable<Container["envFrom"]>[number]["configMapRef"],
    secretRef: NonNullable<Container["envFrom"]>[number]["secretRef"],
  ): Promise<readonly (readonly [string, string])[]> {
    if (configMapRef) {
      const found = await sources.configMap(configMapRef.name ?? "");
      if (!found && !configMapRef.optional) throw new ContainerConfigError(`configmap "${configMapRef.name}" not found`);
      return Object.entries(found?.data ?? {});
    }
    if (secretRef) {
      const found = await sources.secret(secretRef.name ?? "");
      if (!found && !secretRef.optional) throw new ContainerConfigError(`secret "${secretRef.name}" not found`);
      return Object.entries(found?.data ?? {}).map(([key, value]) => [key, textOf(value)] as const);
    }
    return [];
  }

  async function valueOf({ name, value = "", valueFrom }: EnvVar, index: number): Promise<string | undefined> {
    if (!valueFrom) return expand(value, (other) => result.get(other) ?? services.get(other));
    const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef, fileKeyRef } = valueFrom;
    if (fieldRef) {
      const field = fieldValue(pod, fieldRef.fieldPath, sources);
      if (field === undefined) throw new ContainerConfigError(`unsupported fieldPath: ${fieldRef.fieldPath}`);
      return field;
    }
    if (resourceFieldRef) {
      const of = resourceFieldRef.containerName
        ? [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].find((one) => one.name === resourceFieldRef.containerName)
        : container;
      const amount = of && resourceValue(of, resourceFieldRef, sources, pod.spec.resources?.limits);
      if (amount === undefined) throw new ContainerConfigError(`unsupported container resource : ${resourceFieldRef.resource}`);
      return amount;
    }
    if (configMapKeyRef) {
      const { name: map = "", key, optional } = configMapKeyRef;
      const found = await sources.configMap(map);
      if (!found && !optional) throw new ContainerConfigError(`configmap "${map}" not found`);
      const data = found?.data ?? {};
      if (Object.hasOwn(data, key)) return data[key];
      if (optional) return undefined;
      throw new ContainerConfigError(`couldn't find key ${key} in ConfigMap ${namespaceOf(pod)}/${map}`);
    }
    if (secretKeyRef) {
      const { name: secret = "", key, optional } = secretKeyRef;
      const found = await sources.secret(secret);
      if (!found && !optional) throw new ContainerConfigError(`secret "${secret}" not found`);
      const data = found?.data ?? {};
      if (Object.hasOwn(data, key)) return textOf(data[key] as string);
      if (optional) return undefined;
      throw new ContainerConfigError(`couldn't find key ${key} in Secret ${namespaceOf(pod)}/${secret}`);
    }
    if (fileKeyRef) {
      const { volumeName, path, key, optional } = fileKeyRef;
      const text = await sources.file(volumeName, path, index);
      const found = text === undefined ? undefined : fileVariable(text, key);
      if (found !== undefined || optional) return found;
      throw new ContainerConfigError(
        text === undefined
          ? `couldn't parse env file`
          : `environment variable key ${JSON.stringify(key)} not found in file ${JSON.stringify(path)}`,
      );
    }
    throw new ContainerConfigError(`environment variable ${name} has a source that is not supported here`);
  }
}

function fileVariable(text: string, key: string): string | undefined {
  try {
    return variableOf(text, key);
  } catch (error) {
    if (error instanceof EnvironmentFileError) throw new ContainerConfigError(`couldn't parse env file: ${error.message}`);
    throw error;
  }
}

/** WEB_SERVICE_HOST, WEB_PORT_80_TCP and the others of the Docker links they descend from. */
function serviceVariables(services: readonly Service[], namespace: string, links: boolean): Map<string, string> {
  const result = new Map<string, string>();
  for (const { metadata, spec } of services) {
    const isMaster = metadata.namespace === "default" && metadata.name === "kubernetes";
    if (!(links && metadata.namespace === namespace) && !isMaster) continue;
    const ip = spec.clusterIP;
    const [first, ...others] = spec.ports ?? [];
    if (!ip || ip === "None" || !first) continue;
    const name = upper(metadata.name);
    const host = ip.includes(":") ? `[${ip}]` : ip;
    result.set(`${name}_SERVICE_HOST`, ip);
    result.set(`${name}_SERVICE_PORT`, String(first.port));
    for (const port of [first, ...others]) if (port.name) result.set(`${name}_SERVICE_PORT_${upper(port.name)}`, String(port.port));
    result.set(`${name}_PORT`, `${first.protocol.toLowerCase()}://${host}:${first.port}`);
    for (const { port, protocol } of [first, ...others]) {
      const prefix = `${name}_PORT_${port}_${protocol}`;
      result.set(prefix, `${protocol.toLowerCase()}://${host}:${port}`);
      result.set(`${prefix}_PROTO`, protocol.toLowerCase());
      result.set(`${prefix}_PORT`, String(port));
      result.set(`${prefix}_ADDR`, ip);
    }
  }
  return result;
}

function upper(name: string): string {
  return name.replaceAll("-", "_").toUpperCase();
}

function textOf(base64: string): string {
  const bytes = decodeBase64(base64);
  return typeof bytes === "number" ? "" : new TextDecoder().decode(bytes);
}
