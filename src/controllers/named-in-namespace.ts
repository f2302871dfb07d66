// The object of one fixed name that every Namespace should have.
import type { Namespace } from "#api/core/namespace/namespace.ts";
import type { Kind, KubernetesObject } from "#schema/kind.ts";
import type { Related } from "./controller.ts";

export function namedInNamespace<O extends KubernetesObject>(kind: Kind<O>, name: string): Related<Namespace, O> {
  return {
    kind,
    find: ({ metadata }, others) => [others.get(`${metadata.name}/${name}`)].filter((one) => one !== undefined),
    wakes: ({ object }) => (object.metadata.name === name && object.metadata.namespace ? [object.metadata.namespace] : []),
  };
}
