import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { staleLists } from "../index/index-lists.ts";
import { importsOf } from "./imports.ts";
import { everything, layers, mayImport } from "./layers.ts";
import { barrels, brokenImports, deadFiles, depth, layering, names, packages, remains, sourceFile, tableProblems, words } from "./rules.ts";
import type { Rule } from "./rules.ts";
import { numberedRules } from "./numbered-rules.ts";
import { tokensOf } from "./tokens.ts";

const root = join(import.meta.dirname, "../..");
/** What runs without being imported by anything in the repository. */
const entries = ["src/hosts/main.ts", "src/platform/node/database-worker.ts"];

const paths = globSync("{src,test,tools}/**/*.ts", { cwd: root });
const files = paths.map((path) => sourceFile(path, readFileSync(join(root, path), "utf8")));

const rules: Readonly<Record<string, Rule>> = {
  "imports follow the layer table": layering,
  "depth is privacy": depth,
  "the outside enters through World": packages,
  "names say what is inside": names,
  "there are no barrels": barrels,
  "imports lead somewhere": brokenImports,
  "no file is dead": deadFiles(entries),
  "portable code uses no host": words,
  "nothing is left over": remains,
};

for (const [title, rule] of Object.entries(rules)) {
  test(`tidy: ${title}`, () => {
    const violations = rule(files).map(({ path, line, message }) => `${path}:${line} ${message}`);
    assert.equal(violations.join("\n"), "");
  });
}

test("tidy: the layer table has no cycle and no unknown row", () => {
  assert.deepEqual(tableProblems(), []);
  assert.deepEqual(tableProblems({ a: { may: ["b"] }, b: { may: ["a", "c"] } }), [
    "a and b may import each other",
    "b and a may import each other",
    "b may import c, which has no row",
  ]);
});

test("tidy: the layer table of ARCHITECTURE.md is the one that is kept", () => {
  const text = readFileSync(join(root, "ARCHITECTURE.md"), "utf8");
  const [, table = ""] = /^\| folder \| may import .*\n\|[-|]+\n((?:\|.*\n)+)/m.exec(text) ?? [];
  const shown = table.split("\n").flatMap((line) => {
    const [, left = "", may = "", right = "", mayRight = ""] = line.split("|").map((cell) => cell.trim());
    return [...rowsOf(left, may), ...rowsOf(right, mayRight)];
  });
  assert.deepEqual(
    Object.fromEntries(shown),
    Object.fromEntries(Object.entries(layers).map(([folder, { may, andTheirs = false }]) => [folder, { may, andTheirs }])),
  );
});

/** "a, b | c, d and what they import; reasons": one row for each folder. */
function rowsOf(folders: string, cell: string) {
  const [words = ""] = cell.replace(/ \(.*\)$/, "").split(";");
  const names = words.replace(/ and what (it|they) imports?$/, "");
  const may = names === "nothing" ? [] : names === "everything" ? [everything] : names.split(", ");
  return folders.split(", ").flatMap((folder) => (folder === "" ? [] : [[folder, { may, andTheirs: names !== words }] as const]));
}

test("tidy: the generated lists are those of the folders", () => {
  assert.deepEqual(
    staleLists().map(({ list }) => `${list.path}: run node tools/index/index-lists.ts`),
    [],
  );
});

const textsOf = (pattern: string) =>
  globSync(pattern, { cwd: root }).map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));

test("tidy: every numbered rule has its end-to-end test, and the README counts them", () => {
  const { count, problems } = numberedRules(textsOf("src/**/SPEC.md"), textsOf("test/end-to-end/*.test.ts"));
  assert.equal(problems.join("\n"), "");
  const readme = readFileSync(join(root, "README.md"), "utf8");
  assert.match(readme, new RegExp(`\\b${count} numbered rules\\b`));
});

/** What a rule says about files given as path and source. */
const said = (rule: Rule, sources: Readonly<Record<string, string>>) =>
  rule(Object.entries(sources).map(([path, source]) => sourceFile(path, source))).map(
    ({ path, line, message }) => `${path}:${line} ${message}`,
  );

