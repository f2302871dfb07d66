// Rows as one run of bytes, so that a whole batch or page crosses between threads as a single buffer that is handed over, not copied.
// A row: length of the key (4 bytes), length of the value (4 bytes, `noValue` when there is none), key, value.
import type { Change } from "../database.ts";

const noValue = 0xffffffff;

export function packRows(rows: readonly Change[]): ArrayBuffer {
  let length = 0;
  for (const { key, value } of rows) length += 8 + key.length + (value?.length ?? 0);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const { key, value } of rows) {
    view.setUint32(at, key.length, true);
    view.setUint32(at + 4, value ? value.length : noValue, true);
    bytes.set(key, at + 8);
    at += 8 + key.length;
    if (value) bytes.set(value, at);
    at += value?.length ?? 0;
  }
  return bytes.buffer;
}

/** The rows as views into `buffer`. */
export function unpackRows(buffer: ArrayBuffer): Change[] {
  const view = new DataView(buffer);
  const rows: Change[] = [];
  for (let at = 0; at < buffer.byteLength; ) {
    const keyLength = view.getUint32(at, true);
    const valueLength = view.getUint32(at + 4, true);
    const key = new Uint8Array(buffer, at + 8, keyLength);
    at += 8 + keyLength;
    if (valueLength === noValue) {
      rows.push({ key });
      continue;
    }
    rows.push({ key, value: new Uint8Array(buffer, at, valueLength) });
    at += valueLength;
  }
  return rows;
}
