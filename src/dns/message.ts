// DNS messages (RFC 1035) read and written, as far as a cluster's name server needs them. Pure; refuses what is malformed.

export const types = { A: 1, NS: 2, CNAME: 5, SOA: 6, PTR: 12, TXT: 16, AAAA: 28, SRV: 33, ANY: 255 } as const;
export const responseCodes = {
  noError: 0,
  formatError: 1,
  serverFailure: 2,
  nameError: 3,
  notImplemented: 4,
  refused: 5,
  badVersion: 16,
} as const;

export interface Question {
  /** Lower case, without the dot at the end. */
  readonly name: string;
  /** As the client spelled it: answers repeat it. */
  readonly spelled: string;
  readonly type: number;
  readonly class: number;
}

export interface Query {
  readonly id: number;
  readonly opcode: number;
  readonly recursionDesired: boolean;
  readonly question: Question;
  /** How large an answer over UDP may be. */
  readonly udpBytesMax: number;
  readonly hasEdns: boolean;
  /** It speaks a version of EDNS that is not known. */
  readonly hasUnknownEdns: boolean;
  readonly wantsSignatures: boolean;
  readonly checkingDisabled: boolean;
}

export type ResourceRecord = { readonly name: string; readonly seconds: number } & (
  | { readonly type: "A" | "AAAA"; readonly address: string }
  | { readonly type: "CNAME" | "PTR" | "NS"; readonly target: string }
  | { readonly type: "SRV"; readonly priority: number; readonly weight: number; readonly port: number; readonly target: string }
  | { readonly type: "TXT"; readonly text: string }
  | { readonly type: "SOA"; readonly server: string; readonly mailbox: string; readonly serial: number; readonly negativeSeconds: number }
);

export interface Answer {
  readonly code: number;
  readonly authoritative: boolean;
  readonly answers: readonly ResourceRecord[];
  readonly authority?: readonly ResourceRecord[];
  readonly additional?: readonly ResourceRecord[];
}

const answersMax = 256;
/** The largest datagram that is taken: longer ones are lost on too many ways. */
const ednsBytes = 1232;

export class DnsFormatError extends Error {
  override readonly name = "DnsFormatError";
}

/** Undefined for what is no question at all (an answer, or too short to answer). Throws DnsFormatError for a malformed question. */
export function readQuery(bytes: Uint8Array): Query | undefined {
  if (bytes.length < 12) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const flags = view.getUint16(2);
  if (flags & 0x8000) return undefined;
  if (view.getUint16(4) !== 1) throw new DnsFormatError("a query has one question");
  const { name: spelled, end } = readName(bytes, 12);
  if (end + 4 > bytes.length) throw new DnsFormatError("the question is cut off");
  const question = { name: spelled.toLowerCase(), spelled, type: view.getUint16(end), class: view.getUint16(end + 2) };
  const edns = findEdns(bytes, view, end + 4);
  return {
    id: view.getUint16(0),
    opcode: (flags >> 11) & 0xf,
    recursionDesired: (flags & 0x0100) !== 0,
    question,
    udpBytesMax: Math.max(512, Math.min(edns?.bytesMax ?? 512, 4096)),
    hasEdns: edns !== undefined,
    hasUnknownEdns: edns !== undefined && edns.version !== 0,
    wantsSignatures: edns?.wantsSignatures ?? false,
    checkingDisabled: (flags & 0x0010) !== 0,
  };
}

interface Edns {
  readonly bytesMax: number;
  readonly version: number;
  readonly wantsSignatures: boolean;
}

function findEdns(bytes: Uint8Array, view: DataView, from: number): Edns | undefined {
  let at = from;
  const records = view.getUint16(6) + view.getUint16(8) + view.getUint16(10);
  for (let record = 0; record < Math.min(records, 16); record += 1) {
    const { end } = readName(bytes, at);
    if (end + 10 > bytes.length) return undefined;
    if (view.getUint16(end) === 41)
      return {
        bytesMax: view.getUint16(end + 2),
        version: view.getUint8(end + 5),
        wantsSignatures: (view.getUint16(end + 6) & 0x8000) !== 0,
      };
    at = end + 10 + view.getUint16(end + 8);
  }
  return undefined;
}

/** Where the name that begins at `from` ends. Throws DnsFormatError. */
export function skipName(bytes: Uint8Array, from: number): number {
  return readName(bytes, from).end;
}

/** A message as it goes over TCP: behind its length in two bytes. */
export function framed(message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(2 + message.length);
  bytes[0] = message.length >> 8;
  bytes[1] = message.length & 0xff;
  bytes.set(message, 2);
  return bytes;
}

