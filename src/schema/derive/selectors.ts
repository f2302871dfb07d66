// Label and field selectors, as text and as objects, made into matchers. Messages are upstream's, because people search for them.
import type { Json } from "../field.ts";
import type { Kind } from "../kind.ts";
import { labelValueProblems, qualifiedNameProblems } from "./formats.ts";
import { isObject } from "./json-objects.ts";

export class SelectorError extends Error {
  override readonly name = "SelectorError";
}

export type Labels = Readonly<Record<string, string>>;
export type LabelOperator = "=" | "==" | "!=" | "in" | "notin" | "exists" | "!" | "gt" | "lt";

export interface LabelRequirement {
  readonly key: string;
  readonly operator: LabelOperator;
  readonly values: readonly string[];
}

export interface LabelMatcher {
  readonly requirements: readonly LabelRequirement[];
  matches(labels: Labels | undefined): boolean;
}

export const everything: LabelMatcher = { requirements: [], matches: () => true };
export const nothing: LabelMatcher = { requirements: [], matches: () => false };

export const maxSelectorLength = 64 * 1024;

/** A label selector as a query has it: `app=web,tier in (a,b),!canary`. Throws SelectorError. */
export function parseLabelSelector(text: string): LabelMatcher {
  if (text.length > maxSelectorLength) throw new SelectorError(`unable to parse requirement: longer than ${maxSelectorLength} characters`);
  const requirements = new LabelParser(text).parse();
  return requirements.length === 0 ? everything : matcherOf(requirements);
}

/** A LabelSelector object: absent selects nothing, empty selects everything. Throws SelectorError. */
export function labelSelector(
  selector:
    | {
        readonly matchLabels?: Labels | undefined;
        readonly matchExpressions?:
          | readonly { readonly key: string; readonly operator: string; readonly values?: readonly string[] | undefined }[]
          | undefined;
      }
    | undefined,
): LabelMatcher {
  if (selector === undefined) return nothing;
  const requirements = Object.entries(selector.matchLabels ?? {}).map(([key, value]) => requirement(key, "=", [value]));
  for (const { key, operator, values = [] } of selector.matchExpressions ?? []) {
    const known = expressionOperators[operator as keyof typeof expressionOperators];
    if (known === undefined || !Object.hasOwn(expressionOperators, operator)) {
      throw new SelectorError(`${JSON.stringify(operator)} is not a valid label selector operator`);
    }
    requirements.push(requirement(key, known, values));
  }
  return requirements.length === 0 ? everything : matcherOf(requirements);
}

const expressionOperators = { In: "in", NotIn: "notin", Exists: "exists", DoesNotExist: "!" } as const;

function matcherOf(requirements: readonly LabelRequirement[]): LabelMatcher {
  const tests = requirements.map(testOf);
  return {
    requirements,
    matches: (labels = {}) => tests.every((test) => test(labels)),
  };
}

function testOf({ key, operator, values }: LabelRequirement): (labels: Labels) => boolean {
  const set = new Set(values);
  const value = (labels: Labels) => (Object.hasOwn(labels, key) ? labels[key] : undefined);
  switch (operator) {
    case "=":
    case "==":
    case "in":
      return (labels) => set.has(value(labels) as string);
    case "!=":
    case "notin":
      return (labels) => !set.has(value(labels) as string);
    case "exists":
      return (labels) => value(labels) !== undefined;
    case "!":
      return (labels) => value(labels) === undefined;
    case "gt":
    case "lt": {
      const bound = BigInt(values[0] as string);
      return (labels) => {
        const text = value(labels);
        if (text === undefined || !wholeNumber.test(text)) return false;
        return operator === "gt" ? BigInt(text) > bound : BigInt(text) < bound;
      };
    }
  }
}

const wholeNumber = /^[+-]?\d{1,19}$/;

