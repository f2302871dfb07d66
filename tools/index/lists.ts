// The lists that are written from the folders: what each looks for, and how its file reads.
import { dirname, relative } from "node:path/posix";

export interface List {
  /** The generated file. */
  readonly path: string;
  /** Files to look at, as a pattern on their paths. */
  readonly files: RegExp;
  /** `export const x = <constructor>(` puts x on the list. */
  readonly constructors: readonly string[];
  /** The list's name, and the type of what is on it with the file that declares it. */
  readonly name: string;
  readonly type: string;
  readonly typeFrom: string;
  /** True: entries hold a name, a line of description and a function that loads the rest. */
  readonly lazy?: boolean;
}

export const lists: readonly List[] = [
  {
    path: "src/api/all.ts",
    files: /^src\/api\/[^/]+\/[^/]+\/[^/]+\.ts$/,
    constructors: ["kind"],
    name: "allKinds",
    type: "Kind",
    typeFrom: "#schema/kind.ts",
  },
  {
    path: "src/controllers/all.ts",
    files: /^src\/controllers\/[^/]+\/[^/]+\.ts$/,
    constructors: ["controller", "freeController", "combinedController"],
    name: "allControllers",
    type: "Controller",
    typeFrom: "./controller.ts",
  },
  {
    path: "src/scheduler/plugins/all.ts",
    files: /^src\/scheduler\/plugins\/[^/]+\/[^/]+\.ts$/,
    constructors: ["plugin"],
    name: "allPlugins",
    type: "Plugin",
    typeFrom: "../plugin.ts",
  },
  {
    path: "src/apiserver/admission/all.ts",
    files: /^src\/apiserver\/admission\/[^/]+\/[^/]+\.ts$/,
    constructors: ["admissionPlugin"],
    name: "allAdmissionPlugins",
    type: "AdmissionPlugin",
    typeFrom: "./plugin.ts",
  },
  {
    path: "src/cli/all.ts",
    files: /^src\/cli\/[^/]+\/[^/]+\.ts$/,
    constructors: ["command"],
    name: "allCommands",
    type: "Command",
    typeFrom: "./command.ts",
    lazy: true,
  },
];

export interface Found {
  readonly file: string;
  readonly exported: string;
  /** For lazy lists: the words given to the constructor. */
  readonly title: string;
  readonly doc: string;
}

/** What one file adds to a list. */
export function found(list: List, file: string, source: string): Found[] {
  const pattern = new RegExp(`^export const (\\w+)(?:: [^=\\n]+)? = (?:${list.constructors.join("|")})(?:<[^\\n]*>)?\\(`, "gm");
  return [...source.matchAll(pattern)].map((match) => {
    const rest = source.slice(match.index);
    const text = (name: string) => new RegExp(`\\b${name}:\\s*("(?:[^"\\\\]|\\\\.)*")`).exec(rest)?.[1];
    return {
      file,
      exported: match[1] as string,
      title: JSON.parse(text("name") ?? '""') as string,
      doc: JSON.parse(text("doc") ?? '""') as string,
    };
  });
}

/** The generated file's text. */
export function render(list: List, all: readonly Found[]): string {
  const sorted = [...all].sort((one, other) =>
    one.file < other.file ? -1 : one.file > other.file ? 1 : one.exported < other.exported ? -1 : 1,
  );
  const heading = `// Written by tools/index; do not edit.\nimport type { ${list.type} } from "${list.typeFrom}";\n`;
  const from = (file: string) => `./${relative(dirname(list.path), file)}`;
  if (list.lazy) {
    const entries = sorted.map(
      ({ file, exported, title, doc }) =>
        `  {\n    name: ${JSON.stringify(title)},\n    doc: ${JSON.stringify(doc)},\n    load: async () => (await import("${from(file)}")).${exported},\n  },\n`,
    );
    const type = `readonly { readonly name: string; readonly doc: string; readonly load: () => Promise<${list.type}> }[]`;
    return `${heading}\n/** What can be named on the command line; each is loaded only when called. */\nexport const ${list.name}: ${type} = [\n${entries.join("")}];\n`;
  }
  const used = new Set<string>();
  const imports: string[] = [];
  const entries = sorted.map(({ file, exported }) => {
    const local = used.has(exported) ? `${exported}Of${groupName(file)}` : exported;
    used.add(local);
    imports.push(`import { ${local === exported ? exported : `${exported} as ${local}`} } from "${from(file)}";\n`);
    return local;
  });
  return `${heading}${imports.join("")}\nexport const ${list.name}: readonly ${list.type}[] = [\n${entries.map((entry) => `  ${entry},\n`).join("")}];\n`;
}

/** "src/api/events.k8s.io/event/event.ts" gives "EventsK8sIo". */
function groupName(file: string): string {
  const group = file.split("/").at(-3) as string;
  return group
    .split(/[^A-Za-z0-9]+/)
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join("");
}

/** Equal but for white space and trailing commas, which belong to the formatter. */
export function sameText(one: string, other: string): boolean {
  const plain = (text: string) => text.replace(/\s+/g, "").replace(/,(?=[\]})])/g, "");
  return plain(one) === plain(other);
}
