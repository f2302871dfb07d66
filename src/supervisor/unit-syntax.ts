// The notation of systemd's unit files: sections and assignments, quoting, specifiers, time spans and sizes. Pure.

export interface Assignment {
  readonly section: string;
  readonly key: string;
  readonly value: string;
  /** "containerd.service:12", for messages. */
  readonly where: string;
}

export interface ParsedText {
  readonly assignments: readonly Assignment[];
  readonly warnings: readonly string[];
}

const longestText = 1 << 20;

/** Reads one file: a trailing backslash continues a line, comment lines inside a continuation are skipped. */
export function parseUnitText(text: string, source: string): ParsedText {
  const assignments: Assignment[] = [];
  const warnings: string[] = [];
  if (text.length > longestText) return { assignments, warnings: [`${source}: larger than 1 MiB, not read`] };
  let section = "";
  let pending: { text: string; line: number } | undefined;
  const lines = text.split(/\r?\n/);
  for (const [index, raw] of lines.entries()) {
    const trimmed = raw.trim();
    if (trimmed.startsWith("#") || trimmed.startsWith(";") || (pending === undefined && trimmed === "")) continue;
    const line = pending?.line ?? index + 1;
    const soFar: string = pending === undefined ? "" : `${pending.text} `;
    if (trimmed.endsWith("\\") && index + 1 < lines.length) {
      pending = { text: soFar + trimmed.slice(0, -1).trim(), line };
      continue;
    }
    pending = undefined;
    readLine((soFar + trimmed).trim(), line);
  }
  return { assignments, warnings };

  function readLine(content: string, line: number): void {
    if (content === "") return;
    const where = `${source}:${line}`;
    if (content.startsWith("[")) {
      if (content.endsWith("]")) section = content.slice(1, -1);
      else warnings.push(`${where}: Invalid section header '${content}'`);
      return;
    }
    const equals = content.indexOf("=");
    if (equals < 1) warnings.push(`${where}: Missing '=', ignoring line.`);
    else if (section === "") warnings.push(`${where}: Assignment outside of section. Ignoring.`);
    else assignments.push({ section, key: content.slice(0, equals).trim(), value: content.slice(equals + 1).trim(), where });
  }
}

const escapes: ReadonlyMap<string, string> = new Map([
  ["a", "\x07"],
  ["b", "\b"],
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
  ["v", "\v"],
  ["s", " "],
  ["\\", "\\"],
  ['"', '"'],
  ["'", "'"],
]);

/** Splits at white space; quotes keep words together and C escapes are resolved. Undefined when a quote is not closed. */
export function splitWords(text: string): readonly string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (quote !== undefined) {
      if (character === quote) quote = undefined;
      else if (character === "\\") at = escape(at);
      else word = (word ?? "") + character;
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (character === '"' || character === "'") {
      quote = character;
      word ??= "";
    } else if (character === "\\") at = escape(at);
    else word = (word ?? "") + character;
  }
  if (quote !== undefined) return undefined;
  if (word !== undefined) words.push(word);
  return words;

  /** Adds what the escape at `at` stands for, and returns the index of its last character. */
  function escape(at: number): number {
    const rest = text.slice(at + 1, at + 10);
    const number = /^(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3}))/.exec(rest);
    if (number) {
      const [whole, byte, short, long, octal] = number;
      const code = octal === undefined ? Number.parseInt(byte ?? short ?? long ?? "", 16) : Number.parseInt(octal, 8);
      word = (word ?? "") + (code > 0 && code <= 0x10ffff ? String.fromCodePoint(code) : "\ufffd");
      return at + whole.length;
    }
    const next = rest.charAt(0);
    const known = escapes.get(next);
    word = (word ?? "") + (known ?? `\\${next}`);
    return at + (next === "" ? 0 : 1);
  }
}

/** What is known of the machine when specifiers are replaced. */
export interface SpecifierFacts {
  readonly hostname?: string;
  readonly machineId?: string;
  readonly bootId?: string;
}

