// Asks a supervisor: `SOCKET status|start|stop|restart|exit|journal [UNIT]`. Prints the answer.
import { nodeWorld } from "#platform/node/world.ts";
import { supervisorClient } from "#supervisor/client.ts";

const [socket, call, unit = ""] = process.argv.slice(2);
const client = supervisorClient(nodeWorld(), socket);
if (call === "status") console.log(JSON.stringify(await client.status()));
else if (call === "start" || call === "stop" || call === "restart") await client[call](unit);
else if (call === "exit") await client.exit();
else if (call === "journal") for await (const line of client.journal(unit)) console.log(line);
else throw new Error(`cannot ask for ${call}`);
process.exit(0);
