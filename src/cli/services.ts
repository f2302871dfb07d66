// Layer 1 as it is on this machine: systemd where it is process 1, our supervisor elsewhere. Both read the same unit files.
import { systemUnitFolder, unitFolder } from "#bootstrap/layout.ts";
import type { Services, ServiceState } from "#bootstrap/services.ts";
import { superviseCommand } from "#bootstrap/unit-files.ts";
import { NetworkError } from "#platform/network.ts";
import type { World } from "#platform/world.ts";
import { type SupervisorClient, supervisorClient } from "#supervisor/client.ts";
import { SupervisorError } from "#supervisor/contract.ts";
import { keepRunning } from "#supervisor/guard.ts";
import { defaultRunFolder } from "#supervisor/supervisor.ts";
import { disableUnit, enableUnit } from "#supervisor/unit-folders.ts";
import { UserError } from "./command.ts";

export const unitFolders = [unitFolder, systemUnitFolder, "/usr/lib/systemd/system"];
const supervisorLog = "/var/log/keelson/supervisor.log";
const startMilliseconds = 20_000;

export async function servicesOf(world: World): Promise<Services> {
  const comm = await world.files.readText("/proc/1/comm").catch(() => "");
  return comm.trim() === "systemd" && (await world.files.stat("/run/systemd/system")) ? systemd(world) : ownSupervisor(world);
}

function systemd(world: World): Services {
  async function systemctl(...arguments_: string[]): Promise<string> {
    const { code, stdout, stderr } = await world.processes.run("systemctl", arguments_, { timeoutMilliseconds: 120_000 });
    if (code !== 0)
      throw new UserError(`systemctl ${arguments_.join(" ")} failed: ${stderr.trim()}`, `See: journalctl -u ${arguments_.at(-1) ?? ""}`);
    return stdout;
  }
  return {
    name: "systemd",
    survivesReboot: true,
    reload: async () => void (await systemctl("daemon-reload")),
    enable: async (unit) => void (await systemctl("enable", "--quiet", unit)),
    disable: async (unit) => void (await systemctl("disable", "--quiet", unit)),
    start: async (unit) => void (await systemctl("start", unit)),
    stop: async (unit) => void (await systemctl("stop", unit)),
    restart: async (unit) => void (await systemctl("restart", unit)),
    isActive: async (unit) => (await world.processes.run("systemctl", ["is-active", "--quiet", unit])).code === 0,
    async state(units) {
      const properties = "Id,ActiveState,MainPID,NRestarts,ActiveEnterTimestamp";
      const text = await systemctl("show", "--timestamp=unix", `--property=${properties}`, ...units);
      return text.split(/\n\n+/).flatMap((part) => {
        const values = new Map(part.split("\n").map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
        const name = values.get("Id");
        const id = Number(values.get("MainPID") ?? "0");
        return name === undefined
          ? []
          : [
              {
                name,
                active: values.get("ActiveState") ?? "unknown",
                mainId: id > 0 ? id : undefined,
                restarts: Number(values.get("NRestarts") ?? "0"),
                since: Number((values.get("ActiveEnterTimestamp") ?? "").replace("@", "")) * 1_000,
              },
            ];
      });
    },
    async journal(unit, lines) {
      const { stdout } = await world.processes.run("journalctl", ["-u", unit, "-n", String(lines), "--no-pager", "-o", "cat"]);
      return stdout.trim().split("\n");
    },
    leave: async () => {},
  };
}

function ownSupervisor(world: World): Services {
  const client = supervisorClient(world);
  const ifThere = async <T>(work: (client: SupervisorClient) => Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await work(client);
    } catch (error) {
      if (error instanceof NetworkError) return otherwise;
      throw error;
    }
  };
  const speaking = async (work: (client: SupervisorClient) => Promise<void>) => {
    await running();
    try {
      await work(client);
    } catch (error) {
      throw error instanceof SupervisorError ? new UserError(error.message, `See ${supervisorLog}.`) : error;
    }
  };

  /** Starts the supervisor under its guard where none answers. */
  async function running(): Promise<void> {
    if (await ifThere(async (there) => (await there.status()) !== undefined, false)) return;
    await world.files.makeFolder("/var/log/keelson", { mode: 0o755 });
    await keepRunning(world, superviseCommand, { log: supervisorLog });
    const deadline = world.clock.monotonic() + startMilliseconds;
    while (!(await ifThere(async (there) => (await there.status()) !== undefined, false))) {
      if (world.clock.monotonic() > deadline) throw new UserError("the supervisor does not start", `See ${supervisorLog}.`);
      await new Promise<void>((resolve) => void world.clock.timer(50, resolve));
    }
  }

  return {
    name: "keelson's supervisor",
    survivesReboot: false,
    reload: () => ifThere((there) => there.reloadFiles(), undefined),
    enable: (unit) => enableUnit(world, unitFolder, unit),
    disable: (unit) => disableUnit(world, unitFolder, unit),
    start: (unit) => speaking((there) => there.start(unit)),
    stop: (unit) => ifThere((there) => there.stop(unit), undefined),
    restart: (unit) => speaking((there) => there.restart(unit)),
    isActive: (unit) =>
      ifThere(async (there) => (await there.status()).units.some(({ name, active }) => name === unit && active === "active"), false),
    state: (units) =>
      ifThere(async (there): Promise<readonly ServiceState[]> => {
        const status = await there.status();
        return status.units.filter(({ name }) => units.includes(name));
      }, []),
    async journal(unit, lines) {
      const found: string[] = [];
      try {
        for await (const line of client.journal(unit, { lines })) found.push(line);
      } catch (error) {
        found.push(error instanceof Error ? error.message : String(error));
      }
      return found;
    },
    async leave() {
      await ifThere((there) => there.exit(), undefined);
      const deadline = world.clock.monotonic() + startMilliseconds;
      const socket = `${defaultRunFolder}/supervisor.sock`;
      while ((await world.files.stat(socket)) && world.clock.monotonic() < deadline) {
        if (!(await ifThere(async (there) => (await there.status()) !== undefined, false))) break;
        await new Promise<void>((resolve) => void world.clock.timer(50, resolve));
      }
    },
  };
}
