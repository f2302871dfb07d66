// The rules of the source tree, each a function from all files to what is wrong with them.
import { dirname, join } from "node:path";
import { importsIn } from "./imports.ts";
import type { Import } from "./imports.ts";
import { doors, everything, layers, mayImport, outside } from "./layers.ts";
import { tokensOf } from "./tokens.ts";
import type { Token } from "./tokens.ts";

export interface SourceFile {
  /** From the root of the repository: "src/store/store.ts". */
  readonly path: string;
  readonly source: string;
  readonly tokens: readonly Token[];
  readonly imports: readonly Import[];
}

export interface Violation {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

export type Rule = (files: readonly SourceFile[]) => Violation[];

export function sourceFile(path: string, source: string): SourceFile {
  const tokens = tokensOf(source);
  return { path, source, tokens, imports: importsIn(tokens) };
}

/** The path a specifier leads to, from the root of the repository; undefined for packages. */
export function targetOf(from: string, specifier: string): string | undefined {
  if (specifier.startsWith("#")) return `src/${specifier.slice(1)}`;
  if (specifier.startsWith("./") || specifier.startsWith("../")) return join(dirname(from), specifier);
  return undefined;
}

const isTest = (path: string) => path.endsWith(".test.ts");
const folderOf = (path: string) => (path.startsWith("src/") ? path.split("/")[1] : undefined);
/** Portable code: what must run unchanged in a browser tab. */
const isPortable = (path: string) =>
  path.startsWith("src/") && !isTest(path) && !/^src\/(platform\/(node|browser)|hosts|cri\/grpc)\//.test(path);

/** Imports across folders follow the layer table, are written with "#", and do not leave src. */
export const layering: Rule = (files) =>
  each(files, ({ path, imports }) => {
    const folder = folderOf(path);
    if (folder === undefined || path.split("/").length < 3) return [];
    const allowed = mayImport(folder);
    if (!allowed) return [{ line: 1, message: `the folder src/${folder} is not in the layer table` }];
    return imports.flatMap(({ specifier, line }) => {
      const target = targetOf(path, specifier);
      if (target === undefined) return [];
      const other = folderOf(target);
      if (other === undefined) return isTest(path) ? [] : [{ line, message: `imports ${target}, which is outside src` }];
      if (other === folder) return [];
      if (!specifier.startsWith("#")) return [{ line, message: `imports ${specifier}: across folders write "#${target.slice(4)}"` }];
      if (allowed.has(everything) || allowed.has(other)) return [];
      if (isTest(path) && target.startsWith("src/platform/simulated/")) return [];
      return [{ line, message: `${folder} may not import ${other} (${specifier})` }];
    });
  });

/** Other folders import only what lies directly in a top-level folder, or behind a door. Hosts, tests and tools go deeper. */
export const depth: Rule = (files) =>
  each(files, ({ path, imports }) => {
    const folder = folderOf(path);
    if (folder === undefined || folder === "hosts" || isTest(path)) return [];
    return imports.flatMap(({ specifier, line }) => {
      const target = targetOf(path, specifier);
      if (target === undefined || folderOf(target) === undefined || folderOf(target) === folder) return [];
      const inside = dirname(target).slice("src/".length);
      if (!inside.includes("/") || doors.some((door) => sameFolder(door.folder, inside))) return [];
      return [{ line, message: `${specifier} is private to ${folderOf(target) ?? ""}: depth is privacy` }];
    });
  });

/** `node:*` and npm packages stay where the outside is allowed. */
export const packages: Rule = (files) =>
  each(files, ({ path, imports }) => {
    if (folderOf(path) === undefined || isTest(path)) return [];
    return imports.flatMap(({ specifier, line }) => {
      if (targetOf(path, specifier) !== undefined) return [];
      const name = specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
      const allowed = outside.some(
        (place) => path.startsWith(`src/${place.folder}/`) && (!place.packages || place.packages.includes(name)),
      );
      return allowed ? [] : [{ line, message: `imports ${specifier}: the outside enters through World (src/platform)` }];
    });
  });

const bannedNames = new Set(["utils", "util", "helpers", "helper", "common", "types", "misc", "index", "shared", "lib"]);

/** Names say what is inside. */
export const names: Rule = (files) =>
  each(files, ({ path }) => {
    const parts = path.replace(/(\.test)?\.ts$/, "").split("/");
    // tools/index is named for what it makes.
    const bad = parts.find((part, position) => bannedNames.has(part) && !(part === "index" && parts[position - 1] === "tools"));
    return bad === undefined ? [] : [{ line: 1, message: `"${bad}" does not say what is inside` }];
  });

/** No file stands between an importer and what it imports. */
export const barrels: Rule = (files) =>
  each(files, ({ tokens, imports }) => {
    const star = imports.find((each) => each.everything);
    if (star) return [{ line: star.line, message: `re-exports everything of ${star.specifier}: import it where it is` }];
    const statements = tokens.filter((token) => token.kind === "word" && (token.text === "export" || token.text === "import")).length;
    const reexports = imports.filter((each) => each.kind === "reexport");
    if (reexports.length === 0 || statements > reexports.length) return [];
    return [{ line: 1, message: "only re-exports what others declare: import it where it is" }];
  });

/** Every file is reached from an entry point, a test or a tool. */
export const deadFiles =
  (entries: readonly string[]): Rule =>
  (files) => {
    const byPath = new Map(files.map((file) => [file.path, file]));
    const isRoot = (path: string) => isTest(path) || entries.includes(path) || path.startsWith("tools/") || path.startsWith("test/");
    const reached = new Set<string>();
    const waiting = files.map(({ path }) => path).filter(isRoot);
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      const file = byPath.get(path);
      if (!file || reached.has(path)) continue;
      reached.add(path);
      for (const { specifier } of file.imports) {
        const target = targetOf(path, specifier);
        if (target !== undefined) waiting.push(target);
      }
    }
    return files
      .filter(({ path }) => !reached.has(path) && !path.endsWith(".d.ts"))
      .map(({ path }) => ({ path, line: 1, message: "is not reached from an entry point, a test or a tool" }));
  };

