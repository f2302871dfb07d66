// Times as the API writes them (RFC 3339 in UTC), Go's durations ("1h30m0s"), and ages as kubectl prints them.
import { DecodeError } from "#wire/decode-error.ts";

/** A moment: whole seconds since 1970 in UTC, and the rest of the second. */
export interface Moment {
  readonly seconds: number;
  readonly nanos: number;
}

const layout = "2006-01-02T15:04:05Z07:00";
const shape = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:[.,](\d+))?(Z|[+-]\d{2}:\d{2})$/;

/** Reads RFC 3339. Throws DecodeError with Go's words. */
export function parseMoment(text: string): Moment {
  const match = text.length > 64 ? null : shape.exec(text);
  if (match === null) throw wrongTime(text);
  const [, year, month, day, hour, minute, second, fraction, zone = "Z"] = match;
  const date = { year: Number(year), month: Number(month), day: Number(day) };
  if (date.month < 1 || date.month > 12) throw outOfRange(text, "month");
  if (date.day < 1 || date.day > daysIn(date.year, date.month)) throw outOfRange(text, "day");
  if (Number(hour) > 23) throw outOfRange(text, "hour");
  if (Number(minute) > 59) throw outOfRange(text, "minute");
  if (Number(second) > 59) throw outOfRange(text, "second");
  let seconds = daysFrom1970(date) * 86_400 + Number(hour) * 3600 + Number(minute) * 60 + Number(second);
  if (zone !== "Z") {
    const offset = Number(zone.slice(1, 3)) * 3600 + Number(zone.slice(4, 6)) * 60;
    seconds -= zone[0] === "-" ? -offset : offset;
  }
  return { seconds, nanos: fraction === undefined ? 0 : Number(fraction.slice(0, 9).padEnd(9, "0")) };
}

/** Whole seconds since 1970 as "2026-01-01T00:00:00Z". */
export function formatSeconds(seconds: number): string {
  const days = Math.floor(seconds / 86_400);
  const rest = seconds - days * 86_400;
  const { year, month, day } = dateOf(days);
  return `${pad(year, 4)}-${pad(month, 2)}-${pad(day, 2)}T${pad(Math.floor(rest / 3600), 2)}:${pad(Math.floor(rest / 60) % 60, 2)}:${pad(rest % 60, 2)}Z`;
}

/** A moment as "2026-01-01T00:00:00.000000Z". */
export function formatMicro({ seconds, nanos }: Moment): string {
  return `${formatSeconds(seconds).slice(0, -1)}.${pad(Math.floor(nanos / 1000), 6)}Z`;
}

/** Milliseconds since 1970 as a Time: "2026-01-01T00:00:00Z". */
export function formatTime(milliseconds: number): string {
  return formatSeconds(Math.floor(milliseconds / 1000));
}

/** Milliseconds since 1970 as a MicroTime: "2026-01-01T00:00:00.000000Z". */
export function formatMicroTime(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  return formatMicro({ seconds, nanos: Math.round((milliseconds - seconds * 1000) * 1000) * 1000 });
}

/** Milliseconds since 1970 of a Time or MicroTime, with the fraction it has. */
export function parseTime(text: string): number {
  const { seconds, nanos } = parseMoment(text);
  return seconds * 1000 + nanos / 1_000_000;
}

/** The one way of writing a Time. */
export function canonicalTime(text: string): string {
  return isPlainTime(text) ? text : formatSeconds(yearChecked(text, parseMoment(text)).seconds);
}

/** The one way of writing a MicroTime. */
export function canonicalMicroTime(text: string): string {
  return formatMicro(yearChecked(text, parseMoment(text)));
}

function yearChecked(text: string, moment: Moment): Moment {
  if (moment.seconds < secondsMin || moment.seconds > secondsMax) throw wrongTime(text);
  return moment;
}

/** The first and last seconds that four digits of year can write. */
export const secondsMin = -62_167_219_200;
export const secondsMax = 253_402_300_799;

