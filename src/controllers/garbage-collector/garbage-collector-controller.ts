// Deletes what has lost its owners, and carries out foreground and orphaning deletions.
//
// Invariants:
// - An owner counts as absent only after the API server was asked for it by name and answered with another UID or none at all.
// - Every removal names the UID and version it was decided for; what changed in between is looked at again.
// - Informers are asked for relations by UID, so that nothing is kept beside them but where each UID lives.
import type { Scope } from "#base/scope.ts";
import { CustomResourceDefinition } from "#api/apiextensions.k8s.io/custom-resource-definition/custom-resource-definition.ts";
import { isReason } from "#api/meta/status-error.ts";
import type { Change, Informer } from "#client/informer.ts";
import { objectKey } from "#client/informer.ts";
import { sharedInformers } from "#client/informers.ts";
import { startWorkQueue, type WorkQueue } from "#client/work-queue.ts";
import type { World } from "#platform/world.ts";
import type { Kind, KubernetesObject } from "#schema/kind.ts";
import type { OwnerReference } from "#schema/object-meta.ts";
import { type ControllerNeeds, freeController } from "../controller.ts";
import { discoverKinds } from "../discovered-kinds.ts";
import { blocks, decide, foregroundFinalizer, isDeletingDependents, isOrphaning, type Owner, orphanFinalizer } from "./decide.ts";

export const garbageCollectorController = freeController({
  name: "garbage-collector-controller",
  because: "it looks at objects of every kind there is, custom ones too",
  reads: [CustomResourceDefinition],
  writes: [{ group: "*", resource: "*", verbs: ["get", "list", "watch", "patch", "update", "delete"] }],
  run: (scope, world, needs) => new Collector(scope, world, needs).start(),
});

/** Nothing owns events, and there are many of them. */
const isEvent = (kind: Kind) => kind.plural === "events" && (kind.group === "" || kind.group === "events.k8s.io");
const byOwner = "uid of an owner";
const rediscoverMilliseconds = 300_000;
const settleMilliseconds = 500;
/** Objects are judged after all kinds were listed, or after this long should one kind not be to be had. */
const firstListMilliseconds = 30_000;

interface Watched {
  readonly kind: Kind;
  readonly informer: Informer<KubernetesObject>;
  readonly scope: Scope;
}

class Collector {
  readonly #scope: Scope;
  readonly #world: World;
  readonly #needs: ControllerNeeds;
  readonly #watched = new Map<string, Watched>();
  /** Where each object lives: its kind and key. */
  readonly #places = new Map<string, { readonly of: Watched; readonly key: string }>();
  readonly #queue: WorkQueue;
  readonly #mayJudge: Promise<void>;
  #judgeFromNow: () => void = () => {};

