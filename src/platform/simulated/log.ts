// A log that keeps its last lines, so that a test can print or search them.
import type { Clock } from "../clock.ts";
import type { Log, LogFields } from "../log.ts";

export interface LogLine {
  readonly at: number;
  readonly level: "debug" | "info" | "warn" | "error";
  readonly message: string;
  readonly fields: LogFields;
}

const mostLines = 10_000;

export class SimulatedLog implements Log {
  readonly #clock: Clock;
  readonly #fields: LogFields;
  /** The last 10,000 lines, oldest first; shared with every log made by `with`. */
  readonly lines: LogLine[];

  constructor(clock: Clock, fields: LogFields = {}, lines: LogLine[] = []) {
    this.#clock = clock;
    this.#fields = fields;
    this.lines = lines;
  }

  debug(message: string, fields?: LogFields): void {
    this.#add("debug", message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#add("info", message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#add("warn", message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#add("error", message, fields);
  }

  with(fields: LogFields): SimulatedLog {
    return new SimulatedLog(this.#clock, { ...this.#fields, ...fields }, this.lines);
  }

  /** The lines as text: seconds since `start`, level, message, fields. */
  text(start = 0): string {
    return this.lines
      .map((line) => `${((line.at - start) / 1000).toFixed(3)} ${line.level} ${line.message}${fieldsText(line.fields)}`)
      .join("\n");
  }

  #add(level: LogLine["level"], message: string, fields: LogFields = {}): void {
    if (this.lines.length >= mostLines) this.lines.splice(0, mostLines / 10);
    this.lines.push({ at: this.#clock.now(), level, message, fields: { ...this.#fields, ...fields } });
  }
}

function fieldsText(fields: LogFields): string {
  return Object.entries(fields)
    .map(([name, value]) => ` ${name}=${value instanceof Error ? value.message : printed(value)}`)
    .join("");
}

function printed(value: unknown): string {
  if (typeof value === "string" && /^\S*$/.test(value)) return value;
  return JSON.stringify(value, (_, part: unknown) => (typeof part === "bigint" ? String(part) : part)) ?? "undefined";
}