/** Imports lead to files that exist. */
export const brokenImports: Rule = (files) => {
  const paths = new Set(files.map(({ path }) => path));
  return each(files, ({ path, imports }) =>
    imports.flatMap(({ specifier, line }) => {
      const target = targetOf(path, specifier);
      if (target === undefined || !target.endsWith(".ts") || paths.has(target)) return [];
      return [{ line, message: `imports ${specifier}, which does not exist` }];
    }),
  );
};

/** Words that portable code may not use, as rows of tokens, and what to write instead. */
const bannedWords: readonly { readonly words: readonly string[]; readonly instead: string }[] = [
  { words: ["Date", ".", "now"], instead: "clock.now()" },
  { words: ["new", "Date", "(", ")"], instead: "new Date(clock.now())" },
  { words: ["performance", "."], instead: "clock.monotonic()" },
  { words: ["Math", ".", "random"], instead: "world.random" },
  { words: ["setTimeout", "("], instead: "clock.timer or clock.sleep" },
  { words: ["setInterval", "("], instead: "clock.timer or clock.sleep" },
  { words: ["setImmediate", "("], instead: "clock.endOfTurn()" },
  { words: ["Buffer", "."], instead: "Uint8Array, TextEncoder and #base/base64.ts" },
  { words: ["process", ".", "env"], instead: "world.processes.self.environment" },
  { words: ["process", ".", "argv"], instead: "world.processes.self.arguments" },
  { words: ["process", ".", "exit"], instead: "world.processes.self.exit" },
  { words: ["process", ".", "pid"], instead: "world.processes.self.id" },
  { words: ["process", ".", "cwd"], instead: "world.processes.self.folder" },
  { words: ["process", ".", "on", "("], instead: "world.processes.onSignal" },
  { words: ["process", ".", "stdout"], instead: "world.processes.self.writeOut" },
  { words: ["process", ".", "stderr"], instead: "world.processes.self.writeError" },
  { words: ["process", ".", "nextTick"], instead: "queueMicrotask" },
  { words: ["process", ".", "hrtime"], instead: "clock.monotonic()" },
  { words: ["console", "."], instead: "world.log" },
  { words: ["fetch", "("], instead: "world.network.client" },
  { words: ["crypto", ".", "subtle"], instead: "world.crypto" },
  { words: ["crypto", ".", "getRandomValues"], instead: "world.crypto.randomBytes" },
  { words: ["eval", "("], instead: "no code generation" },
  { words: ["new", "Function", "("], instead: "no code generation" },
];

