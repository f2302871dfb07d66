// "$(NAME)" in commands, arguments and values: replaced where the name is known, kept where not; "$$" is a plain "$".

export function expand(text: string, valueOf: (name: string) => string | undefined): string {
  if (!text.includes("$")) return text;
  let result = "";
  for (let at = 0; at < text.length; at++) {
    const dollar = text.indexOf("$", at);
    if (dollar < 0 || dollar === text.length - 1) return result + text.slice(at);
    result += text.slice(at, dollar);
    const next = text[dollar + 1];
    if (next === "$") {
      result += "$";
      at = dollar + 1;
    } else if (next === "(") {
      const close = text.indexOf(")", dollar + 2);
      if (close < 0) return result + text.slice(dollar);
      const name = text.slice(dollar + 2, close);
      result += valueOf(name) ?? `$(${name})`;
      at = close;
    } else {
      result += `$${next}`;
      at = dollar + 1;
    }
  }
  return result;
}
