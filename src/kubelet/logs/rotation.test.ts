import assert from "node:assert/strict";
import { test } from "node:test";
import { simulatedWorld } from "#platform/simulated/world.ts";
import { rotateLog } from "./rotation.ts";

const path = "/var/log/pods/shop_web_u1/main/0.log";
const limits = { maxBytes: 10, maxFiles: 3 };

test("a log that was put aside by a kubelet that was killed then is begun anew", async () => {
  const world = simulatedWorld({ seed: 1 });
  const reopened: string[] = [];
  const reopenContainerLog = async (id: string) => {
    reopened.push(id);
    await world.files.write(path, "");
  };
  const look = () => rotateLog(world, { reopenContainerLog } as never, "c1", path, limits);
  await world.files.makeFolder(path.slice(0, path.lastIndexOf("/")));
  await world.files.write(path, "more than ten bytes");
  await world.files.rename(path, `${path}.20260101-000000`);
  await look();
  assert.deepEqual(reopened, ["c1"]);
  await look();
  assert.deepEqual(reopened, ["c1"], "it is there, and small");
  await world.files.write(path, "more than ten bytes");
  await look();
  assert.deepEqual(reopened, ["c1", "c1"]);
});
