// One object at one revision, in every form it was asked for so far. Everything that sends it sends these very bytes.
import type { Kind, KubernetesObject } from "#schema/kind.ts";
import type { Revision } from "#store/store.ts";
import { type Codec, withRevision } from "./codec.ts";

export class StoredRecord {
  readonly key: string;
  /** Of the last change; of the deletion where the record tells of one. */
  readonly revision: Revision;
  /** JSON without resourceVersion. */
  readonly json: Uint8Array;
  readonly codec: Codec;
  #object: KubernetesObject | undefined;
  #listed: Uint8Array | undefined;
  #views: Map<Kind, RecordView> | undefined;
  #forms: Map<string, Uint8Array> | undefined;

  constructor(codec: Codec, key: string, revision: Revision, json: Uint8Array, object?: KubernetesObject) {
    this.codec = codec;
    this.key = key;
    this.revision = revision;
    this.json = json;
    this.#object = object;
  }

  /** The decoded object as it is stored; shared, never to be changed. */
  get object(): KubernetesObject {
    this.#object ??= this.codec.decode(this.json, this.revision);
    return this.#object;
  }

  /** `,` and the JSON: an item behind another. */
  get listed(): Uint8Array {
    this.#listed ??= this.codec.splice(this.json, this.revision);
    return this.#listed;
  }

  get listedLength(): number {
    return this.codec.listedLength(this.json, this.revision);
  }

  writeListed(target: Uint8Array, at: number): number {
    return this.codec.writeListed(this.json, this.revision, target, at);
  }

  /** The JSON in one piece where it was made already, else in two that were not copied: for answers that are sent once. */
  get pieces(): readonly Uint8Array[] {
    return this.#listed ? [this.#listed.subarray(1)] : this.codec.pieces(this.json, this.revision);
  }

  /** The same object as of a later revision: what a deletion, or an object that left a selection, looks like. */
  at(revision: Revision): StoredRecord {
    return new StoredRecord(this.codec, this.key, revision, this.json, this.#object && withRevision(this.#object, revision));
  }

  /** As a version of the kind that is served: the record itself where that is the stored one. */
  as(kind: Kind): View {
    if (kind === this.codec.kind) return this;
    this.#views ??= new Map();
    let view = this.#views.get(kind);
    if (!view) {
      view = new RecordView(this, kind);
      this.#views.set(kind, view);
    }
    return view;
  }

  /** Other encodings (protobuf, metadata only), made once. */
  form(name: string, make: (object: KubernetesObject) => Uint8Array): Uint8Array {
    this.#forms ??= new Map();
    return kept(this.#forms, name, () => make(this.object));
  }
}

/** An object in one served version. */
export interface View {
  readonly revision: Revision;
  readonly object: KubernetesObject;
  /** `,` and the JSON: for watchers, who share it. */
  readonly listed: Uint8Array;
  /** How many bytes `writeListed` writes. */
  readonly listedLength: number;
  /** Writes the object as an item of a list, a comma before it. Gives the place behind it. */
  writeListed(target: Uint8Array, at: number): number;
  readonly pieces: readonly Uint8Array[];
  form(name: string, make: (object: KubernetesObject) => Uint8Array): Uint8Array;
}

class RecordView implements View {
  readonly revision: Revision;
  readonly object: KubernetesObject;
  readonly #kind: Kind;
  readonly #codec: Codec;
  #json: Uint8Array | undefined;
  #listed: Uint8Array | undefined;
  readonly #forms = new Map<string, Uint8Array>();

  constructor(record: StoredRecord, kind: Kind) {
    this.revision = record.revision;
    this.#kind = kind;
    this.object = fromStored(kind, record.object);
    this.#codec = record.codec.for(kind);
  }

  get listed(): Uint8Array {
    this.#listed ??= this.#codec.splice(this.#encoded, this.revision);
    return this.#listed;
  }

  get listedLength(): number {
    return this.#codec.listedLength(this.#encoded, this.revision);
  }

  writeListed(target: Uint8Array, at: number): number {
    return this.#codec.writeListed(this.#encoded, this.revision, target, at);
  }

  get #encoded(): Uint8Array {
    this.#json ??= this.#codec.encode(this.object);
    return this.#json;
  }

  get pieces(): readonly Uint8Array[] {
    return [this.listed.subarray(1)];
  }

  form(name: string, make: (object: KubernetesObject) => Uint8Array): Uint8Array {
    return kept(this.#forms, `${this.#kind.apiVersion} ${name}`, () => make(this.object));
  }
}

function kept(forms: Map<string, Uint8Array>, name: string, make: () => Uint8Array): Uint8Array {
  let bytes = forms.get(name);
  if (!bytes) {
    bytes = make();
    forms.set(name, bytes);
  }
  return bytes;
}

/** A served version of a stored object. */
export function fromStored(kind: Kind, stored: KubernetesObject): KubernetesObject {
  const storage = kind.storage?.();
  return storage && storage.kind !== kind ? (storage.from(stored as never) as KubernetesObject) : stored;
}

/** The stored version of a served object. */
export function toStored(kind: Kind, object: KubernetesObject): KubernetesObject {
  const storage = kind.storage?.();
  return storage && storage.kind !== kind ? (storage.to(object as never) as KubernetesObject) : object;
}

/** The kind that is stored. */
export function storedKind(kind: Kind): Kind {
  return kind.storage?.().kind ?? kind;
}