function readName(bytes: Uint8Array, from: number): { readonly name: string; readonly end: number } {
  const labels: string[] = [];
  let at = from;
  let end = -1;
  let length = 0;
  for (;;) {
    const size = bytes[at];
    if (size === undefined) throw new DnsFormatError("a name is cut off");
    if (size === 0) break;
    if (size >= 0xc0) {
      const target = ((size & 0x3f) << 8) | (bytes[at + 1] ?? 0);
      if (end < 0) end = at + 2;
      if (target >= at) throw new DnsFormatError("a name points forward");
      at = target;
      continue;
    }
    if (size > 63 || at + 1 + size > bytes.length) throw new DnsFormatError("a label is too long");
    length += size + 1;
    if (length > 255) throw new DnsFormatError("a name is too long");
    const label = String.fromCharCode(...bytes.subarray(at + 1, at + 1 + size));
    if (label.includes(".")) throw new DnsFormatError("a label holds a dot");
    labels.push(label);
    at += size + 1;
  }
  return { name: labels.join("."), end: end < 0 ? at + 1 : end };
}

/**
 * When the whole would be longer than `bytesMax`, leaves out what was not asked for, and then answers, which the header says. What fits
 * stays: some resolvers never ask again over TCP.
 */
export function writeAnswer(query: Query, answer: Answer, bytesMax: number): Uint8Array {
  const whole = write(query, answer, false);
  if (whole.length <= bytesMax) return whole;
  const { answers } = answer;
  const first = (count: number, truncated: boolean) =>
    write(query, { ...answer, answers: answers.slice(0, count), authority: [], additional: [] }, truncated);
  const asked = first(answers.length, false);
  if (asked.length <= bytesMax) return asked;
  let [fitting, tooMany] = [0, answers.length];
  while (tooMany - fitting > 1) {
    const middle = (fitting + tooMany) >> 1;
    if (first(middle, true).length <= bytesMax) fitting = middle;
    else tooMany = middle;
  }
  return first(fitting, true);
}

/** A question of our own, to be asked further up. */
export function writeQuestion(name: string, type: number): Uint8Array {
  const writer = new Writer();
  for (const value of [0, 0x0100, 1, 0, 0, 0]) writer.uint16(value);
  writer.name(name);
  writer.uint16(type);
  writer.uint16(1);
  return writer.finish();
}

/** Addresses and further names among the answers of a reply. Throws DnsFormatError for a malformed one. */
export function readAnswers(bytes: Uint8Array): { readonly code: number; readonly answers: readonly ResourceRecord[] } {
  if (bytes.length < 12) throw new DnsFormatError("a reply is cut off");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const code = view.getUint16(2) & 0xf;
  let at = 12;
  for (let question = 0; question < Math.min(view.getUint16(4), 1); question += 1) at = readName(bytes, at).end + 4;
  const answers: ResourceRecord[] = [];
  for (let record = 0; record < Math.min(view.getUint16(6), answersMax); record += 1) {
    const { name, end } = readName(bytes, at);
    if (end + 10 > bytes.length) throw new DnsFormatError("a record is cut off");
    const [type, seconds, length] = [view.getUint16(end), Math.min(view.getUint32(end + 4), 0xffff), view.getUint16(end + 8)];
    const data = bytes.subarray(end + 10, end + 10 + length);
    if (data.length < length) throw new DnsFormatError("a record is cut off");
    if (type === types.A && length === 4) answers.push({ name, seconds, type: "A", address: data.join(".") });
    else if (type === types.AAAA && length === 16) answers.push({ name, seconds, type: "AAAA", address: groups(data) });
    else if (type === types.CNAME) answers.push({ name, seconds, type: "CNAME", target: readName(bytes, end + 10).name });
    at = end + 10 + length;
  }
  return { code, answers };
}

function groups(bytes: Uint8Array): string {
  return Array.from({ length: 8 }, (_, at) => (((bytes[2 * at] as number) << 8) | (bytes[2 * at + 1] as number)).toString(16)).join(":");
}

/** Whether `reply` answers what `asked` asks: the same question under the same id. */
export function answersTo(asked: Uint8Array, reply: Uint8Array): boolean {
  if (reply.length < 12 || !((reply[2] as number) & 0x80) || asked[0] !== reply[0] || asked[1] !== reply[1]) return false;
  if (reply[4] === 0 && reply[5] === 0) return ((reply[3] as number) & 0xf) !== 0;
  const { end } = readName(asked, 12);
  const question = (bytes: Uint8Array) => String.fromCharCode(...bytes.subarray(12, end + 4)).toLowerCase();
  return question(asked) === question(reply);
}