/** "dddd-dd-ddTdd:dd:ddZ" with every part in range for any month: the common case, without taking it apart. */
function isPlainTime(text: string): boolean {
  if (text.length !== 20 || text.charCodeAt(19) !== 90) return false;
  for (let index = 0; index < 19; index++) {
    const code = text.charCodeAt(index);
    if (index === 4 || index === 7) {
      if (code !== 45) return false;
    } else if (index === 10) {
      if (code !== 84) return false;
    } else if (index === 13 || index === 16) {
      if (code !== 58) return false;
    } else if (code < 48 || code > 57) return false;
  }
  const month = twoDigits(text, 5);
  const day = twoDigits(text, 8);
  return (
    month >= 1 && month <= 12 && day >= 1 && day <= 28 && twoDigits(text, 11) < 24 && twoDigits(text, 14) < 60 && twoDigits(text, 17) < 60
  );
}

function twoDigits(text: string, at: number): number {
  return (text.charCodeAt(at) - 48) * 10 + text.charCodeAt(at + 1) - 48;
}

function wrongTime(text: string): DecodeError {
  const parts: readonly (readonly [RegExp, string])[] = [
    [/^\d{4}/, "2006"],
    [/^-/, "-"],
    [/^\d{2}/, "01"],
    [/^-/, "-"],
    [/^\d{2}/, "02"],
    [/^T/, "T"],
    [/^\d{2}/, "15"],
    [/^:/, ":"],
    [/^\d{2}/, "04"],
    [/^:/, ":"],
    [/^\d{2}(?:[.,]\d+)?/, "05"],
    [/^(?:Z|[+-]\d{2}:\d{2})/, "Z07:00"],
  ];
  let rest = text.slice(0, 256);
  for (const [part, name] of parts) {
    const found = part.exec(rest);
    if (found === null) return timeError(text, `: cannot parse ${goQuoted(rest)} as ${goQuoted(name)}`, true);
    rest = rest.slice(found[0].length);
  }
  return timeError(text, `: extra text: ${goQuoted(rest)}`, false);
}

function outOfRange(text: string, part: string): DecodeError {
  return timeError(text, `: ${part} out of range`, false);
}

function timeError(text: string, why: string, withLayout: boolean): DecodeError {
  return new DecodeError(`parsing time ${goQuoted(text.slice(0, 256))}${withLayout ? ` as "${layout}"` : ""}${why}`);
}

function goQuoted(text: string): string {
  return JSON.stringify(text);
}

function pad(value: number, length: number): string {
  return String(value).padStart(length, "0");
}

function daysIn(year: number, month: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28;
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31;
}

// The calendar is counted in eras of 400 years of 146,097 days that begin on 1 March, so that the leap day comes last.
function daysFrom1970({ year, month, day }: { year: number; month: number; day: number }): number {
  const marchYear = month <= 2 ? year - 1 : year;
  const era = Math.floor(marchYear / 400);
  const yearOfEra = marchYear - era * 400;
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1;
  return era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468;
}

function dateOf(days: number): { year: number; month: number; day: number } {
  const shifted = days + 719_468;
  const era = Math.floor(shifted / 146_097);
  const dayOfEra = shifted - era * 146_097;
  const leaps = Math.floor(dayOfEra / 1460) - Math.floor(dayOfEra / 36_524) + Math.floor(dayOfEra / 146_096);
  const yearOfEra = Math.floor((dayOfEra - leaps) / 365);
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100));
  const marchMonth = Math.floor((5 * dayOfYear + 2) / 153);
  const month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9;
  return { year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day: dayOfYear - Math.floor((153 * marchMonth + 2) / 5) + 1 };
}

const durationUnits: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1000n,
  µs: 1000n,
  μs: 1000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
};
const durationMax = 2n ** 63n - 1n;

