// YAML documents as plain JSON values, and back. Manifests, kubeconfigs and configuration files come this way.
import { type Document, type ErrorCode, isNode, isScalar, parseAllDocuments, stringify, visit } from "yaml";
import { DecodeError } from "../decode-error.ts";
import { type PlainJson, readPlainJson } from "../json/json.ts";
import { kubernetesTags } from "./schema.ts";

/** Aliases that stand for more than this many times what they name are taken for an attack. */
const aliasCountMax = 100;
const textLengthMax = 16 * 1024 * 1024;

/** Reads all documents of a text; empty ones are left out. JSON is YAML too. Throws DecodeError. */
export function readYamlDocuments(text: string): PlainJson[] {
  if (text.length > textLengthMax) throw new DecodeError(`yaml: more than ${textLengthMax} characters`);
  if (/^\s*\{/.test(text)) {
    const value = asJson(text);
    if (value !== undefined) return [value];
  }
  try {
    const documents = parseAllDocuments(text, {
      schema: "failsafe",
      customTags: (tags) => [...tags.filter((tag) => tag !== "merge"), ...kubernetesTags, "merge"],
      merge: true,
      uniqueKeys: true,
      prettyErrors: false,
      logLevel: "silent",
    });
    const values: PlainJson[] = [];
    for (const document of documents as Document[]) {
      throwFirstError(document, text);
      if (document.contents !== null && !isEmpty(document)) values.push(valueOf(document));
    }
    return values;
  } catch (error) {
    if (error instanceof RangeError) throw new DecodeError("yaml: exceeded max depth");
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
  const [position] = error.pos;
  const line = text.slice(0, position).split("\n").length;
  throw new DecodeError(`yaml: line ${line}: ${wordsOf(error.code, error.message)}`, position);
}

function wordsOf(code: ErrorCode, message: string): string {
  if (code === "DUPLICATE_KEY") return "mapping key is already defined";
  return `${message.slice(0, 1).toLowerCase()}${message.slice(1)}`;
}

function isEmpty(document: Document): boolean {
  return isScalar(document.contents) && document.contents.value === null && (document.contents.source ?? "") === "";
}

function valueOf(document: Document): PlainJson {
  visit(document, {
    Pair: (_, { key }) => {
      if (isNode(key) && !isScalar(key)) throw new DecodeError("yaml: unsupported map key: only plain values can be keys");
      if (isScalar(key) && key.value === null) throw new DecodeError("yaml: unsupported map key of type null");
    },
    Scalar: (_, { value }) => {
      if (typeof value === "number" && !Number.isFinite(value)) throw new DecodeError("yaml: a number that JSON cannot hold");
    },
  });
  try {
    const value: unknown = document.toJS({ maxAliasCount: aliasCountMax });
    return value as PlainJson;
  } catch (error) {
    if (error instanceof ReferenceError) throw new DecodeError(`yaml: ${error.message}`);
    throw error;
  }
}
