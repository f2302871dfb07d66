// What a unit is, read from its file and drop-ins. What this supervisor cannot honour becomes a warning of the unit. Pure.
import {
  type Assignment,
  expandSpecifiers,
  parseBoolean,
  parseSize,
  parseTimeSpan,
  parseUnitText,
  type SpecifierFacts,
  splitUnitName,
  splitWords,
} from "./unit-syntax.ts";

export interface Unit {
  readonly name: string;
  readonly kind: "service" | "target";
  readonly description: string;
  readonly after: readonly string[];
  readonly before: readonly string[];
  readonly wants: readonly string[];
  readonly requires: readonly string[];
  readonly conflicts: readonly string[];
  readonly wantedBy: readonly string[];
  readonly requiredBy: readonly string[];
  readonly aliases: readonly string[];
  readonly startLimitMilliseconds: number;
  readonly startLimitBurst: number;
  readonly service: Service | undefined;
  readonly sources: readonly string[];
  readonly warnings: readonly string[];
  /** Why the unit cannot be started at all. */
  readonly unusable: string | undefined;
}

export type ServiceType = "simple" | "exec" | "notify" | "oneshot";
export type RestartPolicy = "no" | "always" | "on-success" | "on-failure" | "on-abnormal" | "on-abort" | "on-watchdog";
export type KillMode = "control-group" | "mixed" | "process" | "none";

export interface Service {
  readonly type: ServiceType;
  readonly startPre: readonly Command[];
  readonly start: readonly Command[];
  readonly startPost: readonly Command[];
  readonly reload: readonly Command[];
  readonly stop: readonly Command[];
  readonly stopPost: readonly Command[];
  readonly remainAfterExit: boolean;
  readonly restart: RestartPolicy;
  readonly restartMilliseconds: number;
  readonly startTimeoutMilliseconds: number;
  readonly stopTimeoutMilliseconds: number;
  readonly killMode: KillMode;
  readonly killSignal: string;
  readonly sendKill: boolean;
  /** Codes and signal names that count as success besides 0, HUP, INT, TERM and PIPE. */
  readonly successStatus: readonly string[];
  readonly neverRestartStatus: readonly string[];
  readonly environment: readonly (readonly [name: string, value: string])[];
  readonly environmentFiles: readonly { readonly path: string; readonly optional: boolean }[];
  readonly workingFolder: { readonly path: string; readonly optional: boolean } | undefined;
  readonly user: string | undefined;
  readonly group: string | undefined;
  readonly umask: string | undefined;
  readonly oomScoreAdjust: number | undefined;
  readonly limits: readonly Limit[];
  /** Folders of RuntimeDirectory=, StateDirectory= and LogsDirectory=, made before the start. */
  readonly folders: readonly string[];
}

export interface Command {
  readonly words: readonly string[];
  readonly ignoreFailure: boolean;
  readonly expandVariables: boolean;
}

export interface Limit {
  /** "LimitNOFILE" */
  readonly key: string;
  /** prlimit's name: "nofile". */
  readonly resource: string;
  readonly soft: number;
  readonly hard: number;
}

export interface UnitSource {
  readonly path: string;
  readonly text: string;
}

/** Reads the unit's file and then its drop-ins, in the order given. */
export function readUnit(name: string, sources: readonly UnitSource[], facts: SpecifierFacts = {}): Unit {
  const warnings: string[] = [];
  const assignments: Assignment[] = [];
  for (const source of sources) {
    const parsed = parseUnitText(source.text, source.path);
    warnings.push(...parsed.warnings);
    assignments.push(...parsed.assignments);
  }
  const kind = splitUnitName(name).suffix === "target" ? "target" : "service";
  const settings = new Settings(name, assignments, facts, warnings);
  const service = kind === "service" ? readService(settings) : undefined;
  const requires = settings.names("Unit", "Requires");
  const unit = {
    name,
    kind,
    description: settings.last("Unit", "Description") ?? name,
    after: settings.names("Unit", "After"),
    before: settings.names("Unit", "Before"),
    wants: settings.names("Unit", "Wants", "Upholds"),
    requires: [...requires, ...settings.names("Unit", "BindsTo", "Requisite")],
    conflicts: settings.names("Unit", "Conflicts"),
    wantedBy: settings.names("Install", "WantedBy"),
    requiredBy: settings.names("Install", "RequiredBy"),
    aliases: settings.names("Install", "Alias"),
    startLimitMilliseconds: settings.span("Unit", "StartLimitIntervalSec") ?? settings.span("Service", "StartLimitInterval") ?? 10_000,
    startLimitBurst: settings.whole("Unit", "StartLimitBurst") ?? settings.whole("Service", "StartLimitBurst") ?? 5,
    service,
    sources: sources.map((source) => source.path),
    warnings,
    unusable: service && unusableReason(service),
  } as const;
  settings.warnAboutTheRest();
  return unit;
}

