// The files of an image as mounts of this machine. CRI has no words for them, containerd's own services have: the layers of an image are a
// chain of snapshots, named by what they hold, and a view of the last one says how to mount it.
import { decodeBase64 } from "#base/base64.ts";
import { hex, sha256 } from "#base/sha256.ts";
import { GrpcError } from "#platform/network.ts";
import type { World } from "#platform/world.ts";
import { isObject, ownValue } from "#schema/derive/json-objects.ts";
import { readProtobuf, writeProtobuf } from "#schema/derive/protobuf.ts";
import { formatTime } from "#schema/time.ts";
import { readPlainJson } from "#wire/json/json.ts";
import type { FileSystemUsage, SystemMount } from "../runtime.ts";
import * as m from "./messages.ts";
import { lookMilliseconds, service } from "./service.ts";

const notFound = 5;
const configBytesMax = 8 * 1024 * 1024;
/** Where CRI keeps what is its own. */
const namespace = { "containerd-namespace": "k8s.io" };
const defaultSnapshotter = "overlayfs";

export interface ImageFiles {
  show(imageId: string, name: string): Promise<readonly SystemMount[]>;
  release(name: string): Promise<void>;
  close(): void;
}

export function containerdImageFiles(world: World, endpoint: string, fileSystems: () => Promise<readonly FileSystemUsage[]>): ImageFiles {
  const channel = world.network.grpc(endpoint, { metadata: namespace });
  const snapshots = service(channel, "containerd.services.snapshots.v1.Snapshots");

  return {
    async show(imageId, name) {
      const parent = chainId(layersOf(await content(imageId)));
      await release(name);
      // What is a root of its own is not collected with what nothing refers to.
      const labels = { "containerd.io/gc.root": formatTime(world.clock.now()) };
      return (await snapshots("View", m.SnapshotRequest, { ...(await named(name)), parent, labels }, m.SnapshotResponse)).mounts;
    },
    release,
    close: () => channel.close(),
  };

  async function release(name: string): Promise<void> {
    try {
      await snapshots("Remove", m.SnapshotRequest, await named(name), m.Empty);
    } catch (error) {
      if (!(error instanceof GrpcError && error.code === notFound)) throw error;
    }
  }

  /** The snapshot, and who keeps it: the disk of images is named after that. */
  async function named(key: string) {
    const [{ mountPoint = "" } = {}] = await fileSystems();
    const [, snapshotter = defaultSnapshotter] = /io\.containerd\.snapshotter\.v1\.([^/]+)\/?$/.exec(mountPoint) ?? [];
    return { snapshotter, key };
  }

  async function content(digest: string): Promise<string> {
    const deadline = new AbortController();
    const timer = world.clock.timer(lookMilliseconds, () => deadline.abort());
    const decoder = new TextDecoder();
    let text = "";
    try {
      const request = writeProtobuf(m.ReadContentRequest, { digest });
      for await (const bytes of channel.stream("/containerd.services.content.v1.Content/Read", request, { signal: deadline.signal })) {
        const data = decodeBase64(readProtobuf(m.ReadContentResponse, bytes).data);
        if (typeof data !== "number") text += decoder.decode(data, { stream: true });
        if (text.length > configBytesMax) throw new Error(`the configuration of image ${digest} is larger than ${configBytesMax} bytes`);
      }
      return text;
    } finally {
      timer.cancel();
    }
  }
}

/** The layers' digests, the lowest first, of an image's configuration. */
function layersOf(config: string): readonly string[] {
  const value = readPlainJson(config);
  const rootfs = isObject(value) ? ownValue(value, "rootfs") : undefined;
  const layers = isObject(rootfs) ? ownValue(rootfs, "diff_ids") : undefined;
  if (!Array.isArray(layers) || layers.length === 0) throw new Error("the image has no layers");
  return layers.map(String);
}

/** The name of the snapshot that holds these layers, one over another. */
export function chainId(layers: readonly string[]): string {
  return layers.reduce((below, layer) => `sha256:${hex(sha256(new TextEncoder().encode(`${below} ${layer}`)))}`);
}
