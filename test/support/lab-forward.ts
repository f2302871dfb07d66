// One half of the way into a lab machine: `inside`, or `outside NAME PORT`.
import { rootScope } from "#base/scope.ts";
import { forwardInside, forwardOutside } from "#lab/forwarder.ts";
import { nodeWorld } from "#platform/node/world.ts";

const scope = rootScope("lab forward", (error) => {
  throw error;
});
const [side, name = "", port = "0"] = process.argv.slice(2);
if (side === "inside") await forwardInside(scope, nodeWorld());
else await forwardOutside(scope, nodeWorld(), name, Number(port));
process.exit(0);
