// What kind of object a value is, from its first bytes alone: JSON as the embedded store's, or the envelope of upstream's protobuf.

const decoder = new TextDecoder();
const headBytes = 512;
const envelope = [0x6b, 0x38, 0x73, 0x00];

/** "apps/v1 Deployment"; the folder of the key where the value does not tell. */
export function kindOf({ key, value }: { readonly key: string; readonly value: Uint8Array }): string {
  const kind = envelope.every((byte, at) => value[at] === byte) ? kindInEnvelope(value) : kindInJson(value);
  return kind ?? /^\/registry\/[^/]+/.exec(key)?.[0] ?? "others";
}

function kindInJson(value: Uint8Array): string | undefined {
  const head = decoder.decode(value.subarray(0, headBytes));
  const kind = /^\{(?:"apiVersion":"[^"]*",)?"kind":"([^"]+)"/.exec(head)?.[1];
  const version = /^\{(?:"kind":"[^"]*",)?"apiVersion":"([^"]+)"/.exec(head)?.[1];
  return kind !== undefined && version !== undefined ? `${version} ${kind}` : undefined;
}

/** Unknown{1: TypeMeta{1: apiVersion, 2: kind}, …}, all of it below 128 bytes. */
function kindInEnvelope(value: Uint8Array): string | undefined {
  const length = value[5];
  if (value[4] !== 0x0a || length === undefined || length > 127) return undefined;
  const meta = value.subarray(6, 6 + length);
  const versionLength = meta[1] ?? 0;
  const kindAt = 2 + versionLength;
  if (meta[0] !== 0x0a || meta[kindAt] !== 0x12) return undefined;
  const version = decoder.decode(meta.subarray(2, kindAt));
  return `${version} ${decoder.decode(meta.subarray(kindAt + 2, kindAt + 2 + (meta[kindAt + 1] ?? 0)))}`;
}
