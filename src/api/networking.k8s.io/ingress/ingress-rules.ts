// The rules of Ingresses.
import { invalid, notSupported, required } from "#schema/derive/field-error.ts";
import { dns1035LabelProblems, dns1123SubdomainProblems, portNameProblems } from "#schema/derive/formats.ts";
import { parseIp } from "#base/ip.ts";
import type { FieldError } from "#schema/kind.ts";
import { portErrors } from "#api/meta/rules.ts";
import type { HTTPIngressPath, Ingress, IngressBackend } from "./ingress.ts";

const pathTypes = ["Exact", "ImplementationSpecific", "Prefix"];
const wrongInPaths = ["//", "/./", "/../", "%2f", "%2F"];
const wrongPathEnds = ["/..", "/."];

export function ingressErrors({ spec }: Ingress, { subresource }: { readonly subresource: string }): readonly FieldError[] {
  if (subresource !== "") return [];
  const { rules = [], tls = [], defaultBackend, ingressClassName } = spec;
  const errors: FieldError[] = [];
  if (rules.length === 0 && !defaultBackend) errors.push(invalid("spec", rules, "either `defaultBackend` or `rules` must be specified"));
  if (defaultBackend) errors.push(...backendErrors(defaultBackend, "spec.defaultBackend"));
  for (const [index, { host, http }] of rules.entries()) {
    const at = `spec.rules[${index}]`;
    if (host) errors.push(...hostErrors(host, `${at}.host`));
    if (!http) continue;
    if (http.paths.length === 0) errors.push(required(`${at}.http.paths`));
    errors.push(...http.paths.flatMap((path, position) => pathErrors(path, `${at}.http.paths[${position}]`)));
  }
  for (const [index, { hosts = [], secretName }] of tls.entries()) {
    for (const [position, host] of hosts.entries()) errors.push(...nameErrors(host, `spec.tls[${index}].hosts[${position}]`));
    if (secretName)
      errors.push(...dns1123SubdomainProblems(secretName).map((problem) => invalid(`spec.tls[${index}].secretName`, secretName, problem)));
  }
  if (ingressClassName !== undefined)
    errors.push(
      ...dns1123SubdomainProblems(ingressClassName).map((problem) => invalid("spec.ingressClassName", ingressClassName, problem)),
    );
  return errors;
}

function hostErrors(host: string, path: string): readonly FieldError[] {
  if (parseIp(host) !== undefined) return [invalid(path, host, "must be a DNS name, not an IP address")];
  return nameErrors(host, path);
}

/** A name, or one whose first label is a star. */
function nameErrors(host: string, path: string): readonly FieldError[] {
  const plain = host.startsWith("*.") ? host.slice(2) : host;
  return dns1123SubdomainProblems(plain).map((problem) => invalid(path, host, problem));
}

function pathErrors({ path = "", pathType, backend }: HTTPIngressPath, at: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (pathType === undefined) return [required(`${at}.pathType`, "pathType must be specified")];
  if (pathType === "Exact" || pathType === "Prefix") {
    if (!path.startsWith("/")) errors.push(invalid(`${at}.path`, path, "must be an absolute path"));
    if (path !== "") {
      for (const wrong of wrongInPaths) if (path.includes(wrong)) errors.push(invalid(`${at}.path`, path, `must not contain '${wrong}'`));
      for (const wrong of wrongPathEnds) if (path.endsWith(wrong)) errors.push(invalid(`${at}.path`, path, `cannot end with '${wrong}'`));
    }
  } else if (pathType === "ImplementationSpecific") {
    if (path !== "" && !path.startsWith("/")) errors.push(invalid(`${at}.path`, path, "must be an absolute path"));
  } else {
    errors.push(notSupported(`${at}.pathType`, pathType, pathTypes));
  }
  return [...errors, ...backendErrors(backend, `${at}.backend`)];
}

function backendErrors({ resource, service }: IngressBackend, path: string): readonly FieldError[] {
  if (resource && service) return [invalid(path, "", "cannot set both resource and service backends")];
  if (resource) {
    const errors: FieldError[] = [];
    if (resource.kind === "") errors.push(required(`${path}.resource.kind`));
    if (resource.name === "") errors.push(required(`${path}.resource.name`));
    return errors;
  }
  if (!service) return [invalid(path, "", "resource or service backend is required")];
  const errors: FieldError[] = [];
  if (service.name === "") errors.push(required(`${path}.service.name`));
  else errors.push(...dns1035LabelProblems(service.name).map((problem) => invalid(`${path}.service.name`, service.name, problem)));
  const { name, number } = service.port;
  if (name && number) errors.push(invalid(path, "", "cannot set both port name & port number"));
  else if (name) errors.push(...portNameProblems(name).map((problem) => invalid(`${path}.service.port.name`, name, problem)));
  else if (number) errors.push(...portErrors(number, `${path}.service.port.number`));
  else errors.push(required(path, "port name or number is required"));
  return errors;
}
