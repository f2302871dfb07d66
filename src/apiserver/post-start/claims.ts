// Claims follow the objects: names that only one may hold, such as a Service's addresses. Our own writes keep them in the same transaction;
// another server on the same store (an upstream one, or one that wrote the store before it was ours) knows nothing of them.
import type { Scope } from "#base/scope.ts";
import type { KubernetesObject } from "#schema/kind.ts";
import { DecodeError } from "#wire/decode-error.ts";
import { prefixEnd, type Revision, type Store } from "#store/store.ts";
import type { ApiRegistry } from "../registry/registry.ts";
import { claimsOf } from "../registry/write-request.ts";
import { claimsFolder } from "../storage/keys.ts";
import type { StartTaskNeeds } from "./post-start.ts";

const everyMilliseconds = 180_000;

export async function keepClaims(scope: Scope, { registry, store }: StartTaskNeeds, through: () => void): Promise<void> {
  for (;;) {
    await settleClaims(registry, store);
    through();
    await registry.world.clock.sleep(scope, everyMilliseconds);
  }
}

interface Owner {
  readonly key: string;
  readonly modRevision: Revision;
}

/** Each change holds only while owner and claim are as they were seen: whatever is written meanwhile is right by itself. */
async function settleClaims(registry: ApiRegistry, store: Store): Promise<void> {
  const { owners, revisions } = await ownersOf(registry, store);
  const { items } = await store.range(claimsFolder, prefixEnd(claimsFolder));
  const held = new Map(items.map((item) => [item.key.slice(claimsFolder.length), item]));
  for (const [claim, { key, modRevision }] of owners) {
    if (held.has(claim)) continue;
    const conditions = [
      { key: claimsFolder + claim, modRevision: 0 },
      { key, modRevision },
    ];
    const value = new TextEncoder().encode(key);
    const { succeeded } = await store.transact({ conditions, operations: [{ type: "put", key: claimsFolder + claim, value }] });
    if (succeeded) registry.world.log.info("a name that another server gave is claimed for its object", { claim, object: key });
  }
  for (const [claim, { key, value, modRevision }] of held) {
    const owner = new TextDecoder().decode(value);
    if (owners.get(claim)?.key === owner) continue;
    const conditions = [
      { key, modRevision },
      { key: owner, modRevision: revisions.get(owner) ?? 0 },
    ];
    const { succeeded } = await store.transact({ conditions, operations: [{ type: "delete", key }] });
    if (succeeded) registry.world.log.info("a name is free: its object is gone, or has another", { claim, object: owner });
  }
}

/** Who holds what by what the objects say, and the revisions of all that could hold something. Where two say the same, the older one has it. */
async function ownersOf(registry: ApiRegistry, store: Store) {
  const owners = new Map<string, Owner & { readonly created: Revision }>();
  const revisions = new Map<string, Revision>();
  for (const resource of registry.kinds.all()) {
    if (!resource.hooks.some((hooks) => hooks.claims)) continue;
    const { folder, cache } = registry.storages.of(resource);
    const { items } = await store.range(folder, prefixEnd(folder));
    for (const item of items) {
      const { key, modRevision, createRevision: created } = item;
      revisions.set(key, modRevision);
      for (const claim of claimsOf(
        resource,
        readable(() => cache.recordOf(item).object),
      )) {
        const other = owners.get(claim);
        if (!other || created < other.created) owners.set(claim, { key, modRevision, created });
      }
    }
  }
  return { owners, revisions };
}

/** What cannot be read holds nothing that could be known. */
function readable(read: () => KubernetesObject): KubernetesObject | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
