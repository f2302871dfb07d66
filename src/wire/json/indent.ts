// JSON text for people. It works on the text, so that every digit and every key stays as it was written.

/** The same value, indented by two spaces. `text` is well-formed and has no space between its tokens. */
export function indentJson(text: string): string {
  const tokens = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^"{}[\],:]+/g;
  let depth = 0;
  let before = "";
  let out = "";
  for (const [token] of text.matchAll(tokens)) {
    const closes = token === "}" || token === "]";
    if (closes) depth--;
    const opened = before === "{" || before === "[";
    if (closes ? !opened : opened || before === ",") out += `\n${"  ".repeat(depth)}`;
    out += token === ":" ? ": " : token;
    if (token === "{" || token === "[") depth++;
    before = token;
  }
  return out;
}
