// keelson store: moves a cluster between the embedded store and etcd, with the API server stopped.
import { parseFlags } from "#component/flags.ts";
import { DatabaseError } from "#platform/database.ts";
import { FileError } from "#platform/files.ts";
import type { World } from "#platform/world.ts";
import { command, diskProblem, type StorePlace, UserError } from "../command.ts";

const flags = [
  { name: "from", type: "string", doc: "Folder of an embedded store, etcd-snapshot:FILE, or addresses of etcd (https://10.0.0.1:2379,…)." },
  { name: "to", type: "string", doc: "Folder for a new embedded store, or etcd-snapshot:FILE for `etcdctl snapshot restore`." },
  { name: "cacert", type: "string", doc: "CA bundle that etcd's certificate must lead to." },
  { name: "cert", type: "string", doc: "Certificate to show to etcd." },
  { name: "key", type: "string", doc: "Key that belongs to --cert." },
] as const;

const filePrefix = "etcd-snapshot:";
const usage = "migrate --from FOLDER|URL,URL…|etcd-snapshot:FILE --to FOLDER|etcd-snapshot:FILE";

export const store = command({
  name: "store",
  doc: "Moves a cluster between the embedded store and etcd, with every resourceVersion: migrate.",
  usage,
  flags,
  async run(_scope, world, arguments_, starters) {
    const { values, rest } = parseFlags(flags, arguments_);
    const { from = "", to = "" } = values;
    if (rest.length !== 1 || rest[0] !== "migrate" || from === "" || to === "")
      throw new UserError("store: what is to be done?", `Usage: keelson store ${usage}`);
    if (/^https?:/.test(to))
      throw new UserError(
        `--to ${to}: etcd gives every write a revision of its own, so a running one cannot take a cluster as it is`,
        "Use --to etcd-snapshot:FILE, and make etcd's members of it with: etcdctl snapshot restore FILE",
      );
    const read = async (path: string | undefined) => (path === undefined ? undefined : world.files.readText(absolute(world, path)));
    try {
      const tls = { ca: await read(values.cacert), certificate: await read(values.cert), key: await read(values.key) };
      const source: StorePlace = /^https?:/.test(from) ? { etcd: { endpoints: from.split(","), ...tls } } : placeOf(world, from);
      const target = placeOf(world, to);
      const tools = await starters.storeTools();
      const { revision, keys, sha256 } = await tools.migrate(world, { from: source, to: target });
      world.processes.self.writeOut(
        `moved ${keys} keys at revision ${revision}, read back and compared\n  sha256 ${sha256} over every key, its revisions and its object\n`,
      );
      if ("etcdSnapshot" in target)
        world.processes.self.writeOut(`Make a member of it with:\n  etcdctl snapshot restore ${target.etcdSnapshot} --data-dir FOLDER\n`);
      return 0;
    } catch (error) {
      if (error instanceof FileError || error instanceof DatabaseError) throw new UserError(`store migrate: ${diskProblem(error)}`);
      throw error;
    }
  },
});

function placeOf(world: World, text: string): { readonly folder: string } | { readonly etcdSnapshot: string } {
  return text.startsWith(filePrefix) ? { etcdSnapshot: absolute(world, text.slice(filePrefix.length)) } : { folder: absolute(world, text) };
}

const absolute = (world: World, path: string) => (path.startsWith("/") ? path : `${world.processes.self.folder}/${path}`);
