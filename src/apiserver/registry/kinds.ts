// The live registry of kinds: routes, discovery and OpenAPI ask it on every request. CustomResourceDefinitions add to it while it runs.
import type { Kind } from "#schema/kind.ts";
import type { Resource, ResourcePart } from "./resource.ts";

export interface GroupVersion {
  readonly group: string;
  readonly version: string;
  readonly resources: readonly Resource[];
}

export class Kinds {
  readonly #resources = new Map<string, Resource>();
  readonly #listeners = new Set<(change: KindChange) => void>();
  #revision = 0;
  #groups: ReadonlyMap<string, readonly GroupVersion[]> | undefined;

  /** Grows with every change; what was derived from an older one is stale. */
  get revision(): number {
    return this.#revision;
  }

  /** Serves a kind from now on, or serves it differently. `parts` say what is special about it; parts of other kinds are ignored. */
  add(kind: Kind, parts: readonly ResourcePart[] = []): Resource {
    const resource = joinParts(kind, parts);
    const id = idOf(kind.group, kind.version, kind.plural);
    const replaced = this.#resources.get(id);
    this.#resources.set(id, resource);
    this.#changed({ added: resource, removed: replaced });
    return resource;
  }

  /** Serves it no longer. What is stored stays. */
  remove(kind: Kind): void {
    const id = idOf(kind.group, kind.version, kind.plural);
    const removed = this.#resources.get(id);
    if (!removed) return;
    this.#resources.delete(id);
    this.#changed({ added: undefined, removed });
  }

  find(group: string, version: string, plural: string): Resource | undefined {
    return this.#resources.get(idOf(group, version, plural));
  }

  /** By group, version and the name of the kind ("Pod"). */
  findKind(group: string, version: string, name: string): Resource | undefined {
    for (const resource of this.#resources.values()) {
      const { kind } = resource;
      if (kind.name === name && kind.group === group && kind.version === version) return resource;
    }
    return undefined;
  }

  /** Group by group, the versions in the order clients should prefer them. */
  groups(): ReadonlyMap<string, readonly GroupVersion[]> {
    this.#groups ??= grouped([...this.#resources.values()]);
    return this.#groups;
  }

  all(): IterableIterator<Resource> {
    return this.#resources.values();
  }

  /** Returns a function that takes the listener back. */
  onChange(listener: (change: KindChange) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #changed(change: KindChange): void {
    this.#revision++;
    this.#groups = undefined;
    for (const listener of this.#listeners) listener(change);
  }
}

export interface KindChange {
  readonly added: Resource | undefined;
  readonly removed: Resource | undefined;
}

function idOf(group: string, version: string, plural: string): string {
  return `${group}/${version}/${plural}`;
}

function joinParts(kind: Kind, parts: readonly ResourcePart[]): Resource {
  const own = parts.filter((part) => part.kind.group === kind.group && part.kind.plural === kind.plural);
  const last = <K extends keyof ResourcePart>(name: K): ResourcePart[K] | undefined =>
    own.findLast((part) => part[name] !== undefined)?.[name];
  return {
    kind,
    create: last("create"),
    hooks: own.flatMap((part) => (part.hooks ? [part.hooks] : [])),
    subresources: Object.assign(Object.create(null), ...own.map((part) => part.subresources ?? {})),
    folder: last("folder"),
    timeToLiveSeconds: last("timeToLiveSeconds"),
    returnsDeleted: last("returnsDeleted") ?? false,
    noStrategicMerge: last("noStrategicMerge") ?? false,
  };
}

function grouped(resources: readonly Resource[]): ReadonlyMap<string, readonly GroupVersion[]> {
  const byGroup = new Map<string, Map<string, Resource[]>>();
  for (const resource of resources) {
    const { group, version } = resource.kind;
    const versions = byGroup.get(group) ?? new Map<string, Resource[]>();
    byGroup.set(group, versions);
    const list = versions.get(version) ?? [];
    versions.set(version, list);
    list.push(resource);
  }
  return new Map(
    [...byGroup].map(([group, versions]) => [
      group,
      [...versions]
        .map(([version, list]) => ({ group, version, resources: list }))
        .sort((left, right) => compareVersions(left.version, right.version)),
    ]),
  );
}

/** v2 before v1 before v1beta2 before v1beta1 before v1alpha1 before anything else. */
export function compareVersions(left: string, right: string): number {
  const [leftRank, rightRank] = [rank(left), rank(right)];
  for (let at = 0; at < leftRank.length; at++) {
    const difference = (rightRank[at] as number) - (leftRank[at] as number);
    if (difference !== 0) return difference;
  }
  return left < right ? -1 : left > right ? 1 : 0;
}

function rank(version: string): readonly number[] {
  const match = /^v(\d{1,9})(?:(alpha|beta)(\d{1,9}))?$/.exec(version);
  if (!match) return [0, 0, 0];
  const [, major, stage, minor] = match;
  return [stage === undefined ? 3 : stage === "beta" ? 2 : 1, Number(major), Number(minor ?? 0)];
}