/** Reads a duration as Go writes it ("1h30m", "1.5s") into nanoseconds. Throws DecodeError with Go's words. */
export function parseDuration(text: string): bigint {
  const body = /^[+-]/.test(text) ? text.slice(1) : text;
  if (body === "0") return 0n;
  if (body === "" || text.length > 256) throw new DecodeError(`time: invalid duration ${goQuoted(text.slice(0, 256))}`);
  const part = /(\d*)(?:\.(\d*))?([^\d.]*)/y;
  let total = 0n;
  while (part.lastIndex < body.length) {
    const match = part.exec(body);
    const [, whole = "", fraction = "", unitName = ""] = match ?? [];
    if (match === null || (whole === "" && fraction === "")) throw new DecodeError(`time: invalid duration ${goQuoted(text)}`);
    if (unitName === "") throw new DecodeError(`time: missing unit in duration ${goQuoted(text)}`);
    const unit = Object.hasOwn(durationUnits, unitName) ? durationUnits[unitName] : undefined;
    if (unit === undefined) throw new DecodeError(`time: unknown unit ${goQuoted(unitName)} in duration ${goQuoted(text)}`);
    total += BigInt(whole === "" ? "0" : whole) * unit;
    if (fraction !== "") total += (BigInt(fraction) * unit) / 10n ** BigInt(fraction.length);
    if (total > durationMax) throw new DecodeError(`time: invalid duration ${goQuoted(text)}`);
  }
  return text[0] === "-" ? -total : total;
}

/** Nanoseconds as Go writes a duration: "1h30m0s", "1.5s", "100ms", "0s". */
export function formatDuration(nanoseconds: bigint): string {
  if (nanoseconds === 0n) return "0s";
  const sign = nanoseconds < 0n ? "-" : "";
  const size = nanoseconds < 0n ? -nanoseconds : nanoseconds;
  if (size < 1_000n) return `${sign}${size}ns`;
  if (size < 1_000_000n) return `${sign}${fractional(size, 3)}µs`;
  if (size < 1_000_000_000n) return `${sign}${fractional(size, 6)}ms`;
  const minutes = size / 60_000_000_000n;
  const seconds = `${fractional(size % 60_000_000_000n, 9)}s`;
  if (minutes === 0n) return sign + seconds;
  return minutes < 60n ? `${sign}${minutes}m${seconds}` : `${sign}${minutes / 60n}h${minutes % 60n}m${seconds}`;
}

/** The one way of writing a duration. */
export function canonicalDuration(text: string): string {
  return formatDuration(parseDuration(text));
}

/** A duration's milliseconds, with their fraction. */
export function durationToMilliseconds(text: string): number {
  return Number(parseDuration(text)) / 1_000_000;
}

/** Milliseconds as Go writes a duration. */
export function durationOf(milliseconds: number): string {
  return formatDuration(BigInt(Math.round(milliseconds * 1_000_000)));
}

function fractional(amount: bigint, digits: number): string {
  const unit = 10n ** BigInt(digits);
  const rest = (amount % unit).toString().padStart(digits, "0").replace(/0+$/, "");
  return rest === "" ? `${amount / unit}` : `${amount / unit}.${rest}`;
}

/** How long ago, in as few figures as help: "45s", "2m10s", "5d3h", "2y12d". */
export function humanDuration(milliseconds: number): string {
  const seconds = Math.trunc(milliseconds / 1000);
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.trunc(seconds / 60);
  if (minutes < 10) return both(minutes, "m", seconds % 60, "s");
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.trunc(minutes / 60);
  if (hours < 8) return both(hours, "h", minutes % 60, "m");
  if (hours < 48) return `${hours}h`;
  const days = Math.trunc(hours / 24);
  if (days < 8) return both(days, "d", hours % 24, "h");
  if (days < 730) return `${days}d`;
  const years = Math.trunc(days / 365);
  return days < 8 * 365 ? both(years, "y", days % 365, "d") : `${years}y`;
}

function both(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit}${small}${smallUnit}`;
}