function unusableReason({ type, start, remainAfterExit, stop }: Service): string | undefined {
  if (start.length === 0 && !(type === "oneshot" && (remainAfterExit || stop.length > 0)))
    return "Service has no ExecStart= setting, which is only allowed for Type=oneshot services.";
  if (start.length > 1 && type !== "oneshot")
    return "Service has more than one ExecStart= setting, which is only allowed for Type=oneshot services.";
  return undefined;
}

function readService(settings: Settings): Service {
  const type = readType(settings);
  const killMode = settings.choice("KillMode", ["control-group", "mixed", "process", "none"] as const) ?? "control-group";
  const timeout = settings.span("Service", "TimeoutSec");
  return {
    type,
    startPre: settings.commands("ExecStartPre"),
    start: settings.commands("ExecStart"),
    startPost: settings.commands("ExecStartPost"),
    reload: settings.commands("ExecReload"),
    stop: settings.commands("ExecStop"),
    stopPost: settings.commands("ExecStopPost"),
    remainAfterExit: settings.flag("RemainAfterExit") ?? false,
    restart:
      settings.choice("Restart", ["no", "always", "on-success", "on-failure", "on-abnormal", "on-abort", "on-watchdog"] as const) ?? "no",
    restartMilliseconds: settings.span("Service", "RestartSec") ?? 100,
    startTimeoutMilliseconds: noneIsForEver(settings.span("Service", "TimeoutStartSec") ?? timeout ?? (type === "oneshot" ? 0 : 90_000)),
    stopTimeoutMilliseconds: noneIsForEver(settings.span("Service", "TimeoutStopSec") ?? timeout ?? 90_000),
    killMode,
    killSignal: readSignal(settings),
    sendKill: settings.flag("SendSIGKILL") ?? true,
    successStatus: settings.words("Service", "SuccessExitStatus"),
    neverRestartStatus: settings.words("Service", "RestartPreventExitStatus"),
    environment: settings.environment(),
    environmentFiles: settings.paths("EnvironmentFile"),
    workingFolder: settings.paths("WorkingDirectory").at(-1),
    user: settings.last("Service", "User"),
    group: settings.last("Service", "Group"),
    umask: settings.matching("UMask", /^[0-7]{1,4}$/),
    oomScoreAdjust: settings.whole("Service", "OOMScoreAdjust"),
    limits: settings.limits(),
    folders: [
      ...settings.words("Service", "RuntimeDirectory").map((folder) => `/run/${folder}`),
      ...settings.words("Service", "StateDirectory").map((folder) => `/var/lib/${folder}`),
      ...settings.words("Service", "LogsDirectory").map((folder) => `/var/log/${folder}`),
    ].filter((folder) => !folder.split("/").includes("..")),
  };
}

function readType(settings: Settings): ServiceType {
  const type =
    settings.choice("Type", ["simple", "exec", "notify", "notify-reload", "oneshot", "forking", "dbus", "idle"] as const) ?? "simple";
  switch (type) {
    case "simple":
    case "exec":
    case "oneshot":
      return type;
    case "notify":
    case "notify-reload":
      settings.warn(`Type=${type}: readiness cannot be received, the unit counts as started once its process runs`);
      return "notify";
    case "forking":
    case "dbus":
    case "idle":
      settings.warn(`Type=${type} is not honoured, treated as simple`);
      return "simple";
  }
}

function readSignal(settings: Settings): string {
  const signal = settings.last("Service", "KillSignal") ?? "SIGTERM";
  const name = signal.startsWith("SIG") ? signal : `SIG${signal}`;
  if (/^SIG(HUP|INT|QUIT|KILL|USR1|USR2|TERM|CONT|STOP|WINCH|PIPE|ALRM|ABRT)$/.test(name)) return name;
  settings.warn(`KillSignal=${signal} is not honoured, SIGTERM is used`);
  return "SIGTERM";
}

function noneIsForEver(milliseconds: number): number {
  return milliseconds === 0 ? Number.POSITIVE_INFINITY : milliseconds;
}

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
class Settings {
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
