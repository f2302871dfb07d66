// JSON whose shape nobody declared: every key and every digit is kept.
import { DecodeError } from "../decode-error.ts";
import { depthMax, JsonScanner } from "./scanner.ts";

/** A JSON value as plain data; whole numbers beyond 2^53 are bigints. */
export type PlainJson = null | boolean | number | bigint | string | readonly PlainJson[] | { readonly [key: string]: PlainJson };

/** What meets a key that came before in the same object. The last one wins. */
export type OnDuplicate = (path: readonly (string | number)[], key: string) => void;

/** Reads one JSON value, and nothing after it. Throws DecodeError. */
export function readPlainJson(text: string, onDuplicate?: OnDuplicate): PlainJson {
  const scanner = new JsonScanner(text);
  const value = scanPlain(scanner, 0, onDuplicate, []);
  scanner.finish();
  return value;
}

/** Reads the value at the scanner, `depth` levels down. `path` is where the value stands; it is left as it was. */
export function scanPlain(scanner: JsonScanner, depth: number, onDuplicate: OnDuplicate | undefined, path: (string | number)[]): PlainJson {
  const code = scanner.peek();
  switch (code) {
    case 34:
      return scanner.string();
    case 123: {
      if (depth >= depthMax) throw scanner.tooDeep();
      scanner.at++;
      const object: Record<string, PlainJson> = {};
      if (scanner.peek() === 125) {
        scanner.at++;
        return object;
      }
      do {
        if (scanner.peek() !== 34) throw scanner.notAKey();
        const key = scanner.string();
        scanner.colon();
        if (onDuplicate !== undefined && Object.hasOwn(object, key)) onDuplicate(path, key);
        path.push(key);
        setKey(object, key, scanPlain(scanner, depth + 1, onDuplicate, path));
        path.pop();
      } while (scanner.another(125));
      return object;
    }
    case 91: {
      if (depth >= depthMax) throw scanner.tooDeep();
      scanner.at++;
      const list: PlainJson[] = [];
      if (scanner.peek() === 93) {
        scanner.at++;
        return list;
      }
      do {
        path.push(list.length);
        list.push(scanPlain(scanner, depth + 1, onDuplicate, path));
        path.pop();
      } while (scanner.another(93));
      return list;
    }
    case 116:
      scanner.word("true");
      return true;
    case 102:
      scanner.word("false");
      return false;
    case 110:
      scanner.word("null");
      return null;
    default:
      if (code === 45 || (code >= 48 && code <= 57)) return numberOf(scanner.number(), scanner);
      throw scanner.notAValue();
  }
}

function numberOf(text: string, scanner: JsonScanner): number | bigint {
  const number = Number(text);
  if (!Number.isFinite(number)) throw new DecodeError(`json: cannot unmarshal number ${text} into Go value of type float64`, scanner.at);
  if (Number.isSafeInteger(number) || !/^-?[0-9]+$/.test(text)) return number;
  const whole = BigInt(text);
  return BigInt.asIntN(64, whole) === whole ? whole : number;
}

/** Sets a key of a plain object, whatever its name. */
export function setKey(object: Record<string, unknown>, key: string, value: unknown): void {
  if (key === "__proto__") Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  else object[key] = value;
}

/** The JSON text of a plain value; bigints are written as numbers. */
export function writePlainJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "null";
  } catch (error) {
    // JSON.stringify refuses bigints, the rare case, by throwing a TypeError.
    if (!(error instanceof TypeError)) throw error;
    return write(value, 0);
  }
}

function write(value: unknown, depth: number): string {
  if (typeof value === "bigint") return value.toString();
  if (typeof value !== "object" || value === null) return JSON.stringify(value) ?? "null";
  if (depth > depthMax) throw new DecodeError(`exceeded max depth of ${depthMax}`);
  if (Array.isArray(value)) return `[${value.map((item) => write(item, depth + 1)).join(",")}]`;
  const members: string[] = [];
  for (const [key, member] of Object.entries(value)) {
    if (member !== undefined) members.push(`${JSON.stringify(key)}:${write(member, depth + 1)}`);
  }
  return `{${members.join(",")}}`;
}
