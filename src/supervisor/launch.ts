// From a command of a unit to the program that is really started: a small shell that puts itself in place and becomes the command. Pure.
import type { Command, Limit, Service } from "./unit-file.ts";

export interface Launch {
  readonly program: string;
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

export interface Place {
  /** The cgroup.procs files to join. */
  readonly groupFiles: readonly string[];
  /** Takes what the command prints. */
  readonly pipe: string;
  /** Where a main process notes its id and start time before it becomes the command; so that a new supervisor knows it. */
  readonly mainFile: string | undefined;
}

export const servicePath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

export function launchOf(service: Service, command: Command, environment: ReadonlyMap<string, string>, place: Place): Launch {
  const words = command.expandVariables ? expandVariables(command.words, environment) : command.words;
  const lines = [
    `exec 1<>${quote(place.pipe)} 2>&1`,
    ...place.groupFiles.map((file) => `{ echo $$ >${quote(file)}; } 2>/dev/null || echo "cannot join ${file.replace(/["$`\\]/g, "")}"`),
    ...service.folders.map(
      (folder) => `mkdir -p ${quote(folder)}${service.user === undefined ? "" : ` && chown ${quote(owner(service))} ${quote(folder)}`}`,
    ),
    ...service.limits.map((limit) => limitLine(limit, place.mainFile !== undefined)),
    ...(service.oomScoreAdjust === undefined ? [] : [oomLine(service.oomScoreAdjust, place.mainFile !== undefined)]),
    ...(service.umask === undefined ? [] : [`umask ${service.umask}`]),
    folderLine(service),
    ...(place.mainFile === undefined ? [] : [mainLine(place.mainFile)]),
    service.user === undefined && service.group === undefined ? 'exec "$@"' : `exec setpriv ${identity(service)} -- "$@"`,
  ];
  return {
    program: "/bin/sh",
    arguments: ["-c", lines.join("\n"), "keelson-launch", ...words],
    environment: Object.fromEntries(environment),
  };
}

/** A word safe inside a shell's script. */
export function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

function folderLine({ workingFolder }: Service): string {
  if (workingFolder === undefined) return "cd /";
  return `cd ${quote(workingFolder.path)} ${workingFolder.optional ? "2>/dev/null || cd /" : "|| exit 200"}`;
}

function oomLine(score: number, tell: boolean): string {
  return `{ echo ${score} >/proc/$$/oom_score_adj; } 2>/dev/null || ${tell ? `echo "OOMScoreAdjust=${score} was refused by the kernel, left at $(cat /proc/$$/oom_score_adj)"` : "true"}`;
}

/** A main process tells what was refused. A limit that may not be raised is set as high as it may go. The kernel takes no "unlimited" for open files. */
function limitLine({ key, resource, soft, hard }: Limit, tell: boolean): string {
  const text = (value: number) =>
    Number.isFinite(value) ? String(value) : resource === "nofile" ? "$(cat /proc/sys/fs/nr_open)" : "unlimited";
  const set = `prlimit --pid $$ "--${resource}=${text(soft)}:${text(hard)}" 2>/dev/null`;
  const raise = `prlimit --pid $$ "--${resource}=$(prlimit --pid $$ --noheadings --raw -o HARD --${resource}):" 2>/dev/null`;
  const message = `echo "${key} was refused by the kernel, left at $(prlimit --pid $$ --noheadings --raw -o SOFT,HARD --${resource} 2>&1)"`;
  return `${set} || { ${raise}; ${tell ? message : "true"}; }`;
}

function mainLine(file: string): string {
  return `{ read -r line </proc/$$/stat; echo "$$ $(set -- \${line##*) }; echo \${20})" >${quote(file)}; }`;
}

function owner({ user, group }: Service): string {
  return group === undefined ? (user ?? "root") : `${user ?? "root"}:${group}`;
}

function identity({ user, group }: Service): string {
  const words = user === undefined ? [] : [`--reuid=${quote(user)}`, "--init-groups"];
  return [...words, group === undefined ? `--regid="$(id -g ${quote(user ?? "root")})"` : `--regid=${quote(group)}`].join(" ");
}

/** "${NAME}" anywhere in a word, "$NAME" as a word of its own (then split at white space), "$$" for a dollar sign. */
export function expandVariables(words: readonly string[], environment: ReadonlyMap<string, string>): readonly string[] {
  return words.flatMap((word, index) => {
    const alone = /^\$([A-Za-z_][A-Za-z0-9_]*)$/.exec(word);
    if (alone && index > 0) return (environment.get(alone[1] as string) ?? "").split(/\s+/).filter((part) => part !== "");
    return [
      word.replace(/\$(?:\$|\{([A-Za-z_][A-Za-z0-9_]*)\})/g, (whole, name?: string) =>
        whole === "$$" ? "$" : (environment.get(name ?? "") ?? ""),
      ),
    ];
  });
}

/** Lines of an EnvironmentFile=. */
export function parseEnvironmentFile(text: string): readonly (readonly [string, string])[] {
  return text.split(/\r?\n/).flatMap((line) => {
    const match = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line);
    if (!match) return [];
    const value = (match[2] as string).trim();
    const quoted = /^(["'])(.*)\1$/s.exec(value);
    return [[match[1] as string, quoted ? (quoted[2] as string) : value] as const];
  });
}
