// The rules of PersistentVolumes.
import { deepEqual } from "#schema/derive/equal.ts";
import { forbidden, invalid, notSupported, required } from "#schema/derive/field-error.ts";
import { dns1123SubdomainProblems } from "#schema/derive/formats.ts";
import type { FieldError } from "#schema/kind.ts";
import { compareQuantities } from "#schema/quantity.ts";
import { nodeSelectorErrors } from "#api/core/pod/scheduling-rules.ts";
import { accessModes } from "./access-modes.ts";
import { type PersistentVolume, type PersistentVolumeSpec, persistentVolumeSources } from "./persistent-volume.ts";

export function persistentVolumeErrors(
  { spec }: PersistentVolume,
  { old, subresource }: { readonly old?: PersistentVolume; readonly subresource: string },
): readonly FieldError[] {
  if (subresource !== "") return [];
  const errors = [...specErrors(spec, "spec")];
  return old ? [...errors, ...changeErrors(spec, old.spec)] : errors;
}

function specErrors(spec: PersistentVolumeSpec, path: string): readonly FieldError[] {
  return [
    ...accessModeErrors(spec.accessModes, `${path}.accessModes`, ""),
    ...capacityErrors(spec, path),
    ...sourceErrors(spec, path),
    ...(spec.storageClassName
      ? dns1123SubdomainProblems(spec.storageClassName).map((problem) =>
          invalid(`${path}.storageClassName`, spec.storageClassName, problem),
        )
      : []),
    ...(spec.nodeAffinity
      ? spec.nodeAffinity.required
        ? nodeSelectorErrors(spec.nodeAffinity.required, `${path}.nodeAffinity.required`)
        : [required(`${path}.nodeAffinity.required`, "must specify required node constraints")]
      : []),
  ];
}

/** Words of `missing` say what is wrong where none is given. */
export function accessModeErrors(modes: readonly string[] | undefined, path: string, missing: string): readonly FieldError[] {
  if (!modes || modes.length === 0) return [required(path, missing)];
  const errors: FieldError[] = modes
    .filter((mode) => !(accessModes as readonly string[]).includes(mode))
    .map((mode) => notSupported(path, mode, accessModes));
  if (modes.includes("ReadWriteOncePod") && modes.some((mode) => mode !== "ReadWriteOncePod"))
    errors.push(forbidden(path, "may not use ReadWriteOncePod with other access modes"));
  return errors;
}

function capacityErrors({ capacity = {} }: PersistentVolumeSpec, path: string): readonly FieldError[] {
  const names = Object.keys(capacity);
  if (names.length === 0) return [required(`${path}.capacity`)];
  const errors: FieldError[] = [];
  if (!Object.hasOwn(capacity, "storage") || names.length > 1) errors.push(notSupported(`${path}.capacity`, capacity, ["storage"]));
  for (const [name, quantity] of Object.entries(capacity)) {
    if (compareQuantities(quantity, "0") <= 0) errors.push(invalid(`${path}.capacity[${name}]`, quantity, "must be greater than zero"));
  }
  return errors;
}

function sourceErrors(spec: PersistentVolumeSpec, path: string): readonly FieldError[] {
  const set = persistentVolumeSources.filter((source) => spec[source] !== undefined);
  if (set.length === 0) return [required(path, "must specify a volume type")];
  const errors: FieldError[] = set.slice(1).map((source) => forbidden(`${path}.${source}`, "may not specify more than 1 volume type"));
  const { hostPath, local, csi, nfs, persistentVolumeReclaimPolicy } = spec;
  if (hostPath) {
    errors.push(...pathErrors(hostPath.path, `${path}.hostPath.path`));
    if (persistentVolumeReclaimPolicy === "Recycle" && /^\/+\.?\/*$/.test(hostPath.path))
      errors.push(forbidden(`${path}.persistentVolumeReclaimPolicy`, "may not be 'recycle' for a hostPath mount of '/'"));
  }
  if (local) {
    errors.push(...pathErrors(local.path, `${path}.local.path`));
    if (!spec.nodeAffinity?.required) errors.push(required("metadata.annotations", "Local volume requires node affinity"));
  }
  if (nfs && nfs.path !== "" && !nfs.path.startsWith("/")) errors.push(invalid(`${path}.nfs.path`, nfs.path, "must be an absolute path"));
  if (csi) errors.push(...driverNameErrors(csi.driver, `${path}.csi.driver`));
  return errors;
}

function pathErrors(text: string, path: string): readonly FieldError[] {
  if (text === "") return [required(path)];
  return text.split("/").includes("..") ? [invalid(path, text, "must not contain '..'")] : [];
}

const driverNameBytesMax = 63;

/** Of a CSI driver. */
export function driverNameErrors(name: string, path: string): readonly FieldError[] {
  if (name === "") return [];
  const errors: FieldError[] = [];
  if (name.length > driverNameBytesMax)
    errors.push({ type: "TooLong", field: path, detail: `may not be more than ${driverNameBytesMax} bytes` });
  for (const problem of dns1123SubdomainProblems(name.toLowerCase())) errors.push(invalid(path, name, problem));
  return errors;
}

/** What a volume is does not change. */
function changeErrors(spec: PersistentVolumeSpec, old: PersistentVolumeSpec): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (persistentVolumeSources.some((source) => !deepEqual(spec[source], old[source])))
    errors.push(forbidden("spec.persistentvolumesource", "spec.persistentvolumesource is immutable after creation"));
  if (spec.volumeMode !== old.volumeMode) errors.push(invalid("spec.volumeMode", spec.volumeMode, "field is immutable"));
  if (old.nodeAffinity !== undefined && !deepEqual(spec.nodeAffinity, old.nodeAffinity))
    errors.push(invalid("spec.nodeAffinity", spec.nodeAffinity, "field is immutable"));
  return errors;
}
