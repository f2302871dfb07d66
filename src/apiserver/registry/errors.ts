// What the server says when it says no, in upstream's words: clients and people match on them.
import { StatusError } from "#api/meta/status-error.ts";
import type { Kind } from "#schema/kind.ts";

/** "pods", "deployments.apps" */
export function qualifiedPlural({ group, plural }: Pick<Kind, "group" | "plural">): string {
  return group === "" ? plural : `${plural}.${group}`;
}

export function notFound(kind: Kind, name: string): StatusError {
  return new StatusError("NotFound", `${qualifiedPlural(kind)} ${JSON.stringify(name)} not found`, about(kind, name));
}

export function alreadyExists(kind: Kind, name: string): StatusError {
  return new StatusError("AlreadyExists", `${qualifiedPlural(kind)} ${JSON.stringify(name)} already exists`, about(kind, name));
}

export function nameNotGenerated(kind: Kind): StatusError {
  const message = `the server was not able to generate a unique name for the ${kind.singular}, please retry`;
  return new StatusError("AlreadyExists", message, { ...about(kind, ""), retryAfterSeconds: 1 });
}

/** Upstream gives it no reason. */
export function versionOnCreate(): StatusError {
  return new StatusError("", "resourceVersion should not be set on objects to be created", undefined, 500);
}

export function conflict(kind: Kind, name: string, why: string): StatusError {
  const message = `Operation cannot be fulfilled on ${qualifiedPlural(kind)} ${JSON.stringify(name)}: ${why}`;
  return new StatusError("Conflict", message, about(kind, name));
}

export const objectModified = "the object has been modified; please apply your changes to the latest version and try again";

export function badRequest(message: string): StatusError {
  return new StatusError("BadRequest", message);
}

export function forbidden(kind: Kind, name: string, why: string): StatusError {
  const what = name === "" ? qualifiedPlural(kind) : `${qualifiedPlural(kind)} ${JSON.stringify(name)}`;
  return new StatusError("Forbidden", `${what} is forbidden: ${why}`, about(kind, name));
}

export function pathNotFound(): StatusError {
  return new StatusError("NotFound", "the server could not find the requested resource", {});
}

export function methodNotAllowed(): StatusError {
  return new StatusError("MethodNotAllowed", "the server does not allow this method on the requested resource", {});
}

/** A list or watch from a revision whose history is gone. */
export function expired(message: string): StatusError {
  return new StatusError("Expired", message);
}

export function tooLargeResourceVersion(wanted: number, current: number): StatusError {
  return new StatusError("Timeout", `Too large resource version: ${wanted}, current: ${current}`, {
    causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
    retryAfterSeconds: 1,
  });
}

function about(kind: Kind, name: string): { name?: string; group?: string; kind: string } {
  return { ...(name !== "" && { name }), ...(kind.group !== "" && { group: kind.group }), kind: kind.plural };
}
