// A supervisor as a process: `RUN_FOLDER JOURNAL_FOLDER TARGET UNIT_FOLDER...`.
import { rootScope } from "#base/scope.ts";
import { nodeWorld } from "#platform/node/world.ts";
import { startSupervisor } from "#supervisor/supervisor.ts";

const [runFolder = "", journalFolder = "", target = "", ...unitFolders] = process.argv.slice(2);
const scope = rootScope("supervisor", (error, path) => console.error(path, error));
const supervisor = await startSupervisor(scope, nodeWorld(), { unitFolders, target, runFolder, journalFolder });
await supervisor.ended;
await scope.stop();
process.exit(0);