function requirement(key: string, operator: LabelOperator, values: readonly string[]): LabelRequirement {
  const wrongKey = qualifiedNameProblems(key)[0];
  if (wrongKey) throw new SelectorError(`key: Invalid value: ${JSON.stringify(key)}: ${wrongKey}`);
  const shown = `[]string{${values.map((value) => JSON.stringify(value)).join(", ")}}`;
  const invalid = (detail: string) => new SelectorError(`values: Invalid value: ${shown}: ${detail}`);
  switch (operator) {
    case "in":
    case "notin":
      if (values.length === 0) throw new SelectorError("values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty");
      break;
    case "=":
    case "==":
    case "!=":
      if (values.length !== 1) throw invalid("exact-match compatibility requires one single value");
      break;
    case "exists":
    case "!":
      if (values.length > 0) throw invalid("values set must be empty for exists and does not exist");
      break;
    case "gt":
    case "lt":
      if (values.length !== 1) throw invalid("for 'Gt', 'Lt' operators, exactly one value is required");
      if (!wholeNumber.test(values[0] as string)) {
        throw new SelectorError(
          `values[0]: Invalid value: ${JSON.stringify(values[0])}: for 'Gt', 'Lt' operators, the value must be an integer`,
        );
      }
  }
  for (const [i, value] of values.entries()) {
    const wrong = labelValueProblems(value)[0];
    if (wrong) throw new SelectorError(`values[${i}][${key}]: Invalid value: ${JSON.stringify(value)}: ${wrong}`);
  }
  return { key, operator, values };
}

const symbols = ["==", "!=", "=", "!", "(", ")", ",", ">", "<"];
const operatorWords: Readonly<Record<string, LabelOperator>> = {
  "=": "=",
  "==": "==",
  "!=": "!=",
  in: "in",
  notin: "notin",
  ">": "gt",
  "<": "lt",
};

class LabelParser {
  readonly #tokens: readonly string[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = tokensOf(text);
  }

  parse(): readonly LabelRequirement[] {
    const requirements: LabelRequirement[] = [];
    for (;;) {
      const next = this.#peek();
      if (next === "") return requirements;
      if (next !== "!" && !isWord(next)) throw this.#unexpected("!, identifier, or 'end of string'");
      requirements.push(this.#requirement());
      const after = this.#take();
      if (after === "") return requirements;
      if (after !== ",") throw this.#unexpected("',' or 'end of string'", after);
      const following = this.#peek();
      if (following !== "!" && !isWord(following)) throw this.#unexpected("identifier after ','");
    }
  }

  #requirement(): LabelRequirement {
    const absent = this.#peek() === "!";
    if (absent) this.#at++;
    const key = this.#take();
    if (!isWord(key)) throw this.#unexpected("identifier", key, "unable to parse requirement: ");
    if (absent) return this.#checked(key, "!", []);
    if (this.#peek() === "" || this.#peek() === ",") return this.#checked(key, "exists", []);
    const word = this.#take();
    const operator = Object.hasOwn(operatorWords, word) ? operatorWords[word] : undefined;
    if (operator === undefined) throw this.#unexpected("in, notin, =, ==, !=, gt, lt", word, "unable to parse requirement: ");
    const values = operator === "in" || operator === "notin" ? this.#values() : [this.#value()];
    return this.#checked(key, operator, values);
  }

  #checked(key: string, operator: LabelOperator, values: readonly string[]): LabelRequirement {
    try {
      return requirement(key, operator, values);
    } catch (error) {
      throw new SelectorError(`unable to parse requirement: ${(error as Error).message}`);
    }
  }

  #value(): string {
    if (this.#peek() === "" || this.#peek() === ",") return "";
    const value = this.#take();
    if (!isWord(value)) throw this.#unexpected("identifier", value, "unable to parse requirement: ");
    return value;
  }

  #values(): readonly string[] {
    const open = this.#take();
    if (open !== "(") throw this.#unexpected("'('", open, "unable to parse requirement: ");
    const values = new Set<string>();
    for (;;) {
      const value = this.#peek();
      if (value === ")" || value === ",") values.add("");
      else if (isWord(value)) values.add(this.#take());
      else throw this.#unexpected("',', ')' or identifier", value, "unable to parse requirement: ");
      const after = this.#take();
      if (after === ")") return [...values].sort();
      if (after !== ",") throw this.#unexpected("',' or ')'", after, "unable to parse requirement: ");
    }
  }

  #peek(): string {
    return this.#tokens[this.#at] ?? "";
  }

  #take(): string {
    const token = this.#peek();
    this.#at++;
    return token;
  }

  #unexpected(expected: string, found = this.#peek(), prefix = ""): SelectorError {
    return new SelectorError(`${prefix}found '${found}', expected: ${expected}`);
  }
}

