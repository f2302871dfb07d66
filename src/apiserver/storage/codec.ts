// Between objects and the bytes of the store. Inside of the server, an object is JSON without resourceVersion, laid out so that the revision
// can be spliced in without parsing: `{"kind":"Pod","apiVersion":"v1","metadata":{` stands first, always. The embedded store holds that very
// JSON; an etcd holds what upstream's API server writes there: protobuf in its envelope, and JSON for custom resources. Either is read
// from either.
//
// What is stored is not what is served: `Transformer` stands between (encryption at rest, a store shared with others).
import { freezeDeep } from "#schema/derive/freeze.ts";
import { withKindDefaults } from "#schema/derive/defaults.ts";
import { DecodeError, readJson, readUnknownJson, writeJson } from "#schema/derive/json.ts";
import { readProtobuf, unwrapUnknown, wrapUnknown, writeProtobuf } from "#schema/derive/protobuf.ts";
import type { Kind, KubernetesObject } from "#schema/kind.ts";
import type { Revision } from "#store/store.ts";
import { readStored } from "./stored-json.ts";

/** Changes bytes on their way to the store and back. `key` authenticates where they belong. */
export interface Transformer {
  toStore(key: string, json: Uint8Array): Uint8Array;
  fromStore(key: string, stored: Uint8Array): Uint8Array;
  /** What lies there was written in another way than it would be now: an update that changes nothing writes it anew. */
  isStale?(key: string): boolean;
}

/** What built-in kinds are stored as. */
export type StoredMedia = "json" | "protobuf";

export const plainTransformer: Transformer = { toStore: (_key, json) => json, fromStore: (_key, stored) => stored };

const encoder = new TextEncoder();
const decoder = new TextDecoder();

export class Codec {
  readonly kind: Kind;
  /** `{"kind":"Pod","apiVersion":"v1","metadata":{` */
  readonly head: string;

  /** `,{"metadata":{"resourceVersion":"`: items of a list leave out what the list says for all of them, but for custom resources. */
  readonly #listedHead: Uint8Array;
  readonly #others = new Map<Kind, Codec>();

  constructor(kind: Kind) {
    this.kind = kind;
    this.head = `{"kind":${JSON.stringify(kind.name)},"apiVersion":${JSON.stringify(kind.apiVersion)},"metadata":{`;
    const start = kind.readAnew ? this.head : '{"metadata":{';
    this.#listedHead = encoder.encode(`,${start}"resourceVersion":"`);
  }

  /** The codec of another version of the kind. */
  for(kind: Kind): Codec {
    if (kind === this.kind) return this;
    let codec = this.#others.get(kind);
    if (!codec) {
      codec = new Codec(kind);
      this.#others.set(kind, codec);
    }
    return codec;
  }

  /** The object's JSON, without resourceVersion. */
  encode(object: KubernetesObject): Uint8Array {
    const { kind: _kind, apiVersion: _apiVersion, metadata, ...rest } = object as KubernetesObject & Record<string, unknown>;
    const { resourceVersion: _resourceVersion, ...kept } = metadata;
    return encoder.encode(writeJson({ kind: this.kind.name, apiVersion: this.kind.apiVersion, metadata: kept, ...rest }));
  }

  /** Undoes `encode`, with the revision put in. */
  decode(json: Uint8Array, revision: Revision): KubernetesObject {
    const object = readStored(this.kind, decoder.decode(json)) as KubernetesObject;
    return freezeDeep(withRevision(object, revision));
  }

  /** The object as it is stored; `json` is its JSON. */
  toStored(media: StoredMedia, object: KubernetesObject, json: Uint8Array): Uint8Array {
    const { kind } = this;
    if (media === "json" || kind.readAnew) return json;
    const { resourceVersion: _, ...metadata } = object.metadata;
    return wrapUnknown(kind.apiVersion, kind.name, writeProtobuf(kind.message, { ...object, metadata }));
  }

  /** The JSON of what is stored, in whatever form and of whatever version it was. Throws DecodeError. */
  fromStored(stored: Uint8Array): Uint8Array {
    if (stored[0] !== envelopeStart) return this.current(stored);
    const { apiVersion, kind: name, raw } = unwrapUnknown(stored);
    return this.#asToday(apiVersion, name, (message) => readProtobuf(message, raw, { apiVersion, kind: name }));
  }