const declares = new Set(["function", "async", "#", "get", "set"]);

/** Portable code reaches the outside only through World. */
export const words: Rule = (files) =>
  each(files, ({ path, tokens }) => {
    if (!isPortable(path)) return [];
    const found: { line: number; message: string }[] = [];
    // settle.ts is handed the host's timer by name, and says why.
    const rules = path === "src/platform/simulated/settle.ts" ? [] : bannedWords;
    tokens.forEach((token, index) => {
      if (token.kind !== "word") return;
      const before = tokens[index - 1];
      if (before && (before.text === "." || declares.has(before.text))) return;
      for (const { words: banned, instead } of rules) {
        if (!banned.every((text, offset) => tokens[index + offset]?.text === text)) continue;
        // A method of that name is declared, not the global called.
        if (banned.length === 2 && banned[1] === "(" && closesBeforeBody(tokens, index + 1)) continue;
        found.push({
          line: token.line,
          message: `${banned.join("").replace("newDate", "new Date").replace("newFunction", "new Function")}: write ${instead}`,
        });
      }
    });
    return found;
  });

/** True when the parenthesis at `open` is followed by a body or a return type: a declaration's parameters, not a call's arguments. */
function closesBeforeBody(tokens: readonly Token[], open: number): boolean {
  let level = 0;
  for (let index = open; index < tokens.length; index++) {
    const { kind, text } = tokens[index] as Token;
    if (kind !== "punctuation") continue;
    if (text === "(") level++;
    if (text === ")" && --level === 0) return tokens[index + 1]?.text === "{" || tokens[index + 1]?.text === ":";
  }
  return false;
}

const leftovers = new RegExp(`\\b(${["TO" + "DO", "FIX" + "ME", "X" + "XX", "HA" + "CK"].join("|")})\\b`);
const machinePath = new RegExp(`(?<![\\w.-])/${"work"}/(main|shared)\\b|/tmp/${"keelson"}/`);

/** Nothing is left for later, and nothing speaks of one particular machine. */
export const remains: Rule = (files) =>
  each(files, ({ source }) =>
    source.split("\n").flatMap((text, index) => {
      const left = leftovers.exec(text)?.[0];
      if (left) return [{ line: index + 1, message: `${left}: do it, or leave it out and say so where users read` }];
      if (machinePath.test(text)) return [{ line: index + 1, message: "names a path of one particular machine" }];
      return [];
    }),
  );

/** Every folder of src is in the layer table, and every row of the table is reachable without a cycle. */
export function tableProblems(table: typeof layers = layers): string[] {
  const problems: string[] = [];
  for (const [folder, row] of Object.entries(table)) {
    for (const other of row.may) {
      if (other === everything) continue;
      if (!table[other]) problems.push(`${folder} may import ${other}, which has no row`);
      else if (mayImport(other, table)?.has(folder)) problems.push(`${folder} and ${other} may import each other`);
    }
  }
  return problems;
}

function sameFolder(pattern: string, folder: string): boolean {
  const [wanted, given] = [pattern.split("/"), folder.split("/")];
  return wanted.length === given.length && wanted.every((part, index) => part === "*" || part === given[index]);
}

function each(files: readonly SourceFile[], look: (file: SourceFile) => readonly { line: number; message: string }[]): Violation[] {
  return files.flatMap((file) => look(file).map((found) => ({ path: file.path, ...found })));
}
