// Hard days for many seeds, one after the other, with a word about each.
//
//   npm run hard-days -- --seeds 100 --hours 72 [--seed N] [--nodes 3]
//
// A failure names its seed, says what is wrong and shows the last lines of the log; the same seed gives the same run.
import { parseArgs } from "node:util";
import { runClusters } from "./cluster.ts";
import { hardDays } from "./hard-days.ts";

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      seeds: { type: "string", default: "10" },
      seed: { type: "string", default: "1" },
      hours: { type: "string", default: "72" },
      nodes: { type: "string", default: "3" },
    },
  });
  const hours = Number(values.hours);
  const first = Number(values.seed);
  for (let seed = first; seed < first + Number(values.seeds); seed++) {
    const started = performance.now();
    try {
      const limitSeconds = (hours + 24) * 3_600;
      await runClusters({ nodes: Number(values.nodes), staticPods: true, seeds: [seed], once: true, limitSeconds }, hardDays({ hours }));
    } catch (error) {
      console.log((error as Error).message);
      console.log(`again: node test/simulation/main.ts --hours ${hours} --nodes ${values.nodes} --seeds 1 --seed ${seed}`);
      return 1;
    }
    console.log(`seed ${seed}: ${hours} hours in ${((performance.now() - started) / 1000).toFixed(1)} s, nothing is wrong`);
  }
  return 0;
}

process.exitCode = await main();
