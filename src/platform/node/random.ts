import { assert } from "#base/assert.ts";
import type { Random } from "../random.ts";

export const nodeRandom: Random = {
  fraction: () => Math.random(),
  integer: (limit) => {
    assert(limit > 0, "a random integer has a positive limit");
    return Math.floor(Math.random() * limit);
  },
};