test("imports are found in every form, and nowhere else", () => {
  const source = [
    'import "./a.ts";',
    'import b, { type B } from "./b.ts";',
    "import type { C } from './c.ts';",
    'import * as d from "./d.ts";',
    'export { e, f as g } from "./e.ts";',
    'export type { F } from "./f.ts";',
    'export * from "./g.ts";',
    'const h = await import("./h.ts");',
    'type I = import("./i.ts").I;',
    'new Worker(new URL("./j.ts", import.meta.url));',
    'import {\n  k,\n  l,\n} from "./k.ts";',
    '// import "./no1.ts";',
    '/* import "./no2.ts"; */',
    "const text = 'import \"./no3.ts\"';",
    'const template = `import "./no4.ts"; ${nested(`export * from "./no5.ts"`)} import "./no6.ts"`;',
    'const pattern = /import "no7"/;',
    'const { from } = object; object.import("./no8.ts"); export const x = { import: "./no9.ts" };',
  ].join("\n");
  assert.deepEqual(
    importsOf(source).map(({ specifier, kind, everything }) => `${specifier} ${kind}${everything ? " *" : ""}`),
    [
      "./a.ts static",
      "./b.ts static",
      "./c.ts type",
      "./d.ts static",
      "./e.ts reexport",
      "./f.ts reexport",
      "./g.ts reexport *",
      "./h.ts dynamic",
      "./i.ts dynamic",
      "./j.ts file",
      "./k.ts static",
    ],
  );
});

test("tokens carry their line past templates, comments and regular expressions", () => {
  const tokens = tokensOf('a = 4 / 2; /* x\n */ b = `1\n${c}\n2`; d = /[/"]/g.test(e) / 2;\nf');
  assert.deepEqual(
    tokens.filter(({ kind }) => kind === "word").map(({ text, line }) => `${text}${line}`),
    ["a1", "41", "21", "b2", "c3", "d4", "test4", "e4", "24", "f5"],
  );
});

test("a component that imports another is found, however deep the detour through types", () => {
  assert.deepEqual(said(layering, { "src/kubelet/kubelet.ts": 'import type { A } from "#apiserver/start.ts";' }), [
    "src/kubelet/kubelet.ts:1 kubelet may not import apiserver (#apiserver/start.ts)",
  ]);
  assert.deepEqual(said(layering, { "src/wire/a.ts": 'const a = import("#platform/world.ts");' }).length, 1);
  assert.deepEqual(said(layering, { "src/wire/a/b.ts": 'import "../../base/assert.ts";' }), [
    'src/wire/a/b.ts:1 imports ../../base/assert.ts: across folders write "#base/assert.ts"',
  ]);
  assert.deepEqual(said(layering, { "src/odd/a.ts": "" }), ["src/odd/a.ts:1 the folder src/odd is not in the layer table"]);
  assert.deepEqual(said(layering, { "src/base/a.ts": 'import "../../tools/check.ts";' }).length, 1);
  assert.deepEqual(
    said(layering, {
      "src/kubelet/kubelet.ts": 'import "#schema/kind.ts"; import "#cri/runtime.ts"; import "./a.ts";',
      "src/hosts/main.ts": 'import "#dns/a.ts";',
    }),
    [],
  );
  assert.ok(mayImport("controllers")?.has("wire") && !mayImport("controllers")?.has("store"));
});

test("what lies deeper is private, but to hosts, tests and through doors", () => {
  const deep = 'import "#store/disk/disk-store.ts";';
  assert.deepEqual(said(depth, { "src/apiserver/start.ts": deep }), [
    "src/apiserver/start.ts:1 #store/disk/disk-store.ts is private to store: depth is privacy",
  ]);
  assert.deepEqual(
    said(depth, { "src/hosts/main.ts": deep, "src/apiserver/start.test.ts": deep, "src/store/open.ts": 'import "./disk/disk-store.ts";' }),
    [],
  );
  assert.deepEqual(
    said(depth, { "src/kubelet/a.ts": 'import "#api/core/pod/pod.ts"; import "#wire/http/message.ts"; import "#schema/derive/json.ts";' }),
    [],
  );
});

