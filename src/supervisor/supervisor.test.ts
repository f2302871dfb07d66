import assert from "node:assert/strict";
import { test } from "node:test";
import { rootScope, type Scope } from "#base/scope.ts";
import { type SimulatedWorld, simulatedWorld } from "#platform/simulated/world.ts";
import { supervisorClient } from "./client.ts";
import type { Supervisor } from "./contract.ts";
import { startSupervisor } from "./supervisor.ts";

const unitFolder = "/etc/systemd/system";
const socket = "/run/keelson/supervisor.sock";

/** A simulated machine whose programs run until a signal ends them; `log` gathers their starts and ends. */
async function machineWith(units: Readonly<Record<string, string>>): Promise<{ world: SimulatedWorld; log: string[] }> {
  const world = simulatedWorld({ seed: 1 });
  const log: string[] = [];
  await world.files.makeFolder(unitFolder);
  for (const [name, text] of Object.entries(units)) await world.files.write(`${unitFolder}/${name}`, text);
  world.processes.register("mkfifo", async ({ arguments: words }) => {
    await world.files.write(words.at(-1) as string, "");
    return 0;
  });
  world.processes.register("/bin/sh", async ({ id, arguments: [, script = "", name, ...words], signal }) => {
    if (name !== "keelson-launch") return ended(signal);
    log.push(`+${words.join(" ")}`);
    const mainFile = /echo \$\{20\}\)" >'([^']+)'/.exec(script)?.[1];
    await world.files.makeFolder(`/proc/${id}`);
    await world.files.write(`/proc/${id}/stat`, `${id} (x) S ${Array.from({ length: 18 }, () => 0).join(" ")} ${id}00 0`);
    if (mainFile !== undefined) await world.files.write(mainFile, `${id} ${id}00\n`);
    if (words[0] === "/bin/true") return 0;
    signal.addEventListener("abort", () => {
      log.push(`-${words.join(" ")}`);
      void world.files.remove(`/proc/${id}`, { recursive: true });
    });
    return ended(signal);
  });
  return { world, log };
}

function ended(signal: AbortSignal): Promise<number> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(0)));
}

function newScope(): Scope {
  return rootScope("test", (error) => {
    throw error;
  });
}

function start(scope: Scope, world: SimulatedWorld): Promise<Supervisor> {
  return startSupervisor(scope, world, { unitFolders: [unitFolder], target: "all.target" });
}

const service = (name: string, more = "") => `[Unit]\n${more}\n[Service]\nExecStart=/bin/${name}\nRestart=always\nRestartSec=5\n`;
const chain = {
  "all.target": "[Unit]\nWants=a.service b.service c.service\n",
  "a.service": service("a"),
  "b.service": service("b", "After=a.service"),
  "c.service": service("c", "After=b.service"),
};

const unit = (supervisor: Supervisor, name: string) => supervisor.status().units.find((found) => found.name === name);
const up = (supervisor: Supervisor, name: string) => unit(supervisor, name)?.active === "active";

test("units start in order, a killed one comes back after RestartSec, and all stop in the reverse order", async () => {
  const { world, log } = await machineWith(chain);
  const scope = newScope();
  const supervisor = await world.run(() => start(scope, world));
  await world.runUntil(() => up(supervisor, "all.target"));
  assert.deepEqual(log, ["+/bin/a", "+/bin/b", "+/bin/c"]);
  const before = unit(supervisor, "b.service")?.mainId as number;
  const killedAt = world.clock.monotonic();
  world.processes.signal(before, "SIGKILL");
  await world.runUntil(() => up(supervisor, "b.service") && unit(supervisor, "b.service")?.mainId !== before);
  const waited = world.clock.monotonic() - killedAt;
  assert.ok(waited >= 5_000 && waited < 5_200, `${waited} ms`);
  assert.equal(unit(supervisor, "b.service")?.restarts, 1);
  log.length = 0;
  await world.run(() => supervisor.stopAll());
  assert.deepEqual(log, ["-/bin/c", "-/bin/b", "-/bin/a"]);
  await scope.stop();
});

