// The rules of environment variables, and of what the downward API can tell.
import { invalid, notSupported, required } from "#schema/derive/field-error.ts";
import { environmentNameProblems } from "#schema/derive/formats.ts";
import type { FieldError } from "#schema/kind.ts";
import type { EnvFromSource, EnvVar, ObjectFieldSelector, ResourceFieldSelector } from "./container.ts";

const sources = ["fieldRef", "resourceFieldRef", "configMapKeyRef", "secretKeyRef", "fileKeyRef"] as const;

export function environmentErrors(env: readonly EnvVar[], path: string): readonly FieldError[] {
  return env.flatMap(({ value, valueFrom }, index): readonly FieldError[] => {
    if (valueFrom === undefined) return [];
    const at = `${path}[${index}].valueFrom`;
    const set = sources.filter((source) => valueFrom[source] !== undefined);
    const errors: FieldError[] = [];
    if (set.length === 0) {
      errors.push(invalid(at, "", "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"));
    }
    if (value && set.length > 0) errors.push(invalid(at, "", "may not be specified when `value` is not empty"));
    if (set.length > 1) errors.push(invalid(at, "", "may not have more than one field specified at a time"));
    const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom;
    if (fieldRef !== undefined) errors.push(...fieldRefErrors(fieldRef, environmentFields, `${at}.fieldRef`));
    if (resourceFieldRef !== undefined) errors.push(...resourceFieldErrors(resourceFieldRef, false, `${at}.resourceFieldRef`));
    if (configMapKeyRef !== undefined && !configMapKeyRef.name) errors.push(required(`${at}.configMapKeyRef.name`));
    if (secretKeyRef !== undefined && !secretKeyRef.name) errors.push(required(`${at}.secretKeyRef.name`));
    return errors;
  });
}

export function environmentFromErrors(env: readonly EnvFromSource[], path: string): readonly FieldError[] {
  return env.flatMap(({ prefix, configMapRef, secretRef }, index): readonly FieldError[] => {
    const at = `${path}[${index}]`;
    const errors: FieldError[] = [];
    if (prefix) errors.push(...environmentNameProblems(prefix).map((problem) => invalid(`${at}.prefix`, prefix, problem)));
    if (configMapRef === undefined && secretRef === undefined)
      errors.push(invalid(at, "", "must specify one of: `configMapRef` or `secretRef`"));
    if (configMapRef !== undefined && secretRef !== undefined)
      errors.push(invalid(at, "", "may not have more than one field specified at a time"));
    if (configMapRef !== undefined && !configMapRef.name) errors.push(required(`${at}.configMapRef.name`));
    if (secretRef !== undefined && !secretRef.name) errors.push(required(`${at}.secretRef.name`));
    return errors;
  });
}

const environmentFields = [
  "metadata.name",
  "metadata.namespace",
  "metadata.uid",
  "spec.nodeName",
  "spec.serviceAccountName",
  "status.hostIP",
  "status.hostIPs",
  "status.podIP",
  "status.podIPs",
];
const volumeFields = ["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];

export function volumeFieldRefErrors(selector: ObjectFieldSelector, path: string): readonly FieldError[] {
  return fieldRefErrors(selector, volumeFields, path);
}

/** A field by its path, or one label or annotation: metadata.labels['app']. */
function fieldRefErrors({ fieldPath }: ObjectFieldSelector, supported: readonly string[], path: string): readonly FieldError[] {
  if (fieldPath === "" || /^metadata\.(labels|annotations)\['[^']{1,317}'\]$/.test(fieldPath)) return [];
  const known = environmentFields.includes(fieldPath) || volumeFields.includes(fieldPath);
  if (!known) return [invalid(`${path}.fieldPath`, fieldPath, `error converting fieldPath: field label not supported: ${fieldPath}`)];
  return supported.includes(fieldPath) ? [] : [notSupported(`${path}.fieldPath`, fieldPath, supported)];
}

const resources = [
  "limits.cpu",
  "limits.ephemeral-storage",
  "limits.memory",
  "requests.cpu",
  "requests.ephemeral-storage",
  "requests.memory",
];

export function resourceFieldErrors(
  { resource, containerName }: ResourceFieldSelector,
  inVolume: boolean,
  path: string,
): readonly FieldError[] {
  if (inVolume && !containerName) return [required(`${path}.containerName`)];
  if (resource === "" || resources.includes(resource) || /^(limits|requests)\.hugepages-/.test(resource)) return [];
  return [notSupported(`${path}.resource`, resource, resources)];
}
