// The four ways to patch. Each turns the object that is there into the one that is wanted; update.ts does the rest.
import { StatusError } from "#api/meta/status-error.ts";
import { apply, ApplyError, conflictCauses, conflictMessage } from "#schema/derive/apply.ts";
import { withKindDefaults } from "#schema/derive/defaults.ts";
import { jsonPatch, JsonPatchError } from "#schema/derive/json-patch.ts";
import { DecodeError, normalise, readUnknownJson } from "#schema/derive/json.ts";
import { mergePatch } from "#schema/derive/merge-patch.ts";
import { strategicMergePatch, StrategicMergeError } from "#schema/derive/strategic-merge.ts";
import type { Json } from "#schema/field.ts";
import type { Kind, KubernetesObject } from "#schema/kind.ts";
import { readYaml } from "#wire/yaml/yaml.ts";
import type { ApiRequest } from "../request.ts";
import type { View } from "../storage/record.ts";
import { createObject } from "./create.ts";
import { badRequest, notFound } from "./errors.ts";
import { invalid } from "./invalid.ts";
import type { KindRest } from "./kind-rest.ts";
import { bodyError, mistakesOf, mediaTypeOf, readText, reportProblems, unsupportedMedia } from "./read-body.ts";
import { type Change, updateObject } from "./update.ts";
import type { AnyObject, WriteRequest } from "./write-request.ts";

const patchTypes = {
  "application/json-patch+json": "json",
  "application/merge-patch+json": "merge",
  "application/strategic-merge-patch+json": "strategic",
  "application/apply-patch+yaml": "apply",
  "application/apply-patch+cbor": undefined,
} as const;

type PatchType = "json" | "merge" | "strategic" | "apply";

/** Answers the object, and whether it was made by an apply. */
export async function patchObject(
  rest: KindRest,
  request: ApiRequest,
  write: WriteRequest,
): Promise<{ readonly view: View; readonly created: boolean }> {
  const { kind } = rest;
  const type = patchTypeOf(rest, request);
  const patch = await readPatch(request, type);
  const { namespace, name } = request.info;
  if (type === "apply") return applyObject(rest, request, patch, write);
  const change: Change = { to: (current) => patched(kind, request, type, current, patch) };
  return { view: await updateObject(rest, namespace, name, change, write), created: false };
}

function patchTypeOf(rest: KindRest, { http }: ApiRequest): PatchType {
  const media = mediaTypeOf(http.headers["content-type"]);
  const type = Object.hasOwn(patchTypes, media) ? patchTypes[media as keyof typeof patchTypes] : undefined;
  const known = Object.keys(patchTypes).filter((name) => !name.endsWith("cbor"));
  const accepted = rest.resource.noStrategicMerge ? known.filter((name) => !name.includes("strategic")) : known;
  if (!type || (type === "strategic" && rest.resource.noStrategicMerge)) throw unsupportedMedia(accepted.join(", "));
  return type;
}

async function readPatch({ http }: ApiRequest, type: PatchType): Promise<Json> {
  if (http.object !== undefined) return http.object as Json;
  const text = await readText(http);
  try {
    return type === "apply" ? (readYaml(text) as Json) : readUnknownJson(text);
  } catch (error) {
    if (error instanceof DecodeError) throw badRequest(`error decoding patch: ${error.message}`);
    throw error;
  }
}

function patched(kind: Kind, request: ApiRequest, type: "json" | "merge" | "strategic", current: KubernetesObject, patch: Json): AnyObject {
  const target = current as unknown as Json;
  let wanted: Json | undefined;
  try {
    wanted =
      type === "json"
        ? jsonPatch(target, patch)
        : type === "merge"
          ? mergePatch(target, objectPatch(patch))
          : strategicMergePatch(kind.message, target, objectPatch(patch));
    return completed(kind, request, wanted, current);
  } catch (error) {
    const object = wanted;
    throw (error instanceof DecodeError && object !== undefined && mistakesOf(kind, () => object)) || patchError(kind, error);
  }
}

function objectPatch(patch: Json): Json {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch)) {
    const found = Array.isArray(patch) ? "array" : typeof patch === "boolean" ? "bool" : patch === null ? "null" : typeof patch;
    throw badRequest(`error decoding patch: json: cannot unmarshal ${found} into Go value of type map[string]interface {}`);
  }
  return patch;
}

