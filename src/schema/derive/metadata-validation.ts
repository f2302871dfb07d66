// The rules of metadata, the same for every kind.
import type { FieldError, Kind, KubernetesObject } from "../kind.ts";
import type { ObjectMeta, OwnerReference } from "../object-meta.ts";
import { deepEqual } from "./equal.ts";
import { forbidden, invalid, required, tooLong } from "./field-error.ts";
import {
  dns1035LabelProblems,
  dns1123LabelProblems,
  dns1123SubdomainProblems,
  labelValueProblems,
  pathSegmentProblems,
  qualifiedNameProblems,
} from "./formats.ts";

const annotationsSizeMax = 256 * 1024;
const none: readonly FieldError[] = [];

/** What is wrong with an object's metadata. `old` is there on update. */
export function metadataErrors(kind: Kind, object: KubernetesObject, old: KubernetesObject | undefined): FieldError[] {
  const meta: ObjectMeta = object.metadata;
  const errors: FieldError[] = [];
  if (meta.generateName !== undefined) {
    for (const problem of nameProblems(kind, withoutTrailingDash(meta.generateName))) {
      errors.push(invalid("metadata.generateName", meta.generateName, problem));
    }
  }
  if (meta.name === undefined || meta.name === "") errors.push(required("metadata.name", "name or generateName is required"));
  else for (const problem of nameProblems(kind, meta.name)) errors.push(invalid("metadata.name", meta.name, problem));
  errors.push(...namespaceErrors(kind, meta));
  errors.push(...labelErrors(meta.labels, "metadata.labels"));
  errors.push(...annotationErrors(meta.annotations, "metadata.annotations"));
  errors.push(...ownerErrors(meta.ownerReferences ?? []));
  for (const finalizer of meta.finalizers ?? []) {
    for (const problem of qualifiedNameProblems(finalizer)) errors.push(invalid("metadata.finalizers", finalizer, problem));
  }
  if ((meta.generation ?? 0) < 0) errors.push(invalid("metadata.generation", meta.generation, "must be greater than or equal to 0"));
  if (old !== undefined) errors.push(...changeErrors(meta, old.metadata));
  return errors;
}

function nameProblems({ nameFormat = "dns1123Subdomain" }: Kind, name: string): readonly string[] {
  switch (nameFormat) {
    case "dns1123Subdomain":
      return dns1123SubdomainProblems(name);
    case "dns1123Label":
      return dns1123LabelProblems(name);
    case "dns1035Label":
      return dns1035LabelProblems(name);
    case "path":
      return pathSegmentProblems(name);
    case "any":
      return [];
  }
}

/** A prefix may end in a dash, since more follows. */
function withoutTrailingDash(prefix: string): string {
  return prefix.length > 1 && prefix.endsWith("-") ? `${prefix.slice(0, -2)}a` : prefix;
}

function namespaceErrors(kind: Kind, { namespace }: ObjectMeta): readonly FieldError[] {
  if (kind.scope === "cluster") return namespace === undefined ? [] : [forbidden("metadata.namespace", "not allowed on this type")];
  if (namespace === undefined) return [required("metadata.namespace")];
  return dns1123LabelProblems(namespace).map((problem) => invalid("metadata.namespace", namespace, problem));
}

/** What is wrong with labels, wherever they stand. */
export function labelErrors(labels: Readonly<Record<string, string>> | undefined, field: string): readonly FieldError[] {
  if (labels === undefined) return none;
  const errors: FieldError[] = [];
  for (const [key, value] of Object.entries(labels)) {
    for (const problem of qualifiedNameProblems(key)) errors.push(invalid(field, key, problem));
    for (const problem of labelValueProblems(value)) errors.push(invalid(field, value, problem));
  }
  return errors;
}

/** What is wrong with annotations, wherever they stand. */
export function annotationErrors(annotations: Readonly<Record<string, string>> | undefined, field: string): readonly FieldError[] {
  if (annotations === undefined) return none;
  const errors: FieldError[] = [];
  let size = 0;
  for (const [key, value] of Object.entries(annotations)) {
    for (const problem of qualifiedNameProblems(key.toLowerCase())) errors.push(invalid(field, key, problem));
    size += utf8Length(key) + utf8Length(value);
  }
  if (size > annotationsSizeMax) errors.push(tooLong(field, annotationsSizeMax));
  return errors;
}

/** How many bytes a text takes as UTF-8. */
export function utf8Length(text: string): number {
  let length = text.length;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    // Each half of a surrogate pair counts two, which makes four together.
    if (code > 127) length += code < 0x800 || (code >= 0xd800 && code <= 0xdfff) ? 1 : 2;
  }
  return length;
}

function ownerErrors(owners: readonly OwnerReference[]): readonly FieldError[] {
  const errors: FieldError[] = [];
  let controller: OwnerReference | undefined;
  for (const owner of owners) {
    const field = "metadata.ownerReferences";
    if (owner.apiVersion === "" || owner.apiVersion.endsWith("/")) {
      errors.push(invalid(`${field}.apiVersion`, owner.apiVersion, "version must not be empty"));
    }
    if (owner.kind === "") errors.push(invalid(`${field}.kind`, owner.kind, "must not be empty"));
    if (owner.name === "") errors.push(invalid(`${field}.name`, owner.name, "must not be empty"));
    if (owner.uid === "") errors.push(invalid(`${field}.uid`, owner.uid, "must not be empty"));
    if (owner.apiVersion === "v1" && owner.kind === "Event") {
      errors.push(invalid(field, owner, "/v1, Kind=Event is disallowed from being an owner"));
    }
    if (owner.controller !== true) continue;
    if (controller !== undefined) {
      const detail = `Only one reference can have Controller set to true. Found "true" in references for ${controller.kind}/${controller.name} and ${owner.kind}/${owner.name}`;
      errors.push(invalid(field, owners, detail));
    }
    controller = owner;
  }
  return errors;
}

function changeErrors(meta: ObjectMeta, old: ObjectMeta): readonly FieldError[] {
  const errors: FieldError[] = [];
  for (const name of ["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] as const) {
    if (!deepEqual(meta[name], old[name])) errors.push(invalid(`metadata.${name}`, meta[name] ?? "", "field is immutable"));
  }
  if ((meta.generation ?? 0) < (old.generation ?? 0))
    errors.push(invalid("metadata.generation", meta.generation ?? 0, "must not be decremented"));
  if (old.deletionTimestamp !== undefined) {
    const added = (meta.finalizers ?? []).filter((finalizer) => !(old.finalizers ?? []).includes(finalizer));
    if (added.length > 0) {
      const list = added.map((finalizer) => JSON.stringify(finalizer)).join(", ");
      errors.push(
        forbidden(
          "metadata.finalizers",
          `no new finalizers can be added if the object is being deleted, found new finalizers []string{${list}}`,
        ),
      );
    }
  }
  return errors;
}
