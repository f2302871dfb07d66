// CustomResourceDefinitions at work: each becomes kinds of the live registry while the server runs, and takes its objects with it when it goes.
//
// - A definition is served as soon as it is stored here, and a moment later by every other API server of the store.
// - One whose names belong to somebody else is stored, says so in its conditions, and is not served.
import { CustomResourceDefinition } from "#api/apiextensions.k8s.io/custom-resource-definition/custom-resource-definition.ts";
import { isReason, StatusError } from "#api/meta/status-error.ts";
import { assert } from "#base/assert.ts";
import type { Scope } from "#base/scope.ts";
import { ScopeStopped } from "#base/scope.ts";
import type { Client } from "#client/client.ts";
import { type Change, startInformer } from "#client/informer.ts";
import type { World } from "#platform/world.ts";
import { sameJson } from "#schema/derive/json-objects.ts";
import type { Kind } from "#schema/kind.ts";
import { formatTime } from "#schema/time.ts";
import { invalid } from "../registry/invalid.ts";
import { type Registry, type ResourcePart, resourcePart } from "../registry/resource.ts";
import type * as CustomKind from "./custom-kind.ts";
import type * as DefinitionRules from "./definition-rules.ts";

/** Loaded with the first definition: clusters without custom resources start without it. */
type Loaded = typeof CustomKind & typeof DefinitionRules;

const cleanupFinalizer = "customresourcecleanup.apiextensions.k8s.io";
const retryMilliseconds = 200;

interface Served {
  readonly definition: CustomResourceDefinition;
  readonly kinds: readonly Kind[];
}

export interface Extension {
  readonly resources: readonly ResourcePart[];
  /** To be run when the server serves. Resolves when every stored definition is served. */
  afterStart(): Promise<void>;
}

export interface ExtensionParts {
  readonly scope: Scope;
  readonly world: World;
  readonly registry: Registry;
  /** May be asked for once the server serves, not before. */
  readonly client: Client;
}

