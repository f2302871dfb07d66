// What a unit printed, line by line with the time, in one file of bounded size and the one before it.
//
// The unit writes into a named pipe that it holds open for reading as well: when the supervisor is gone its writes wait instead of failing.
import { type Scope, ScopeStopped } from "#base/scope.ts";
import type { World } from "#platform/world.ts";

const longestLine = 48 * 1024;
const largestFile = 8 * 1024 * 1024;
const mostWaiting = 4 * 1024 * 1024;

export interface Journal {
  readonly pipe: string;
  /** A line of the supervisor's own. */
  say(message: string): void;
  /** Makes the pipe and reads it until the scope stops. Does nothing once that was done. */
  open(): Promise<void>;
  /** The last lines written. */
  tail(lines: number): Promise<readonly string[]>;
  follow(received: (line: string) => void): () => void;
}

export function openJournal(
  scope: Scope,
  world: World,
  options: { name: string; identifier: string; pipe: string; path: string },
): Journal {
  const { clock, files, processes, log } = world;
  const followers = new Set<(line: string) => void>();
  let opened: Promise<void> | undefined;
  let waiting: string[] = [];
  let waitingLength = 0;
  let lost = 0;
  let failing = false;
  let size: number | undefined;
  let writing: Promise<void> | undefined;

  return {
    pipe: options.pipe,
    say: (message) => add("supervisor", message),
    open: () =>
      (opened ??= openPipe().catch((error: unknown) => {
        // A full disk, say: the next start tries again.
        opened = undefined;
        throw error;
      })),
    async tail(lines) {
      await writing;
      const text = `${await files.readText(`${options.path}.1`).catch(() => "")}${await files.readText(options.path).catch(() => "")}`;
      return text.split("\n").slice(0, -1).slice(-lines);
    },
    follow(received) {
      followers.add(received);
      return () => followers.delete(received);
    },
  };

  function add(identifier: string, text: string): void {
    const line = `${new Date(clock.now()).toISOString()} ${identifier}: ${text}`;
    for (const follower of followers) follower(line);
    if (waitingLength > mostWaiting) {
      lost += 1;
      return;
    }
    waiting.push(line);
    waitingLength += line.length;
    writing ??= write();
  }

  async function write(): Promise<void> {
    await clock.endOfTurn();
    while (waiting.length > 0) {
      if (lost > 0)
        waiting.push(
          `${new Date(clock.now()).toISOString()} supervisor: ${lost} lines were lost, they came faster than they could be written`,
        );
      const text = `${waiting.join("\n")}\n`;
      waiting = [];
      waitingLength = 0;
      lost = 0;
      try {
        size ??= (await files.stat(options.path))?.size ?? 0;
        if (size > largestFile) {
          await files.rename(options.path, `${options.path}.1`);
          size = 0;
        }
        await files.append(options.path, text, { mode: 0o640 });
        size += text.length;
        failing = false;
      } catch (error) {
        if (!failing) log.warn("cannot write the journal, its lines are lost", { unit: options.name, error: String(error) });
        failing = true;
        size = undefined;
      }
    }
    writing = undefined;
  }

  async function openPipe(): Promise<void> {
    if (!(await files.stat(options.pipe))) {
      const made = await processes.run("mkfifo", ["-m", "600", options.pipe], { timeoutMilliseconds: 5_000 });
      if (made.code !== 0) throw new Error(`cannot make the journal's pipe ${options.pipe}: ${made.stderr.trim()}`);
    }
    scope.start(`journal of ${options.name}`, async (task) => {
      while (!task.stopped) {
        try {
          await readPipe(task);
        } catch (error) {
          if (error instanceof ScopeStopped) throw error;
          // No memory or no room for another process, say: the unit's output waits in the pipe.
          log.warn("cannot read what a unit prints; trying again", { unit: options.name, error: String(error) });
        }
        await clock.sleep(task, 1_000);
      }
    });
  }

  /** A reader of its own, for reading a pipe would hold one of the few threads that this process has for files. It must not outlive us. */
  async function readPipe(task: Scope): Promise<void> {
    const script = 'setpriv --pdeathsig KILL true 2>/dev/null && exec setpriv --pdeathsig KILL cat <>"$0"; exec cat <>"$0"';
    const reader = await processes.spawn("/bin/sh", {
      arguments: ["-c", script, options.pipe],
      stdin: "ignore",
      stderr: "ignore",
      detached: true,
    });
    const forget = task.defer("journal reader", () => reader.kill("SIGKILL"));
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of reader.stdout) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) addPrinted(line);
      if (rest.length > longestLine) {
        addPrinted(rest);
        rest = "";
      }
    }
    if (rest !== "") addPrinted(rest);
    forget();
  }

  function addPrinted(line: string): void {
    for (let at = 0; at === 0 || at < line.length; at += longestLine) add(options.identifier, line.slice(at, at + longestLine));
  }
}
