// keelson supervise: layer 1 where there is no systemd. Started by `keelson up` under its guard.
import { targetName } from "#bootstrap/layout.ts";
import { SupervisorError } from "#supervisor/contract.ts";
import { startSupervisor } from "#supervisor/supervisor.ts";
import { command, flagsOnly, UserError } from "../command.ts";
import { unitFolders } from "../services.ts";

const flags = [
  { name: "target", type: "string", default: targetName, doc: "The target to start." },
  { name: "v", type: "integer", default: 0, doc: "How much to log: 4 and more for debugging." },
] as const;

export const supervise = command({
  name: "supervise",
  doc: "Keeps units running where there is no systemd; started by up.",
  usage: "[--target UNIT]",
  flags,
  async run(scope, world, arguments_) {
    const { target } = flagsOnly("supervise", flags, arguments_);
    const supervisor = await startSupervisor(scope, world, { unitFolders, target }).catch((error: unknown) => {
      throw error instanceof SupervisorError ? new UserError(error.message, `Units are looked for in ${unitFolders.join(", ")}.`) : error;
    });
    const stopped = new Promise<"stopped">((resolve) => scope.signal.addEventListener("abort", () => resolve("stopped"), { once: true }));
    await Promise.race([supervisor.ended, stopped]);
    return 0;
  },
});
