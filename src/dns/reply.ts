// What keeping a reply takes: how long it holds, and where it says so.
import { DnsFormatError, responseCodes, skipName, types } from "./message.ts";

export interface Reply {
  /** How long it may be kept. */
  readonly seconds: number;
  /** Where the records' times are. */
  readonly timeOffsets: readonly number[];
  readonly questionEnd: number;
  /** No such name, or nothing of the type. */
  readonly isDenial: boolean;
}

const recordsMax = 512;
const edns = 41;

/** Undefined for what is not to be kept: failures, what was cut short, what is malformed, what does not say how long it holds. */
export function readReply(bytes: Uint8Array): Reply | undefined {
  try {
    if (bytes.length < 12) return undefined;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const flags = view.getUint16(2);
    const code = flags & 0xf;
    const isCut = (flags & 0x0200) !== 0;
    if (isCut || (code !== responseCodes.noError && code !== responseCodes.nameError) || view.getUint16(4) !== 1) return undefined;
    const questionEnd = skipName(bytes, 12) + 4;
    const answers = view.getUint16(6);
    const records = answers + view.getUint16(8) + view.getUint16(10);
    if (records > recordsMax) return undefined;
    const timeOffsets: number[] = [];
    const isDenial = code === responseCodes.nameError || answers === 0;
    let seconds = Number.POSITIVE_INFINITY;
    let at = questionEnd;
    for (let record = 0; record < records; record += 1) {
      const end = skipName(bytes, at);
      if (end + 10 > bytes.length) return undefined;
      const [type, time, length] = [view.getUint16(end), view.getUint32(end + 4), view.getUint16(end + 8)];
      if (end + 10 + length > bytes.length) return undefined;
      if (type !== edns) {
        timeOffsets.push(end + 4);
        seconds = Math.min(seconds, time);
        // The last number of an SOA says how long it may be taken for granted that there is nothing.
        if (type === types.SOA && isDenial && length >= 20) seconds = Math.min(seconds, view.getUint32(end + 10 + length - 4));
      }
      at = end + 10 + length;
    }
    return Number.isFinite(seconds) ? { seconds, timeOffsets, questionEnd, isDenial } : undefined;
  } catch (error) {
    if (error instanceof DnsFormatError) return undefined;
    throw error;
  }
}
