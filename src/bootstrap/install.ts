// What runs on the node is installed: a bundle with its own Node under /usr/lib/keelson, apart from wherever `up` was called from.
import type { World } from "#platform/world.ts";
import { BootstrapError, entryProgram, installFolder, ourMark } from "./layout.ts";

export interface Installed {
  /** Tells this installation from others: the digest of all that is in it. */
  readonly fingerprint: string;
  readonly changed: boolean;
}

const staging = `${installFolder}.new`;
const markName = "made-by";
const warmName = "compile-cache/complete";
const minute = 60_000;

/** Bundles (from a clone) or copies (from a bundle) into the folder. The old installation stays until the new one is whole. */
export async function install(world: World): Promise<Installed> {
  const { files, processes } = world;
  const { program } = processes.self;
  const [node = ""] = program;
  const entry = await real(world, program.at(-1) ?? "");
  if (entry === entryProgram) return { fingerprint: await fingerprintOf(world, installFolder), changed: false };
  if ((await files.stat(installFolder)) && !(await files.stat(`${installFolder}/${markName}`)) && !(await files.stat(networkScriptOnly())))
    throw new BootstrapError(`${installFolder} is there already, and not from keelson up`, "Move it away and run it again.");
  const source = await sourceOf(world, entry);
  const mark = `${ourMark}\n${source}\n`;
  if (source !== "" && (await files.stat(entryProgram)) && (await files.readText(`${installFolder}/${markName}`).catch(() => "")) === mark)
    return { fingerprint: await fingerprintOf(world, installFolder), changed: false };
  await files.remove(staging, { recursive: true });
  await files.makeFolder(staging);
  await fill(entry, node);
  await files.write(`${staging}/${markName}`, mark);
  const fingerprint = await fingerprintOf(world, staging);
  if ((await files.stat(entryProgram)) && (await fingerprintOf(world, installFolder)) === fingerprint) {
    await files.rename(`${staging}/${markName}`, `${installFolder}/${markName}`);
    await files.remove(staging, { recursive: true });
    return { fingerprint, changed: false };
  }
  await copy(world, await real(world, node), `${staging}/node`);
  // The network's script belongs to the folder too, and is there first.
  await succeed(world, [
    "sh",
    "-c",
    'if [ -e "$1/pod-network.sh" ]; then cp -p "$1/pod-network.sh" "$0/"; fi; rm -rf "$1.old"; if [ -e "$1" ]; then mv "$1" "$1.old"; fi; mv "$0" "$1"; rm -rf "$1.old"',
    staging,
    installFolder,
  ]);
  return { fingerprint, changed: true };

  async function fill(from: string, using: string): Promise<void> {
    if (from.endsWith("/src/hosts/main.ts")) {
      const clone = from.slice(0, -"/src/hosts/main.ts".length);
      await succeed(world, [using, "--disable-warning=ExperimentalWarning", `${clone}/tools/bundle/bundle.ts`, staging]);
      return;
    }
    const folder = from.slice(0, from.lastIndexOf("/"));
    if (!(await files.stat(`${folder}/main.js`)) || !(await files.stat(`${folder}/keelson.js`)))
      throw new BootstrapError(`${from} is neither a clone nor a bundle of Keelson`, "Call the keelson script of a clone.");
    await succeed(world, ["sh", "-c", 'cp "$0"/*.js "$0"/package.json "$1/"', folder, staging]);
  }
}

function networkScriptOnly(): string {
  return `${installFolder}/pod-network.sh`;
}

/** Changes with whatever the installation is made from, so that nothing is bundled only to be thrown away. Empty when it is not known. */
export async function sourceOf(world: World, entry: string): Promise<string> {
  const folder = entry.slice(0, entry.lastIndexOf("/"));
  const made = entry.endsWith("/src/hosts/main.ts") ? ["../../tools/bundle", "../../src", "../../package-lock.json"] : ["."];
  const script = `cd "$0" && list=$(find "$@" -type f -name '*.[jt]s*' -printf '%p %s %T@\\n') && echo "$list" | LC_ALL=C sort | sha256sum`;
  const { code, stdout } = await world.processes.run("sh", ["-c", script, folder, ...made]);
  return code === 0 ? stdout.slice(0, 64) : "";
}

/** Digest over names and content of everything but Node itself and caches. */
async function fingerprintOf(world: World, folder: string): Promise<string> {
  const { stdout } = await succeed(world, [
    "sh",
    "-c",
    `cd "$0" && LC_ALL=C sha256sum $(LC_ALL=C ls | grep -E '\\.(js|json)$') | sha256sum`,
    folder,
  ]);
  return stdout.slice(0, 16);
}

/** Fills the compile cache, so that what starts in containers, whose files are gone with them, starts warm. Node keys it by path. */
export async function warmUp(world: World): Promise<void> {
  const { files, processes } = world;
  if (await files.stat(`${installFolder}/${warmName}`)) return;
  const names = [
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "cluster-dns",
    "metrics-server",
    "hello",
  ];
  const script = 'for name; do "$0/node" --disable-warning=ExperimentalWarning "$0/keelson.js" "$name" --help & done >/dev/null 2>&1; wait';
  await processes.run("sh", ["-c", script, installFolder, ...names], { timeoutMilliseconds: minute });
  await files.makeFolder(`${installFolder}/compile-cache`);
  await files.write(`${installFolder}/${warmName}`, "");
}

async function copy(world: World, from: string, to: string): Promise<void> {
  await succeed(world, ["cp", "--reflink=auto", from, to]);
  await world.files.changeMode(to, 0o755);
}

async function real(world: World, path: string): Promise<string> {
  const { stdout } = await world.processes.run("readlink", ["-f", path]);
  return stdout.trim() || path;
}

async function succeed(world: World, [program = "", ...rest]: readonly string[]): Promise<{ stdout: string }> {
  const { code, stdout, stderr } = await world.processes.run(program, rest, { timeoutMilliseconds: 5 * minute });
  if (code === 0) return { stdout };
  const lines = (stderr.trim() || stdout.trim()).split("\n");
  // Bundlers say what is wrong first and print their own state last.
  const first = lines.findIndex((line) => /\berror\b/i.test(line));
  const why = (first < 0 ? lines.slice(-4) : lines.slice(first, first + 4)).join("\n  ");
  throw new BootstrapError(
    `what runs on the node cannot be installed under ${installFolder}:\n  ${why}`,
    /No space left|ENOSPC/.test(why) ? "The disk is full: free some space and run it again." : undefined,
  );
}
