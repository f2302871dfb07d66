// Log lines for people: time, level, message, key=value. One write to standard error for each line.
import { writeSync } from "node:fs";
import type { Log, LogFields } from "../log.ts";

export type LogLevel = "debug" | "info" | "warn" | "error" | "off";

const order: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3, off: 4 };
const fieldLimit = 4_096;

/** `write` receives whole lines; the default is standard error. */
export function nodeLog(options: { level?: LogLevel; now?: () => number; write?: (line: string) => void } = {}): Log {
  const lowest = order[options.level ?? "info"];
  return logWith("", lowest, options.now ?? Date.now, options.write ?? writeToStandardError);
}

function logWith(carried: string, lowest: number, now: () => number, write: (line: string) => void): Log {
  const line = (level: LogLevel, letters: string) => {
    if (order[level] < lowest) return () => {};
    return (message: string, fields?: LogFields): void => {
      write(`${new Date(now()).toISOString()} ${letters} ${oneLine(message)}${carried}${fields ? textOf(fields) : ""}\n`);
    };
  };
  return {
    debug: line("debug", "DEBUG"),
    info: line("info", "INFO "),
    warn: line("warn", "WARN "),
    error: line("error", "ERROR"),
    with: (fields) => logWith(carried + textOf(fields), lowest, now, write),
  };
}

function textOf(fields: LogFields): string {
  let text = "";
  for (const name in fields) {
    const value = fields[name];
    if (value !== undefined) text += ` ${name}=${valueOf(value)}`;
  }
  return text;
}

function valueOf(value: unknown): string {
  switch (typeof value) {
    case "string":
      return plain.test(value) && value.length <= fieldLimit ? value : quoted(value);
    case "number":
    case "boolean":
    case "bigint":
      return String(value);
    default:
      if (value instanceof Error) return quoted(value.stack ?? `${value.name}: ${value.message}`);
      return quoted(jsonOf(value));
  }
}

const plain = /^[\w./:@%+,\-[\]]+$/;

function quoted(text: string): string {
  return JSON.stringify(text.length > fieldLimit ? `${text.slice(0, fieldLimit)}…` : text);
}

function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value, (_, item) => (typeof item === "bigint" ? String(item) : item)) ?? String(value);
  } catch {
    return String(value);
  }
}

/** Nothing that came from outside may begin a line of its own. */
function oneLine(text: string): string {
  return text.includes("\n") || text.includes("\r") ? text.replaceAll(/[\r\n]+/g, " ") : text;
}

function writeToStandardError(line: string): void {
  try {
    writeSync(2, line);
  } catch {
    // A full or closed standard error must not take the program down, and there is nowhere to say so.
  }
}
