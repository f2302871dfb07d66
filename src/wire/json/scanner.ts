// Reads JSON text token by token, for readers that know what they expect. Words of errors are those of Go's encoding/json, which clients see.
//
// Invariants:
// - `at` is the next character to read. Every method leaves it behind what it read.
// - Strings never hold lone surrogates: like invalid UTF-8 they become U+FFFD, so that what is read can always be written.
import { DecodeError } from "../decode-error.ts";

/** Deeper nesting is refused: readers recurse, and a stack must never overflow. */
export const depthMax = 1000;

/** In longer texts strings are copied out, so that one small value does not keep the whole text in memory. */
const keptTextLengthMax = 16_384;

const quote = 34;
const backslash = 92;

export class JsonScanner {
  readonly text: string;
  at = 0;
  readonly #copies: boolean;

  constructor(text: string) {
    this.text = text;
    this.#copies = text.length > keptTextLengthMax;
  }

  /** Skips white space and returns the code of the next character, NaN at the end. */
  peek(): number {
    const { text } = this;
    let { at } = this;
    let code = text.charCodeAt(at);
    while (code === 32 || code === 10 || code === 13 || code === 9) code = text.charCodeAt(++at);
    this.at = at;
    return code;
  }

  /** Reads the string whose opening quote is at `at`. */
  string(): string {
    const { text } = this;
    const start = this.at + 1;
    let end = start;
    for (;;) {
      const code = text.charCodeAt(end);
      if (code === quote) break;
      // NaN at the end of the text, control characters, escapes and surrogates leave the short way.
      if (!(code >= 32 && code !== backslash && (code < 0xd800 || code > 0xdfff))) return this.#hardString(start, end);
      end++;
    }
    this.at = end + 1;
    return this.#slice(start, end);
  }

