// The rules of a Pod's volumes.
import { forbidden, invalid, required } from "#schema/derive/field-error.ts";
import type { FieldError } from "#schema/kind.ts";
import { compareQuantities } from "#schema/quantity.ts";
import { claimSpecErrors } from "#api/core/persistent-volume-claim/persistent-volume-claim-rules.ts";
import { volumeFilePathErrors } from "#api/meta/rules.ts";
import { resourceFieldErrors, volumeFieldRefErrors } from "./environment-rules.ts";
import type { Volume } from "./volume.ts";
import type { DownwardAPIVolumeFile, KeyToPath, ProjectedVolumeSource, VolumeProjection } from "./volume-files.ts";
import { volumeSources } from "./volume.ts";

export function volumeErrors(volumes: readonly Volume[], path: string): readonly FieldError[] {
  return volumes.flatMap((volume, index) => oneVolumeErrors(volume, `${path}[${index}]`));
}

function oneVolumeErrors(volume: Volume, path: string): readonly FieldError[] {
  const set = volumeSources.filter((source) => volume[source] !== undefined);
  if (set.length === 0) return [required(path, "must specify a volume type")];
  const errors: FieldError[] = set.slice(1).map((source) => forbidden(`${path}.${source}`, "may not specify more than 1 volume type"));
  const { emptyDir, hostPath, secret, configMap, downwardAPI, projected, ephemeral, image, nfs } = volume;
  if (emptyDir?.sizeLimit !== undefined && compareQuantities(emptyDir.sizeLimit, "0") < 0) {
    errors.push(forbidden(`${path}.emptyDir.sizeLimit`, "SizeLimit field must be a valid resource quantity"));
  }
  if (hostPath !== undefined && hostPath.path.split("/").includes("..")) {
    errors.push(invalid(`${path}.hostPath.path`, hostPath.path, "must not contain '..'"));
  }
  if (nfs !== undefined && nfs.path !== "" && !nfs.path.startsWith("/")) {
    errors.push(invalid(`${path}.nfs.path`, nfs.path, "must be an absolute path"));
  }
  if (secret !== undefined) {
    if (!secret.secretName) errors.push(required(`${path}.secret.secretName`));
    errors.push(...modeErrors(secret.defaultMode, `${path}.secret.defaultMode`), ...itemErrors(secret.items, `${path}.secret.items`));
  }
  if (configMap !== undefined) {
    if (!configMap.name) errors.push(required(`${path}.configMap.name`));
    errors.push(
      ...modeErrors(configMap.defaultMode, `${path}.configMap.defaultMode`),
      ...itemErrors(configMap.items, `${path}.configMap.items`),
    );
  }
  if (downwardAPI !== undefined) {
    errors.push(...modeErrors(downwardAPI.defaultMode, `${path}.downwardAPI.defaultMode`));
    errors.push(...fileErrors(downwardAPI.items, `${path}.downwardAPI`));
  }
  if (projected !== undefined) errors.push(...projectedErrors(projected, `${path}.projected`));
  if (ephemeral !== undefined) {
    const template = ephemeral.volumeClaimTemplate;
    if (template === undefined) errors.push(required(`${path}.ephemeral.volumeClaimTemplate`));
    else errors.push(...claimSpecErrors(template.spec, `${path}.ephemeral.volumeClaimTemplate.spec`));
  }
  if (image !== undefined && !image.reference) errors.push(required(`${path}.image.reference`));
  return errors;
}

const projections = ["secret", "downwardAPI", "configMap", "serviceAccountToken", "clusterTrustBundle", "podCertificate"] as const;

function projectedErrors({ sources, defaultMode }: ProjectedVolumeSource, path: string): readonly FieldError[] {
  const errors = [...modeErrors(defaultMode, `${path}.defaultMode`)];
  const taken = new Set<string>();
  for (const [index, source] of sources.entries()) {
    const at = `${path}.sources[${index}]`;
    const set = projections.filter((projection) => source[projection] !== undefined);
    if (set.length === 0) errors.push(required(at, "must specify a projection type"));
    errors.push(...set.slice(1).map((projection) => forbidden(`${at}.${projection}`, "may not specify more than 1 volume type")));
    errors.push(...projectionErrors(source, at));
    for (const file of filesOf(source)) {
      if (taken.has(file)) errors.push(invalid(path, file, "conflicting duplicate paths"));
      taken.add(file);
    }
  }
  return errors;
}

function projectionErrors({ secret, configMap, downwardAPI, serviceAccountToken }: VolumeProjection, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (secret !== undefined) {
    if (!secret.name) errors.push(required(`${path}.secret.name`));
    errors.push(...itemErrors(secret.items, `${path}.secret.items`));
  }
  if (configMap !== undefined) {
    if (!configMap.name) errors.push(required(`${path}.configMap.name`));
    errors.push(...itemErrors(configMap.items, `${path}.configMap.items`));
  }
  if (downwardAPI !== undefined) errors.push(...fileErrors(downwardAPI.items, `${path}.downwardAPI`));
  if (serviceAccountToken !== undefined) {
    const { expirationSeconds } = serviceAccountToken;
    const at = `${path}.serviceAccountToken`;
    if (expirationSeconds < 600) {
      errors.push(invalid(`${at}.expirationSeconds`, expirationSeconds, "may not specify a duration less than 10 minutes"));
    }
    if (expirationSeconds > 2 ** 32) {
      errors.push(invalid(`${at}.expirationSeconds`, expirationSeconds, "may not specify a duration larger than 2^32 seconds"));
    }
    errors.push(...volumeFilePathErrors(serviceAccountToken.path, `${at}.path`));
  }
  return errors;
}

function filesOf({ secret, configMap, downwardAPI, serviceAccountToken, clusterTrustBundle }: VolumeProjection): readonly string[] {
  const items = [...(secret?.items ?? []), ...(configMap?.items ?? []), ...(downwardAPI?.items ?? [])];
  const single = [serviceAccountToken?.path, clusterTrustBundle?.path].filter((path) => path !== undefined);
  return [...items.map(({ path }) => path), ...single];
}

function itemErrors(items: readonly KeyToPath[] | undefined, path: string): readonly FieldError[] {
  return (items ?? []).flatMap(({ path: file, mode }, index) => [
    ...volumeFilePathErrors(file, `${path}[${index}].path`),
    ...modeErrors(mode, `${path}[${index}].mode`),
  ]);
}

function fileErrors(files: readonly DownwardAPIVolumeFile[] | undefined, path: string): readonly FieldError[] {
  return (files ?? []).flatMap(({ path: file, fieldRef, resourceFieldRef, mode }) => {
    const errors: FieldError[] = [...volumeFilePathErrors(file, `${path}.path`), ...modeErrors(mode, `${path}.mode`)];
    if (fieldRef !== undefined && resourceFieldRef !== undefined) {
      errors.push(invalid(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously"));
    } else if (fieldRef !== undefined) errors.push(...volumeFieldRefErrors(fieldRef, `${path}.fieldRef`));
    else if (resourceFieldRef !== undefined) errors.push(...resourceFieldErrors(resourceFieldRef, true, `${path}.resourceFieldRef`));
    else errors.push(required(path, "one of fieldRef and resourceFieldRef is required"));
    return errors;
  });
}

function modeErrors(mode: number | undefined, path: string): readonly FieldError[] {
  if (mode === undefined || (mode >= 0 && mode <= 0o777)) return [];
  return [invalid(path, mode, "must be a number between 0 and 0777 (octal), both inclusive")];
}
