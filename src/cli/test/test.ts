// keelson test: everything that continuous integration runs. Only from a clone.
import { command, UserError } from "../command.ts";

export const test = command({
  name: "test",
  doc: "Runs all tests; with words, the end-to-end tests whose names contain one.",
  usage: "[WORD...]",
  flags: [],
  async run(_, world, arguments_) {
    const { program } = world.processes.self;
    const [node = ""] = program;
    const entry = program.at(-1) ?? "";
    const clone = entry.replace(/\/src\/hosts\/main\.ts$/, "");
    if (clone === entry) throw new UserError("tests are run from a clone", "Call the keelson script of a clone.");
    const child = await world.processes.spawn(node, {
      arguments: ["--disable-warning=ExperimentalWarning", `${clone}/test/run.ts`, ...arguments_],
      folder: clone,
      stdin: "inherit",
      stdout: "inherit",
      stderr: "inherit",
    });
    const { code } = await child.exited;
    return code ?? 1;
  },
});
