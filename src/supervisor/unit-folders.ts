// Finding unit files and their drop-ins in folders, the first folder winning, as systemd does.
import type { World } from "#platform/world.ts";
import { isAlwaysReached } from "./order.ts";
import { readUnit, type Unit, type UnitSource } from "./unit-file.ts";
import { isUnitName, type SpecifierFacts, splitUnitName } from "./unit-syntax.ts";

export interface UnitSet {
  readonly units: ReadonlyMap<string, Unit>;
  /** From `<unit>.wants` folders: who is wanted by whom. */
  readonly wantedBy: ReadonlyMap<string, readonly string[]>;
}

/**
 * Loads the goals and everything they lead to. Units are read when something names them; nothing else of the folders is looked at,
 * nor are the files of targets that are taken as reached.
 */
export async function loadUnits(
  world: World,
  folders: readonly string[],
  goals: readonly string[],
  facts: SpecifierFacts,
): Promise<UnitSet> {
  const units = new Map<string, Unit>();
  const wantedBy = new Map<string, readonly string[]>();
  const waiting = [...goals];
  const seen = new Set<string>();
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (seen.has(name) || !isUnitName(name) || (isAlwaysReached(name) && !goals.includes(name))) continue;
    seen.add(name);
    const wanted = [...(await wantsFolder(world, folders, `${name}.wants`))];
    const required = [...(await wantsFolder(world, folders, `${name}.requires`))];
    wantedBy.set(name, [...wanted, ...required]);
    const unit = await loadUnit(world, folders, name, facts);
    waiting.push(...wanted, ...required);
    if (!unit) continue;
    units.set(name, unit);
    waiting.push(...unit.wants, ...unit.requires);
  }
  return { units, wantedBy };
}

/** Undefined when no folder has it. A unit linked to /dev/null or empty is masked. */
export async function loadUnit(world: World, folders: readonly string[], name: string, facts: SpecifierFacts): Promise<Unit | undefined> {
  const { prefix, instance, suffix } = splitUnitName(name);
  const candidates = instance === "" ? [name] : [name, `${prefix}@.${suffix}`];
  for (const candidate of candidates) {
    for (const folder of folders) {
      const source = await readSource(world, `${folder}/${candidate}`);
      if (source === undefined) continue;
      if (source.text === "") return { ...readUnit(name, [source], facts), unusable: `Unit ${name} is masked.` };
      return readUnit(name, [source, ...(await dropIns(world, folders, candidates, suffix))], facts);
    }
  }
  return undefined;
}

async function readSource(world: World, path: string): Promise<UnitSource | undefined> {
  const info = await world.files.stat(path, { follow: true }).catch(() => undefined);
  if (!info) return undefined;
  return { path, text: info.kind === "file" ? await world.files.readText(path) : "" };
}

async function dropIns(
  world: World,
  folders: readonly string[],
  candidates: readonly string[],
  suffix: string,
): Promise<readonly UnitSource[]> {
  const found = new Map<string, string>();
  for (const folder of folders)
    for (const owner of [...candidates, suffix])
      for (const file of await world.files.list(`${folder}/${owner}.d`).catch(() => []))
        if (file.endsWith(".conf") && !found.has(file)) found.set(file, `${folder}/${owner}.d/${file}`);
  const sources: UnitSource[] = [];
  for (const [, path] of [...found].sort(([left], [right]) => (left < right ? -1 : 1))) {
    const source = await readSource(world, path);
    if (source) sources.push(source);
  }
  return sources;
}

async function wantsFolder(world: World, folders: readonly string[], name: string): Promise<ReadonlySet<string>> {
  const names = await Promise.all(folders.map((folder) => world.files.list(`${folder}/${name}`).catch(() => [])));
  return new Set(names.flat().filter(isUnitName));
}

/** What `systemctl enable` does: links the unit into the folders its [Install] section names. */
export async function enableUnit(world: World, folder: string, name: string): Promise<void> {
  const unit = await loadUnit(world, [folder], name, {});
  if (!unit) throw new Error(`cannot enable ${name}: there is no ${folder}/${name}`);
  for (const [targets, kind] of [
    [unit.wantedBy, "wants"],
    [unit.requiredBy, "requires"],
  ] as const)
    for (const target of targets.filter(isUnitName)) {
      await world.files.makeFolder(`${folder}/${target}.${kind}`);
      const path = `${folder}/${target}.${kind}/${name}`;
      await world.files.remove(path);
      await world.files.link(`${folder}/${name}`, path);
    }
}

/** What `systemctl disable` does. */
export async function disableUnit(world: World, folder: string, name: string): Promise<void> {
  for (const entry of await world.files.list(folder).catch(() => []))
    if (/\.(wants|requires)$/.test(entry)) await world.files.remove(`${folder}/${entry}/${name}`);
}
