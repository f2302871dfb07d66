// The rules of rights and identities, of containers and of Pods.
import { forbidden, invalid, required } from "#schema/derive/field-error.ts";
import type { FieldError } from "#schema/kind.ts";
import { descendingPathErrors, rangeErrors } from "#api/meta/rules.ts";
import type { PodSpec } from "./pod-spec.ts";
import type { AppArmorProfile, PodSecurityContext, SeccompProfile, SecurityContext } from "./security.ts";

const idMax = 2_147_483_647;

export function containerSecurityErrors(context: SecurityContext, path: string): readonly FieldError[] {
  const { privileged, allowPrivilegeEscalation, capabilities } = context;
  const errors = [...identityErrors(context, path)];
  if (allowPrivilegeEscalation === false) {
    const at = `${path}.allowPrivilegeEscalation`;
    if (privileged) errors.push(invalid(at, false, "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"));
    if (capabilities?.add?.includes("CAP_SYS_ADMIN")) {
      errors.push(invalid(at, false, "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN"));
    }
  }
  return errors;
}

export function podSecurityErrors(spec: PodSpec, path: string): readonly FieldError[] {
  const { securityContext: context } = spec;
  return [
    ...identityErrors(context, path),
    ...rangeErrors(context.fsGroup, `${path}.fsGroup`, 0, idMax),
    ...(context.supplementalGroups ?? []).flatMap((group, index) => rangeErrors(group, `${path}.supplementalGroups[${index}]`, 0, idMax)),
    ...sysctlErrors(spec, path),
  ];
}

/** A Pod with user ids of its own shares nothing of the Node, and only such a one may see all of /proc. */
export function hostUsersErrors(spec: PodSpec, path: string): readonly FieldError[] {
  if (spec.hostUsers === false) {
    return (["hostNetwork", "hostPID", "hostIPC"] as const)
      .filter((field) => spec[field])
      .map((field) => forbidden(`${path}.${field}`, "when `hostUsers` is false"));
  }
  return (["containers", "initContainers", "ephemeralContainers"] as const).flatMap((list) =>
    (spec[list] ?? []).flatMap(({ securityContext }, index) =>
      securityContext?.procMount === "Unmasked"
        ? [invalid(`${path}.${list}[${index}].securityContext.procMount`, "Unmasked", "`hostUsers` must be false to use `Unmasked`")]
        : [],
    ),
  );
}

function identityErrors(context: SecurityContext | PodSecurityContext, path: string): readonly FieldError[] {
  const { runAsUser, runAsGroup, seccompProfile, appArmorProfile } = context;
  return [
    ...rangeErrors(runAsUser, `${path}.runAsUser`, 0, idMax),
    ...rangeErrors(runAsGroup, `${path}.runAsGroup`, 0, idMax),
    ...(seccompProfile === undefined ? [] : seccompErrors(seccompProfile, `${path}.seccompProfile`)),
    ...(appArmorProfile === undefined ? [] : appArmorErrors(appArmorProfile, `${path}.appArmorProfile`)),
  ];
}

function seccompErrors(profile: SeccompProfile, path: string): readonly FieldError[] {
  const { type, localhostProfile } = profile;
  const at = `${path}.localhostProfile`;
  if (type !== "Localhost") {
    return localhostProfile === undefined ? [] : [invalid(at, profile, "can only be set when seccomp type is Localhost")];
  }
  if (localhostProfile === undefined) return [required(at, "must be set when seccomp type is Localhost")];
  return descendingPathErrors(localhostProfile, at);
}

function appArmorErrors({ type, localhostProfile }: AppArmorProfile, path: string): readonly FieldError[] {
  const at = `${path}.localhostProfile`;
  if (type !== "Localhost") {
    return localhostProfile === undefined ? [] : [invalid(at, localhostProfile, "can only be set when AppArmor type is Localhost")];
  }
  return localhostProfile ? [] : [required(at, "must be set when AppArmor type is Localhost")];
}

function sysctlErrors({ securityContext, hostNetwork, hostIPC }: PodSpec, path: string): readonly FieldError[] {
  return (securityContext.sysctls ?? []).flatMap(({ name }, index) => {
    const at = `${path}.sysctls[${index}].name`;
    if (name.length > 253 || !/^[a-z0-9]([-_a-z0-9]*[a-z0-9])?([./][a-z0-9]([-_a-z0-9]*[a-z0-9])?)*$/.test(name)) {
      const detail =
        "must have at most 253 characters and match regex ^([a-z0-9]([-_a-z0-9]*[a-z0-9])?[\\./])*[a-z0-9]([-_a-z0-9]*[a-z0-9])?$";
      return [invalid(at, name, detail)];
    }
    if (hostNetwork && /^net[./]/.test(name)) return [invalid(at, name, "may not be specified when 'hostNetwork' is true")];
    if (hostIPC && /^(kernel[./](shm|msg|sem)|fs[./]mqueue[./])/.test(name)) {
      return [invalid(at, name, "may not be specified when 'hostIPC' is true")];
    }
    return [];
  });
}