function isWord(token: string): boolean {
  return token !== "" && !symbols.includes(token);
}

function tokensOf(text: string): readonly string[] {
  const tokens: string[] = [];
  for (let at = 0; at < text.length; ) {
    if (" \t\r\n".includes(text[at] as string)) {
      at++;
      continue;
    }
    const symbol = symbols.find((other) => text.startsWith(other, at));
    let end = at + (symbol?.length ?? 0);
    if (!symbol) while (end < text.length && !" \t\r\n=!(),><".includes(text[end] as string)) end++;
    tokens.push(text.slice(at, end));
    at = end;
  }
  return tokens;
}

export interface FieldRequirement {
  readonly field: string;
  readonly operator: "=" | "!=";
  readonly value: string;
}

export interface FieldMatcher {
  readonly requirements: readonly FieldRequirement[];
  matches(object: unknown): boolean;
}

/** A field selector (`status.phase!=Running,metadata.name=web`) checked against what the kind allows. Throws SelectorError. */
export function parseFieldSelector(kind: Pick<Kind, "selectable">, text: string): FieldMatcher {
  const requirements = fieldRequirements(text);
  const tests = requirements.map(({ field, operator, value }) => {
    const read = reader(kind, field);
    return (object: unknown) => (read(object) === value) === (operator === "=");
  });
  return { requirements, matches: (object) => tests.every((test) => test(object)) };
}

/** The terms of a field selector, whatever kind it is for. Throws SelectorError. */
export function fieldRequirements(text: string): readonly FieldRequirement[] {
  if (text.length > maxSelectorLength) throw new SelectorError(`invalid selector: longer than ${maxSelectorLength} characters`);
  return splitTerms(text).map(fieldRequirement);
}

function reader(kind: Pick<Kind, "selectable">, field: string): (object: unknown) => string {
  if (field === "metadata.name" || field === "metadata.namespace") {
    const key = field.slice("metadata.".length);
    return (object) => {
      const metadata = (object as { metadata?: Json }).metadata;
      return isObject(metadata) ? ((metadata[key] as string | undefined) ?? "") : "";
    };
  }
  if (!Object.hasOwn(kind.selectable, field)) throw new SelectorError(`field label not supported: ${field}`);
  return kind.selectable[field] as (object: unknown) => string;
}

/** Cut at commas that are not escaped. */
function splitTerms(text: string): readonly string[] {
  const terms: string[] = [];
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === ",") {
      terms.push(text.slice(start, at));
      start = at + 1;
    }
  }
  terms.push(text.slice(start));
  return terms.filter((term) => term !== "");
}

function fieldRequirement(term: string): FieldRequirement {
  for (let at = 0; at < term.length; at++) {
    if (term[at] === "\\") {
      at++;
      continue;
    }
    const operator = ["!=", "==", "="].find((other) => term.startsWith(other, at));
    if (!operator) continue;
    return { field: term.slice(0, at), operator: operator === "!=" ? "!=" : "=", value: unescaped(term.slice(at + operator.length)) };
  }
  throw new SelectorError(`invalid selector: '${term}'; can't understand '${term}'`);
}

function unescaped(value: string): string {
  let text = "";
  for (let at = 0; at < value.length; at++) {
    const character = value[at] as string;
    if (character === "\\") {
      const next = value[++at];
      if (next === undefined || !"\\,=".includes(next)) throw new SelectorError(`invalid escape sequence: \\${next ?? ""}`);
      text += next;
    } else if (character === "=" || character === ",") {
      throw new SelectorError(`invalid field selector: unescaped character in value: ${character}`);
    } else text += character;
  }
  return text;
}