/** What the patch did not touch is shared with the current object, and needs no reading again. */
function completed(kind: Kind, request: ApiRequest, wanted: Json, current: KubernetesObject): AnyObject {
  const { value, problems } = normalise(kind.message, wanted, current);
  reportProblems(request, problems);
  const { apiVersion, kind: name } = value as Partial<KubernetesObject>;
  if (apiVersion !== kind.apiVersion || name !== kind.name) {
    throw badRequest(`the patch may not change apiVersion or kind: expected ${kind.apiVersion} ${kind.name}`);
  }
  return withKindDefaults(kind, value) as AnyObject;
}

function patchError(kind: Kind, error: unknown): unknown {
  if (error instanceof JsonPatchError || error instanceof StrategicMergeError) {
    const reason = error.code === 422 ? "Invalid" : error.code === 413 ? "RequestEntityTooLarge" : "BadRequest";
    return new StatusError(reason, error.message, {});
  }
  if (error instanceof DecodeError) {
    return invalid({ group: "", name: "" }, "", [{ type: "Invalid", field: "patch", value: "", detail: error.message }]);
  }
  return bodyError(kind, error);
}

async function applyObject(
  rest: KindRest,
  request: ApiRequest,
  patch: Json,
  write: WriteRequest,
): Promise<{ readonly view: View; readonly created: boolean }> {
  const { kind } = rest;
  const { namespace, name } = request.info;
  const { query } = request;
  const manager = query.get("fieldManager") ?? "";
  if (manager === "") {
    const detail = "is required for apply patch";
    throw invalid({ group: "meta.k8s.io", name: "PatchOptions" }, "", [{ type: "Required", field: "fieldManager", detail }]);
  }
  const force = query.get("force") === "true" || query.get("force") === "1";
  checkApplied(kind, request, patch);
  let created = false;
  const applied = (live: KubernetesObject | undefined): AnyObject => {
    const context = { manager, force, now: rest.world.clock.now(), subresource: write.subresource };
    try {
      const outcome = apply(kind, live, patch, context);
      if (outcome.conflicts) {
        throw new StatusError("Conflict", conflictMessage(outcome.conflicts), { causes: conflictCauses(outcome.conflicts) });
      }
      if (outcome.object === (live as unknown)) return live as AnyObject;
      return withKindDefaults(kind, outcome.object as unknown as KubernetesObject) as AnyObject;
    } catch (error) {
      if (error instanceof ApplyError) throw new StatusError(error.code === 400 ? "BadRequest" : "", error.message, undefined, error.code);
      if (error instanceof DecodeError) throw badRequest(`failed to create typed patch object: ${error.message}`);
      throw error;
    }
  };
  const change: Change = {
    to: applied,
    keepsManagers: true,
    absent: async () => {
      if (write.subresource !== "") throw notFound(kind, name);
      await request.demandCreate();
      created = true;
      const object = applied(undefined);
      const named = { ...object, metadata: { ...object.metadata, name: object.metadata.name ?? name } } as AnyObject;
      return createObject(rest, namespace, named, { ...write, keepsManagers: true });
    },
  };
  return { view: await updateObject(rest, namespace, name, change, write), created };
}

function checkApplied(kind: Kind, request: ApiRequest, patch: Json): void {
  if (typeof patch !== "object" || patch === null || Array.isArray(patch))
    throw badRequest("error decoding YAML: the configuration is no object");
  const { metadata } = patch as { metadata?: Json };
  const meta = typeof metadata === "object" && metadata !== null && !Array.isArray(metadata) ? (metadata as Record<string, Json>) : {};
  const { name } = request.info;
  if (meta.name !== undefined && meta.name !== null && meta.name !== name) {
    throw badRequest(`the name of the object (${String(meta.name)}) does not match the name on the URL (${name})`);
  }
  const { namespace } = request.info;
  if (kind.scope === "namespaced" && meta.namespace && meta.namespace !== namespace) {
    throw badRequest(`the namespace of the provided object does not match the namespace sent on the request`);
  }
}
