// Creating an object: fill in, ask admission, prepare, validate, store.
import { normalise } from "#schema/derive/normalise.ts";
import { validate } from "#schema/derive/validation.ts";
import type { KubernetesObject } from "#schema/kind.ts";
import { StoredRecord, toStored, type View } from "../storage/record.ts";
import { alreadyExists, badRequest, nameNotGenerated, versionOnCreate } from "./errors.ts";
import { invalid } from "./invalid.ts";
import { generatedName, metaForCreate } from "./object-meta.ts";
import type { KindRest } from "./kind-rest.ts";
import { type AnyObject, claimsOf, notifyStored, runHooks, withManagedFields, type WriteRequest } from "./write-request.ts";

const generateAttempts = 8;
const claimAttempts = 16;

/** `sent` is a served object with its defaults. `namespace` is that of the path. */
export async function createObject(rest: KindRest, namespace: string, sent: KubernetesObject, write: WriteRequest): Promise<View> {
  const { kind } = rest.resource;
  const place = kind.scope === "namespaced" ? placeOf(namespace, sent as AnyObject) : "";
  const { name = "", generateName = "", resourceVersion = "" } = sent.metadata;
  if (/^0*[1-9][0-9]*$/.test(resourceVersion)) throw versionOnCreate();
  if (name !== "" || generateName === "") {
    const created = await createNamed(rest, place, name, sent as AnyObject, write);
    if (!created) throw alreadyExists(kind, name);
    return created;
  }
  for (let attempt = 0; attempt < generateAttempts; attempt++) {
    const created = await createNamed(rest, place, generatedName(rest.world, generateName), sent as AnyObject, write);
    if (created) return created;
  }
  throw nameNotGenerated(kind);
}

function placeOf(namespace: string, sent: AnyObject): string {
  const own = sent.metadata.namespace ?? "";
  if (own !== "" && own !== namespace) {
    throw badRequest(`the namespace of the provided object does not match the namespace sent on the request`);
  }
  return namespace;
}

/** Undefined when the name is taken. */
async function createNamed(
  rest: KindRest,
  namespace: string,
  name: string,
  sent: AnyObject,
  write: WriteRequest,
): Promise<View | undefined> {
  const { resource, world, storage } = rest;
  const { kind } = resource;
  const context = rest.contextOf("create", sent, write);
  const started = metaForCreate(world, sent, { namespace, name });
  const admitted = write.admission
    ? (((await write.admission.mutate("CREATE", { namespace, name, object: started, old: undefined })) ?? started) as AnyObject)
    : started;
  for (let attempt = 0; attempt < claimAttempts; attempt++) {
    let object = prepared(rest, admitted);
    if (resource.hooks.length > 0) object = await runHooks(resource, object, (hooks, value) => hooks.beforeCreate?.(value, context));
    const errors = validate(kind, object);
    if (errors.length > 0) throw invalid(kind, name, errors);
    if (write.admission) await write.admission.validate("CREATE", { namespace, name, object, old: undefined });
    if (!write.keepsManagers) object = withManagedFields(kind, undefined, object, write, world.clock.now());
    const key = storage.keyOf(namespace, name);
    const stored = toStored(kind, object);
    if (write.dryRun) {
      if (await storage.newest(key)) return undefined;
      return new StoredRecord(storage.codec, key, 0, storage.codec.encode(stored), stored).as(kind);
    }
    const result = await storage.write({ key, expected: 0, object: stored, claimsTaken: claimsOf(resource, object) });
    switch (result.outcome) {
      case "written":
        notifyStored(resource, object, undefined);
        return result.record.as(kind);
      case "claim taken":
        for (const hooks of resource.hooks) hooks.claimTaken?.(result.claim, object, context);
        break;
      default:
        return undefined;
    }
  }
  throw nameNotGenerated(kind);
}

function prepared({ resource }: KindRest, object: AnyObject): AnyObject {
  const { kind } = resource;
  let next = object;
  if (kind.counted) next = { ...next, metadata: { ...next.metadata, generation: 1 } };
  if (kind.subresources?.status && !kind.keepsStatus && Object.hasOwn(kind.message.fields, "status")) {
    next = { ...next, status: (normalise(kind.message, {}).value as unknown as AnyObject).status } as AnyObject;
  }
  return kind.prepare ? (kind.prepare(next as never, { subresource: "" }) as AnyObject) : next;
}
