// The rules of APIServices.
import { invalid, required } from "#schema/derive/field-error.ts";
import { dns1035LabelProblems, dns1123SubdomainProblems } from "#schema/derive/formats.ts";
import type { FieldError } from "#schema/kind.ts";
import type { APIService } from "./api-service.ts";

const groupPriorityMax = 20_000;
const versionPriorityMax = 1_000;

export function apiServiceErrors({ metadata, spec }: APIService): readonly FieldError[] {
  const { group = "", version = "", service, caBundle, insecureSkipTLSVerify, groupPriorityMinimum, versionPriority } = spec;
  const errors: FieldError[] = [];
  const name = `${version}.${group}`;
  if (metadata.name !== name)
    errors.push(invalid("metadata.name", metadata.name, `must be \`spec.version+"."+spec.group\`: ${JSON.stringify(name)}`));
  if (group === "" && version !== "v1") errors.push(required("spec.group", "only v1 may have an empty group and it better be legacy kube"));
  if (group !== "") for (const problem of dns1123SubdomainProblems(group)) errors.push(invalid("spec.group", group, problem));
  for (const problem of dns1035LabelProblems(version)) errors.push(invalid("spec.version", version, problem));
  if (groupPriorityMinimum <= 0 || groupPriorityMinimum > groupPriorityMax)
    errors.push(invalid("spec.groupPriorityMinimum", groupPriorityMinimum, `must be positive and less than ${groupPriorityMax}`));
  if (versionPriority <= 0 || versionPriority > versionPriorityMax)
    errors.push(invalid("spec.versionPriority", versionPriority, `must be positive and less than ${versionPriorityMax}`));
  if (!service) {
    if (caBundle) errors.push(invalid("spec.caBundle", "bytes", "local APIServices may not have a caBundle"));
    if (insecureSkipTLSVerify)
      errors.push(invalid("spec.insecureSkipTLSVerify", true, "local APIServices may not have insecureSkipTLSVerify"));
    return errors;
  }
  if (!service.namespace) errors.push(required("spec.service.namespace"));
  if (!service.name) errors.push(required("spec.service.name"));
  const { port } = service;
  if (port !== undefined && (port < 1 || port > 65_535))
    errors.push(invalid("spec.service.port", port, "port is not valid: must be between 1 and 65535, inclusive"));
  if (insecureSkipTLSVerify && caBundle) errors.push(invalid("spec.insecureSkipTLSVerify", true, "may not be true if caBundle is present"));
  return errors;
}
