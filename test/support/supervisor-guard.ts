// Starts a program under the supervisor's guard: `LOG PROGRAM ARGUMENT...`. Leaves it running.
import { nodeWorld } from "#platform/node/world.ts";
import { keepRunning } from "#supervisor/guard.ts";

const [log = "", ...command] = process.argv.slice(2);
await keepRunning(nodeWorld(), command, { log });
process.exit(0);
