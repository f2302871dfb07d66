// How the kubelet hears from systemd's logind that the machine is about to shut down, and has it wait. It is told by the programs that come
// with systemd: one holds the lock that delays the shutdown for as long as its input stays open, and beside it another prints logind's signal.
//
// Invariants:
// - The lock goes with the kubelet, however that ends.
// - Only what logind itself says counts: anybody may send signals over the bus.
import { type Scope, ScopeStopped } from "#base/scope.ts";
import type { ChildProcess } from "#platform/processes.ts";
import type { World } from "#platform/world.ts";

const configurationPath = "/etc/systemd/logind.conf.d/99-kubelet.conf";
const retryMilliseconds = 5_000;
const commandMilliseconds = 10_000;
const lineCharactersMax = 65_536;

const manager = ["org.freedesktop.login1", "/org/freedesktop/login1", "org.freedesktop.login1.Manager"] as const;
const match = "type=signal,sender=org.freedesktop.login1,interface=org.freedesktop.login1.Manager,member=PrepareForShutdown";
const watchScript = `busctl --system --json=short monitor --match "$1" & cat >/dev/null; kill $!`;

export interface ShutdownListener {
  /** The machine shuts down once this resolves, or after `seconds`. */
  shuttingDown(): Promise<void>;
  /** It does not after all. */
  cancelled(): void;
}

/** Follows logind until the scope stops; gives up, and says so, where there is none. */
export async function followLogind(task: Scope, world: World, seconds: number, listener: ShutdownListener): Promise<void> {
  let isTold = false;
  for (;;) {
    try {
      await delayFor(world, seconds);
      await follow(task, world, listener);
    } catch (error) {
      if (error instanceof ScopeStopped) throw error;
      if ((error as { code?: string }).code === "ENOENT") {
        world.log.warn("Pods are not ended gracefully when this machine shuts down: that needs systemd", {
          error: (error as Error).message,
        });
        return;
      }
      world.log[isTold ? "debug" : "warn"]("cannot follow systemd-logind; trying again", { error: (error as Error).message });
      isTold = true;
    }
    await world.clock.sleep(task, retryMilliseconds);
  }
}

/** Has logind wait at least this long for those who ask it to. */
async function delayFor(world: World, seconds: number): Promise<void> {
  if ((await longestDelay(world)) >= seconds) return;
  await world.files.makeFolder(configurationPath.slice(0, configurationPath.lastIndexOf("/")));
  const text = `# Written by the kubelet: its shutdownGracePeriod.\n[Login]\nInhibitDelayMaxSec=${Math.ceil(seconds)}\n`;
  await world.files.write(configurationPath, text, { mode: 0o644 });
  await run(world, "systemctl", ["kill", "--kill-who=main", "--signal=HUP", "systemd-logind.service"]);
  const now = await longestDelay(world);
  if (now < seconds) world.log.warn("systemd-logind waits for less than shutdownGracePeriod", { seconds, granted: now });
}

async function longestDelay(world: World): Promise<number> {
  const text = await run(world, "busctl", ["--system", "get-property", ...manager, "InhibitDelayMaxUSec"]);
  return Number(/^t (\d+)/.exec(text)?.[1] ?? 0) / 1_000_000;
}

async function run(world: World, program: string, arguments_: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await world.processes.run(program, arguments_, { timeoutMilliseconds: commandMilliseconds });
  if (code !== 0) throw new Error(`${program} ${arguments_[0]} failed: ${stderr.trim()}`);
  return stdout;
}

/** Returns when the watch has ended. */
async function follow(task: Scope, world: World, { shuttingDown, cancelled }: ShutdownListener): Promise<void> {
  const why = "Kubernetes is ending this node's Pods";
  const lock = ["--what=shutdown", "--mode=delay", "--who=kubelet", `--why=${why}`];
  const child = await world.processes.spawn("systemd-inhibit", {
    arguments: [...lock, "sh", "-c", watchScript, "sh", match],
    stdin: "pipe",
    stdout: "pipe",
    stderr: "ignore",
  });
  const release = task.defer("shutdown lock", () => child.endStdin());
  try {
    for await (const line of lines(child)) {
      const announced = announcement(line);
      if (announced === false) cancelled();
      if (announced !== true) continue;
      world.log.info("the machine is about to shut down");
      await shuttingDown();
      child.endStdin();
    }
  } finally {
    release();
    child.endStdin();
  }
}

/** What a line of the monitor says: true before a shutdown, false when it was called off, undefined when something else. */
export function announcement(line: string): boolean | undefined {
  try {
    const { member, payload } = JSON.parse(line) as { member?: unknown; payload?: { data?: unknown[] } };
    const said = payload?.data?.[0];
    return member === "PrepareForShutdown" && typeof said === "boolean" ? said : undefined;
  } catch {
    return undefined;
  }
}

async function* lines({ stdout }: ChildProcess): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const bytes of stdout) {
    const parts = (rest + decoder.decode(bytes, { stream: true })).split("\n");
    rest = (parts.pop() as string).slice(-lineCharactersMax);
    yield* parts;
  }
}