test("packages are found outside their place", () => {
  assert.deepEqual(said(packages, { "src/store/a.ts": 'import fs from "node:fs";\nimport "@grpc/grpc-js/x";' }).length, 2);
  assert.deepEqual(
    said(packages, {
      "src/platform/node/a.ts": 'import "node:fs";',
      "src/wire/yaml/a.ts": 'import "yaml";',
      "src/a/a.test.ts": 'import "node:test";',
    }),
    [],
  );
  assert.deepEqual(said(packages, { "src/wire/yaml/a.ts": 'import "node:fs";' }).length, 1);
});

test("names that say nothing are found", () => {
  assert.deepEqual(
    said(names, { "src/base/utils/a.ts": "", "src/base/helpers.ts": "", "src/api/index.ts": "", "src/api/misc.test.ts": "" }).length,
    4,
  );
  assert.deepEqual(said(names, { "tools/index/lists.ts": "", "src/base/scope.ts": "" }), []);
});

test("barrels are found", () => {
  assert.deepEqual(said(barrels, { "src/api/a.ts": 'export { b } from "./b.ts";\nexport { c } from "./c.ts";' }).length, 1);
  assert.deepEqual(said(barrels, { "src/api/a.ts": 'export * from "./b.ts";\nexport const c = 1;' }).length, 1);
  assert.deepEqual(
    said(barrels, { "src/api/a.ts": 'import { b } from "./b.ts";\nexport type { B } from "./b.ts";\nexport const c = b;' }),
    [],
  );
});

test("dead files and broken imports are found", () => {
  const tree = {
    "src/hosts/main.ts": 'import("./a.ts");',
    "src/hosts/a.ts": 'new URL("./worker.ts", import.meta.url)',
    "src/hosts/worker.ts": "",
    "src/hosts/dead.ts": 'import "./a.ts";',
  };
  assert.deepEqual(said(deadFiles(entries), tree), ["src/hosts/dead.ts:1 is not reached from an entry point, a test or a tool"]);
  assert.deepEqual(said(brokenImports, { "src/hosts/main.ts": '\nimport "#base/none.ts";' }), [
    "src/hosts/main.ts:2 imports #base/none.ts, which does not exist",
  ]);
});

test("words of one host are found in portable code only", () => {
  const source =
    "const a = Date.now();\nsetTimeout(() => {}, 1);\nif (process.env.X) Math.random();\nconst b = new Date();\nBuffer.from([]);";
  assert.deepEqual(
    said(words, { "src/store/a.ts": source }).map((text) => text.split(" ")[0]),
    ["src/store/a.ts:1", "src/store/a.ts:2", "src/store/a.ts:3", "src/store/a.ts:3", "src/store/a.ts:4", "src/store/a.ts:5"],
  );
  assert.deepEqual(said(words, { "src/platform/node/a.ts": source, "src/store/a.test.ts": source }), []);
  const harmless =
    'clock.now(); "Date.now()"; // Date.now()\nthis.fetch("x"); class A { fetch(a: string): void {} eval(a) { return a; } }\nnew Date(at);';
  assert.deepEqual(said(words, { "src/store/a.ts": harmless }), []);
});

test("what is left over is found", () => {
  assert.equal(said(remains, { "src/a/a.ts": `// ${"TO"}${"DO"} later` }).length, 1);
  assert.equal(said(remains, { "src/a/a.ts": `open("${"/work"}${"/main"}/x")` }).length, 1);
  assert.deepEqual(said(remains, { "src/a/a.ts": "const todoList = 1; // path/work/maintain" }), []);
});

test("numbered rules without a test, tests without a rule, and numbers given twice are found", () => {
  const specification = (path: string, text: string) => ({ path, text });
  const tests = [{ path: "t.test.ts", text: 'test("NODE-1, NODE-2 and STORAGE-3: a", …); test(`NETWORK-9: b`, …)' }];
  const told = numberedRules(
    [
      specification("a", "- **NODE-1** One.\n- **NODE-2** Two.\n- **NODE-4** Four."),
      specification("b", "- **NODE-1** Again.\n- **STORAGE-3** Three."),
    ],
    tests,
  );
  assert.equal(told.count, 4);
  assert.deepEqual(told.problems, [
    "NODE-1 stands in a and in b",
    "NODE-4 of a has no test in test/end-to-end",
    "NETWORK-9, which t.test.ts tests, stands in no SPEC.md",
  ]);
});
