export type LogFields = Readonly<Record<string, unknown>>;

/** A constant message and fields. Secrets and tokens never go into fields. */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A log whose lines carry `fields` as well. */
  with(fields: LogFields): Log;
}