export function extension(parts: ExtensionParts): Extension {
  const { scope, world, registry } = parts;
  const served = new Map<string, Served>();
  const ending = new Set<string>();
  let loaded: Loaded | undefined;

  async function load(): Promise<Loaded> {
    loaded ??= { ...(await import("./custom-kind.ts")), ...(await import("./definition-rules.ts")) };
    return loaded;
  }

  function atHand(): Loaded {
    assert(loaded, "definitions are served once their rules are loaded");
    return loaded;
  }

  function serve(definition: CustomResourceDefinition): void {
    const { name, deletionTimestamp } = definition.metadata;
    const accepted = definition.status.conditions.some(({ type, status }) => type === "Established" && status === "True");
    if (deletionTimestamp !== undefined) ending.add(definition.metadata.uid);
    const before = served.get(name);
    if (!accepted) return remove(name);
    if (before && before.definition.metadata.uid === definition.metadata.uid && sameJson(before.definition.spec, definition.spec)) return;
    const kinds = atHand().customKinds(definition);
    for (const kind of before?.kinds ?? []) if (!kinds.some(({ version }) => version === kind.version)) registry.kinds.remove(kind);
    for (const kind of kinds) registry.kinds.add(kind, [partOf(kind, definition)]);
    served.set(name, { definition, kinds });
  }

  function remove(name: string): void {
    for (const kind of served.get(name)?.kinds ?? []) registry.kinds.remove(kind);
    served.delete(name);
  }

  function partOf(kind: Kind, { metadata: { uid } }: CustomResourceDefinition): ResourcePart {
    return resourcePart({
      kind,
      // Always a folder of the group's own: beside the folders of kinds that come with the server, a plural could be theirs.
      folder: `${kind.group}/${kind.plural}`,
      noStrategicMerge: true,
      hooks: {
        beforeCreate(object) {
          if (!ending.has(uid)) return object;
          throw new StatusError("MethodNotAllowed", "create not allowed while custom resource definition is terminating", {
            kind: kind.plural,
          });
        },
      },
    });
  }

  /** Who has one of the names already: a kind that comes with the server, or a definition that was there before. */
  function conflictOf({ metadata, spec: { group, names } }: CustomResourceDefinition): string | undefined {
    const own = new Set<Kind>(served.get(metadata.name)?.kinds ?? []);
    for (const { kind } of registry.kinds.all()) {
      if (kind.group !== group || own.has(kind)) continue;
      const taken = [kind.plural, kind.singular, ...kind.shortNames];
      const wanted = [names.plural, names.singular || names.kind.toLowerCase(), ...(names.shortNames ?? [])];
      const name = wanted.find((one) => taken.includes(one));
      if (name !== undefined) return `${JSON.stringify(name)} is already in use`;
      if (kind.name === names.kind || kind.listName === names.listKind) return `${JSON.stringify(names.kind)} is already in use`;
    }
    return undefined;
  }

  function withStatus(definition: CustomResourceDefinition, old?: CustomResourceDefinition): CustomResourceDefinition {
    const conflict = conflictOf(definition);
    const { names, versions } = definition.spec;
    const now = formatTime(world.clock.now());
    const before = old?.status.conditions ?? [];
    const conditions = atHand()
      .definitionConditions(conflict)
      .map((condition) => {
        const same = before.find(({ type, status }) => type === condition.type && status === condition.status);
        return same ?? { ...condition, lastTransitionTime: now };
      });
    const others = before.filter(({ type }) => !conditions.some((condition) => condition.type === type));
    const stored = versions.find(({ storage }) => storage)?.name;
    const storedVersions = [...new Set([...(old?.status.storedVersions ?? []), ...(stored ? [stored] : [])])];
    const acceptedNames = conflict === undefined ? names : (old?.status.acceptedNames ?? { plural: "", kind: "" });
    return { ...definition, status: { ...definition.status, conditions: [...others, ...conditions], acceptedNames, storedVersions } };
  }

  function checked(definition: CustomResourceDefinition): CustomResourceDefinition {
    const errors = atHand().definitionErrors(definition);
    if (errors.length > 0) throw invalid(CustomResourceDefinition, definition.metadata.name, errors);
    return definition;
  }

  const part = resourcePart<CustomResourceDefinition>({
    kind: CustomResourceDefinition,
    hooks: {
      async beforeCreate(definition) {
        await load();
        const { metadata } = checked(definition);
        const finalizers = [...new Set([...(metadata.finalizers ?? []), cleanupFinalizer])];
        return withStatus({ ...definition, metadata: { ...metadata, finalizers } });
      },
      async beforeUpdate(definition, old, { subresource }) {
        await load();
        if (subresource !== "") return definition;
        checked(definition);
        const { scope: oldScope, group: oldGroup } = old.spec;
        if (definition.spec.scope !== oldScope || definition.spec.group !== oldGroup) {
          const field = definition.spec.scope !== oldScope ? "scope" : "group";
          throw invalid(CustomResourceDefinition, definition.metadata.name, [
            { type: "Invalid", field: `spec.${field}`, value: definition.spec[field], detail: "field is immutable" },
          ]);
        }
        return withStatus(definition, old);
      },
      beforeDelete(definition) {
        const terminating = {
          type: "Terminating",
          status: "True",
          reason: "InstanceDeletionPending",
          message: "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon",
          lastTransitionTime: formatTime(world.clock.now()),
        };
        const others = definition.status.conditions.filter(({ type }) => type !== "Terminating");
        return { ...definition, status: { ...definition.status, conditions: [...others, terminating] } };
      },
      stored(definition, old) {
        if (definition && loaded) serve(definition);
        else if (old) remove(old.metadata.name);
      },
    },
  });

  /** Deletes the objects of a definition that is going, and lets it go when none is left. */
  async function cleanUp(task: Scope, { metadata: { name, uid } }: CustomResourceDefinition): Promise<void> {
    for (;;) {
      try {
        const kind = served.get(name)?.kinds[0];
        if (kind === undefined || (await deleteAll(kind))) {
          await registry.of(CustomResourceDefinition).update("", name, (current) => {
            const { finalizers = [] } = current.metadata;
            if (current.metadata.uid !== uid || !finalizers.includes(cleanupFinalizer)) return current;
            const kept = finalizers.filter((finalizer) => finalizer !== cleanupFinalizer);
            return { ...current, metadata: { ...current.metadata, finalizers: kept } };
          });
          return;
        }
      } catch (error) {
        if (error instanceof ScopeStopped) throw error;
        if (isReason(error, "NotFound")) return;
        world.log.warn("cannot delete the objects of a custom resource definition; trying again", { name, error: String(error) });
      }
      await world.clock.sleep(task, retryMilliseconds);
    }
  }

  async function deleteAll(kind: Kind): Promise<boolean> {
    const rest = registry.of(kind);
    const { items } = await rest.list("");
    for (const { metadata } of items) {
      if (metadata.deletionTimestamp === undefined)
        await rest.delete(metadata.namespace ?? "", metadata.name, { uid: metadata.uid }).catch(ignoreNotFound);
    }
    return items.length === 0;
  }

  return {
    resources: [part],
    async afterStart() {
      const cleaning = new Set<string>();
      const informer = startInformer<CustomResourceDefinition>(scope, world, parts.client, CustomResourceDefinition);
      const changed = ({ type, object }: Change<CustomResourceDefinition>): void => {
        const { name, uid, deletionTimestamp, finalizers = [] } = object.metadata;
        if (type === "deleted") {
          if (served.get(name)?.definition.metadata.uid === uid) remove(name);
          ending.delete(uid);
          cleaning.delete(uid);
          return;
        }
        serve(object);
        if (deletionTimestamp === undefined || !finalizers.includes(cleanupFinalizer) || cleaning.has(uid)) return;
        cleaning.add(uid);
        scope.start(`cleaning up ${name}`, (task) => cleanUp(task, object));
      };
      await informer.synced;
      if (informer.size > 0) await load();
      // What comes while the rules are being loaded is told in order, after them.
      informer.onChange((change) => {
        if (loaded) changed(change);
        else scope.start("custom resource definitions", async () => (await load(), changed(change)));
      });
    },
  };
}

function ignoreNotFound(error: unknown): boolean {
  if (isReason(error, "NotFound")) return true;
  throw error;
}
