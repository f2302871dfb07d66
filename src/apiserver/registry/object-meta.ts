// What the server itself writes into metadata, and what it does not let others write.
import { formatTime } from "#schema/time.ts";
import type { FieldError } from "#schema/kind.ts";
import type { World } from "#platform/world.ts";
import type { AnyObject } from "./write-request.ts";

const generatedLengthMax = 63;
const suffixLength = 5;
/** No vowels and no characters that look alike: nothing rude comes out by chance. */
const suffixLetters = "bcdfghjklmnpqrstvwxz2456789";

export function generatedName(world: World, prefix: string): string {
  let suffix = "";
  for (let at = 0; at < suffixLength; at++) suffix += suffixLetters[world.random.integer(suffixLetters.length)];
  return prefix.slice(0, generatedLengthMax - suffixLength) + suffix;
}

/** The metadata of a new object: identity and birth are the server's. */
export function metaForCreate(world: World, object: AnyObject, place: { namespace: string; name: string }): AnyObject {
  const {
    uid: _uid,
    resourceVersion: _version,
    creationTimestamp: _created,
    deletionTimestamp: _deleted,
    deletionGracePeriodSeconds: _grace,
    selfLink: _self,
    generation: _generation,
    namespace: _namespace,
    ...kept
  } = object.metadata;
  const metadata = {
    ...kept,
    name: place.name,
    ...(place.namespace !== "" && { namespace: place.namespace }),
    uid: world.crypto.uuid(),
    creationTimestamp: formatTime(world.clock.now()),
  };
  return { ...object, metadata: metadata as unknown as AnyObject["metadata"] };
}

/** What of the stored metadata no update changes. */
export function metaForUpdate(current: AnyObject, sent: AnyObject): AnyObject {
  const { metadata: old } = current;
  const {
    selfLink: _self,
    generation: _generation,
    resourceVersion: _version,
    deletionTimestamp: _deleted,
    deletionGracePeriodSeconds: _grace,
    generateName: _generateName,
    ...kept
  } = sent.metadata;
  const metadata = {
    ...kept,
    name: old.name,
    ...(old.namespace !== undefined && { namespace: old.namespace }),
    ...(old.generateName !== undefined && { generateName: old.generateName }),
    uid: old.uid,
    creationTimestamp: old.creationTimestamp,
    ...(old.generation !== undefined && { generation: old.generation }),
    ...(old.deletionTimestamp !== undefined && { deletionTimestamp: old.deletionTimestamp }),
    ...(old.deletionGracePeriodSeconds !== undefined && { deletionGracePeriodSeconds: old.deletionGracePeriodSeconds }),
  };
  return { ...sent, metadata: metadata as unknown as AnyObject["metadata"] };
}

/** What the caller tried to change of it and may not. */
export function metaChangeErrors(current: AnyObject, sent: AnyObject): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const field of ["creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] as const) {
    const value = sent.metadata[field];
    if (value !== undefined && value !== "" && value !== current.metadata[field]) {
      errors.push({ type: "Invalid", field: `metadata.${field}`, value, detail: "field is immutable" });
    }
  }
  return errors;
}
