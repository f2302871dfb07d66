// Request bodies: bytes of any supported media type into objects, strict as the request wants it.
import { StatusError } from "#api/meta/status-error.ts";
import { withKindDefaults } from "#schema/derive/defaults.ts";
import { DecodeError, normalise, readJson, readUnknownJson, type StrictProblem } from "#schema/derive/json.ts";
import { isObject } from "#schema/derive/json-objects.ts";
import { readProtobuf, unwrapUnknown } from "#schema/derive/protobuf.ts";
import type { Json } from "#schema/field.ts";
import type { Kind, KubernetesObject } from "#schema/kind.ts";
import type { Type } from "#schema/message.ts";
import { BodyTooLarge, type HttpRequest } from "#wire/http/message.ts";
import { readYaml } from "#wire/yaml/yaml.ts";
import type { ApiRequest } from "../request.ts";
import { badRequest } from "./errors.ts";
import { invalid } from "./invalid.ts";

export const bodyBytesMax = 3 * 1024 * 1024;

const decoder = new TextDecoder("utf-8", { fatal: true });
const mediaTypesText = "application/json, application/yaml, application/vnd.kubernetes.protobuf";

/** The object in the body, of this kind, normalised, with its defaults. Adds warnings to the request. */
export async function readObject<T extends KubernetesObject>(request: ApiRequest, kind: Kind<T>): Promise<T> {
  const { http } = request;
  if (http.object !== undefined) return checkedKind(kind, ofPlain(kind, http.object as Json, request));
  const bytes = await readBytes(http);
  return readObjectFrom(request, kind, bytes);
}

/** The same, of bytes that are there already. */
export function readObjectFrom<T extends KubernetesObject>(request: ApiRequest, kind: Kind<T>, bytes: Uint8Array): T {
  const media = mediaTypeOf(request.http.headers["content-type"]);
  let text = "";
  try {
    switch (media) {
      case "application/json": {
        text = decoder.decode(bytes);
        const { value, problems } = readJson(kind.message, text);
        reportProblems(request, problems);
        return checkedKind(kind, value);
      }
      case "application/yaml":
        return checkedKind(kind, ofPlain(kind, readYaml(decoder.decode(bytes)) as Json, request));
      case "application/vnd.kubernetes.protobuf": {
        const { apiVersion, kind: name, raw } = unwrapUnknown(bytes);
        checkNames(kind, apiVersion, name);
        return checkedKind(kind, readProtobuf(kind.message, raw, { apiVersion: kind.apiVersion, kind: kind.name }));
      }
      default:
        throw unsupportedMedia(mediaTypesText);
    }
  } catch (error) {
    throw bodyError(kind, error, () => readUnknownJson(text));
  }
}

/** A message that is no kind (DeleteOptions); undefined when the body is empty. */
export async function readOptions<T>(http: HttpRequest, type: Type<T>): Promise<T | undefined> {
  try {
    if (http.object !== undefined) return normalise(type, http.object as Json).value;
    const bytes = await readBytes(http);
    if (bytes.length === 0) return undefined;
    switch (mediaTypeOf(http.headers["content-type"])) {
      case "application/json":
        return readJson(type, decoder.decode(bytes)).value;
      case "application/yaml":
        return normalise(type, readYaml(decoder.decode(bytes)) as Json).value;
      case "application/vnd.kubernetes.protobuf":
        return readProtobuf(type, unwrapUnknown(bytes).raw);
      default:
        throw unsupportedMedia(mediaTypesText);
    }
  } catch (error) {
    if (error instanceof DecodeError || error instanceof TypeError) throw badRequest(error.message);
    throw error;
  }
}

export async function readBytes(http: HttpRequest): Promise<Uint8Array> {
  try {
    return await http.body(bodyBytesMax);
  } catch (error) {
    if (error instanceof BodyTooLarge) {
      throw new StatusError("RequestEntityTooLarge", `Request entity too large: limit is ${bodyBytesMax}`, {});
    }
    throw error;
  }
}

