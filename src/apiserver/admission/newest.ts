// Objects that a write depends on: from the cache, and from the store before saying that one is not there.
import { isReason } from "#api/meta/status-error.ts";
import type { Kind, KubernetesObject } from "#schema/kind.ts";
import type { AdmissionNeeds } from "./plugin.ts";

export async function lookUp<T extends KubernetesObject>(
  { registry }: AdmissionNeeds,
  kind: Kind<T>,
  namespace: string,
  name: string,
): Promise<T | undefined> {
  const rest = registry.of(kind);
  return (await rest.peek(namespace, name)) ?? (await orUndefined(() => rest.get(namespace, name)));
}

async function orUndefined<T>(get: () => Promise<T>): Promise<T | undefined> {
  try {
    return await get();
  } catch (error) {
    if (isReason(error, "NotFound")) return undefined;
    throw error;
  }
}
