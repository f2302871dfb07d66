// One informer for each kind and selection, shared by everything in a process that asks for it.
import type { Scope } from "#base/scope.ts";
import type { World } from "#platform/world.ts";
import type { Kind, KubernetesObject } from "#schema/kind.ts";
import type { Client } from "./client.ts";
import { type Informer, type InformerOptions, startInformer } from "./informer.ts";

export interface Informers {
  /** The shared informer, started with the first call. */
  for<T extends KubernetesObject>(kind: Kind<T>, options?: InformerOptions): Informer<T>;
  /** The informer of a kind if someone started it. */
  started(kind: Kind): Informer<KubernetesObject> | undefined;
}

export function sharedInformers(scope: Scope, world: World, client: Client): Informers {
  const informers = new Map<string, Informer<KubernetesObject>>();
  const keyOf = (kind: Kind, { namespace = "", labelSelector = "", fieldSelector = "" }: InformerOptions) =>
    [kind.apiVersion, kind.plural, namespace, labelSelector, fieldSelector].join("|");
  return {
    for<T extends KubernetesObject>(kind: Kind<T>, options: InformerOptions = {}): Informer<T> {
      const key = keyOf(kind, options);
      let informer = informers.get(key);
      if (!informer) {
        informer = startInformer(scope, world, client, kind, options);
        informers.set(key, informer);
      }
      return informer as Informer<T>;
    },
    started: (kind) => informers.get(keyOf(kind, {})),
  };
}
