// The numbered rules of node, storage and network (NODE-12, STORAGE-3, NETWORK-101): each stands in one SPEC.md and has its test on real
// containers, whose name begins with the number.
export interface Text {
  readonly path: string;
  readonly text: string;
}

const number = "(?:NODE|STORAGE|NETWORK)-\\d+";
const rule = new RegExp(`^- \\*\\*(${number})\\*\\* `, "gm");
const testName = new RegExp(`["'\`](${number}(?:(?:,| and) ${number})*):`, "g");
const each = new RegExp(number, "g");

export interface NumberedRules {
  readonly count: number;
  readonly problems: readonly string[];
}

export function numberedRules(specifications: readonly Text[], tests: readonly Text[]): NumberedRules {
  const problems: string[] = [];
  const rules = new Map<string, string>();
  for (const { path, text } of specifications) {
    for (const [, id = ""] of text.matchAll(rule)) {
      const other = rules.get(id);
      if (other !== undefined) problems.push(`${id} stands in ${other} and in ${path}`);
      rules.set(id, path);
    }
  }
  const tested = new Map<string, string>();
  for (const { path, text } of tests) {
    for (const [, ids = ""] of text.matchAll(testName)) for (const [id] of ids.matchAll(each)) tested.set(id, path);
  }
  for (const [id, path] of rules) if (!tested.has(id)) problems.push(`${id} of ${path} has no test in test/end-to-end`);
  for (const [id, path] of tested) if (!rules.has(id)) problems.push(`${id}, which ${path} tests, stands in no SPEC.md`);
  return { count: rules.size, problems };
}
