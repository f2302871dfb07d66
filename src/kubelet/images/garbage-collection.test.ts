import assert from "node:assert/strict";
import { test } from "node:test";
import { rootScope } from "#base/scope.ts";
import type { Image } from "#cri/runtime.ts";
import { simulatedRuntime } from "#cri/simulated/simulated-runtime.ts";
import { simulatedWorld } from "#platform/simulated/world.ts";
import { decideImages, startImageCollection } from "./garbage-collection.ts";

const image = (id: string, sizeBytes = 10, pinned = false): Image => ({
  id,
  tags: [`${id}:1`],
  digests: [],
  sizeBytes,
  uid: undefined,
  userName: "",
  pinned,
});
const seen = new Map(["a", "b", "c", "new"].map((id, at) => [id, { firstAt: id === "new" ? 990 : 0, usedAt: at * 100 }]));
const situation = { now: 1_000, bytes: 0, used: new Set<string>(), minimumAgeMilliseconds: 120, maximumAgeMilliseconds: 0 };
const ids = (images: readonly Image[]) => images.map(({ id }) => id);

test("IMAGE5 the images not used for longest go until there is room; used, pinned and young ones stay", () => {
  const images = [image("b"), image("a"), image("new"), image("c"), image("pause", 99, true)];
  assert.deepEqual(ids(decideImages(images, seen, situation).remove), []);
  assert.deepEqual(ids(decideImages(images, seen, { ...situation, bytes: 15 }).remove), ["a", "b"]);
  const { remove, bytesFound } = decideImages(images, seen, { ...situation, bytes: 500, used: new Set(["a:1"]) });
  assert.deepEqual([ids(remove), bytesFound], [["b", "c"], 20]);
  assert.deepEqual(ids(decideImages(images, seen, { ...situation, maximumAgeMilliseconds: 850 }).remove), ["a", "b"]);
});

test("IMAGE6 a nearly full disk is freed of images every five minutes, and what cannot be freed is an event", async () => {
  const world = simulatedWorld({ seed: 1 });
  const scope = rootScope("test", (error) => {
    throw error;
  });
  const runtime = simulatedRuntime(world);
  for (const name of ["old:1", "wanted:1"]) await runtime.imageStatus(name);
  const imageFileSystem = async () => [{ at: 0, mountPoint: "/", usedBytes: 0, inodesUsed: undefined }];
  const files = Object.assign(Object.create(world.files), { space: async () => ({ total: 1e9, free: 1e8, inodes: 1, inodesFree: 1 }) });
  const events: string[] = [];
  startImageCollection(
    scope,
    { ...world, files },
    {
      runtime: { ...runtime, imageFileSystem },
      recorder: { record: (_, __, reason, message) => events.push(`${reason}: ${message}`) },
      nodeName: "node-1",
      limits: { highPercent: 85, lowPercent: 80, minimumAgeMilliseconds: 120_000, maximumAgeMilliseconds: 0 },
      wanted: () => ["wanted:1"],
      present: async () => {},
    },
  );
  await world.advance(299_000);
  assert.equal((await runtime.images()).length, 2);
  await world.advance(302_000);
  assert.deepEqual(
    (await runtime.images()).map(({ tags }) => tags[0]),
    ["wanted:1"],
  );
  assert.deepEqual(events.slice(0, 1), [
    "FreeDiskSpaceFailed: Failed to garbage collect required amount of images. Attempted to free 100000000 bytes, but only found 0 bytes eligible to free.",
  ]);
  await scope.stop();
});
