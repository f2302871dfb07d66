// Every Namespace has the CA bundle with which Pods check the API server.
import { ConfigMap } from "#api/core/config-map/config-map.ts";
import { Namespace } from "#api/core/namespace/namespace.ts";
import { deepEqual } from "#schema/derive/equal.ts";
import { type ClusterFacts, controller, create, may, type Step, update } from "../controller.ts";
import { namedInNamespace } from "../named-in-namespace.ts";

const name = "kube-root-ca.crt";
const description =
  "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";

export const rootCaPublisherController = controller({
  name: "root-ca-certificate-publisher-controller",
  for: Namespace,
  reads: { bundles: namedInNamespace(ConfigMap, name) },
  writes: [may(ConfigMap, "create", "update")],
  decide,
});

interface Observed {
  readonly object: Namespace;
  readonly bundles: readonly ConfigMap[];
  readonly facts: Pick<ClusterFacts, "rootCa">;
}

export function decide({ object: { metadata, status }, bundles: [bundle], facts }: Observed): readonly Step[] {
  if (status.phase === "Terminating" || facts.rootCa === "") return [];
  const data = { "ca.crt": facts.rootCa };
  const annotations = { "kubernetes.io/description": description };
  if (!bundle) return [create(ConfigMap, { metadata: { name, namespace: metadata.name, annotations }, data }, { ifMissing: true })];
  if (deepEqual(bundle.data, data) && Object.keys(bundle.binaryData ?? {}).length === 0) return [];
  const { binaryData: _, ...rest } = bundle;
  return [
    update(ConfigMap, { ...rest, metadata: { ...bundle.metadata, annotations: { ...bundle.metadata.annotations, ...annotations } }, data }),
  ];
}