test("the next supervisor adopts what runs, starts what ended meanwhile, and leaves alone what was stopped", async () => {
  const { world, log } = await machineWith(chain);
  const first = newScope();
  const supervisor = await world.run(() => start(first, world));
  await world.runUntil(() => up(supervisor, "all.target"));
  const kept = unit(supervisor, "a.service")?.mainId as number;
  const lost = unit(supervisor, "b.service")?.mainId as number;
  await world.run(() => supervisor.stop("c.service"));
  await first.stop();
  world.processes.signal(lost, "SIGKILL");
  log.length = 0;

  const second = newScope();
  const next = await world.run(() => start(second, world));
  await world.runUntil(() => up(next, "b.service"));
  assert.deepEqual(log, ["+/bin/b"]);
  assert.equal(unit(next, "a.service")?.mainId, kept);
  assert.equal(unit(next, "c.service")?.active, "inactive");
  world.processes.signal(kept, "SIGKILL");
  await world.runUntil(() => up(next, "a.service") && unit(next, "a.service")?.mainId !== kept);
  await second.stop();
});

test("what it cannot start it names: by status, and by the error of a start", async () => {
  const { world } = await machineWith({
    "all.target": "[Unit]\nWants=gone.service x.service\n",
    "x.service": "[Unit]\nRequires=y.service\nAfter=y.service\n[Service]\nExecStart=/bin/x\n",
    "y.service": "[Service]\nExecStart=/bin/y\nEnvironmentFile=/etc/missing\n",
  });
  const scope = newScope();
  const supervisor = await world.run(() => start(scope, world));
  await world.runUntil(() => unit(supervisor, "x.service")?.active === "failed");
  assert.equal(unit(supervisor, "x.service")?.result, "dependency");
  assert.equal(unit(supervisor, "y.service")?.result, "resources");
  assert.ok(supervisor.status().warnings.includes("unit gone.service not found, wanted by all.target"));
  await assert.rejects(
    world.run(() => supervisor.start("y.service")),
    /Job for y\.service failed with result 'resources'/,
  );
  await assert.rejects(
    world.run(() => supervisor.start("gone.service")),
    /Unit gone\.service not found/,
  );
  await assert.rejects(
    world.run(() => supervisor.start("../etc/passwd")),
    /is not a unit's name/,
  );
  await scope.stop();
});

test("its socket answers, refuses rubbish, and keeps a second supervisor away", async () => {
  const { world } = await machineWith({ "all.target": "[Unit]\nWants=a.service\n", "a.service": service("a") });
  const scope = newScope();
  const supervisor = await world.run(() => start(scope, world));
  await world.runUntil(() => up(supervisor, "all.target"));
  const client = supervisorClient(world, socket);
  await world.run(() => client.stop("a.service"));
  const { units } = await world.run(() => client.status());
  assert.deepEqual(Object.fromEntries(units.map(({ name, active }) => [name, active])), {
    "a.service": "inactive",
    "all.target": "active",
  });
  await assert.rejects(
    world.run(() => client.stop("b.service")),
    /Unit b\.service not loaded/,
  );
  const lines = await world.run(async () => {
    const found: string[] = [];
    for await (const line of client.journal("a.service", { lines: 2 })) found.push(line.slice(25));
    return found;
  });
  assert.deepEqual(lines, ["supervisor: Stopping a.service...", "supervisor: Stopped a.service."]);
  for (const rubbish of ["nonsense", "[]", '{"ask":"__proto__"}', '{"ask":"stop","unit":7}'])
    assert.match(await world.run(() => answerTo(world, rubbish)), /^\{"error":/);
  const followed = await world.run(async () => {
    world.clock.timer(50, () => void supervisor.start("a.service"));
    const found: string[] = [];
    for await (const line of client.journal("a.service", { lines: 0, follow: true })) {
      found.push(line.slice(25));
      if (found.length === 2) break;
    }
    return found;
  });
  assert.deepEqual(followed, ["supervisor: Starting a.service...", "supervisor: Started a.service."]);
  const second = newScope();
  await assert.rejects(
    world.run(() => start(second, world)),
    /a supervisor is already running/,
  );
  await scope.stop();
});

async function answerTo(world: SimulatedWorld, line: string): Promise<string> {
  const stream = await world.network.connect({ path: socket });
  await stream.write(new TextEncoder().encode(`${line}\n`));
  let answer = "";
  for await (const chunk of stream.incoming) answer += new TextDecoder().decode(chunk);
  return answer;
}
