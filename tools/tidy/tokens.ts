// Cuts TypeScript into tokens: enough to find imports and forbidden words without being fooled by strings, comments, templates and
// regular expressions.

export interface Token {
  readonly kind: "word" | "string" | "template" | "regex" | "punctuation";
  /** A string's content without its quotes; else as written. */
  readonly text: string;
  readonly line: number;
}

/** After these a slash begins a regular expression. */
const beforeRegex = new Set([
  ..."([{,;=:?!&|+-*%<>~^",
  "return",
  "typeof",
  "case",
  "in",
  "of",
  "void",
  "throw",
  "await",
  "yield",
  "=>",
  "delete",
  "else",
  "do",
]);
const word = /[\p{ID_Start}$_#][\p{ID_Continue}$\u200c\u200d]*/uy;
const number = /\d[\w.]*/y;

export function tokensOf(source: string): Token[] {
  const tokens: Token[] = [];
  let line = 1;
  let index = 0;
  // For each open template's `${`: how many braces are open inside it.
  const templates: number[] = [];

  const add = (kind: Token["kind"], text: string) => tokens.push({ kind, text, line });
  const skipTo = (end: number) => {
    for (; index < end; index++) if (source[index] === "\n") line++;
  };
  const quoted = (quote: string): number => {
    let end = index + 1;
    while (end < source.length && source[end] !== quote && source[end] !== "\n") end += source[end] === "\\" ? 2 : 1;
    return end;
  };
  const template = () => {
    let end = index + 1;
    while (end < source.length && source[end] !== "`" && !(source[end] === "$" && source[end + 1] === "{"))
      end += source[end] === "\\" ? 2 : 1;
    add("template", source.slice(index + 1, end));
    const opens = source[end] === "$";
    skipTo(opens ? end + 2 : end + 1);
    if (opens) templates.push(0);
  };
  const regexEnd = (): number => {
    let inClass = false;
    let end = index + 1;
    for (; end < source.length && source[end] !== "\n"; end++) {
      const character = source[end];
      if (character === "\\") end++;
      else if (character === "[") inClass = true;
      else if (character === "]") inClass = false;
      else if (character === "/" && !inClass) break;
    }
    do end++;
    while (/[a-z]/.test(source[end] ?? ""));
    return end;
  };

  if (source.startsWith("#!")) skipTo(source.indexOf("\n"));
  while (index < source.length) {
    const character = source[index] as string;
    const next = source[index + 1];
    if (character === "/" && next === "/") {
      const end = source.indexOf("\n", index);
      skipTo(end < 0 ? source.length : end);
    } else if (character === "/" && next === "*") {
      const end = source.indexOf("*/", index + 2);
      skipTo(end < 0 ? source.length : end + 2);
    } else if (/\s/.test(character)) {
      skipTo(index + 1);
    } else if (character === '"' || character === "'") {
      const end = quoted(character);
      add("string", source.slice(index + 1, end));
      skipTo(end + 1);
    } else if (character === "`") {
      template();
    } else if (character === "/" && regexMayStart(tokens.at(-1))) {
      const end = regexEnd();
      add("regex", source.slice(index, end));
      skipTo(end);
    } else if (match(word, source, index)) {
      const text = match(word, source, index) as string;
      add("word", text);
      index += text.length;
    } else if (match(number, source, index)) {
      const text = match(number, source, index) as string;
      add("word", text);
      index += text.length;
    } else if (character === "}" && templates.at(-1) === 0) {
      templates.pop();
      template();
    } else {
      const depth = templates.length - 1;
      if (character === "{" && depth >= 0) templates[depth] = (templates[depth] as number) + 1;
      if (character === "}" && depth >= 0) templates[depth] = (templates[depth] as number) - 1;
      add("punctuation", character);
      index++;
    }
  }
  return tokens;
}

function match(pattern: RegExp, source: string, index: number): string | undefined {
  pattern.lastIndex = index;
  return pattern.exec(source)?.[0];
}

function regexMayStart(previous: Token | undefined): boolean {
  return !previous || ((previous.kind === "punctuation" || previous.kind === "word") && beforeRegex.has(previous.text));
}
