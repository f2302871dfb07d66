// keelson snapshot: the embedded store as one file, taken while it is served or not.
import { storeFolder } from "#bootstrap/layout.ts";
import { parseFlags } from "#component/flags.ts";
import { DatabaseError } from "#platform/database.ts";
import { FileError } from "#platform/files.ts";
import type { World } from "#platform/world.ts";
import { command, diskProblem, type SnapshotSummary, UserError } from "../command.ts";

const bumpDefault = 1_000_000_000;

const flags = [
  { name: "data-dir", type: "string", default: storeFolder, doc: "save, restore: the folder of the embedded store." },
  {
    name: "bump-revision",
    type: "integer",
    default: bumpDefault,
    doc: "restore: how far the store's revision is put ahead, so that clients that saw later revisions list anew; 0 leaves it as it was.",
  },
] as const;

const usage = "save FILE | restore FILE | inspect FILE";

export const snapshot = command({
  name: "snapshot",
  doc: "The embedded store as one file: save, also while it is served; restore; inspect.",
  usage: `${usage} [--data-dir FOLDER]`,
  flags,
  async run(_scope, world, arguments_, starters) {
    const { values, rest } = parseFlags(flags, arguments_);
    const [verb = "", name, more] = rest;
    if (!["save", "restore", "inspect"].includes(verb))
      throw new UserError(
        verb === "" ? "snapshot: what is to be done?" : `snapshot: unknown ${JSON.stringify(verb)}`,
        `Usage: keelson snapshot ${usage}`,
      );
    if (name === undefined || name === "") throw new UserError(`snapshot ${verb}: which file?`, `Usage: keelson snapshot ${verb} FILE`);
    if (more !== undefined) throw new UserError(`snapshot ${verb}: unexpected ${JSON.stringify(more)}`);
    const bumpRevision = values["bump-revision"];
    if (bumpRevision < 0 || bumpRevision > 2 ** 40) throw new UserError(`--bump-revision is ${bumpRevision}; it may be 0 to ${2 ** 40}`);
    const file = absolute(world, name);
    const dataFolder = absolute(world, values["data-dir"]);
    const tools = await starters.storeTools();
    const say = (text: string) => world.processes.self.writeOut(text);
    try {
      switch (verb) {
        case "save":
          say(`saved ${file}\n${described(await tools.save(world, { dataFolder, file }))}`);
          return 0;
        case "restore":
          say(`restored into ${dataFolder}\n${described(await tools.restore(world, { dataFolder, file, bumpRevision }))}`);
          return 0;
        default:
          say(described(await tools.inspect(world, file)));
          return 0;
      }
    } catch (error) {
      if (error instanceof FileError || error instanceof DatabaseError) throw new UserError(`snapshot ${verb}: ${diskProblem(error)}`);
      throw error;
    }
  },
});

function described({ revision, keys, bytes, sha256, madeAt, madeBy, kinds }: SnapshotSummary): string {
  const lines = [
    `  revision  ${revision}`,
    `  keys      ${keys}`,
    `  size      ${bytes} bytes`,
    `  made      ${madeAt} by ${madeBy}`,
    `  sha256    ${sha256} (verified)`,
    ...kinds.map(([kind, count]) => `  ${String(count).padStart(8)}  ${kind}`),
  ];
  return `${lines.join("\n")}\n`;
}

const absolute = (world: World, path: string) => (path.startsWith("/") ? path : `${world.processes.self.folder}/${path}`);
