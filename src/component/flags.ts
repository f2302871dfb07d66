// Flags of daemons as data: parsed here, documented by --help, and read by the component as plain values under upstream's names.

export type FlagValue = string | boolean | number | readonly string[];

export interface Flag {
  readonly name: string;
  /** "duration" is Go's form ("15s") read as milliseconds; "list" is comma-separated and may be repeated; "map" is "a=true,b=false". */
  readonly type: "string" | "boolean" | "integer" | "duration" | "list";
  readonly default?: FlagValue;
  readonly doc: string;
  /** Accepted for compatibility; what setting it means is said once, as a warning. */
  readonly ignored?: string;
}

export class FlagError extends Error {
  override readonly name = "FlagError";
}

type ValueOf<F extends Flag> = F["type"] extends "boolean"
  ? boolean
  : F["type"] extends "integer" | "duration"
    ? number
    : F["type"] extends "list"
      ? readonly string[]
      : string;
type NameOf<F> = F extends Flag ? F["name"] : never;

/** Values by flag name; flags without a default are undefined when not given. */
export type FlagValues<F extends readonly Flag[]> = {
  readonly [N in NameOf<F[number]>]: Extract<F[number], { name: N }> extends infer One extends Flag
    ? One extends { readonly default: FlagValue }
      ? ValueOf<One>
      : ValueOf<One> | undefined
    : never;
};

export interface Parsed<F extends readonly Flag[]> {
  readonly values: FlagValues<F>;
  /** Arguments that are not flags. */
  readonly rest: readonly string[];
  readonly help: boolean;
  readonly warnings: readonly string[];
}

/**
 * Reads `--name=value`, `--name value`, `--boolean`, `-v2`, `-v 2`, `-v=2` for names of one letter, and `--` ends the flags. Throws FlagError as
 * upstream words it.
 */
export function parseFlags<const F extends readonly Flag[]>(flags: F, arguments_: readonly string[]): Parsed<F> {
  const byName = new Map(flags.map((flag) => [flag.name, flag]));
  const values = new Map<string, FlagValue>();
  const given = new Set<string>();
  const rest: string[] = [];
  const warnings: string[] = [];
  for (const flag of flags) if (flag.default !== undefined) values.set(flag.name, flag.default);

  for (let at = 0; at < arguments_.length; at += 1) {
    const argument = arguments_[at] as string;
    if (argument === "--") {
      rest.push(...arguments_.slice(at + 1));
      break;
    }
    if (!argument.startsWith("-") || argument === "-") {
      rest.push(argument);
      continue;
    }
    if (argument === "--help" || argument === "-h") return { values: Object.fromEntries(values) as never, rest, help: true, warnings };
    const isLong = argument.startsWith("--");
    const text = argument.slice(isLong ? 2 : 1);
    if (isLong && (text.startsWith("-") || text.startsWith("="))) throw new FlagError(`bad flag syntax: ${argument}`);
    const equals = isLong ? text.indexOf("=") : text[1] === "=" ? 1 : -1;
    const spelled = isLong ? (equals < 0 ? text : text.slice(0, equals)) : (text[0] as string);
    const name = spelled.replaceAll("_", "-");
    const flag = byName.get(name);
    if (!flag) throw new FlagError(isLong ? `unknown flag: --${spelled}` : `unknown shorthand flag: ${quoted(spelled)} in ${argument}`);
    let value: string;
    if (equals >= 0) value = text.slice(equals + 1);
    else if (flag.type === "boolean") value = "true";
    else if (!isLong && text.length > 1) value = text.slice(1);
    else {
      const next = arguments_[at + 1];
      if (next === undefined)
        throw new FlagError(isLong ? `flag needs an argument: --${spelled}` : `flag needs an argument: ${quoted(spelled)} in ${argument}`);
      value = next;
      at += 1;
    }
    if (flag.ignored !== undefined) warnings.push(`--${name} is accepted but ignored: ${flag.ignored}`);
    const read = readFlag(flag, value);
    values.set(name, flag.type === "list" && given.has(name) ? [...(values.get(name) as string[]), ...(read as string[])] : read);
    given.add(name);
  }
  return { values: Object.fromEntries(values) as never, rest, help: false, warnings };
}

const quoted = (letter: string) => `'${letter}'`;

function readFlag(flag: Flag, text: string): FlagValue {
  const bad = (why: string) => new FlagError(`invalid argument ${JSON.stringify(text)} for "--${flag.name}" flag: ${why}`);
  switch (flag.type) {
    case "string":
      return text;
    case "boolean":
      if (/^(1|t|T|TRUE|true|True)$/.test(text)) return true;
      if (/^(0|f|F|FALSE|false|False)$/.test(text)) return false;
      throw bad(`strconv.ParseBool: parsing ${JSON.stringify(text)}: invalid syntax`);
    case "integer": {
      const value = Number(text);
      if (!/^[+-]?\d+$/.test(text) || !Number.isSafeInteger(value))
        throw bad(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
      return value;
    }
    case "duration": {
      const value = readDuration(text);
      if (value === undefined) throw bad(`time: invalid duration ${JSON.stringify(text)}`);
      return value;
    }
    case "list":
      return text === "" ? [] : text.split(",");
  }
}

const unitMilliseconds: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

/** Go's duration text as milliseconds; undefined when it is none. */
export function readDuration(text: string): number | undefined {
  if (/^[+-]?0$/.test(text)) return 0;
  if (text.length > 64 || !/^[+-]?((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+$/.test(text)) return undefined;
  let sum = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g))
    sum += Number(amount) * (unitMilliseconds[unit as string] as number);
  return text.startsWith("-") ? -sum : sum;
}

/** Milliseconds as Go writes a duration of whole seconds: "1m0s". */
function durationText(milliseconds: number): string {
  const hours = Math.floor(milliseconds / 3_600_000);
  const minutes = Math.floor(milliseconds / 60_000) % 60;
  const seconds = (milliseconds % 60_000) / 1_000;
  return `${hours > 0 ? `${hours}h` : ""}${hours > 0 || minutes > 0 ? `${minutes}m` : ""}${seconds}s`;
}

/** What --help prints. */
export function flagHelp(flags: readonly Flag[]): string {
  const lines = flags
    .filter((flag) => flag.ignored === undefined)
    .map((flag) => {
      const shown =
        flag.default === undefined || flag.default === "" || (Array.isArray(flag.default) && flag.default.length === 0)
          ? ""
          : ` (default ${flag.type === "duration" ? durationText(Number(flag.default)) : String(flag.default)})`;
      const type = flag.type === "boolean" ? "" : ` ${flag.type}`;
      return [`      --${flag.name}${type}`, `${flag.doc}${shown}`] as const;
    });
  const width = Math.min(48, Math.max(...lines.map(([left]) => left.length)) + 2);
  return lines
    .map(([left, right]) => (left.length < width ? `${left.padEnd(width)}${right}` : `${left}\n${" ".repeat(width)}${right}`))
    .join("\n");
}
