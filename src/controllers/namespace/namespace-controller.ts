// Empties Namespaces that are to go: Pods first, then everything else that lives in them, and lets them go once nothing is left.
import type { Scope } from "#base/scope.ts";
import { Namespace } from "#api/core/namespace/namespace.ts";
import { Pod } from "#api/core/pod/pod.ts";
import { isReason } from "#api/meta/status-error.ts";
import type { Client } from "#client/client.ts";
import { startWorkQueue } from "#client/work-queue.ts";
import type { World } from "#platform/world.ts";
import { deepEqual } from "#schema/derive/equal.ts";
import type { Kind, KubernetesObject } from "#schema/kind.ts";
import { type ControllerNeeds, freeController, may, status, subresource } from "../controller.ts";
import { discoverKinds } from "../discovered-kinds.ts";
import { type Content, conditionsFor } from "./conditions.ts";

export const namespaceController = freeController({
  name: "namespace-controller",
  because: "what a Namespace holds is only known by asking for every kind there is, and emptied kind by kind",
  reads: [Namespace, Pod],
  writes: [
    { group: "*", resource: "*", verbs: ["get", "list", "delete", "deletecollection"] },
    may(Namespace, "get", "list", "watch", "delete"),
    may(status(Namespace), "update"),
    may(subresource(Namespace, "finalize"), "update"),
  ],
  run,
});

const finalizer = "kubernetes";
const pageSize = 500;
const waitFirstMilliseconds = 100;
const waitMaxMilliseconds = 15_000;

function run(scope: Scope, world: World, { client, informers }: ControllerNeeds): void {
  const namespaces = informers.for(Namespace);
  const pods = informers.for(Pod);
  const waits = new Map<string, number>();
  const queue = startWorkQueue(
    scope,
    world,
    { workers: 10, backoffFirstMilliseconds: 50, backoffMaxMilliseconds: 60_000 },
    async (name) => {
      const namespace = namespaces.get(name);
      if (!namespace?.metadata.deletionTimestamp || !namespace.spec.finalizers?.includes(finalizer)) {
        waits.delete(name);
        return;
      }
      const content = await empty(client, name);
      if (content.remaining.size === 0 && content.failures.length === 0 && content.undiscovered.length === 0) {
        waits.delete(name);
        await letGo(client, name);
        return;
      }
      const conditions = conditionsFor(namespace.status.conditions, content, world.clock.now());
      if (!deepEqual(conditions, namespace.status.conditions ?? []) || namespace.status.phase !== "Terminating")
        namespaces.observe(
          await client.updateStatus(Namespace, { ...namespace, status: { ...namespace.status, phase: "Terminating", conditions } }),
        );
      const wait = waits.get(name) ?? waitFirstMilliseconds;
      waits.set(name, Math.min(wait * 2, waitMaxMilliseconds));
      queue.addAfter(name, wait);
    },
  );

  scope.start("namespace-controller", async (task) => {
    await Promise.all([namespaces.synced, pods.synced]);
    task.throwIfStopped();
    scope.defer(
      "namespaces",
      namespaces.onChange(({ type, object }) => {
        if (type !== "deleted" && object.metadata.deletionTimestamp) queue.add(object.metadata.name);
      }),
    );
    scope.defer(
      "pods",
      pods.onChange(({ type, object: { metadata } }) => {
        if (type === "deleted" && metadata.namespace && namespaces.get(metadata.namespace)?.metadata.deletionTimestamp)
          if (pods.list(metadata.namespace).length === 0) queue.add(metadata.namespace);
      }),
    );
  });
}

/** Deletes all that can be deleted now, and tells what is left. */
async function empty(client: Client, namespace: string): Promise<Content> {
  const { kinds, failures: undiscovered } = await discoverKinds(client);
  const remaining = new Map<string, { count: number; finalizers: Map<string, number> }>();
  const failures: string[] = [];
  const clear = async (kind: Kind) => {
    try {
      const left = await clearKind(client, kind, namespace);
      if (left.length > 0) remaining.set(`${kind.plural}.${kind.group}`, { count: left.length, finalizers: countFinalizers(left) });
    } catch (error) {
      if (!isReason(error, "NotFound", "MethodNotAllowed")) failures.push((error as Error).message);
    }
  };
  const deletable = kinds.filter(({ scope, verbs }) => scope === "namespaced" && verbs.includes("delete") && verbs.includes("list"));
  const isPod = (kind: Kind) => kind.group === "" && kind.plural === "pods";
  for (const kind of deletable.filter(isPod)) await clear(kind);
  if (remaining.size === 0 && failures.length === 0) await Promise.all(deletable.filter((kind) => !isPod(kind)).map(clear));
  return { remaining, failures, undiscovered };
}

async function clearKind(client: Client, kind: Kind, namespace: string): Promise<readonly KubernetesObject[]> {
  const before = await listAll(client, kind, namespace);
  const going = before.filter(({ metadata }) => !metadata.deletionTimestamp);
  if (going.length === 0) return before;
  if (kind.verbs.includes("deletecollection")) await client.deleteCollection(kind, { namespace, propagationPolicy: "Background" });
  else {
    for (const { metadata } of going) {
      await client.delete(kind, metadata, { propagationPolicy: "Background" }).catch((error: unknown) => {
        if (!isReason(error, "NotFound")) throw error;
      });
    }
  }
  return listAll(client, kind, namespace);
}

async function listAll(client: Client, kind: Kind, namespace: string): Promise<readonly KubernetesObject[]> {
  const all: KubernetesObject[] = [];
  let next: string | undefined;
  do {
    const page = await client.list(kind, { namespace, limit: pageSize, ...(next && { continue: next }) });
    all.push(...page.items);
    next = page.continue;
  } while (next);
  return all;
}

function countFinalizers(objects: readonly KubernetesObject[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { metadata } of objects) for (const name of metadata.finalizers ?? []) counts.set(name, (counts.get(name) ?? 0) + 1);
  return counts;
}

async function letGo(client: Client, name: string): Promise<void> {
  try {
    const namespace = await client.get(Namespace, { name });
    if (!namespace.metadata.deletionTimestamp) return;
    const finalizers = (namespace.spec.finalizers ?? []).filter((one) => one !== finalizer);
    await client.updateSubresource(Namespace, { name }, "finalize", Namespace, { ...namespace, spec: { ...namespace.spec, finalizers } });
  } catch (error) {
    if (!isReason(error, "NotFound")) throw error;
  }
}
