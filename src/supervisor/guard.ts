// Keeps a supervisor's own process running where nothing else would: a shell that starts it again whenever it ends badly.
import type { World } from "#platform/world.ts";

/**
 * Starts `command` in a session of its own, with its output appended to `log`. It is started again after a second, unless it
 * exits with code 0. Returns the guard's process id; ending it with SIGTERM ends the command too.
 */
export async function keepRunning(
  world: World,
  command: readonly string[],
  { log, environment }: { log: string; environment?: Readonly<Record<string, string>> },
): Promise<number> {
  const script = `child=
trap 'kill "$child" 2>/dev/null; exit 0' TERM
trap '' HUP
while :; do
  "$@" & child=$!
  wait "$child" && exit 0
  sleep 1
done`;
  const guard = await world.processes.spawn("/bin/sh", {
    arguments: ["-c", script, "keelson-guard", ...command],
    ...(environment && { environment }),
    folder: "/",
    stdin: "ignore",
    stdout: { path: log },
    stderr: { path: log },
    detached: true,
  });
  return guard.id;
}
