// An Ingress that names no class gets the default one; of several, the newest.
import { IngressClass } from "#api/networking.k8s.io/ingress-class/ingress-class.ts";
import type { Ingress } from "#api/networking.k8s.io/ingress/ingress.ts";
import { admissionPlugin } from "../plugin.ts";

const oldAnnotation = "kubernetes.io/ingress.class";
const defaultAnnotation = "ingressclass.kubernetes.io/is-default-class";

export const defaultIngressClass = admissionPlugin({
  name: "DefaultIngressClass",
  operations: ["CREATE"],
  resources: ["networking.k8s.io/ingresses"],
  async mutate(request, { registry }) {
    if (request.subresource !== "") return undefined;
    const ingress = request.object as Ingress;
    const { metadata, spec } = ingress;
    if (spec.ingressClassName !== undefined || metadata.annotations?.[oldAnnotation] !== undefined) return undefined;
    const [chosen] = (await registry.of(IngressClass).peekList(""))
      .filter(({ metadata: { annotations } }) => annotations?.[defaultAnnotation] === "true")
      .sort(newestFirst);
    return chosen && ({ ...ingress, spec: { ...spec, ingressClassName: chosen.metadata.name } } as Ingress);
  },
});

function newestFirst({ metadata: left }: IngressClass, { metadata: right }: IngressClass): number {
  if (left.creationTimestamp !== right.creationTimestamp) return left.creationTimestamp < right.creationTimestamp ? 1 : -1;
  return left.name < right.name ? -1 : 1;
}