  /** Stored JSON as this kind would write it today. */
  current(json: Uint8Array): Uint8Array {
    const { kind } = this;
    if (json.length === 0 || (!kind.readAnew && this.#hasHead(json))) return json;
    const text = decoder.decode(json);
    if (!kind.readAnew) {
      const { apiVersion, kind: name } = readUnknownJson(text) as Readonly<Record<string, unknown>>;
      return this.#asToday(String(apiVersion), String(name), (message) => readJson(message, text).value);
    }
    try {
      const { value } = readJson(kind.message, text);
      return this.encode(withKindDefaults(kind, { ...value, kind: kind.name, apiVersion: kind.apiVersion }));
    } catch (error) {
      // A value of another type than the declaration now wants: shown as it is, for somebody to mend.
      if (!(error instanceof DecodeError)) throw error;
      return this.encode(readUnknownJson(text) as unknown as KubernetesObject);
    }
  }

  /** Reads an object as the version it was stored as, and says it as today's. */
  #asToday(apiVersion: string, name: string, read: (message: Kind["message"]) => unknown): Uint8Array {
    const { kind } = this;
    const former = kind.former?.().find((one) => one.kind.apiVersion === apiVersion);
    const isToday = apiVersion === kind.apiVersion || kind.formerVersions?.some((version) => apiVersion === `${kind.group}/${version}`);
    if (name !== kind.name || (!isToday && !former))
      throw new DecodeError(`a ${name} of ${apiVersion} is stored where a ${kind.name} of ${kind.apiVersion} is expected`, 0);
    const object = (former ? former.today(read(former.kind.message) as never) : read(kind.message)) as KubernetesObject;
    // Whoever stored it may not have known of fields that have a default today.
    return this.encode(withKindDefaults(kind, { ...object, kind: kind.name, apiVersion: kind.apiVersion }));
  }

  #hasHead(json: Uint8Array): boolean {
    const { head } = this;
    for (let at = 0; at < head.length; at++) if (json[at] !== head.charCodeAt(at)) return false;
    return true;
  }

  /** `,` and the JSON with the revision put in. */
  splice(json: Uint8Array, revision: Revision): Uint8Array {
    const start = this.#headWith(revision);
    const whole = new Uint8Array(1 + start.length + json.length - this.head.length);
    whole[0] = 0x2c;
    whole.set(start, 1);
    whole.set(json.subarray(this.head.length), 1 + start.length);
    return whole;
  }

  /** How many bytes `writeListed` writes. */
  listedLength(json: Uint8Array, revision: Revision): number {
    return this.#listedHead.length + digitsOf(revision) + 2 + json.length - this.head.length;
  }

  /** Writes `,` and the JSON with the revision put in, as it stands in a list behind another item. Gives the place behind it. */
  writeListed(json: Uint8Array, revision: Revision, target: Uint8Array, at: number): number {
    target.set(this.#listedHead, at);
    let place = at + this.#listedHead.length;
    const digits = digitsOf(revision);
    for (let left = revision, digit = place + digits - 1; digit >= place; digit--) {
      const rest = Math.floor(left / 10);
      target[digit] = 48 + left - rest * 10;
      left = rest;
    }
    place += digits;
    target[place++] = quote;
    target[place++] = comma;
    const rest = json.subarray(this.head.length);
    target.set(rest, place);
    return place + rest.length;
  }

  /** The JSON with the revision put in, in two pieces, without a copy. */
  pieces(json: Uint8Array, revision: Revision): readonly Uint8Array[] {
    return [this.#headWith(revision), json.subarray(this.head.length)];
  }

  #headWith(revision: Revision): Uint8Array {
    return encoder.encode(`${this.head}"resourceVersion":"${revision}",`);
  }
}

/** JSON never begins with it. */
const envelopeStart = 0x6b;
const quote = 34;
const comma = 44;

function digitsOf(revision: Revision): number {
  let digits = 1;
  for (let limit = 10; revision >= limit; limit *= 10) digits++;
  return digits;
}

/** A copy that shares everything but metadata. */
export function withRevision<T extends KubernetesObject>(object: T, revision: Revision): T {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
}
