// keelson down: nothing of the node is left.
import { down as remove } from "#bootstrap/down.ts";
import { BootstrapError } from "#bootstrap/layout.ts";
import { progressOn } from "#bootstrap/progress.ts";
import { command, flagsOnly, UserError } from "../command.ts";
import { servicesOf } from "../services.ts";

const flags = [{ name: "v", type: "integer", default: 0, doc: "How much to log: 4 and more for debugging." }] as const;

export const down = command({
  name: "down",
  doc: "Removes all that up made: containers, cluster, network, files.",
  usage: "",
  flags,
  async run(_, world, arguments_) {
    flagsOnly("down", flags, arguments_);
    try {
      const wasThere = await remove(world, { services: await servicesOf(world), progress: progressOn(world) });
      world.processes.self.writeOut(wasThere ? "  nothing is left\n" : "  there was no node here\n");
    } catch (error) {
      if (error instanceof BootstrapError) throw new UserError(error.message, error.advice);
      throw error;
    }
    return 0;
  },
});
