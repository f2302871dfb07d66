// The rules of containers: each for itself, and what they must not have in common.
import { duplicate, forbidden, invalid, required, tooMany } from "#schema/derive/field-error.ts";
import type { FieldError } from "#schema/kind.ts";
import { descendingPathErrors, portErrors } from "#api/meta/rules.ts";
import type { Container, EphemeralContainer, VolumeMount } from "./container.ts";
import { environmentErrors, environmentFromErrors } from "./environment-rules.ts";
import type { PodSpec } from "./pod-spec.ts";
import { lifecycleErrors, probeErrors } from "./probe-rules.ts";
import { resourceErrors } from "./resource-rules.ts";
import { isSidecar } from "./resources.ts";
import type { SecurityContext } from "./security.ts";
import { containerSecurityErrors } from "./security-rules.ts";

const restartRulesMax = 20;
const exitCodesMax = 255;
const probes = ["livenessProbe", "readinessProbe", "startupProbe"] as const;

export function containersErrors(spec: PodSpec, path: string): readonly FieldError[] {
  const { containers, initContainers = [], ephemeralContainers = [], hostNetwork = false } = spec;
  const errors: FieldError[] = [];
  const volumes = new Set((spec.volumes ?? []).map(({ name }) => name));
  const names = new Set<string>();
  for (const [index, container] of containers.entries()) {
    const at = `${path}.containers[${index}]`;
    errors.push(...containerErrors(container, volumes, at), ...restingErrors(container, spec, at), ...restartErrors(container, at));
    names.add(container.name);
  }
  for (const [index, container] of initContainers.entries()) {
    const at = `${path}.initContainers[${index}]`;
    if (names.has(container.name)) errors.push(duplicate(`${at}.name`, container.name));
    names.add(container.name);
    errors.push(
      ...containerErrors(container, volumes, at),
      ...(isSidecar(container) ? restingErrors(container, spec, at) : passingErrors(container, at)),
      ...restartErrors(container, at),
    );
  }
  for (const [index, container] of ephemeralContainers.entries()) {
    const at = `${path}.ephemeralContainers[${index}]`;
    if (names.has(container.name)) errors.push(duplicate(`${at}.name`, container.name));
    errors.push(...containerErrors(container, volumes, at), ...ephemeralErrors(container, at));
    const { targetContainerName } = container;
    if (targetContainerName && !names.has(targetContainerName))
      errors.push({ type: "NotFound", field: `${at}.targetContainerName`, value: targetContainerName, detail: "" });
  }
  errors.push(...hostPortErrors(spec, path));
  if (hostNetwork) errors.push(...hostNetworkErrors(containers, `${path}.containers`));
  return errors;
}

function containerErrors(container: Container | EphemeralContainer, volumes: ReadonlySet<string>, path: string): readonly FieldError[] {
  const { image, ports = [], env = [], envFrom = [], resources, volumeMounts = [], securityContext } = container;
  const errors: FieldError[] = [];
  if (!image) errors.push(required(`${path}.image`));
  else if (image !== image.trim()) errors.push(invalid(`${path}.image`, image, "must not have leading or trailing whitespace"));
  const portNames = new Set<string>();
  for (const [index, { name, containerPort, hostPort }] of ports.entries()) {
    const at = `${path}.ports[${index}]`;
    if (name && portNames.has(name)) errors.push(duplicate(`${at}.name`, name));
    if (name) portNames.add(name);
    if (containerPort === 0) errors.push(required(`${at}.containerPort`));
    else errors.push(...portErrors(containerPort, `${at}.containerPort`));
    if (hostPort) errors.push(...portErrors(hostPort, `${at}.hostPort`));
  }
  errors.push(...environmentErrors(env, `${path}.env`), ...environmentFromErrors(envFrom, `${path}.envFrom`));
  errors.push(...mountErrors(volumeMounts, volumes, securityContext, `${path}.volumeMounts`));
  errors.push(...resourceErrors(resources, `${path}.resources`));
  if (securityContext !== undefined) errors.push(...containerSecurityErrors(securityContext, `${path}.securityContext`));
  return errors;
}

/** Of containers that stay: their probes and hooks. */
function restingErrors(container: Container, { terminationGracePeriodSeconds }: PodSpec, path: string): readonly FieldError[] {
  const { lifecycle } = container;
  return [
    ...probes.flatMap((name) => {
      const probe = container[name];
      return probe === undefined ? [] : probeErrors(name, probe, `${path}.${name}`);
    }),
    ...(lifecycle === undefined ? [] : lifecycleErrors(lifecycle, terminationGracePeriodSeconds, `${path}.lifecycle`)),
  ];
}

