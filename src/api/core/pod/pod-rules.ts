// The rules of a Pod's spec, in Pods and in the templates of workloads.
import { forbidden, invalid, notSupported, required } from "#schema/derive/field-error.ts";
import { labelErrors } from "#schema/derive/metadata-validation.ts";
import type { FieldError } from "#schema/kind.ts";
import type { LabelSelector } from "#api/meta/label-selector.ts";
import { rangeErrors } from "#api/meta/rules.ts";
import { selects } from "#api/meta/selects.ts";
import { containersErrors } from "./container-rules.ts";
import type { Pod } from "./pod.ts";
import type { PodSpec } from "./pod-spec.ts";
import type { PodTemplateSpec } from "./pod-template.ts";
import { podUpdateErrors } from "./pod-update-rules.ts";
import { resourceErrors } from "./resource-rules.ts";
import { affinityErrors, spreadErrors, tolerationErrors } from "./scheduling-rules.ts";
import { hostUsersErrors, podSecurityErrors } from "./security-rules.ts";
import { volumeErrors } from "./volume-rules.ts";

const deadlineSecondsMax = 2_147_483_647;
const nameserversMax = 3;

export function podErrors(pod: Pod, { old, subresource }: { readonly old?: Pod; readonly subresource: string }): readonly FieldError[] {
  if (subresource !== "" && subresource !== "ephemeralcontainers" && subresource !== "resize") return [];
  // A patch of something else shares the spec with the Pod that is there.
  if (pod.spec === old?.spec) return [];
  const errors = [...specErrors(pod.spec, "spec")];
  if (old !== undefined) return [...errors, ...podUpdateErrors(pod, old, subresource)];
  if ((pod.spec.ephemeralContainers ?? []).length > 0) errors.push(forbidden("spec.ephemeralContainers", "cannot be set on create"));
  if (pod.spec.nodeName && (pod.spec.schedulingGates ?? []).length > 0) {
    errors.push(forbidden("spec.nodeName", "cannot be set until all schedulingGates have been cleared"));
  }
  return errors;
}

/** The rules of a template, whose Pods must be among those that the workload counts. */
export function templateErrors(
  template: PodTemplateSpec,
  selector: LabelSelector | undefined,
  kind: string,
  path = "spec.template",
): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (selector !== undefined && !selects(selector, template.metadata.labels)) {
    errors.push(invalid(`${path}.metadata.labels`, template.metadata.labels ?? {}, "`selector` does not match template `labels`"));
  }
  errors.push(...plainTemplateErrors(template, path));
  const { restartPolicy, activeDeadlineSeconds } = template.spec;
  if (restartPolicy !== "Always") errors.push(notSupported(`${path}.spec.restartPolicy`, restartPolicy, ["Always"]));
  if (activeDeadlineSeconds !== undefined) {
    errors.push(forbidden(`${path}.spec.activeDeadlineSeconds`, `activeDeadlineSeconds in ${kind} is not Supported`));
  }
  return errors;
}

/** The rules of a template by itself. */
export function plainTemplateErrors({ spec }: PodTemplateSpec, path: string): readonly FieldError[] {
  const errors = specErrors(spec, `${path}.spec`);
  if ((spec.ephemeralContainers ?? []).length === 0) return errors;
  return [...errors, forbidden(`${path}.spec.ephemeralContainers`, "ephemeral containers not allowed in pod template")];
}

function specErrors(spec: PodSpec, path: string): readonly FieldError[] {
  const { volumes = [], tolerations = [], affinity, topologySpreadConstraints = [], resources } = spec;
  return [
    ...volumeErrors(volumes, `${path}.volumes`),
    ...containersErrors(spec, path),
    ...rangeErrors(spec.activeDeadlineSeconds, `${path}.activeDeadlineSeconds`, 1, deadlineSecondsMax),
    ...labelErrors(spec.nodeSelector, `${path}.nodeSelector`),
    ...tolerationErrors(tolerations, `${path}.tolerations`),
    ...(affinity === undefined ? [] : affinityErrors(affinity, `${path}.affinity`)),
    ...spreadErrors(topologySpreadConstraints, `${path}.topologySpreadConstraints`),
    ...podSecurityErrors(spec, `${path}.securityContext`),
    ...sharingErrors(spec, path),
    ...hostUsersErrors(spec, path),
    ...dnsErrors(spec, path),
    ...(resources === undefined ? [] : resourceErrors(resources, `${path}.resources`)),
  ];
}

function sharingErrors({ hostPID, shareProcessNamespace }: PodSpec, path: string): readonly FieldError[] {
  if (!hostPID || shareProcessNamespace !== true) return [];
  return [invalid(`${path}.shareProcessNamespace`, true, "ShareProcessNamespace and HostPID cannot both be enabled")];
}

function dnsErrors({ dnsPolicy, dnsConfig }: PodSpec, path: string): readonly FieldError[] {
  const at = `${path}.dnsConfig`;
  const errors: FieldError[] = [];
  if (dnsPolicy === "None") {
    if (dnsConfig === undefined) return [required(at, "must provide `dnsConfig` when `dnsPolicy` is None")];
    if ((dnsConfig.nameservers ?? []).length === 0) {
      errors.push(required(`${at}.nameservers`, "must provide at least one DNS nameserver when `dnsPolicy` is None"));
    }
  }
  const nameservers = dnsConfig?.nameservers ?? [];
  if (nameservers.length > nameserversMax) {
    errors.push(invalid(`${at}.nameservers`, nameservers, `must not have more than ${nameserversMax} nameservers`));
  }
  for (const [index, { name }] of (dnsConfig?.options ?? []).entries()) {
    if (!name) errors.push(required(`${at}.options[${index}]`, "must not be empty"));
  }
  return errors;
}