  constructor(scope: Scope, world: World, needs: ControllerNeeds) {
    this.#scope = scope;
    this.#world = world;
    this.#needs = needs;
    this.#mayJudge = new Promise((resolve) => {
      this.#judgeFromNow = resolve;
    });
    scope.defer("judging", () => this.#judgeFromNow());
    this.#queue = startWorkQueue(scope, world, { workers: 20 }, async (uid) => {
      await this.#mayJudge;
      await this.#judge(uid);
    });
  }

  start(): void {
    const { informers } = this.#needs;
    const definitions = informers.for(CustomResourceDefinition);
    const definitionsChanged = { yet: false, wake: () => {} };
    this.#scope.defer(
      "definitions",
      definitions.onChange(() => {
        definitionsChanged.yet = true;
        definitionsChanged.wake();
      }),
    );
    this.#scope.start("discovery", async (task) => {
      let first = true;
      while (!task.stopped) {
        try {
          definitionsChanged.yet = false;
          await this.#discover();
          if (first) {
            first = false;
            await this.#allListed(task);
            this.#judgeFromNow();
          }
        } catch (error) {
          task.throwIfStopped();
          this.#world.log.debug("cannot discover kinds; trying again", { error: (error as Error).message });
          await this.#world.clock.sleep(task, 2_000);
          continue;
        }
        if (!definitionsChanged.yet) {
          await this.#changedDefinitions(task, (resolve) => {
            definitionsChanged.wake = resolve;
          });
        }
        await this.#world.clock.sleep(task, settleMilliseconds);
      }
    });
  }

  /** Waits until a definition changes, and at most for a while: kinds come by other ways as well. */
  async #changedDefinitions(task: Scope, onWake: (resolve: () => void) => void): Promise<void> {
    const waiting = task.child("wait");
    try {
      await Promise.race([
        new Promise<void>((resolve) => onWake(resolve)),
        this.#world.clock.sleep(waiting, rediscoverMilliseconds).catch(() => {}),
      ]);
    } finally {
      await waiting.stop();
    }
    task.throwIfStopped();
  }

  async #allListed(task: Scope): Promise<void> {
    const waiting = task.child("first lists");
    const all = Promise.all([...this.#watched.values()].map(({ informer }) => informer.synced));
    await Promise.race([all, this.#world.clock.sleep(waiting, firstListMilliseconds).catch(() => {})]);
    await waiting.stop();
  }

  async #discover(): Promise<void> {
    const { kinds, failures } = await discoverKinds(this.#needs.client);
    const collectable = kinds.filter(
      (kind) => !isEvent(kind) && (["delete", "list", "watch"] as const).every((verb) => kind.verbs.includes(verb)),
    );
    const found = new Set<string>();
    for (const kind of collectable) {
      const id = `${kind.plural}.${kind.group}`;
      found.add(id);
      if (this.#watched.get(id)?.kind.apiVersion === kind.apiVersion) continue;
      await this.#watched.get(id)?.scope.stop();
      this.#watch(id, kind);
    }
    if (failures.length > 0) return;
    for (const [id, { scope }] of this.#watched) {
      if (found.has(id)) continue;
      this.#watched.delete(id);
      await scope.stop();
    }
  }

  #watch(id: string, kind: Kind): void {
    const { client, informers } = this.#needs;
    const scope = this.#scope.child(`collect ${id}`);
    const informer = informers.started(kind) ?? sharedInformers(scope, this.#world, client).for(kind);
    const watched: Watched = { kind, informer, scope };
    this.#watched.set(id, watched);
    informer.addIndex(byOwner, ({ metadata }) => (metadata.ownerReferences ?? []).map(({ uid }) => uid));
    scope.defer(
      "changes",
      informer.onChange((change) => this.#onChange(watched, change)),
    );
  }

  #onChange(watched: Watched, { type, object, old }: Change<KubernetesObject>): void {
    const { uid, ownerReferences = [] } = object.metadata;
    if (type === "deleted") {
      this.#places.delete(uid);
      for (const dependent of this.#dependents(uid)) this.#queue.add(dependent.metadata.uid);
      for (const owner of ownerReferences) if (this.#isDeletingDependents(owner.uid)) this.#queue.add(owner.uid);
      return;
    }
    if (type === "added") this.#places.set(uid, { of: watched, key: objectKey(object) });
    const isNew = type === "added";
    const { deletionTimestamp, finalizers = [] } = object.metadata;
    const changedOwners = isNew || old.metadata.ownerReferences !== object.metadata.ownerReferences;
    if (changedOwners && ownerReferences.length > 0) this.#queue.add(uid);
    if (changedOwners && old) {
      for (const owner of old.metadata.ownerReferences ?? []) if (this.#isDeletingDependents(owner.uid)) this.#queue.add(owner.uid);
    }
    if (deletionTimestamp && (finalizers.includes(foregroundFinalizer) || finalizers.includes(orphanFinalizer))) this.#queue.add(uid);
  }

  #objectOf(uid: string): { readonly object: KubernetesObject; readonly kind: Kind } | undefined {
    const place = this.#places.get(uid);
    const object = place?.of.informer.get(place.key);
    return place && object?.metadata.uid === uid ? { object, kind: place.of.kind } : undefined;
  }

  #isDeletingDependents(uid: string): boolean {
    const found = this.#objectOf(uid);
    return found !== undefined && isDeletingDependents(found.object);
  }

  #dependents(uid: string): readonly KubernetesObject[] {
    return [...this.#watched.values()].flatMap(({ informer }) => informer.byIndex(byOwner, uid));
  }

  async #judge(uid: string): Promise<void> {
    const found = this.#objectOf(uid);
    if (!found) return;
    const { object, kind } = found;
    if (isOrphaning(object)) return this.#orphan(object, kind, this.#dependents(uid));
    if (isDeletingDependents(object)) return this.#deleteDependents(object, kind, this.#dependents(uid));
    if (object.metadata.deletionTimestamp) return;

    const owners: Owner[] = [];
    for (const reference of object.metadata.ownerReferences ?? [])
      owners.push({ reference, state: await this.#stateOf(reference, object) });
    if (owners.every(({ state }) => state === "there")) return;
    const decision = decide(owners, this.#dependents(uid));
    const { client } = this.#needs;
    try {
      switch (decision.do) {
        case "keep":
          return;
        case "let go of": {
          const ownerReferences = decision.references;
          await this.#patch(kind, object, { ownerReferences });
          return;
        }
        case "delete":
          for (const dependent of decision.unblocked) await this.#unblock(dependent, uid);
          this.#world.log.debug("collecting", { kind: kind.name, object: objectKey(object), policy: decision.policy });
          await client.delete(kind, object.metadata, {
            propagationPolicy: decision.policy,
            preconditions: { uid, resourceVersion: object.metadata.resourceVersion },
          });
      }
    } catch (error) {
      if (!isReason(error, "NotFound")) throw error;
    }
  }

  async #stateOf(reference: OwnerReference, object: KubernetesObject): Promise<Owner["state"]> {
    const { namespace } = object.metadata;
    const known = this.#objectOf(reference.uid);
    if (known) {
      const { metadata } = known.object;
      if (metadata.namespace === undefined || metadata.namespace === namespace)
        return isDeletingDependents(known.object) ? "waits for its dependents" : "there";
      this.#tellOfNamespace(reference, object);
      return namespace === undefined ? "there" : "absent";
    }
    const group = reference.apiVersion.includes("/") ? (reference.apiVersion.split("/")[0] as string) : "";
    const watched = [...this.#watched.values()].find(({ kind }) => kind.group === group && kind.name === reference.kind);
    if (!watched) return this.#stateOfUnwatched(reference, group);
    if (watched.kind.scope === "namespaced" && namespace === undefined) {
      this.#tellOfNamespace(reference, object);
      return "there";
    }
    try {
      const name = { name: reference.name, ...(watched.kind.scope === "namespaced" && { namespace }) };
      const owner = await this.#needs.client.get(watched.kind, name);
      if (owner.metadata.uid !== reference.uid) return "absent";
      return isDeletingDependents(owner) ? "waits for its dependents" : "there";
    } catch (error) {
      if (isReason(error, "NotFound")) return "absent";
      throw error;
    }
  }

  /** A kind that nobody serves now may be served later: its objects are not known to be gone. */
  #stateOfUnwatched(reference: OwnerReference, group: string): Owner["state"] {
    this.#world.log.debug("an owner's kind is not served; what it owns stays", { kind: reference.kind, group });
    return "there";
  }

  #tellOfNamespace({ apiVersion, kind, name, uid }: OwnerReference, object: KubernetesObject): void {
    const { namespace = "" } = object.metadata;
    this.#needs.events.record(
      object,
      "Warning",
      "OwnerRefInvalidNamespace",
      `ownerRef [${apiVersion}/${kind}, namespace: ${namespace}, name: ${name}, uid: ${uid}] does not exist in namespace "${namespace}"`,
    );
  }

  async #deleteDependents(object: KubernetesObject, kind: Kind, dependents: readonly KubernetesObject[]): Promise<void> {
    const { uid, finalizers = [] } = object.metadata;
    const blocking = dependents.filter((dependent) => blocks(dependent, uid));
    if (blocking.length === 0) return this.#patch(kind, object, { finalizers: finalizers.filter((name) => name !== foregroundFinalizer) });
    for (const dependent of dependents) if (!isDeletingDependents(dependent)) this.#queue.add(dependent.metadata.uid);
  }

  async #orphan(object: KubernetesObject, kind: Kind, dependents: readonly KubernetesObject[]): Promise<void> {
    const { uid, finalizers = [] } = object.metadata;
    for (const dependent of dependents) {
      const place = this.#objectOf(dependent.metadata.uid);
      if (!place) continue;
      const ownerReferences = (dependent.metadata.ownerReferences ?? []).filter((owner) => owner.uid !== uid);
      await this.#patch(place.kind, dependent, { ownerReferences });
    }
    await this.#patch(kind, object, { finalizers: finalizers.filter((name) => name !== orphanFinalizer) });
  }

  async #unblock(dependent: KubernetesObject, ownerUid: string): Promise<void> {
    const place = this.#objectOf(dependent.metadata.uid);
    if (!place) return;
    const ownerReferences = (dependent.metadata.ownerReferences ?? []).map((owner) =>
      owner.uid === ownerUid ? { ...owner, blockOwnerDeletion: false } : owner,
    );
    await this.#patch(place.kind, dependent, { ownerReferences });
  }

  async #patch(
    kind: Kind,
    { metadata }: KubernetesObject,
    change: { readonly ownerReferences?: readonly OwnerReference[]; readonly finalizers?: readonly string[] },
  ): Promise<void> {
    const { uid, resourceVersion } = metadata;
    const patch = { metadata: { uid, resourceVersion, ...change } };
    try {
      await this.#needs.client.patch(kind, metadata, JSON.parse(JSON.stringify(patch)), { type: "merge" });
    } catch (error) {
      if (!isReason(error, "NotFound")) throw error;
    }
  }
}
