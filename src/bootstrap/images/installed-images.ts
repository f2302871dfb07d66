// The images that a node is given, made from what is installed on it: the control plane, the page that says hello, and pause.
import type { World } from "#platform/world.ts";
import { BootstrapError, entryProgram, imagesFolder, installFolder, nodeProgram } from "../layout.ts";
import { heapFlags, nodeFlags } from "../unit-files.ts";
import { type LayerEntry, layoutWriter, nameAnnotation, readIndex } from "./image-layout.ts";
import { pauseProgram } from "./pause.ts";

export const controlPlaneImage = (version: string) => `keelson/control-plane:${version}`;
export const pauseImage = (version: string) => `keelson/pause:${version}`;
const inFull = (name: string) => `docker.io/${name}`;

/** Commands of the control-plane image: daemons by their upstream names. */
const commands = [
  "kube-apiserver",
  "kube-controller-manager",
  "kube-scheduler",
  "kube-proxy",
  "cluster-dns",
  "metrics-server",
  "kubelet",
  "hello",
];
/** Programs that daemons in the image call, when this machine has them. */
const tools = ["nft", "conntrack"];
const path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** A program without a shell: the kernel starts Node with this file, which says what it is called. */
export function commandScript(name: string): string {
  return `#!${nodeProgram} --disable-warning=ExperimentalWarning
process.argv.splice(2, 0, ${JSON.stringify(name)});
import(${JSON.stringify(entryProgram)});
`;
}

export interface BuiltImages {
  /** Digest of the control plane's image. */
  readonly controlPlaneDigest: string;
  readonly built: boolean;
}

export interface BuildOptions {
  /** Tells installations apart. */
  readonly fingerprint: string;
  readonly nodeName: string;
  /** When this has resolved, all of the installation is in its folder. Node itself is there before. */
  readonly installed: Promise<void>;
}

/** Builds the layout when it does not hold the images of this installation yet. */
export async function buildImages(world: World, options: BuildOptions): Promise<BuiltImages> {
  const { files } = world;
  const { version, architecture } = world.processes.self;
  const notePath = `${imagesFolder}/installation`;
  const note = `${options.fingerprint} ${options.nodeName}`;
  const present = await readIndex(world, imagesFolder);
  const controlPlane = inFull(controlPlaneImage(version));
  const known = present?.manifests.find(({ annotations }) => annotations?.[nameAnnotation] === controlPlane);
  if (known && (await files.readText(notePath).catch(() => "")) === note) return { controlPlaneDigest: known.digest, built: false };

  const pause = pauseProgram(architecture);
  if (!pause) throw new BootstrapError(`images for ${architecture} processors cannot be made yet`, "x64 and arm64 are known.");
  const writer = await layoutWriter(world, imagesFolder);
  const encoder = new TextEncoder();
  const layers = await Promise.all([
    librariesOf(world, [nodeProgram]).then((libraries) =>
      writer.layer([
        { kind: "file", path: nodeProgram.slice(1), mode: 0o755, from: nodeProgram },
        ...libraries,
        { kind: "folder", path: "tmp", mode: 0o1777 },
      ]),
    ),
    programEntries(world).then(writer.layer),
    options.installed
      .then(() => bundleEntries(world, installFolder))
      .then((entries) =>
        writer.layer([
          ...entries,
          ...commands.map(
            (name): LayerEntry => ({ kind: "file", path: `usr/local/bin/${name}`, mode: 0o755, from: encoder.encode(commandScript(name)) }),
          ),
          {
            kind: "file",
            path: "etc/passwd",
            mode: 0o644,
            from: encoder.encode("root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n"),
          },
          { kind: "file", path: "etc/group", mode: 0o644, from: encoder.encode("root:x:0:\nnogroup:x:65534:\n") },
        ]),
      ),
  ]);
  // Programs that the kernel starts by their first line are given one flag at most: the others come by the environment.
  const environment = [`PATH=${path}`, "NODE_ENV=production", `NODE_OPTIONS=${heapFlags.join(" ")}`];
  const entrypoint = [nodeProgram, ...nodeFlags, entryProgram];
  const { digest } = await writer.image({
    names: [controlPlane],
    layers,
    config: { entrypoint, environment, folder: "/" },
  });
  await writer.image({
    names: [inFull("keelson/hello:latest"), inFull(`keelson/hello:${version}`)],
    layers,
    // The image is made on the node itself, which is how the page knows where it is.
    config: {
      entrypoint: [...entrypoint, "hello"],
      environment: [...environment, `KEELSON_NODE_NAME=${options.nodeName}`],
      ports: ["8080/tcp"],
      user: "65534:65534",
      folder: "/",
    },
  });
  await writer.image({
    names: [inFull(pauseImage(version))],
    layers: [await writer.layer([{ kind: "file", path: "pause", mode: 0o755, from: pause }])],
    config: { entrypoint: ["/pause"], user: "65535:65535", folder: "/" },
  });
  await writer.finish();
  await files.replace(notePath, note);
  return { controlPlaneDigest: digest, built: true };
}

async function programEntries(world: World): Promise<readonly LayerEntry[]> {
  const found = (await Promise.all(tools.map((tool) => programPath(world, tool)))).filter((tool) => tool !== undefined);
  const programs = found.map(
    (tool): LayerEntry => ({ kind: "file", path: `usr/sbin/${tool.slice(tool.lastIndexOf("/") + 1)}`, mode: 0o755, from: tool }),
  );
  return [...programs, ...(await librariesOf(world, found))];
}

async function bundleEntries(world: World, folder: string): Promise<readonly LayerEntry[]> {
  const entries: LayerEntry[] = [];
  for (const name of await world.files.list(folder)) {
    const from = `${folder}/${name}`;
    if (from === nodeProgram || name.endsWith(".sh")) continue;
    const info = await world.files.stat(from);
    if (info?.kind === "folder") entries.push(...(await bundleEntries(world, from)));
    else if (info?.kind === "file") entries.push({ kind: "file", path: from.slice(1), mode: info.mode & 0o755, from });
  }
  return entries;
}

async function programPath(world: World, name: string): Promise<string | undefined> {
  const { stdout } = await world.processes.run("sh", ["-c", 'command -v "$0"', name]);
  const found = stdout.trim();
  return found.startsWith("/") ? found : undefined;
}

/** The shared libraries of these programs, at the paths the loader looks for them. */
async function librariesOf(world: World, programs: readonly string[]): Promise<readonly LayerEntry[]> {
  if (programs.length === 0) return [];
  const libraries = new Set<string>();
  for (const program of programs) {
    const { code, stdout, stderr } = await world.processes.run("ldd", [program], { timeoutMilliseconds: 30_000 });
    // A static program has none, which ldd calls a failure.
    if (code !== 0 && !/not a dynamic executable|statically linked/.test(stdout + stderr))
      throw new Error(`ldd ${program} failed: ${stderr.trim()}`);
    for (const library of librariesIn(stdout)) libraries.add(library);
  }
  return [...libraries].map((library) => ({ kind: "file", path: library.slice(1), mode: 0o755, from: library }));
}

/** Paths in what ldd prints. */
export function librariesIn(text: string): readonly string[] {
  return text.split("\n").flatMap((line) => {
    const library = /(?:=>\s*)?(\/\S+)\s+\(0x[0-9a-f]+\)$/.exec(line.trim())?.[1];
    return library === undefined ? [] : [library];
  });
}
