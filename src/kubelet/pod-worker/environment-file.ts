// Reads one variable of an environment file: NAME='value', all of it in single quotes, over several lines if need be.
//
// Invariants:
// - Nothing within quotes means anything but itself. What follows them is white space or a comment.
// - NAME= with nothing right behind it is empty.

export class EnvironmentFileError extends Error {
  override readonly name = "EnvironmentFileError";
}

/** Undefined where the file has no such variable. Throws EnvironmentFileError at what is not in the form, up to the variable. */
export function variableOf(text: string, key: string): string | undefined {
  const lines = text.split("\n").map((line) => line.replace(/\r$/, ""));
  for (let at = 0; at < lines.length; at++) {
    const wrong = (what: string, line = at) => new EnvironmentFileError(`invalid environment variable format at line ${line + 1}: ${what}`);
    const line = (lines[at] as string).replace(/^[ \t]+/, "");
    if (line === "" || line.startsWith("#")) continue;
    const equals = line.indexOf("=");
    if (equals < 0) throw wrong("missing '='");
    const name = line.slice(0, equals);
    if (name.trim() === "") throw wrong("empty variable name");
    if (/[ \t]$/.test(name)) throw wrong("whitespace before '=' is not allowed");
    let value = "";
    let rest = line.slice(equals + 1);
    if (rest !== "" && !/^[ \t]/.test(rest)) {
      if (!rest.startsWith("'")) throw wrong("value must be enclosed in single quotes");
      const first = at;
      rest = rest.slice(1);
      const parts: string[] = [];
      let end = rest.indexOf("'");
      while (end < 0) {
        parts.push(rest);
        at += 1;
        if (at >= lines.length) throw wrong("unclosed single quote", first);
        rest = lines[at] as string;
        end = rest.indexOf("'");
      }
      value = [...parts, rest.slice(0, end)].join("\n");
      rest = rest.slice(end + 1);
      if (!/^[ \t]*(#.*)?$/.test(rest)) throw wrong("unexpected content after closing quote");
    }
    if (name === key) return value;
  }
  return undefined;
}