  #slice(start: number, end: number): string {
    const slice = this.text.slice(start, end);
    return this.#copies && end - start > 12 ? detached(slice) : slice;
  }

  #hardString(start: number, firstHard: number): string {
    const { text } = this;
    let result = text.slice(start, firstHard);
    let at = firstHard;
    let plainStart = at;
    let surrogates = false;
    for (;;) {
      const code = text.charCodeAt(at);
      if (code === quote) break;
      if (Number.isNaN(code)) throw new DecodeError("unexpected end of JSON input", at);
      if (code < 32) throw this.unexpected("in string literal", at);
      if (code !== backslash) {
        if (code >= 0xd800 && code <= 0xdfff) surrogates = true;
        at++;
        continue;
      }
      result += text.slice(plainStart, at);
      const escape = text.charCodeAt(at + 1);
      if (escape === 117) {
        const unit = this.#hex(at + 2);
        if (unit >= 0xd800 && unit <= 0xdfff) surrogates = true;
        result += String.fromCharCode(unit);
        at += 6;
      } else {
        const plain = escapes[escape];
        if (plain === undefined) throw Number.isNaN(escape) ? this.#end() : this.unexpected("in string escape code", at + 1);
        result += plain;
        at += 2;
      }
      plainStart = at;
    }
    result += text.slice(plainStart, at);
    this.at = at + 1;
    return surrogates ? result.toWellFormed() : detached(result);
  }

  #hex(start: number): number {
    let unit = 0;
    for (let at = start; at < start + 4; at++) {
      const code = this.text.charCodeAt(at);
      const digit = code >= 48 && code <= 57 ? code - 48 : (code | 32) >= 97 && (code | 32) <= 102 ? (code | 32) - 87 : -1;
      if (digit < 0) throw Number.isNaN(code) ? this.#end() : this.unexpected("in \\u hexadecimal character escape", at);
      unit = unit * 16 + digit;
    }
    return unit;
  }

  /** Reads a whole number without sign of at most nine digits: the common case. Reads nothing and returns -1 where there is anything else. */
  shortNumber(): number {
    const { text } = this;
    let { at } = this;
    let code = text.charCodeAt(at);
    let value = 0;
    const end = at + 9;
    if (code === 48) code = text.charCodeAt(++at);
    else {
      while (code >= 48 && code <= 57 && at < end) {
        value = value * 10 + code - 48;
        code = text.charCodeAt(++at);
      }
    }
    // More digits, a fraction or an exponent follow, or there was no digit at all.
    if (at === this.at || (code >= 48 && code <= 57) || code === 46 || (code | 32) === 101) return -1;
    this.at = at;
    return value;
  }

  /** Reads the number at `at`, as it is written. */
  number(): string {
    const { text } = this;
    const start = this.at;
    let at = start;
    if (text.charCodeAt(at) === 45) at++;
    if (text.charCodeAt(at) === 48) at++;
    else at = this.#digits(at, "in numeric literal");
    if (text.charCodeAt(at) === 46) at = this.#digits(at + 1, "after decimal point in numeric literal");
    if ((text.charCodeAt(at) | 32) === 101) {
      at++;
      const sign = text.charCodeAt(at);
      if (sign === 43 || sign === 45) at++;
      at = this.#digits(at, "in exponent of numeric literal");
    }
    this.at = at;
    return text.slice(start, at);
  }

  #digits(start: number, where: string): number {
    const { text } = this;
    let at = start;
    let code = text.charCodeAt(at);
    if (!(code >= 48 && code <= 57)) throw Number.isNaN(code) ? this.#end() : this.unexpected(where, at);
    do code = text.charCodeAt(++at);
    while (code >= 48 && code <= 57);
    return at;
  }

  /** Reads `null`, `true` or `false`, whichever `word` is. */
  word(word: "null" | "true" | "false"): void {
    const { text, at } = this;
    if (!text.startsWith(word, at)) {
      let wrong = 1;
      while (text[at + wrong] === word[wrong]) wrong++;
      if (at + wrong >= text.length) throw this.#end();
      throw this.unexpected(`in literal ${word} (expecting '${word[wrong]}')`, at + wrong);
    }
    this.at = at + word.length;
  }

  /** After a value in an object or list: true when another follows, false when `close` ended it. */
  another(close: 125 | 93): boolean {
    const code = this.peek();
    if (code === 44) {
      this.at++;
      return true;
    }
    if (code === close) {
      this.at++;
      return false;
    }
    throw Number.isNaN(code)
      ? this.#end()
      : this.unexpected(close === 125 ? "after object key:value pair" : "after array element", this.at);
  }

  /** The colon between key and value. */
  colon(): void {
    const code = this.peek();
    if (code !== 58) throw Number.isNaN(code) ? this.#end() : this.unexpected("after object key", this.at);
    this.at++;
  }

  /** Requires that nothing but white space is left. */
  finish(): void {
    const code = this.peek();
    if (!Number.isNaN(code)) throw this.unexpected("after top-level value", this.at);
  }

  /** No value starts here. */
  notAValue(): DecodeError {
    return this.at >= this.text.length ? this.#end() : this.unexpected("looking for beginning of value", this.at);
  }

  /** No key starts here. */
  notAKey(): DecodeError {
    return this.at >= this.text.length ? this.#end() : this.unexpected("looking for beginning of object key string", this.at);
  }

  tooDeep(): DecodeError {
    return new DecodeError(`exceeded max depth of ${depthMax}`, this.at);
  }

  unexpected(where: string, at: number): DecodeError {
    return new DecodeError(`invalid character ${quoted(this.text.codePointAt(at) ?? 0)} ${where}`, at);
  }

  #end(): DecodeError {
    return new DecodeError("unexpected end of JSON input", this.text.length);
  }
}

const escapes: Record<number, string | undefined> = {
  34: '"',
  92: "\\",
  47: "/",
  98: "\b",
  102: "\f",
  110: "\n",
  114: "\r",
  116: "\t",
};

/** The same text in memory of its own. */
function detached(text: string): string {
  return ` ${text}`.slice(1);
}

function quoted(code: number): string {
  if (code === 39) return "'\\''";
  if (code === 10) return "'\\n'";
  if (code === 13) return "'\\r'";
  if (code === 9) return "'\\t'";
  if (code < 32 || code === 127) return `'\\x${code.toString(16).padStart(2, "0")}'`;
  return `'${String.fromCodePoint(code)}'`;
}
