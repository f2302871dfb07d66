// Reading a unit's assignments by section and key, each kind of value in its own way, with a warning for what makes no sense. Pure.
import type { Command, Limit } from "./unit-file.ts";
import {
  type Assignment,
  expandSpecifiers,
  parseBoolean,
  parseSize,
  parseTimeSpan,
  type SpecifierFacts,
  splitWords,
} from "./unit-syntax.ts";

const limitResources: ReadonlyMap<string, string> = new Map(
  [
    "CPU",
    "FSIZE",
    "DATA",
    "STACK",
    "CORE",
    "RSS",
    "NOFILE",
    "AS",
    "NPROC",
    "MEMLOCK",
    "LOCKS",
    "SIGPENDING",
    "MSGQUEUE",
    "NICE",
    "RTPRIO",
    "RTTIME",
  ].map((name) => [`Limit${name}`, name.toLowerCase()]),
);

/** Settings that ask for nothing this supervisor would have to do. */
const harmless = new Set([
  "Unit.Documentation",
  "Unit.SourcePath",
  "Unit.DefaultDependencies",
  "Service.Delegate",
  "Service.StandardOutput=journal",
  "Service.StandardError=journal",
  "Service.StandardOutput=inherit",
  "Service.StandardError=inherit",
  "Service.StandardInput=null",
  "Service.NotifyAccess",
  "Service.SyslogIdentifier",
  "Service.GuessMainPID",
  "Service.TasksMax=infinity",
  "Install.Also",
  "Install.DefaultInstance",
]);
const known = new Set(
  "StartLimitAction OnFailure OnSuccess PartOf PropagatesReloadTo RefuseManualStart RefuseManualStop AllowIsolate StopWhenUnneeded RequiresMountsFor JobTimeoutSec"
    .split(" ")
    .map((key) => `Unit.${key}`),
);

/** The assignments of one unit, each taken once; what nobody took is warned about. */
export class Settings {
  readonly #unit: string;
  readonly #facts: SpecifierFacts;
  readonly #warnings: string[];
  readonly #assignments: readonly Assignment[];
  readonly #taken = new Set<string>();

  constructor(unit: string, assignments: readonly Assignment[], facts: SpecifierFacts, warnings: string[]) {
    this.#unit = unit;
    this.#assignments = assignments;
    this.#facts = facts;
    this.#warnings = warnings;
  }

  warn(message: string): void {
    this.#warnings.push(message);
  }