function write(query: Query, { code, authoritative, answers, authority = [], additional = [] }: Answer, truncated: boolean): Uint8Array {
  const writer = new Writer();
  writer.uint16(query.id);
  writer.uint16(
    0x8000 |
      (query.opcode << 11) |
      (authoritative ? 0x0400 : 0) |
      (truncated ? 0x0200 : 0) |
      (query.recursionDesired ? 0x0100 : 0) |
      0x0080 |
      (code & 0xf),
  );
  writer.uint16(1);
  writer.uint16(answers.length);
  writer.uint16(authority.length);
  writer.uint16(additional.length + (query.hasEdns ? 1 : 0));
  writer.name(query.question.spelled);
  writer.uint16(query.question.type);
  writer.uint16(query.question.class);
  const { name, spelled } = query.question;
  for (const record of [...answers, ...authority, ...additional])
    writeRecord(writer, record.name === name ? { ...record, name: spelled } : record);
  if (query.hasEdns) {
    writer.byte(0);
    writer.uint16(41);
    writer.uint16(ednsBytes);
    // The upper bits of the code, and the version.
    writer.byte(code >> 4);
    writer.byte(0);
    writer.uint16(0);
    writer.uint16(0);
  }
  return writer.finish();
}

function writeRecord(writer: Writer, record: ResourceRecord): void {
  writer.name(record.name);
  writer.uint16(types[record.type]);
  writer.uint16(1);
  writer.uint16(0);
  writer.uint16(record.seconds);
  writer.sized(() => {
    switch (record.type) {
      case "A":
        for (const part of record.address.split(".")) writer.byte(Number(part));
        break;
      case "AAAA":
        for (const group of expandIpv6(record.address)) writer.uint16(group);
        break;
      case "CNAME":
      case "PTR":
      case "NS":
        writer.name(record.target);
        break;
      case "SRV":
        writer.uint16(record.priority);
        writer.uint16(record.weight);
        writer.uint16(record.port);
        // RFC 2782 forbids that it points to another name, and resolvers mind.
        writer.plainName(record.target);
        break;
      case "TXT": {
        const bytes = new TextEncoder().encode(record.text).subarray(0, 255);
        writer.byte(bytes.length);
        for (const byte of bytes) writer.byte(byte);
        break;
      }
      case "SOA":
        writer.name(record.server);
        writer.name(record.mailbox);
        for (const value of [record.serial, 7200, 1800, 86_400, record.negativeSeconds]) {
          writer.uint16(Math.floor(value / 0x10000) & 0xffff);
          writer.uint16(value & 0xffff);
        }
        break;
    }
  });
}

/** The eight groups of an IPv6 address in text. */
export function expandIpv6(address: string): readonly number[] {
  const [head = "", tail] = address.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  return [...left, ...Array<string>(zeros).fill("0"), ...right].slice(0, 8).map((group) => Number.parseInt(group, 16) & 0xffff);
}

class Writer {
  readonly #bytes: number[] = [];
  /** Where a name was written before: later ones point there. */
  readonly #names = new Map<string, number>();

  byte(value: number): void {
    this.#bytes.push(value & 0xff);
  }

  uint16(value: number): void {
    this.#bytes.push((value >> 8) & 0xff, value & 0xff);
  }

  name(name: string): void {
    const labels = name === "" ? [] : name.split(".");
    for (let at = 0; at < labels.length; at += 1) {
      const rest = labels.slice(at).join(".");
      const before = this.#names.get(rest);
      if (before !== undefined) {
        this.uint16(0xc000 | before);
        return;
      }
      if (this.#bytes.length < 0x3fff) this.#names.set(rest, this.#bytes.length);
      this.#label(labels[at] as string);
    }
    this.byte(0);
  }

  plainName(name: string): void {
    for (const label of name === "" ? [] : name.split(".")) this.#label(label);
    this.byte(0);
  }

  #label(label: string): void {
    this.byte(label.length);
    for (let character = 0; character < label.length; character += 1) this.byte(label.charCodeAt(character));
  }

  sized(write: () => void): void {
    const at = this.#bytes.length;
    this.uint16(0);
    write();
    const length = this.#bytes.length - at - 2;
    this.#bytes[at] = (length >> 8) & 0xff;
    this.#bytes[at + 1] = length & 0xff;
  }

  finish(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}
