// What a file imports, however it is written.
import { tokensOf } from "./tokens.ts";
import type { Token } from "./tokens.ts";

export interface Import {
  readonly specifier: string;
  readonly line: number;
  /** "reexport" is `export … from`; "file" is `new URL("./x.ts", import.meta.url)`, such as a worker's entry. */
  readonly kind: "static" | "type" | "dynamic" | "reexport" | "file";
  /** True for `export * from`. */
  readonly everything: boolean;
}

export function importsOf(source: string): Import[] {
  return importsIn(tokensOf(source));
}

export function importsIn(tokens: readonly Token[]): Import[] {
  const found: Import[] = [];
  const text = (index: number) => tokens[index]?.text;
  const isString = (index: number) => tokens[index]?.kind === "string";

  tokens.forEach((token, index) => {
    if (token.kind !== "word" || text(index - 1) === "." || tokens[index - 1]?.kind === "string") return;
    const add = (at: number, kind: Import["kind"], everything = false) =>
      found.push({ specifier: text(at) as string, line: token.line, kind, everything });
    if (token.text === "import") {
      if (isString(index + 1)) add(index + 1, "static");
      else if (text(index + 1) === "(" && isString(index + 2)) add(index + 2, "dynamic");
      else if (text(index + 1) !== "(" && text(index + 1) !== "." && text(index + 1) !== ":") {
        const from = fromClause(tokens, index + 1);
        if (from) add(from, text(index + 1) === "type" && text(index + 2) !== "from" ? "type" : "static");
      }
    }
    if (token.text === "export") {
      const start = text(index + 1) === "type" ? index + 2 : index + 1;
      if (text(start) !== "*" && text(start) !== "{") return;
      const from = fromClause(tokens, start);
      if (from) add(from, "reexport", text(start) === "*");
    }
    if (
      token.text === "URL" &&
      text(index + 1) === "(" &&
      isString(index + 2) &&
      text(index + 4) === "import" &&
      /^\.{1,2}\//.test(text(index + 2) as string)
    )
      add(index + 2, "file");
  });
  return found;
}

/** The index of the string behind `from`, when the clause that starts at `start` has one. */
function fromClause(tokens: readonly Token[], start: number): number | undefined {
  for (let index = start; index < tokens.length; index++) {
    const token = tokens[index] as Token;
    if (token.kind === "word" && token.text === "from" && tokens[index + 1]?.kind === "string") return index + 1;
    const isName = token.kind === "word" || (token.kind === "punctuation" && "{},*".includes(token.text)) || token.kind === "string";
    if (!isName) return undefined;
  }
  return undefined;
}
