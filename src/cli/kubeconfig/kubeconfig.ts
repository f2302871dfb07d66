// keelson kubeconfig: how to reach the cluster of this machine, or of a lab machine, for KUBECONFIG or ~/.kube/config.
import { adminKubeconfigPath } from "#bootstrap/kubeconfigs.ts";
import { labExec, labList } from "#lab/lab.ts";
import { command, flagsOnly, UserError } from "../command.ts";

const flags = [{ name: "lab", type: "string", doc: "A lab machine's cluster, reached through its port on 127.0.0.1." }] as const;

export const kubeconfig = command({
  name: "kubeconfig",
  doc: "Prints the administrator's kubeconfig.",
  usage: "[--lab NAME]",
  flags,
  async run(_, world, arguments_) {
    const { lab: name } = flagsOnly("kubeconfig", flags, arguments_);
    if (name === undefined) {
      const text = await world.files.readText(adminKubeconfigPath).catch(() => undefined);
      if (text === undefined)
        throw new UserError(`${adminKubeconfigPath} cannot be read`, "Is this machine a node (keelson up), and are you root?");
      world.processes.self.writeOut(text);
      return 0;
    }
    const machine = (await labList(world)).find((lab) => lab.name === name && lab.running);
    if (!machine) throw new UserError(`there is no running lab machine "${name}"`, "See: keelson lab list");
    const { code, stdout } = await labExec(world, name, ["cat", adminKubeconfigPath]);
    if (code !== 0)
      throw new UserError(
        `lab machine "${name}" is no node`,
        `Make it one, from the folder of the clone: ./keelson lab exec ${name} -- ./keelson up`,
      );
    world.processes.self.writeOut(
      machine.apiPort === undefined ? stdout : stdout.replace(/server: .*/, `server: https://127.0.0.1:${machine.apiPort}`),
    );
    return 0;
  },
});
