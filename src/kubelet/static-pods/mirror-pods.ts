// Static Pods as the API shows them: a mirror for each, made again when it is deleted or belongs to another manifest.
import type { Scope } from "#base/scope.ts";
import type { Node } from "#api/core/node/node.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { isReason } from "#api/meta/status-error.ts";
import type { Client } from "#client/client.ts";
import { objectKey } from "#client/informer.ts";
import { startWorkQueue } from "#client/work-queue.ts";
import type { World } from "#platform/world.ts";
import { annotations, isMirror, namespaceOf } from "../layout.ts";
import type { NodePods } from "../node-pods.ts";

export interface MirrorPods {
  /** The static Pod under "namespace/name" is new, different or gone, or its mirror may be. */
  check(key: string): void;
}

export interface MirrorPodsNeeds {
  readonly client: Client;
  readonly pods: NodePods;
  /** All of them, once they have been read. */
  readonly staticPods: () => readonly Pod[];
  readonly node: () => Node | undefined;
}

const withoutNodeMilliseconds = 500;

export function startMirrorPods(scope: Scope, world: World, { client, pods, staticPods, node }: MirrorPodsNeeds): MirrorPods {
  const queue = startWorkQueue(scope, world, { workers: 2, backoffFirstMilliseconds: 100, backoffMaxMilliseconds: 5_000 }, async (key) => {
    if (!pods.isSynced) return queue.addAfter(key, withoutNodeMilliseconds);
    const pod = staticPods().find((one) => objectKey(one) === key);
    const mirror = pods.get(key);
    const isCurrent = pod && mirror?.metadata.annotations?.[annotations.configMirror] === pod.metadata.uid;
    if (mirror && isMirror(mirror) && (!isCurrent || mirror.metadata.deletionTimestamp !== undefined)) await remove(mirror);
    if (!pod || (isCurrent && mirror?.metadata.deletionTimestamp === undefined)) return;
    const owner = node();
    if (!owner) return queue.addAfter(key, withoutNodeMilliseconds);
    try {
      pods.observe(await client.create(Pod, mirrorOf(pod, owner)));
    } catch (error) {
      if (!isReason(error, "AlreadyExists")) throw error;
      const there = await client.get(Pod, { namespace: namespaceOf(pod), name: pod.metadata.name });
      pods.observe(there);
      if (there.metadata.annotations?.[annotations.configMirror] !== pod.metadata.uid) throw error;
    }
  });
  for (const pod of staticPods()) queue.add(objectKey(pod));
  const unsubscribe = pods.onChange(({ object }) => {
    if (isMirror(object)) queue.add(objectKey(object));
  });
  scope.defer("mirrors", unsubscribe);
  return { check: (key) => queue.add(key) };

  async function remove(mirror: Pod): Promise<void> {
    try {
      const { namespace, name, uid } = mirror.metadata;
      await client.delete(Pod, { namespace, name }, { gracePeriodSeconds: 0, preconditions: { uid } });
      pods.observeDeleted(mirror);
    } catch (error) {
      if (!isReason(error, "NotFound", "Conflict")) throw error;
    }
  }
}

function mirrorOf({ metadata, spec }: Pod, owner: Node) {
  return {
    metadata: {
      name: metadata.name,
      namespace: metadata.namespace,
      ...(metadata.labels && { labels: metadata.labels }),
      annotations: { ...metadata.annotations, [annotations.configMirror]: metadata.uid },
      ownerReferences: [{ apiVersion: "v1", kind: "Node", name: owner.metadata.name, uid: owner.metadata.uid, controller: true }],
    },
    spec,
  };
}
