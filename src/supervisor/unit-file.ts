// What a unit is, read from its file and drop-ins. What this supervisor cannot honour becomes a warning of the unit. Pure.
import { parseUnitText, type SpecifierFacts, type Assignment, splitUnitName } from "./unit-syntax.ts";
import { Settings } from "./unit-settings.ts";

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
