import { withoutTrailing } from '../../lib/contracts/trim-trailing.ts';
import { addDays, clockAt, existingDay, instantAt, monthAfter } from './clock.ts';
import { day, format, zoneName } from './format.ts';

/** One end of the range as typed: `YYYY-MM-DD` and an optional `HH:MM[:SS[.ffffff]]`. */
export interface TypedDateTime {
  date: string;
  time: string;
}

export interface TypedRange {
  from: TypedDateTime;
  to: TypedDateTime;
}

export const noDateTime: TypedDateTime = { date: '', time: '' };

export interface ReadRange {
  /** RFC 3339 in UTC, inclusive and exclusive; undefined: no bound. */
  from: string | undefined;
  to: string | undefined;
  errors: { field: 'from' | 'to'; message: string }[];
}

/**
 * Returns the instants of a typed range in a zone, or its errors. The day of a To without a time is included, so the
 * instant is the next midnight. A time that the clocks skip moves forward by the skipped hour.
 */
export function readRange(typed: TypedRange, zone: string): ReadRange {
  const from = readDateTime(typed.from, 'From', zone, 0);
  const to = readDateTime(typed.to, 'To', zone, 1);
  const errors: ReadRange['errors'] = [];
  if (from.error) errors.push({ field: 'from', message: from.error });
  if (to.error) errors.push({ field: 'to', message: to.error });
  if (from.instant && to.instant && withoutZ(from.instant) >= withoutZ(to.instant))
    errors.push({ field: 'to', message: 'To must be after From.' });
  return { from: from.instant, to: to.instant, errors };
}

/** `1 Mar 00:00 CET up to, not including, 1 Apr 00:00 CEST`; null without bounds. */
export function describeRange({ from, to }: ReadRange, zone: string): string | null {
  if (from && to)
    return `${boundText(from, zone, to)} up to, not including, ${boundText(to, zone, from)}`;
  if (from) return `From ${boundText(from, zone)} on`;
  if (to) return `Up to, not including, ${boundText(to, zone)}`;
  return null;
}

export const isWithoutBounds = ({ from, to }: TypedRange): boolean =>
  [from, to].every(({ date, time }) => date.trim() === '' && time.trim() === '');

/** `1 Mar – 31 Mar 2025`, `1 Mar 2025 10:00 – 31 Mar 2025`, `From 1 Mar 2025`, `All times`; what is no day as typed. */
export function rangeText(range: TypedRange): string {
  if (isWithoutBounds(range)) return 'All times';
  const [first, last] = [endText(range.from), endText(range.to)];
  if (last === '') return `From ${first}`;
  if (first === '') return `Until ${last}`;
  if (first === last) return first;
  const year = / \d{4}$/.exec(last)?.[0];
  return `${year !== undefined && first.endsWith(year) ? first.slice(0, -year.length) : first} – ${last}`;
}

function endText({ date, time }: TypedDateTime): string {
  const parsed = parseDay(date);
  const dayText =
    parsed === null
      ? date.trim()
      : format('UTC', { day: 'numeric', month: 'short', year: 'numeric' }).format(new Date(parsed));
  return `${dayText} ${time.trim()}`.trim();
}

/** Returns how the bounds of a request are typed in a zone. */
export function toTypedRange(
  { from, to }: { from?: string | undefined; to?: string | undefined },
  zone: string,
): TypedRange {
  return {
    from: from === undefined ? noDateTime : toTypedDateTime(from, zone, 0),
    to: to === undefined ? noDateTime : toTypedDateTime(to, zone, 1),
  };
}

/** Returns the day of an instant in a zone, `YYYY-MM-DD`. */
export const dayIn = (instant: string, zone: string): string =>
  clockAt(Date.parse(instant), zone).slice(0, 10);

/** Returns a typed day as `YYYY-MM-DD`; null if the text is not a day. */
export function parseDay(text: string): string | null {
  const match = typedDay.exec(text.trim());
  if (!match) return null;
  const [, year = '', month = '', dayOfMonth = ''] = match;
  return existingDay(year, month, dayOfMonth);
}

const typedDay = /^(\d{4})[-./]?(\d{1,2})[-./]?(\d{1,2})$/;

/** Returns what is wrong with a text that `parseDay` does not accept. */
function dayError(text: string, label: string): string {
  const [, year = '', month = ''] = typedDay.exec(text.trim()) ?? [];
  const firstDay = existingDay(year, month, '1');
  if (firstDay === null) return `${label} must be a date like 2026-03-01.`;
  const days = Number(addDays(monthAfter(firstDay, 1), -1).slice(8));
  const name = format('UTC', { month: 'long', year: 'numeric' }).format(new Date(firstDay));
  return `${label}: ${name} has ${days} days.`;
}

const timeOfDay = /^(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?$/;

function readDateTime(
  { date, time }: TypedDateTime,
  label: string,
  zone: string,
  daysAfter: number,
): { instant?: string; error?: string } {
  if (date.trim() === '')
    return time.trim() === '' ? {} : { error: `${label} has a time but no date.` };
  const typedDate = parseDay(date);
  if (!typedDate) return { error: dayError(date, label) };
  if (time.trim() === '')
    return { instant: instantOf(`${addDays(typedDate, daysAfter)}T00:00:00`, zone, '') };
  const match = timeOfDay.exec(time.trim());
  const [, hour = '', minute = '', second = '0', fraction = ''] = match ?? [];
  if (!match || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59)
    return { error: `${label} must have a time like 14:30, or no time.` };
  const clock = `${typedDate}T${twoDigits(hour)}:${minute}:${twoDigits(second)}`;
  return { instant: instantOf(clock, zone, fraction) };
}

/** Returns the instant of a clock time. The fraction stays text: the API has microseconds, Date only milliseconds. */
function instantOf(clock: string, zone: string, fraction: string): string {
  const at = new Date(instantAt(clock, zone));
  const digits = withoutTrailing(fraction, '0');
  return `${at.toISOString().slice(0, 19)}${digits === '' ? '' : `.${digits}`}Z`;
}

// Without the Z, "…:00" sorts before "…:00.5" as text, as it does in time.
const withoutZ = (instant: string): string => instant.slice(0, -1);

function toTypedDateTime(instant: string, zone: string, daysAfter: number): TypedDateTime {
  const clock = clockAt(Date.parse(instant), zone);
  const [date, time] = [clock.slice(0, 10), clock.slice(11)];
  const fraction = /\.(\d+)Z$/.exec(instant)?.[1];
  if (fraction !== undefined) return { date, time: `${time}.${fraction}` };
  return time === '00:00:00'
    ? { date: addDays(date, -daysAfter), time: '' }
    : { date, time: time.replace(/:00$/, '') };
}

const twoDigits = (digits: string): string => digits.padStart(2, '0');

function boundText(instant: string, zone: string, otherEnd?: string): string {
  const at = new Date(instant);
  const clock = clockAt(at.getTime(), zone).slice(11).replace(/:00$/, '');
  return `${day(zone, instant, otherEnd)} ${clock} ${zoneName(zone, at)}`;
}
