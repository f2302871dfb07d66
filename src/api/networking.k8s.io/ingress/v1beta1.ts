// Ingresses as servers before v1.22 may have stored them: a backend says its Service's name and port side by side.
import { type Ingress, type IngressBackend, IngressStatus, IngressTLS } from "./ingress.ts";
import { TypedLocalObjectReference } from "#api/core/reference.ts";
import { intOrString, list, one, string } from "#schema/field.ts";
import { kind, type Kind, type ObjectOf } from "#schema/kind.ts";
import { embedded, type Infer, message, type Type } from "#schema/message.ts";

const BackendV1beta1 = message("IngressBackend", {
  serviceName: string(1, {}),
  servicePort: intOrString(2, {}),
  resource: one(3, (): Type<TypedLocalObjectReference> => TypedLocalObjectReference, { optional: true }),
});
interface BackendV1beta1 extends Infer<typeof BackendV1beta1> {}

const PathV1beta1 = message("HTTPIngressPath", {
  path: string(1, {}),
  backend: one(2, (): Type<BackendV1beta1> => BackendV1beta1, { always: true }),
  pathType: string(3, { optional: true }),
});
interface PathV1beta1 extends Infer<typeof PathV1beta1> {}

const RuleValueV1beta1 = message("HTTPIngressRuleValue", { paths: list(1, (): Type<PathV1beta1> => PathV1beta1, { always: true }) });
interface RuleValueV1beta1 extends Infer<typeof RuleValueV1beta1> {}

const RuleV1beta1 = message("IngressRule", {
  host: string(1, {}),
  ...embedded(2, { http: one(1, (): Type<RuleValueV1beta1> => RuleValueV1beta1, { optional: true }) }),
});
interface RuleV1beta1 extends Infer<typeof RuleV1beta1> {}

const SpecV1beta1 = message("IngressSpec", {
  backend: one(1, (): Type<BackendV1beta1> => BackendV1beta1, { optional: true }),
  tls: list(2, (): Type<IngressTLS> => IngressTLS, {}),
  rules: list(3, (): Type<RuleV1beta1> => RuleV1beta1, {}),
  ingressClassName: string(4, { optional: true }),
});

interface IngressV1beta1 extends ObjectOf<typeof SpecV1beta1, typeof IngressStatus, {}> {}

/** Made when it is asked for: the two versions are built of each other's parts. */
export const ingressV1beta1 = (): { readonly kind: Kind; readonly today: typeof today } => ({ kind: (made ??= make()), today });
let made: Kind | undefined;

function make(): Kind {
  return kind({
    group: "networking.k8s.io",
    version: "v1beta1",
    name: "Ingress",
    plural: "ingresses",
    scope: "namespaced",
    openapi: "io.k8s.api.networking.v1beta1.Ingress",
    spec: SpecV1beta1,
    status: IngressStatus,
  });
}

function today({ spec, ...ingress }: IngressV1beta1): Ingress {
  const { backend, rules, ...rest } = spec;
  return {
    ...ingress,
    spec: {
      ...rest,
      ...(backend && { defaultBackend: backendToday(backend) }),
      ...(rules && { rules: rules.map(ruleToday) }),
    },
  } as Ingress;
}

function ruleToday({ http, ...rule }: RuleV1beta1): object {
  if (!http) return rule;
  const paths = http.paths.map(({ backend, pathType = "ImplementationSpecific", ...path }) => ({
    ...path,
    pathType,
    backend: backendToday(backend),
  }));
  return { ...rule, http: { paths } };
}

function backendToday({ serviceName = "", servicePort, resource }: BackendV1beta1): IngressBackend {
  if (serviceName === "") return resource === undefined ? {} : { resource };
  const port = typeof servicePort === "number" ? { number: servicePort } : { name: servicePort ?? "" };
  return { service: { name: serviceName, port } };
}
