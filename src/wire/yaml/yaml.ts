// YAML documents as plain JSON values, and back. Manifests, kubeconfigs and configuration files come this way.
import { type Document, isNode, isScalar, Lexer, parseAllDocuments, stringify, visit, type YAMLMap } from "yaml";
import { DecodeError } from "../decode-error.ts";
import { type PlainJson, readPlainJson } from "../json/json.ts";
import { kubernetesTags } from "./schema.ts";

/** Aliases that stand for more than this many times what they name are taken for an attack. */
const aliasCountMax = 100;
/** Half of what the parser's stack holds: it recurses. */
const depthMax = 400;
const textLengthMax = 16 * 1024 * 1024;
/** Of words and signs: reading takes microseconds for each, in which nothing else is done. */
const lexemesMax = 400_000;
/** A text this short has not too many. */
const freeTextLength = 200_000;
/** Each alias is looked for among all nodes before it. */
const aliasStepsMax = 10_000_000;

/** Reads all documents of a text; empty ones are left out. JSON is YAML too. Throws DecodeError. */
export function readYamlDocuments(text: string): PlainJson[] {
  if (text.length > textLengthMax) throw new DecodeError(`yaml: more than ${textLengthMax} characters`);
  if (/^\s*\{/.test(text)) {
    const value = asJson(text);
    if (value !== undefined) return [value];
  }
  checkSize(text);
  checkDepth(text);
  try {
    const documents = parseAllDocuments(text, {
      schema: "failsafe",
      customTags: (tags) => [...tags.filter((tag) => tag !== "merge"), ...kubernetesTags, "merge"],
      merge: true,
      // Looked for below: here each key would be compared with all others of its mapping.
      uniqueKeys: false,
      prettyErrors: false,
      logLevel: "silent",
    });
    const values: PlainJson[] = [];
    for (const document of documents as Document[]) {
      throwFirstError(document, text);
      if (document.contents !== null && !isEmpty(document)) values.push(valueOf(document, text));
    }
    return values;
  } catch (error) {
    if (error instanceof RangeError) throw new DecodeError(`yaml: exceeded max depth of ${depthMax}`);
    throw error;
  }
}

/** Reads a text that holds one document; null when it is empty. Throws DecodeError. */
export function readYaml(text: string): PlainJson {
  const [first = null, ...more] = readYamlDocuments(text);
  if (more.length > 0) throw new DecodeError(`yaml: ${more.length + 1} documents where one was expected`);
  return first;
}

/** Writes one document; words that any reader might take for something else are quoted. */
export function writeYaml(value: unknown): string {
  return stringify(value, {
    schema: "failsafe",
    customTags: (tags) => [...tags, ...kubernetesTags],
    compat: "yaml-1.1",
    aliasDuplicateObjects: false,
    indentSeq: false,
    keepUndefined: false,
    lineWidth: 0,
  });
}

/** Writes several documents. */
export function writeYamlDocuments(values: readonly unknown[]): string {
  return values.map(writeYaml).join("---\n");
}

function asJson(text: string): PlainJson | undefined {
  try {
    return readPlainJson(text);
  } catch (error) {
    // A flow mapping of YAML begins the same way, and more documents may follow.
    if (error instanceof DecodeError) return undefined;
    throw error;
  }
}

function throwFirstError(document: Document, text: string): void {
  const [error] = document.errors;
  if (error === undefined) return;
  throw wrongAt(error.pos[0], text, `${error.message.slice(0, 1).toLowerCase()}${error.message.slice(1)}`);
}

function wrongAt(position: number, text: string, words: string): DecodeError {
  const line = text.slice(0, position).split("\n").length;
  return new DecodeError(`yaml: line ${line}: ${words}`, position);
}

function checkSize(text: string): void {
  if (text.length <= freeTextLength) return;
  let count = 0;
  for (const _ of new Lexer().lex(text)) {
    if (++count > lexemesMax) throw new DecodeError(`yaml: more than ${lexemesMax} words and signs`);
  }
}

function checkDepth(text: string): void {
  if (!mayBeDeep(text)) return;
  let flow = 0;
  let column = 0;
  let previous = "\n";
  for (const lexeme of new Lexer().lex(text)) {
    if (previous !== scalarFollows) {
      if (lexeme === "[" || lexeme === "{") flow++;
      else if (lexeme === "]" || lexeme === "}") flow--;
      else if (lexeme === "\n" || lexeme === "\r\n") column = 0;
      else if (lexeme === "-" || lexeme === "?") column++;
      else if (previous === "\n" && /^ +$/.test(lexeme)) column = lexeme.length;
      if (flow + column > depthMax) throw new DecodeError(`yaml: exceeded max depth of ${depthMax}`);
    }
    previous = lexeme === "\r\n" ? "\n" : lexeme;
  }
}

/** What the lexer puts before the text of a plain or quoted value. */
const scalarFollows = "\x1f";

/** Whether there are brackets or columns enough for it, in values too. */
function mayBeDeep(text: string): boolean {
  let brackets = 0;
  let column = 0;
  let inPrefix = true;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 10) {
      inPrefix = true;
      column = 0;
    } else if (code === 91 || code === 123) brackets++;
    else if (inPrefix && (code === 32 || code === 45 || code === 63)) column++;
    else inPrefix = false;
    if (brackets + column > depthMax) return true;
  }
  return false;
}

function isEmpty(document: Document): boolean {
  return isScalar(document.contents) && document.contents.value === null && (document.contents.source ?? "") === "";
}

function valueOf(document: Document, text: string): PlainJson {
  let nodes = 0;
  let aliases = 0;
  visit(document, {
    Alias: () => {
      nodes++;
      aliases++;
    },
    Seq: () => void nodes++,
    Map: (_, map) => {
      nodes++;
      checkKeys(map, text);
    },
    Pair: (_, { key }) => {
      if (isNode(key) && !isScalar(key)) throw new DecodeError("yaml: unsupported map key: only plain values can be keys");
      if (isScalar(key) && key.value === null) throw new DecodeError("yaml: unsupported map key of type null");
    },
    Scalar: (_, { value }) => {
      nodes++;
      if (typeof value === "number" && !Number.isFinite(value)) throw new DecodeError("yaml: a number that JSON cannot hold");
    },
  });
  if (nodes * aliases > aliasStepsMax) throw new DecodeError("yaml: document contains excessive aliasing");
  try {
    const value: unknown = document.toJS({ maxAliasCount: aliasCountMax });
    return value as PlainJson;
  } catch (error) {
    if (error instanceof ReferenceError) throw new DecodeError(`yaml: ${error.message}`);
    throw error;
  }
}

function checkKeys({ items }: YAMLMap, text: string): void {
  const seen = new Set<unknown>();
  for (const { key } of items) {
    if (!isScalar(key) || key.value === "<<" || typeof key.value === "symbol") continue;
    if (seen.has(key.value)) throw wrongAt(key.range?.[0] ?? 0, text, "mapping key is already defined");
    seen.add(key.value);
  }
}