/** Replaces %n, %i and their like. Unknown ones stay as they are and are named in `unknown`. */
export function expandSpecifiers(text: string, unit: string, facts: SpecifierFacts, unknown: string[]): string {
  if (!text.includes("%")) return text;
  const { prefix, instance, stem } = splitUnitName(unit);
  return text.replace(/%(.)/gs, (whole, letter: string) => {
    switch (letter) {
      case "%":
        return "%";
      case "n":
        return unit;
      case "N":
        return stem;
      case "p":
        return prefix;
      case "P":
        return unescapeName(prefix);
      case "i":
        return instance;
      case "I":
        return unescapeName(instance);
      case "j":
        return prefix.slice(prefix.lastIndexOf("-") + 1);
      case "H":
        return facts.hostname ?? "localhost";
      case "m":
        return facts.machineId ?? "";
      case "b":
        return facts.bootId ?? "";
      case "u":
        return "root";
      case "U":
        return "0";
      case "h":
        return "/root";
      case "t":
        return "/run";
      case "S":
        return "/var/lib";
      case "C":
        return "/var/cache";
      case "L":
        return "/var/log";
      case "E":
        return "/etc";
      case "T":
        return "/tmp";
      case "V":
        return "/var/tmp";
      default:
        unknown.push(whole);
        return whole;
    }
  });
}

/** "getty@tty1.service" is prefix "getty", instance "tty1", suffix "service", stem "getty@tty1". */
export function splitUnitName(name: string): { prefix: string; instance: string; suffix: string; stem: string } {
  const dot = name.lastIndexOf(".");
  const stem = dot < 0 ? name : name.slice(0, dot);
  const at = stem.indexOf("@");
  return {
    stem,
    prefix: at < 0 ? stem : stem.slice(0, at),
    instance: at < 0 ? "" : stem.slice(at + 1),
    suffix: dot < 0 ? "" : name.slice(dot + 1),
  };
}

function unescapeName(name: string): string {
  return name.replaceAll("-", "/").replace(/\\x([0-9a-fA-F]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}

/** True for names that can be a unit's, and so are safe as a file's name. */
export function isUnitName(name: string): boolean {
  return name.length <= 255 && /^[A-Za-z0-9:_.\\@-]+\.(service|target)$/.test(name) && !name.startsWith(".");
}

const spanUnits: ReadonlyMap<string, number> = new Map(
  (
    [
      [["us", "usec", "µs", "μs"], 0.001],
      [["ms", "msec"], 1],
      [["", "s", "sec", "second", "seconds"], 1_000],
      [["m", "min", "minute", "minutes"], 60_000],
      [["h", "hr", "hour", "hours"], 3_600_000],
      [["d", "day", "days"], 86_400_000],
      [["w", "week", "weeks"], 604_800_000],
      [["M", "month", "months"], 2_629_800_000],
      [["y", "year", "years"], 31_557_600_000],
    ] as const
  ).flatMap(([names, factor]) => names.map((name) => [name, factor] as const)),
);

/** "5min 20s", "100ms", "90" (seconds), "infinity". Milliseconds, or undefined when it is no time span. */
export function parseTimeSpan(text: string): number | undefined {
  const value = text.trim();
  if (value === "infinity") return Number.POSITIVE_INFINITY;
  if (value === "" || value.length > 100) return undefined;
  let total = 0;
  const part = /(\d+(?:\.\d+)?)\s*([a-zA-Zµμ]*)\s*/y;
  while (part.lastIndex < value.length) {
    const [, number, unit] = part.exec(value) ?? [];
    const factor = spanUnits.get(unit ?? "");
    if (number === undefined || factor === undefined) return undefined;
    total += Number(number) * factor;
  }
  return total;
}

/** "64K", "1G", "infinity". A number, or undefined. */
export function parseSize(text: string): number | undefined {
  if (text === "infinity") return Number.POSITIVE_INFINITY;
  const match = /^(\d{1,15})([KMGTPE]?)$/.exec(text.trim());
  if (!match) return undefined;
  return Number(match[1]) * 1024 ** (["", "K", "M", "G", "T", "P", "E"].indexOf(match[2] ?? "") as number);
}

export function parseBoolean(text: string): boolean | undefined {
  if (/^(1|yes|y|true|t|on)$/i.test(text)) return true;
  if (/^(0|no|n|false|f|off)$/i.test(text)) return false;
  return undefined;
}