/** Rules are exceptions from a policy: there has to be one. */
function restartErrors({ restartPolicy, restartPolicyRules = [] }: Container, path: string): readonly FieldError[] {
  const at = `${path}.restartPolicyRules`;
  const errors: FieldError[] = [];
  if (restartPolicyRules.length > 0 && !restartPolicy) {
    errors.push(required(`${path}.restartPolicy`, "must specify restartPolicy when restart rules are used"));
  }
  if (restartPolicyRules.length > restartRulesMax) errors.push(tooMany(at, restartPolicyRules.length, restartRulesMax));
  for (const [index, { exitCodes }] of restartPolicyRules.entries()) {
    if (exitCodes === undefined) {
      errors.push(required(`${at}[${index}].exitCodes`, "must be specified"));
      continue;
    }
    const count = (exitCodes.values ?? []).length;
    if (count > exitCodesMax) errors.push(tooMany(`${at}[${index}].exitCodes.values`, count, exitCodesMax));
  }
  return errors;
}

/** Of containers that run to their end: nobody probes them. */
function passingErrors(container: Container, path: string): readonly FieldError[] {
  const detail = "may not be set for init containers without restartPolicy=Always";
  return ([...probes, "lifecycle"] as const).flatMap((name) =>
    container[name] === undefined ? [] : [forbidden(`${path}.${name}`, detail)],
  );
}

/** Of containers added for debugging: what the Pod was placed and is counted by cannot change any more. */
function ephemeralErrors(container: EphemeralContainer, path: string): readonly FieldError[] {
  const detail = "cannot be set for an Ephemeral Container";
  const { resources, volumeMounts = [] } = container;
  const fields = [...probes, "lifecycle", "ports", "resizePolicy", "restartPolicy", "restartPolicyRules"] as const;
  const errors = fields.filter((name) => container[name] !== undefined).map((name) => forbidden(`${path}.${name}`, detail));
  if (Object.keys(resources).length > 0) errors.push(forbidden(`${path}.resources`, detail));
  for (const [index, { subPath, subPathExpr }] of volumeMounts.entries()) {
    if (subPath) errors.push(forbidden(`${path}.volumeMounts[${index}].subPath`, detail));
    if (subPathExpr) errors.push(forbidden(`${path}.volumeMounts[${index}].subPathExpr`, detail));
  }
  return errors;
}

function mountErrors(
  mounts: readonly VolumeMount[],
  volumes: ReadonlySet<string>,
  securityContext: SecurityContext | undefined,
  path: string,
): readonly FieldError[] {
  const paths = new Set<string>();
  return mounts.flatMap(({ name, mountPath, subPath, subPathExpr, mountPropagation }, index) => {
    const at = `${path}[${index}]`;
    const errors: FieldError[] = [];
    if (name !== "" && !volumes.has(name)) errors.push({ type: "NotFound", field: `${at}.name`, value: name, detail: "" });
    if (paths.has(mountPath)) errors.push(invalid(`${at}.mountPath`, mountPath, "must be unique"));
    paths.add(mountPath);
    if (subPath) errors.push(...descendingPathErrors(subPath, `${at}.subPath`));
    if (subPathExpr) {
      if (subPath) errors.push(invalid(`${at}.subPathExpr`, subPathExpr, "subPathExpr and subPath are mutually exclusive"));
      errors.push(...descendingPathErrors(subPathExpr, `${at}.subPathExpr`));
    }
    if (mountPropagation === "Bidirectional" && securityContext?.privileged !== true) {
      errors.push(forbidden(`${at}.mountPropagation`, "Bidirectional mount propagation is available only to privileged containers"));
    }
    return errors;
  });
}

/** Two containers of a Pod cannot have one port of the Node. */
function hostPortErrors(spec: PodSpec, path: string): readonly FieldError[] {
  const taken = new Set<string>();
  const sidecars = (spec.initContainers ?? [])
    .map((container, index) => ({ container, at: `${path}.initContainers[${index}]` }))
    .filter(({ container }) => isSidecar(container));
  const all = [...sidecars, ...spec.containers.map((container, index) => ({ container, at: `${path}.containers[${index}]` }))];
  return all.flatMap(({ container, at }) =>
    (container.ports ?? []).flatMap(({ hostPort, hostIP, protocol }, index) => {
      if (!hostPort) return [];
      const key = `${protocol}/${hostIP ?? ""}/${hostPort}`;
      if (taken.has(key)) return [duplicate(`${at}.ports[${index}].hostPort`, key)];
      taken.add(key);
      return [];
    }),
  );
}

function hostNetworkErrors(containers: readonly Container[], path: string): readonly FieldError[] {
  return containers.flatMap(({ ports = [] }, index) =>
    ports.flatMap(({ containerPort, hostPort }, position) =>
      !hostPort || hostPort === containerPort
        ? []
        : [
            invalid(
              `${path}[${index}].ports[${position}].containerPort`,
              containerPort,
              "must match `hostPort` when `hostNetwork` is true",
            ),
          ],
    ),
  );
}
