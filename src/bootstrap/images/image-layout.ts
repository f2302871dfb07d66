// Images in an OCI image layout, a folder of blobs under their digests: written here, read by the registry that containerd pulls from.
import type { World } from "#platform/world.ts";
import { type TarEntry, tarEnd, tarHeader, tarPadding } from "./tar.ts";

export const mediaTypes = {
  index: "application/vnd.oci.image.index.v1+json",
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar",
} as const;

/** How containerd names an image that it imports. */
export const nameAnnotation = "io.containerd.image.name";

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface Index {
  readonly schemaVersion: 2;
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
}

/** What goes into a layer: from a file of this machine, or bytes. */
export type LayerEntry =
  | (TarEntry & { readonly kind: "folder" | "link" })
  | { readonly kind: "file"; readonly path: string; readonly mode: number; readonly from: string | Uint8Array };

export interface Image {
  /** All its names, in full: "docker.io/keelson/pause:0.1.0". */
  readonly names: readonly string[];
  readonly layers: readonly Descriptor[];
  readonly config: {
    readonly entrypoint?: readonly string[];
    readonly command?: readonly string[];
    readonly environment?: readonly string[];
    readonly ports?: readonly string[];
    readonly user?: string;
    readonly folder?: string;
  };
}

const chunkBytes = 4 * 1024 * 1024;
const architectures: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

export interface LayoutWriter {
  /** Several may be written at one time. */
  layer(entries: readonly LayerEntry[]): Promise<Descriptor>;
  image(image: Image): Promise<Descriptor>;
  /** Writes the index last: before that, the folder holds no images. */
  finish(): Promise<Index>;
}

/** Writes into `folder`, which is emptied first. */
export async function layoutWriter(world: World, folder: string): Promise<LayoutWriter> {
  const { files, processes } = world;
  const blobs = `${folder}/blobs/sha256`;
  const manifests: Descriptor[] = [];
  let begun = 0;
  await files.remove(folder, { recursive: true });
  await files.makeFolder(blobs);

  return {
    async layer(entries) {
      const path = `${blobs}/new-layer-${(begun += 1)}`;
      for (const entry of withFolders(entries)) {
        if (entry.kind !== "file") await files.append(path, tarHeader(entry));
        else await appendFile(path, entry);
      }
      await files.append(path, tarEnd);
      const { code, stdout, stderr } = await processes.run("sha256sum", [path], { timeoutMilliseconds: 120_000 });
      if (code !== 0) throw new Error(`sha256sum failed: ${stderr.trim()}`);
      const hex = stdout.slice(0, 64);
      const size = (await files.stat(path))?.size ?? 0;
      await files.rename(path, `${blobs}/${hex}`);
      return { mediaType: mediaTypes.layer, digest: `sha256:${hex}`, size };
    },
    async image({ names, layers, config }) {
      const { entrypoint, command, environment, ports, user, folder: workingFolder } = config;
      const configBlob = await blob(mediaTypes.config, {
        architecture: architectures[processes.self.architecture] ?? processes.self.architecture,
        os: "linux",
        config: {
          ...(user && { User: user }),
          ...(ports && { ExposedPorts: Object.fromEntries(ports.map((port) => [port, {}])) }),
          ...(environment && { Env: environment }),
          ...(entrypoint && { Entrypoint: entrypoint }),
          ...(command && { Cmd: command }),
          ...(workingFolder && { WorkingDir: workingFolder }),
        },
        // Layers are not packed: their digests are those of what is in them.
        rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
      });
      const manifest = await blob(mediaTypes.manifest, { schemaVersion: 2, mediaType: mediaTypes.manifest, config: configBlob, layers });
      for (const name of names)
        manifests.push({
          ...manifest,
          annotations: { [nameAnnotation]: name, "org.opencontainers.image.ref.name": name.slice(name.lastIndexOf(":") + 1) },
        });
      return manifest;
    },
    async finish() {
      const index: Index = { schemaVersion: 2, mediaType: mediaTypes.index, manifests };
      await files.write(`${folder}/oci-layout`, JSON.stringify({ imageLayoutVersion: "1.0.0" }));
      await files.replace(`${folder}/index.json`, JSON.stringify(index));
      return index;
    },
  };

  async function blob(mediaType: string, content: object): Promise<Descriptor> {
    const bytes = new TextEncoder().encode(JSON.stringify(content));
    const hex = [...world.crypto.sha256(bytes)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    await files.write(`${blobs}/${hex}`, bytes);
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
  }

  async function appendFile(path: string, { from, ...entry }: LayerEntry & { kind: "file" }): Promise<void> {
    if (typeof from !== "string") {
      await files.append(path, tarHeader({ ...entry, size: from.length }));
      await files.append(path, from);
      return files.append(path, tarPadding(from.length));
    }
    const file = await files.open(from);
    try {
      const { size } = await file.stat();
      await files.append(path, tarHeader({ ...entry, size }));
      for (let at = 0; at < size; ) {
        const chunk = await file.read(at, Math.min(chunkBytes, size - at));
        if (chunk.length === 0) throw new Error(`${from} became shorter while it was read`);
        await files.append(path, chunk);
        at += chunk.length;
      }
      await files.append(path, tarPadding(size));
    } finally {
      await file.close();
    }
  }
}

/** Each folder before what is in it, once, and everything in order of its path. */
export function withFolders(entries: readonly LayerEntry[]): readonly LayerEntry[] {
  const all = new Map<string, LayerEntry>();
  for (const entry of entries) {
    const parts = entry.path.split("/");
    for (let depth = 1; depth < parts.length; depth += 1) {
      const folder = parts.slice(0, depth).join("/");
      if (!all.has(folder)) all.set(folder, { kind: "folder", path: folder, mode: 0o755 });
    }
    all.set(entry.path, entry);
  }
  return [...all.values()].sort((one, other) => (one.path < other.path ? -1 : one.path > other.path ? 1 : 0));
}

export async function readIndex(world: World, folder: string): Promise<Index | undefined> {
  try {
    return JSON.parse(await world.files.readText(`${folder}/index.json`)) as Index;
  } catch {
    return undefined;
  }
}
