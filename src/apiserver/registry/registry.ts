// All kinds with their storages: what handlers, hooks, admission and start-up tasks reach objects by.
import type { Scope } from "#base/scope.ts";
import { assert } from "#base/assert.ts";
import type { World } from "#platform/world.ts";
import type { Kind, KubernetesObject } from "#schema/kind.ts";
import { Storages, type StoragesNeeds } from "../storage/storages.ts";
import { Bookmarks } from "./bookmarks.ts";
import { KindRest } from "./kind-rest.ts";
import { Kinds } from "./kinds.ts";
import type { Registry, Resource, Rest } from "./resource.ts";

export class ApiRegistry implements Registry {
  readonly kinds = new Kinds();
  readonly world: World;
  readonly storages: Storages;
  readonly #bookmarks: Bookmarks;
  readonly #rests = new WeakMap<Resource, KindRest>();

  constructor(scope: Scope, needs: StoragesNeeds) {
    this.world = needs.world;
    this.storages = new Storages(scope, needs);
    this.#bookmarks = new Bookmarks(needs.world);
    const forgetKinds = this.kinds.onChange(({ added, removed }) => {
      if (removed && !added) void this.storages.forget(removed);
    });
    scope.defer("registry", forgetKinds);
  }

  of<T extends KubernetesObject>(kind: Kind<T>): Rest<T> {
    const resource = this.kinds.find(kind.group, kind.version, kind.plural);
    assert(resource, `the kind ${kind.apiVersion} ${kind.name} is served`);
    return this.rest(resource) as unknown as Rest<T>;
  }

  rest(resource: Resource): KindRest {
    let rest = this.#rests.get(resource);
    if (!rest) {
      rest = new KindRest(resource, this.storages.of(resource), this, this.#bookmarks);
      this.#rests.set(resource, rest);
    }
    return rest;
  }
}
