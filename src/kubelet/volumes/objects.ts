// The ConfigMaps and Secrets that Pods of this node refer to, each watched by itself for as long as some Pod needs it.
import type { Scope } from "#base/scope.ts";
import { ConfigMap } from "#api/core/config-map/config-map.ts";
import { Secret } from "#api/core/secret/secret.ts";
import type { Client } from "#client/client.ts";
import { type Informer, objectKey, startInformer } from "#client/informer.ts";
import type { World } from "#platform/world.ts";
import type { Kind, KubernetesObject } from "#schema/kind.ts";

const firstListMilliseconds = 10_000;

interface Watched {
  readonly scope: Scope;
  readonly informer: Informer<KubernetesObject>;
  readonly users: Set<string>;
}

export interface ReferencedObjects {
  configMap(uid: string, namespace: string, name: string): Promise<ConfigMap | undefined>;
  secret(uid: string, namespace: string, name: string): Promise<Secret | undefined>;
  /** The Pod with this uid needs nothing any more. */
  release(uid: string): void;
}

/** `changed` is told the uids of the Pods that use what changed. */
export function watchReferencedObjects(
  scope: Scope,
  world: World,
  client: Client | undefined,
  changed: (uid: string) => void,
): ReferencedObjects {
  const watched = new Map<string, Watched>();

  async function find<T extends KubernetesObject>(kind: Kind<T>, uid: string, namespace: string, name: string): Promise<T | undefined> {
    if (!client) throw new Error(`cannot read ${kind.name} ${namespace}/${name}: this node has no API server`);
    const key = `${kind.name}/${namespace}/${name}`;
    let entry = watched.get(key);
    if (!entry) {
      const own = scope.child(`watch ${key}`);
      const informer = startInformer(own, world, client, kind, { namespace, fieldSelector: `metadata.name=${name}` });
      const users = new Set<string>();
      entry = { scope: own, informer: informer as Informer<KubernetesObject>, users };
      watched.set(key, entry);
      informer.onChange(() => {
        for (const user of users) changed(user);
      });
    }
    entry.users.add(uid);
    if (!entry.informer.isSynced)
      await within(firstListMilliseconds, entry.informer.synced, `timed out waiting for ${kind.plural} ${name}`);
    return entry.informer.get(objectKey({ metadata: { namespace, name } })) as T | undefined;
  }

  async function within(milliseconds: number, wait: Promise<void>, message: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const timer = world.clock.timer(milliseconds, () => reject(new Error(message)));
      void wait.then(() => {
        timer.cancel();
        resolve();
      });
    });
  }

  return {
    configMap: (uid, namespace, name) => find(ConfigMap, uid, namespace, name),
    secret: (uid, namespace, name) => find(Secret, uid, namespace, name),
    release(uid) {
      for (const [key, { scope: own, users }] of watched) {
        if (!users.delete(uid) || users.size > 0) continue;
        watched.delete(key);
        void own.stop();
      }
    },
  };
}
