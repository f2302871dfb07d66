// Removes images that nothing uses: where the disk is nearly full, the ones not used for longest; and ones that were not used for too long.
import { type Scope, ScopeStopped } from "#base/scope.ts";
import type { EventRecorder, EventSubject } from "#client/event-recorder.ts";
import type { Image, Runtime } from "#cri/runtime.ts";
import type { World } from "#platform/world.ts";

export interface ImageCollectionLimits {
  /** Images are removed from here on, in percent of the disk; 100 is never. */
  readonly highPercent: number;
  /** And until this is reached. */
  readonly lowPercent: number;
  /** An image is not removed sooner after it was first seen. */
  readonly minimumAgeMilliseconds: number;
  /** One that was not used for this long goes however much room there is; 0 is never. */
  readonly maximumAgeMilliseconds: number;
}

export interface ImageCollectionNeeds {
  readonly runtime: Runtime;
  readonly recorder: EventRecorder;
  readonly nodeName: string;
  readonly limits: ImageCollectionLimits;
  /** Names of the images that Pods of this node are about to use. */
  readonly wanted: () => readonly string[];
  /** Told now and then which images there are. */
  readonly present: (ids: readonly string[]) => Promise<void>;
}

const periodMilliseconds = 5 * 60_000;

export interface ImageCollection {
  /** Removes every image that nothing uses, whatever room there is. */
  removeUnused(): Promise<void>;
}

export function startImageCollection(
  scope: Scope,
  world: World,
  { runtime, recorder, nodeName, limits, wanted, present }: ImageCollectionNeeds,
): ImageCollection {
  const subject: EventSubject = { apiVersion: "v1", kind: "Node", name: nodeName, uid: nodeName };
  const startedAt = world.clock.now();
  let seen: ReadonlyMap<string, Seen> = new Map();

  scope.start("image collection", async (task) => {
    for (;;) {
      await world.clock.sleep(task, periodMilliseconds);
      try {
        await collect();
      } catch (error) {
        if (error instanceof ScopeStopped) throw error;
        world.log.warn("cannot collect images", { error: (error as Error).message });
        recorder.record(subject, "Warning", "ImageGCFailed", (error as Error).message);
      }
    }
  });

  return {
    async removeUnused() {
      const { images, used, now } = await lookNow();
      const { remove } = decideImages(images, seen, { ...limits, now, bytes: Number.POSITIVE_INFINITY, used });
      for (const { id } of remove) await runtime.removeImage(id);
    },
  };

  async function lookNow() {
    const now = world.clock.now();
    const [images, containers] = await Promise.all([runtime.images(), runtime.containers()]);
    const used = new Set([...containers.flatMap(({ image, imageRef }) => [image, imageRef]), ...wanted()]);
    seen = look(images, used, seen, now);
    await present(images.map(({ id }) => id));
    return { images, used, now };
  }

  async function collect(): Promise<void> {
    const { images, used, now } = await lookNow();
    const { total, free } = await spaceOfImages();
    const usedPercent = total === 0 ? 0 : 100 - Math.floor((free * 100) / total);
    const isFull = limits.highPercent < 100 && usedPercent >= limits.highPercent;
    const bytes = isFull ? Math.floor((total * (100 - limits.lowPercent)) / 100) - free : 0;
    // What was used before this kubelet started is not known.
    const maximumAgeMilliseconds = now - startedAt > limits.maximumAgeMilliseconds ? limits.maximumAgeMilliseconds : 0;
    const { remove, bytesFound } = decideImages(images, seen, { now, bytes, used, ...limits, maximumAgeMilliseconds });
    for (const { id, tags, sizeBytes } of remove) {
      world.log.info("removing an image that nothing uses", { image: tags[0] ?? id, bytes: sizeBytes });
      await runtime.removeImage(id);
    }
    if (bytesFound >= bytes) return;
    const message = `Failed to garbage collect required amount of images. Attempted to free ${bytes} bytes, but only found ${bytesFound} bytes eligible to free.`;
    recorder.record(subject, "Warning", "FreeDiskSpaceFailed", message);
    world.log.warn("the disk of images is nearly full and nothing can be removed", { usedPercent, bytes, bytesFound });
  }

  async function spaceOfImages(): Promise<{ readonly total: number; readonly free: number }> {
    const [fileSystem] = await runtime.imageFileSystem();
    return fileSystem === undefined ? { total: 0, free: 0 } : world.files.space(fileSystem.mountPoint);
  }
}

interface Seen {
  readonly firstAt: number;
  readonly usedAt: number;
}

function look(
  images: readonly Image[],
  used: ReadonlySet<string>,
  before: ReadonlyMap<string, Seen>,
  now: number,
): ReadonlyMap<string, Seen> {
  return new Map(
    images.map((image) => {
      const { firstAt = now, usedAt = now } = before.get(image.id) ?? {};
      return [image.id, { firstAt, usedAt: isUsed(image, used) ? now : usedAt }];
    }),
  );
}

function isUsed({ id, tags, digests }: Image, used: ReadonlySet<string>): boolean {
  return [id, ...tags, ...digests].some((name) => used.has(name));
}

/** Which images go, and how many bytes were found for those asked for. Pure. */
export function decideImages(
  images: readonly Image[],
  seen: ReadonlyMap<string, Seen>,
  situation: {
    readonly now: number;
    readonly bytes: number;
    readonly used: ReadonlySet<string>;
    readonly minimumAgeMilliseconds: number;
    readonly maximumAgeMilliseconds: number;
  },
): { readonly remove: readonly Image[]; readonly bytesFound: number } {
  const { now, bytes, used, minimumAgeMilliseconds, maximumAgeMilliseconds } = situation;
  const timesOf = ({ id }: Image): Seen => seen.get(id) ?? { firstAt: now, usedAt: now };
  const candidates = images
    .filter((image) => !image.pinned && !isUsed(image, used) && now - timesOf(image).firstAt >= minimumAgeMilliseconds)
    .toSorted((a, b) => timesOf(a).usedAt - timesOf(b).usedAt || timesOf(a).firstAt - timesOf(b).firstAt);
  const remove: Image[] = [];
  let bytesFound = 0;
  for (const image of candidates) {
    const isOld = maximumAgeMilliseconds > 0 && now - timesOf(image).usedAt > maximumAgeMilliseconds;
    if (!isOld && bytesFound >= bytes) continue;
    remove.push(image);
    bytesFound += image.sizeBytes;
  }
  return { remove, bytesFound };
}
