// The scale subresource: how many there should be and are, whatever the kind calls it.
import { Scale } from "#api/autoscaling/scale/scale.ts";
import type { Json, JsonObject } from "#schema/field.ts";
import { isObject, ownValue, setOwn } from "#schema/derive/json-objects.ts";
import { withKindDefaults } from "#schema/derive/defaults.ts";
import { mergePatch } from "#schema/derive/merge-patch.ts";
import { jsonPatch } from "#schema/derive/json-patch.ts";
import { normalise, readUnknownJson } from "#schema/derive/json.ts";
import type { KubernetesObject, ScaleMapping } from "#schema/kind.ts";
import { validate } from "#schema/derive/validation.ts";
import type { HttpResponse } from "#wire/http/message.ts";
import type { ApiRequest } from "../request.ts";
import { badRequest, conflict, methodNotAllowed, objectModified } from "./errors.ts";
import { invalid } from "./invalid.ts";
import type { KindRest } from "./kind-rest.ts";
import { type Form, jsonForm } from "./negotiation.ts";
import { mediaTypeOf, readObject, readText, unsupportedMedia } from "./read-body.ts";
import { respondObject } from "./respond.ts";
import { tableOf } from "./table.ts";
import { updateObject } from "./update.ts";
import type { AnyObject, WriteRequest } from "./write-request.ts";

export async function serveScale(
  rest: KindRest,
  request: ApiRequest,
  form: Form,
  mapping: ScaleMapping,
  write: WriteRequest,
): Promise<HttpResponse> {
  const { namespace, name, verb } = request.info;
  const respond = (object: KubernetesObject): HttpResponse => respondScale(rest, request, form, scaleOf(object, mapping));
  if (verb === "get") return respond(await rest.get(namespace, name));
  if (verb !== "update" && verb !== "patch") throw methodNotAllowed();
  const wanted = await wantedScale(request, verb, mapping);
  const to = (current: KubernetesObject): KubernetesObject => {
    const scale = wanted(current);
    const { uid, resourceVersion } = scale.metadata;
    if (scale.metadata.name && scale.metadata.name !== name) {
      throw badRequest(`the name of the object (${scale.metadata.name}) does not match the name on the URL (${name})`);
    }
    if (uid && uid !== current.metadata.uid) {
      throw conflict(rest.kind, name, `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${current.metadata.uid}`);
    }
    if (resourceVersion && resourceVersion !== current.metadata.resourceVersion) throw conflict(rest.kind, name, objectModified);
    const replicas = scale.spec.replicas ?? 0;
    const errors = validate(Scale, { ...scale, metadata: { ...scale.metadata, name } }).filter(({ field }) => field.startsWith("spec"));
    if (replicas < 0)
      errors.push({ type: "Invalid", field: "spec.replicas", value: replicas, detail: "must be greater than or equal to 0" });
    if (errors.length > 0) throw invalid(Scale, name, errors);
    return withPath(current as AnyObject, mapping.replicas.replace(/^\./, "").split("."), replicas) as AnyObject;
  };
  // The replicas belong to the object's spec: all of it passes through, and its generation counts.
  const view = await updateObject(rest, namespace, name, { to }, { ...write, subresource: "scale" });
  return respond(view.object);
}

function respondScale(rest: KindRest, request: ApiRequest, form: Form, scale: ReturnType<typeof scaleOf>): HttpResponse {
  if (form.as !== "table") return respondObject(request.http, scale, Scale, form.as === "object" ? form : jsonForm);
  const { resourceVersion } = scale["metadata"] as { readonly resourceVersion: string };
  const asked = { form, query: request.query, now: rest.world.clock.now(), metadata: { resourceVersion }, withColumns: true };
  return respondObject(request.http, tableOf(Scale, [{ object: scale }], asked), undefined, form);
}

async function wantedScale(request: ApiRequest, verb: string, mapping: ScaleMapping): Promise<(current: KubernetesObject) => Scale> {
  if (verb === "update") {
    const sent = await readObject(request, Scale);
    return () => sent;
  }
  const { http } = request;
  const media = mediaTypeOf(http.headers["content-type"]);
  if (!/^application\/(json-patch|merge-patch|strategic-merge-patch)\+json$/.test(media)) {
    throw unsupportedMedia("application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json");
  }
  const patch = (http.object as Json | undefined) ?? parsed(await readText(http));
  return (current) => {
    const before = scaleOf(current, mapping) as unknown as Json;
    try {
      const after = media === "application/json-patch+json" ? jsonPatch(before, patch) : mergePatch(before, patch);
      return withKindDefaults(Scale, normalise(Scale.message, after).value);
    } catch (error) {
      throw badRequest((error as Error).message);
    }
  };
}

function parsed(text: string): Json {
  try {
    return readUnknownJson(text);
  } catch (error) {
    throw badRequest((error as Error).message);
  }
}

export function scaleOf(object: KubernetesObject, mapping: ScaleMapping): Readonly<Record<string, unknown>> {
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const read = (path: string): unknown => valueAt(object as unknown as Json, path.replace(/^\./, "").split("."));
  const replicas = Number(read(mapping.replicas) ?? 0);
  const selector = mapping.selector === undefined ? "" : selectorText(read(mapping.selector));
  return {
    kind: "Scale",
    apiVersion: "autoscaling/v1",
    metadata: { name, ...(namespace !== undefined && { namespace }), uid, resourceVersion, creationTimestamp },
    spec: replicas === 0 ? {} : { replicas },
    status: { replicas: Number(read(mapping.current) ?? 0), ...(selector !== "" && { selector }) },
  };
}

function valueAt(value: Json | undefined, path: readonly string[]): Json | undefined {
  let inner = value;
  for (const key of path) inner = isObject(inner) ? ownValue(inner, key) : undefined;
  return inner;
}

function withPath(object: JsonObject | AnyObject, path: readonly string[], value: Json): JsonObject | AnyObject {
  const [key, ...rest] = path;
  if (key === undefined) return object;
  const copy: { [key: string]: unknown } = { ...object };
  const inner = ownValue(object as JsonObject, key);
  setOwn(copy, key, rest.length === 0 ? value : withPath(isObject(inner) ? inner : {}, rest, value));
  return copy as JsonObject;
}

/** A selector as text: "app=web,tier in (a,b)". */
function selectorText(selector: unknown): string {
  if (typeof selector === "string") return selector;
  if (!isObject(selector)) return "";
  const { matchLabels, matchExpressions } = selector as {
    matchLabels?: Record<string, string>;
    matchExpressions?: readonly { key: string; operator: string; values?: readonly string[] }[];
  };
  const terms = Object.entries(matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  for (const { key, operator, values = [] } of matchExpressions ?? []) {
    const list = `(${values.toSorted().join(",")})`;
    if (operator === "In") terms.push(`${key} in ${list}`);
    else if (operator === "NotIn") terms.push(`${key} notin ${list}`);
    else terms.push(operator === "Exists" ? key : `!${key}`);
  }
  return terms.sort().join(",");
}
