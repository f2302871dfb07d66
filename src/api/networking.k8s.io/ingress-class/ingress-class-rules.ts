// The rules of IngressClasses.
import { forbidden, invalid, notSupported, required } from "#schema/derive/field-error.ts";
import { dns1123LabelProblems, dns1123SubdomainProblems } from "#schema/derive/formats.ts";
import type { FieldError } from "#schema/kind.ts";
import type { IngressClass, IngressClassParametersReference } from "./ingress-class.ts";

const controllerLengthMax = 250;

export function ingressClassErrors({ spec: { controller = "", parameters } }: IngressClass): readonly FieldError[] {
  const errors: FieldError[] = [];
  if (controller.length > controllerLengthMax)
    errors.push({ type: "TooLong", field: "spec.controller", detail: `may not be more than ${controllerLengthMax} bytes` });
  errors.push(...controllerErrors(controller));
  return parameters ? [...errors, ...parametersErrors(parameters, "spec.parameters")] : errors;
}

/** "example.com/ingress-controller". */
function controllerErrors(controller: string): readonly FieldError[] {
  if (controller === "") return [required("spec.controller")];
  const slash = controller.indexOf("/");
  if (slash <= 0 || slash === controller.length - 1)
    return [invalid("spec.controller", controller, 'must be a domain-prefixed path (such as "acme.io/foo")')];
  const [domain, path] = [controller.slice(0, slash), controller.slice(slash + 1)];
  const errors = dns1123SubdomainProblems(domain).map((problem) => invalid("spec.controller", domain, problem));
  if (!/^[A-Za-z0-9/\-._~%!$&'()*+,;=:]+$/.test(path))
    errors.push(invalid("spec.controller", path, "Invalid path (regex used for validation is '[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+')"));
  return errors;
}

function parametersErrors({ kind, name, scope, namespace }: IngressClassParametersReference, path: string): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const [field, value] of Object.entries({ kind, name }))
    if (/[/%]/.test(value) || value === "." || value === "..")
      errors.push(invalid(`${path}.${field}`, value, "may not contain '/' or '%' and may not be '.' or '..'"));
  if (scope !== "Cluster" && scope !== "Namespace") errors.push(notSupported(`${path}.scope`, scope, ["Cluster", "Namespace"]));
  if (scope === "Namespace" && !namespace) errors.push(required(`${path}.namespace`, "`parameters.scope` is set to 'Namespace'"));
  if (scope === "Namespace" && namespace)
    errors.push(...dns1123LabelProblems(namespace).map((problem) => invalid(`${path}.namespace`, namespace, problem)));
  if (scope === "Cluster" && namespace !== undefined) errors.push(forbidden(`${path}.namespace`, "`parameters.scope` is set to 'Cluster'"));
  return errors;
}
