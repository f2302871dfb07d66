// A few hard hours from a few seeds; `node test/simulation/main.ts` runs days of them.
import { simulateCluster } from "./cluster.ts";
import { hardDays } from "./hard-days.ts";

simulateCluster(
  "FAULT1 after hours of faults nothing is leaked, forgotten or lost",
  { nodes: 3, seeds: 3, staticPods: true },
  hardDays({ hours: 6 }),
);
