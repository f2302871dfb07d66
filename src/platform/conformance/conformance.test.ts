import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { nodeWorld } from "../node/world.ts";
import { simulatedWorld } from "../simulated/world.ts";
import { testWorld } from "./world-conformance.ts";

testWorld("simulated", async () => {
  const world = simulatedWorld({ seed: 1 });
  await world.files.makeFolder("/empty");
  return { world, folder: "/empty", run: (task) => world.run(task), close: async () => {} };
});

testWorld("node", async () => {
  const folder = await mkdtemp(join(tmpdir(), "keelson-world-"));
  return { world: nodeWorld(), folder, run: (task) => task(), close: () => rm(folder, { recursive: true }) };
});
