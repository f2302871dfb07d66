// Half an hour from each of a few seeds; `npm run hard-days` runs days of many.
import { simulateCluster } from "./cluster.ts";
import { hardDays } from "./hard-days.ts";

simulateCluster(
  "FAULT1 after faults of every sort nothing is leaked, forgotten or lost",
  { nodes: 3, seeds: 3, staticPods: true },
  hardDays({ hours: 0.5 }),
);
