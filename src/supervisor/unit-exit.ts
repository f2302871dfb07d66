// What the end of a process means to its unit. Pure.
import type { Exit } from "#platform/processes.ts";
import type { Result } from "./unit.ts";
import type { Service } from "./unit-file.ts";

const cleanSignals = new Set(["SIGHUP", "SIGINT", "SIGTERM", "SIGPIPE"]);

export function isClean(exit: Exit, { type, successStatus }: Service): boolean {
  if (exit.code !== undefined) return exit.code === 0 || successStatus.includes(String(exit.code));
  const signal = exit.signal ?? "";
  return (type !== "oneshot" && cleanSignals.has(signal)) || successStatus.includes(signal);
}

export function exitResult(exit: Exit): Result {
  return exit.code === undefined ? "signal" : "exit-code";
}

/** systemd's table of Restart= against how the service ended. */
export function wantsRestart({ restart, neverRestartStatus }: Service, result: Result, exit: Exit | undefined): boolean {
  if (exit && (neverRestartStatus.includes(String(exit.code)) || neverRestartStatus.includes(exit.signal ?? ""))) return false;
  if (result === "start-limit-hit" || result === "dependency") return false;
  switch (restart) {
    case "no":
    case "on-watchdog":
      return false;
    case "always":
      return true;
    case "on-success":
      return result === "success";
    case "on-failure":
      return result !== "success";
    case "on-abnormal":
      return result === "signal" || result === "timeout";
    case "on-abort":
      return result === "signal";
  }
}

export function describeExit(exit: Exit): string {
  if (exit.code === undefined && exit.signal === undefined) return "its exit status is not known, for an earlier supervisor had started it";
  return exit.code === undefined
    ? `code=killed, signal=${(exit.signal ?? "unknown").replace(/^SIG/, "")}`
    : `code=exited, status=${exit.code}`;
}
