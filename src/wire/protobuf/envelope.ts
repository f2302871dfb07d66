// The envelope around every object that the API server sends or stores as protobuf: four magic bytes, then what is inside.
import { DecodeError } from "../decode-error.ts";
import { ProtobufReader } from "./reader.ts";
import { lengthType, ProtobufWriter } from "./writer.ts";

/** What stands around every object that the API server sends or stores as protobuf. */
export interface Unknown {
  readonly apiVersion: string;
  readonly kind: string;
  readonly raw: Uint8Array;
  readonly contentEncoding: string;
  readonly contentType: string;
}

const magic = Uint8Array.of(0x6b, 0x38, 0x73, 0x00);

/** Puts the envelope around the bytes of an object. */
export function wrapUnknown(apiVersion: string, kind: string, bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const writer = new ProtobufWriter(bytes.length + 64);
  writer.textField(4, "");
  writer.textField(3, "");
  const beforeRaw = writer.length;
  writer.raw(bytes);
  writer.enclose(2, beforeRaw);
  const beforeMeta = writer.length;
  writer.textField(2, kind);
  writer.textField(1, apiVersion);
  writer.enclose(1, beforeMeta);
  writer.raw(magic);
  return writer.finish();
}

/** Takes the envelope off. `raw` is a view into `bytes`. Throws DecodeError. */
export function unwrapUnknown(bytes: Uint8Array): Unknown {
  if (bytes.length < magic.length || magic.some((byte, index) => bytes[index] !== byte)) {
    throw new DecodeError("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]");
  }
  const reader = new ProtobufReader(bytes);
  reader.at = magic.length;
  const found = { apiVersion: "", kind: "", raw: new Uint8Array() as Uint8Array, contentEncoding: "", contentType: "" };
  while (!reader.done) {
    const tag = reader.varint32();
    const number = tag >>> 3;
    if (number < 1 || number > 4) {
      reader.skip(tag & 7);
      continue;
    }
    reader.expect(tag & 7, lengthType);
    if (number === 1) {
      const outerEnd = reader.enter();
      while (!reader.done) {
        const inner = reader.varint32();
        if (inner === 10) found.apiVersion = reader.string();
        else if (inner === 18) found.kind = reader.string();
        else reader.skip(inner & 7);
      }
      reader.leave(outerEnd);
    } else if (number === 2) found.raw = reader.view();
    else if (number === 3) found.contentEncoding = reader.string();
    else found.contentType = reader.string();
  }
  return found;
}
