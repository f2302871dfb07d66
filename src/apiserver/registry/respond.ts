// Answers: objects, lists and errors as HTTP responses.
import type { StatusError } from "#api/meta/status-error.ts";
import { Status } from "#api/meta/status.ts";
import { wrapUnknown, writeProtobuf } from "#schema/derive/protobuf.ts";
import { normalise } from "#schema/derive/json.ts";
import type { Json } from "#schema/field.ts";
import type { Kind, KubernetesObject } from "#schema/kind.ts";
import type { Headers, HttpRequest, HttpResponse } from "#wire/http/message.ts";
import type { View } from "../storage/record.ts";
import { type Form, jsonForm } from "./negotiation.ts";
import { bodyOf, encode } from "./render.ts";

const headersOf: Readonly<Record<string, Headers>> = {
  "application/json": Object.freeze({ "cache-control": "no-cache, private", "content-type": "application/json" }),
};

export function formHeaders({ contentType }: Form): Headers {
  return headersOf[contentType] ?? { "cache-control": "no-cache, private", "content-type": contentType };
}

/** One stored object. */
export function respondView(http: HttpRequest, view: View, kind: Kind, form: Form, status = 200): HttpResponse {
  if (http.wantsObjects) return { status, headers: formHeaders(form), object: view.object };
  return { status, headers: formHeaders(form), body: bodyOf(view, kind, form, http.method !== "GET") };
}

/** An object that is not stored: answers of review kinds, Scale, discovery. `kind` tells how to write it as protobuf. */
export function respondObject(
  http: HttpRequest,
  object: Readonly<Record<string, unknown>>,
  kind: Kind | undefined,
  form: Form,
  status = 200,
): HttpResponse {
  if (http.wantsObjects) return { status, headers: formHeaders(form), object };
  if (form.media === "protobuf" && kind) {
    const body = wrapUnknown(kind.apiVersion, kind.name, writeProtobuf(kind.message, object as unknown as KubernetesObject));
    return { status, headers: formHeaders(form), body };
  }
  const shown = form.media === "protobuf" ? jsonForm : form;
  return { status, headers: formHeaders(shown), body: encode(object, shown) };
}

/** A Status, in the form asked for where it can be. */
export function respondStatus(http: HttpRequest, status: Readonly<Record<string, unknown>>, code: number, form: Form): HttpResponse {
  const shown = form.as === "object" ? form : jsonForm;
  if (http.wantsObjects) return { status: code, headers: formHeaders(shown), object: status };
  if (shown.media === "protobuf") return { status: code, headers: formHeaders(shown), body: statusEnvelope(status) };
  return { status: code, headers: formHeaders(shown), body: encode(status, shown) };
}

export function statusEnvelope(status: Readonly<Record<string, unknown>>): Uint8Array {
  const { value } = normalise(Status, status as Json);
  return wrapUnknown("v1", "Status", writeProtobuf(Status, value));
}

export function respondError(http: HttpRequest, error: StatusError, form: Form = jsonForm): HttpResponse {
  const response = respondStatus(http, error.status(), error.code, form);
  const seconds = error.details?.retryAfterSeconds;
  return seconds === undefined ? response : { ...response, headers: { ...response.headers, "retry-after": String(seconds) } };
}

/** What DELETE answers when it does not answer the object. */
export function successStatus(kind: Kind, { metadata }: KubernetesObject): Readonly<Record<string, unknown>> {
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    details: { name: metadata.name, ...(kind.group !== "" && { group: kind.group }), kind: kind.plural, uid: metadata.uid },
  };
}