export async function readText(http: HttpRequest): Promise<string> {
  try {
    return decoder.decode(await readBytes(http));
  } catch (error) {
    if (error instanceof TypeError) throw badRequest("the body is not valid UTF-8");
    throw error;
  }
}

export function mediaTypeOf(header: string | undefined): string {
  if (header === undefined || header === "") return "application/json";
  const end = header.indexOf(";");
  const type = (end < 0 ? header : header.slice(0, end)).trim().toLowerCase();
  return type === "application/x-yaml" || type === "text/yaml" ? "application/yaml" : type;
}

export function unsupportedMedia(accepted: string): StatusError {
  return new StatusError(
    "UnsupportedMediaType",
    `the body of the request was in an unknown format - accepted media types include: ${accepted}`,
    {},
  );
}

function ofPlain<T extends KubernetesObject>(kind: Kind<T>, plain: Json, request: ApiRequest): T {
  try {
    const { value, problems } = normalise(kind.message, plain);
    reportProblems(request, problems);
    return value;
  } catch (error) {
    throw bodyError(kind, error, () => plain);
  }
}

/** Refuses, warns of, or ignores what a strict reader objects to. */
export function reportProblems(request: ApiRequest, problems: readonly StrictProblem[]): void {
  const validation = fieldValidationOf(request.query);
  if (problems.length === 0 || validation === "Ignore") return;
  const messages = new Set(problems.map(({ message }) => message));
  if (validation === "Strict") throw badRequest(`strict decoding error: ${[...messages].join(", ")}`);
  request.warnings.push(...messages);
}

export function fieldValidationOf(query: URLSearchParams): "Strict" | "Warn" | "Ignore" {
  const value = query.get("fieldValidation") ?? "";
  if (value === "") return "Warn";
  if (value !== "Strict" && value !== "Warn" && value !== "Ignore") {
    const detail = `supported values: "Ignore", "Strict", "Warn"`;
    throw invalid({ group: "meta.k8s.io", name: "CreateOptions" }, "", [{ type: "NotSupported", field: "fieldValidation", value, detail }]);
  }
  return value;
}

function checkedKind<T extends KubernetesObject>(kind: Kind<T>, object: T): T {
  const { apiVersion = "", kind: name = "" } = object as Partial<KubernetesObject>;
  checkNames(kind, apiVersion, name);
  const typed = apiVersion === kind.apiVersion && name === kind.name ? object : { ...object, apiVersion: kind.apiVersion, kind: kind.name };
  return withKindDefaults(kind, typed);
}

function checkNames(kind: Kind, apiVersion: string, name: string): void {
  if (apiVersion !== "" && apiVersion !== kind.apiVersion) {
    throw badRequest(`the API version in the data (${apiVersion}) does not match the expected API version (${kind.apiVersion})`);
  }
  if (name !== "" && name !== kind.name) {
    throw badRequest(
      `${name} in version ${JSON.stringify(kind.version)} cannot be handled as a ${kind.name}: the kind in the data does not match the expected kind`,
    );
  }
}

/** What a body that cannot be read is answered with. `plain`: its JSON, whatever the kind makes of it. */
export function bodyError(kind: Kind, error: unknown, plain?: () => Json): unknown {
  if (error instanceof DecodeError) {
    const mistakes = plain && mistakesOf(kind, plain);
    if (mistakes) return mistakes;
    return badRequest(`${kind.name} in version ${JSON.stringify(kind.version)} cannot be handled as a ${kind.name}: ${error.message}`);
  }
  if (error instanceof TypeError && error.message.includes("encoded data")) return badRequest("the body is not valid UTF-8");
  return error;
}

/** An object that is JSON but not of its kind's types, told by the kind what is wrong with it; undefined when the kind has nothing to say. */
export function mistakesOf(kind: Kind, plain: () => Json): StatusError | undefined {
  if (!kind.mistakes) return undefined;
  try {
    const object = plain();
    if (!isObject(object)) return undefined;
    const errors = kind.mistakes(object);
    const { metadata } = object;
    const name = isObject(metadata) && typeof metadata["name"] === "string" ? metadata["name"] : "";
    return errors.length > 0 ? invalid(kind, name, errors) : undefined;
  } catch (error) {
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}
