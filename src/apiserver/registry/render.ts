// Objects as bytes in the form that was asked for. What can be shared is made once and kept on the record.
import { writeJson } from "#schema/derive/json.ts";
import { wrapUnknown, writeProtobuf } from "#schema/derive/protobuf.ts";
import { one } from "#schema/field.ts";
import type { Kind, KubernetesObject } from "#schema/kind.ts";
import { message, type Type } from "#schema/message.ts";
import { ObjectMeta } from "#schema/object-meta.ts";
import type { Body } from "#wire/http/message.ts";
import { indentJson } from "#wire/json/indent.ts";
import { writeYaml } from "#wire/yaml/yaml.ts";
import type { View } from "../storage/record.ts";
import { type Form, jsonForm } from "./negotiation.ts";

const encoder = new TextEncoder();

/** PartialObjectMetadata: only ever seen as a whole or in lists, so it is no kind of its own. */
const partialMessage = message("PartialObjectMetadata", { metadata: one(1, (): Type<ObjectMeta> => ObjectMeta) });

/** A value as text of the form's media type; never protobuf. */
export function encode(value: unknown, form: Form): Uint8Array {
  if (form.media === "yaml") return encoder.encode(writeYaml(value));
  if (form.pretty) return encoder.encode(`${indented(value)}\n`);
  return encoder.encode(`${writeJson(value)}\n`);
}

/** The whole body that answers with one object. `once`: what is sent is not asked for again soon. */
export function bodyOf(view: View, kind: Kind, form: Form, once: boolean): Body {
  if (form.as === "metadata") {
    const partial = metadataOnly(view.object, form);
    return form.media === "protobuf" ? metadataEnvelope(partial) : encode(partial, form);
  }
  if (form.media === "protobuf") return envelopeOf(view, kind);
  if (form.media === "yaml" || form.pretty) return encode(view.object, form);
  return once ? view.pieces : view.listed.subarray(1);
}

/** The object's JSON, or that of what of it is shown: what stands in lists and watch events. */
export function jsonOf(view: View, form: Form): Uint8Array {
  if (form.as === "object") return view.listed.subarray(1);
  return view.form(`json ${form.version}`, (object) => encoder.encode(writeJson(metadataOnly(object, form))));
}

/** The object's protobuf without its envelope. */
export function protobufOf(view: View, kind: Kind, form: Form): Uint8Array {
  if (form.as === "object") return view.form("protobuf", (object) => writeProtobuf(kind.message, object));
  return view.form(`protobuf ${form.version}`, (object) => writeProtobuf(partialMessage, metadataOnly(object, form)));
}

/** The object's protobuf in its envelope: what answers a get, and stands in watch events. */
export function envelopeOf(view: View, kind: Kind): Uint8Array {
  return view.form("envelope", () => wrapUnknown(kind.apiVersion, kind.name, protobufOf(view, kind, jsonForm)));
}

export function metadataOnly({ metadata }: KubernetesObject, form: Form): KubernetesObject {
  return { kind: "PartialObjectMetadata", apiVersion: form.version, metadata };
}

export function metadataEnvelope(partial: KubernetesObject): Uint8Array {
  return wrapUnknown(partial.apiVersion, partial.kind, writeProtobuf(partialMessage, partial));
}

function indented(value: unknown): string {
  return indentJson(writeJson(value));
}
