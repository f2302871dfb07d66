// What holds an object whose deletion was asked for: a name in its list, put there and taken away under the object's version.
import type { Kind, KubernetesObject } from "#schema/kind.ts";
import type { Draft } from "#schema/message.ts";
import { patch, type Step } from "./controller.ts";

export function withFinalizer<T extends KubernetesObject>(kind: Kind<T>, object: T, finalizer: string): readonly Step[] {
  const { finalizers = [] } = object.metadata;
  return finalizers.includes(finalizer) ? [] : [written(kind, object, [...finalizers, finalizer])];
}

export function withoutFinalizer<T extends KubernetesObject>(kind: Kind<T>, object: T, finalizer: string): readonly Step[] {
  const { finalizers = [] } = object.metadata;
  if (!finalizers.includes(finalizer)) return [];
  return [
    written(
      kind,
      object,
      finalizers.filter((one) => one !== finalizer),
    ),
  ];
}

function written<T extends KubernetesObject>(kind: Kind<T>, object: T, finalizers: readonly string[]): Step {
  const { uid, resourceVersion } = object.metadata;
  return patch(kind, object, { metadata: { uid, resourceVersion, finalizers } } as Draft<T>);
}
