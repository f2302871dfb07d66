// One nftables table as a value, and the text that turns one into another in a single transaction of nft: all of it, or only what differs.

/** A longer one makes nft refuse the whole transaction. */
const commentMax = 128;

/** A chain that the kernel calls says where it hangs. */
export interface Chain {
  readonly hook?: string;
  readonly rules: readonly string[];
}

/** A set without elements of ours is filled by the kernel, and keeps what it holds for as long as it is named. */
export interface NamedSet {
  readonly definition: string;
  readonly elements?: ReadonlySet<string>;
}

/** Verdicts by key. */
export interface VerdictMap {
  readonly type: string;
  readonly elements: ReadonlyMap<string, Verdict>;
}

export interface Verdict {
  readonly verdict: string;
  /** Says what the key belongs to. */
  readonly note?: string;
}

export interface Table {
  readonly family: "ip" | "ip6";
  readonly name: string;
  readonly sets: ReadonlyMap<string, NamedSet>;
  readonly maps: ReadonlyMap<string, VerdictMap>;
  /** In the order in which they can be made: who is called comes before who calls. */
  readonly chains: ReadonlyMap<string, Chain>;
}

export function emptying({ family, name }: Pick<Table, "family" | "name">): string {
  return `add table ${family} ${name}\ndelete table ${family} ${name}\n`;
}

/** Puts `next` in the place of whatever is there. */
export function replacing(next: Table): string {
  return `${emptying(next)}${whole(next)}`;
}

/** Writes `next` anew over what was `before`, if that still stands, keeping what the kernel put into sets. */
export function renewing(before: Table, next: Table): string {
  const at = `${next.family} ${next.name}`;
  return [
    `flush table ${at}`,
    ...[...before.sets].filter(([, { elements }]) => elements).map(([name]) => `flush set ${at} ${name}`),
    ...[...before.maps.keys()].map((name) => `flush map ${at} ${name}`),
    ...gone(before.chains, next.chains).map((name) => `delete chain ${at} ${name}`),
    ...gone(before.maps, next.maps).map((name) => `delete map ${at} ${name}`),
    ...gone(before.sets, next.sets).map((name) => `delete set ${at} ${name}`),
    whole(next),
  ].join("\n");
}

/** Only what differs; "" when nothing does. */
export function changing(before: Table, next: Table): string {
  const at = `${next.family} ${next.name}`;
  const lines: string[] = [];
  for (const [name, { definition }] of next.sets) if (!before.sets.has(name)) lines.push(`add set ${at} ${name} { ${definition} }`);
  for (const [name, { type }] of next.maps) if (!before.maps.has(name)) lines.push(`add map ${at} ${name} { type ${type} : verdict; }`);
  const changed = [...next.chains].filter(([name, chain]) => !sameRules(before.chains.get(name), chain));
  for (const [name, { hook }] of changed) {
    if (before.chains.has(name)) lines.push(`flush chain ${at} ${name}`);
    else lines.push(`add chain ${at} ${name}${hook ? ` { ${hook} }` : ""}`);
  }
  for (const [name, { rules }] of changed) for (const rule of rules) lines.push(`add rule ${at} ${name} ${rule}`);
  for (const [name, { elements = new Set<string>() }] of next.sets) {
    const old = before.sets.get(name)?.elements ?? new Set<string>();
    const away = [...old].filter((element) => !elements.has(element));
    const come = [...elements].filter((element) => !old.has(element));
    if (away.length > 0) lines.push(`delete element ${at} ${name} { ${away.join(", ")} }`);
    if (come.length > 0) lines.push(`add element ${at} ${name} { ${come.join(", ")} }`);
  }
  for (const [name, { elements }] of next.maps) {
    const old = before.maps.get(name)?.elements ?? new Map<string, Verdict>();
    const away = [...old].filter(([key, { verdict }]) => elements.get(key)?.verdict !== verdict).map(([key]) => key);
    const come = [...elements].filter(([key, { verdict }]) => old.get(key)?.verdict !== verdict).map(mapElement);
    if (away.length > 0) lines.push(`delete element ${at} ${name} { ${away.join(", ")} }`);
    if (come.length > 0) lines.push(`add element ${at} ${name} { ${come.join(", ")} }`);
  }
  // Emptied first: what is called or looked up cannot go.
  const chainsGone = gone(before.chains, next.chains);
  for (const name of chainsGone) lines.push(`flush chain ${at} ${name}`);
  for (const name of gone(before.maps, next.maps)) lines.push(`delete map ${at} ${name}`);
  for (const name of chainsGone) lines.push(`delete chain ${at} ${name}`);
  for (const name of gone(before.sets, next.sets)) lines.push(`delete set ${at} ${name}`);
  return lines.length === 0 ? "" : `${lines.join("\n")}\n`;
}

function whole({ family, name: table, sets, maps, chains }: Table): string {
  const list = (elements: readonly string[]) =>
    elements.length === 0 ? "" : `    elements = {\n${elements.map((element) => `      ${element}`).join(",\n")}\n    }\n`;
  const setTexts = [...sets].map(
    ([name, { definition, elements = new Set<string>() }]) => `  set ${name} {\n    ${definition}\n${list([...elements])}  }\n`,
  );
  const mapTexts = [...maps].map(
    ([name, { type, elements }]) => `  map ${name} {\n    type ${type} : verdict\n${list([...elements].map(mapElement))}  }\n`,
  );
  const chainTexts = [...chains].map(
    ([name, { hook, rules }]) => `  chain ${name} {\n${[...(hook ? [hook] : []), ...rules].map((line) => `    ${line}\n`).join("")}  }\n`,
  );
  return `table ${family} ${table} {\n${setTexts.join("")}${mapTexts.join("")}${chainTexts.join("")}}\n`;
}

function mapElement([key, { verdict, note }]: readonly [string, Verdict]): string {
  return `${key}${note === undefined ? "" : ` comment "${note.slice(0, commentMax)}"`} : ${verdict}`;
}

function gone(before: ReadonlyMap<string, unknown>, next: ReadonlyMap<string, unknown>): readonly string[] {
  return [...before.keys()].filter((name) => !next.has(name));
}

function sameRules(left: Chain | undefined, right: Chain): boolean {
  return left !== undefined && left.rules.length === right.rules.length && left.rules.every((rule, at) => rule === right.rules[at]);
}