  /** Everything assigned to the key, since it was last emptied. */
  #all(section: string, key: string): readonly Assignment[] {
    this.#taken.add(`${section}.${key}`);
    const found: Assignment[] = [];
    for (const assignment of this.#assignments) {
      if (assignment.section !== section || assignment.key !== key) continue;
      if (assignment.value === "") found.length = 0;
      else found.push(assignment);
    }
    return found;
  }

  #expand(text: string, where: string): string {
    const unknown: string[] = [];
    const expanded = expandSpecifiers(text, this.#unit, this.#facts, unknown);
    for (const specifier of unknown) this.warn(`${where}: specifier ${specifier} is not known, left as it is`);
    return expanded;
  }

  last(section: string, key: string): string | undefined {
    const assignment = this.#all(section, key).at(-1);
    return assignment && this.#expand(assignment.value, assignment.where);
  }

  words(section: string, key: string): readonly string[] {
    return this.#all(section, key).flatMap((assignment) => {
      const words = splitWords(assignment.value);
      if (words === undefined) this.warn(`${assignment.where}: Invalid syntax, ignoring: ${assignment.value}`);
      return (words ?? []).map((word) => this.#expand(word, assignment.where));
    });
  }

  names(section: string, ...keys: string[]): readonly string[] {
    return [...new Set(keys.flatMap((key) => this.words(section, key)))];
  }

  span(section: string, key: string): number | undefined {
    return this.#read(section, key, parseTimeSpan, "time span");
  }

  whole(section: string, key: string): number | undefined {
    return this.#read(section, key, (text) => (/^[+-]?\d{1,9}$/.test(text) ? Number(text) : undefined), "number");
  }

  flag(key: string): boolean | undefined {
    return this.#read("Service", key, parseBoolean, "boolean");
  }

  matching(key: string, pattern: RegExp): string | undefined {
    return this.#read("Service", key, (text) => (pattern.test(text) ? text : undefined), "value");
  }

  choice<Choice extends string>(key: string, choices: readonly Choice[]): Choice | undefined {
    return this.#read("Service", key, (text) => choices.find((choice) => choice === text), "choice");
  }

  #read<Value>(section: string, key: string, parse: (text: string) => Value | undefined, what: string): Value | undefined {
    const assignment = this.#all(section, key).at(-1);
    if (!assignment) return undefined;
    const value = parse(assignment.value);
    if (value === undefined) this.warn(`${assignment.where}: Failed to parse ${key}= as a ${what}, ignoring: ${assignment.value}`);
    return value;
  }

  commands(key: string): readonly Command[] {
    return this.#all("Service", key).flatMap(({ value, where }) => {
      const words = splitWords(value.replace(/(^|\s)\\;(?=\s|$)/g, "$1';;'"));
      if (!words) {
        this.warn(`${where}: Unbalanced quoting, ignoring: "${value}"`);
        return [];
      }
      return splitCommands(words).flatMap((command) => this.#command(key, command, where));
    });
  }

  #command(key: string, words: readonly string[], where: string): readonly Command[] {
    const [first = "", ...rest] = words;
    const prefix = /^[-@:+!|]*/.exec(first)?.[0] ?? "";
    const program = first.slice(prefix.length);
    const arguments_ = prefix.includes("@") ? rest.slice(1) : rest;
    if (program === "") {
      this.warn(`${where}: Empty path in command line, ignoring`);
      return [];
    }
    if (prefix.includes("@")) this.warn(`${where}: ${key}=@ cannot set argv[0], the program's own name is used`);
    return [
      {
        words: [program, ...arguments_].map((word) => this.#expand(word === ";;" ? ";" : word, where)),
        ignoreFailure: prefix.includes("-"),
        expandVariables: !prefix.includes(":"),
      },
    ];
  }

  environment(): readonly (readonly [string, string])[] {
    return this.words("Service", "Environment").flatMap((word) => {
      const match = /^([A-Za-z_][A-Za-z0-9_]*)=(.*)$/s.exec(word);
      if (!match) this.warn(`Environment=: invalid assignment, ignoring: ${word}`);
      return match ? [[match[1] as string, match[2] as string] as const] : [];
    });
  }

  paths(key: string): readonly { path: string; optional: boolean }[] {
    return this.#all("Service", key).flatMap(({ value, where }) => {
      const optional = value.startsWith("-");
      const given = this.#expand(optional ? value.slice(1) : value, where);
      const path = given === "~" ? "/root" : given;
      if (path.startsWith("/")) return [{ path, optional }];
      this.warn(`${where}: ${key}= needs an absolute path, ignoring: ${value}`);
      return [];
    });
  }

  limits(): readonly Limit[] {
    return [...limitResources].flatMap(([key, resource]) => {
      const text = this.last("Service", key);
      if (text === undefined) return [];
      const [soft, hard = soft] = text.split(":", 2).map((part) => (resource === "cpu" ? spanSeconds(part) : parseSize(part)));
      if (soft !== undefined && hard !== undefined && soft <= hard) return [{ key, resource, soft, hard }];
      this.warn(`Failed to parse ${key}= as a resource limit, ignoring: ${text}`);
      return [];
    });
  }

  /** Called last: names every setting that nothing above has read. */
  warnAboutTheRest(): void {
    for (const { section, key, value, where } of this.#assignments) {
      const id = `${section}.${key}`;
      if (this.#taken.has(id) || harmless.has(id) || harmless.has(`${id}=${value}`) || section.startsWith("X-") || value === "") continue;
      if (section !== "Unit" && section !== "Service" && section !== "Install")
        this.warn(`${where}: Unknown section '${section}'. Ignoring.`);
      else if (section === "Service" || known.has(id) || /^(Condition|Assert)/.test(key))
        this.warn(`${where}: ${key}= is not honoured by this supervisor`);
      else this.warn(`${where}: Unknown key name '${key}' in section '${section}', ignoring.`);
    }
  }
}

function spanSeconds(text: string): number | undefined {
  const span = parseTimeSpan(text);
  return span === undefined ? undefined : Math.ceil(span / 1_000);
}

function splitCommands(words: readonly string[]): readonly (readonly string[])[] {
  const commands: string[][] = [[]];
  for (const word of words) {
    if (word === ";") commands.push([]);
    else commands.at(-1)?.push(word);
  }
  return commands.filter((command) => command.length > 0);
}
