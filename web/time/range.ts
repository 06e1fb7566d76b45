import { withoutTrailing } from '../../lib/contracts/trailing.ts';
import { addDays, clockAt, existingDay, instantAt } from './clock.ts';
import { format, zoneName } from './format.ts';

/** One end of the range as typed: `YYYY-MM-DD` and, if wanted, `HH:MM[:SS[.ffffff]]`. */
export interface TypedMoment {
  date: string;
  time: string;
}

export interface TypedRange {
  from: TypedMoment;
  to: TypedMoment;
}

export const noMoment: TypedMoment = { date: '', time: '' };

export interface ReadRange {
  /** RFC 3339 in UTC, inclusive and exclusive; undefined: no bound. */
  from: string | undefined;
  to: string | undefined;
  errors: { field: 'from' | 'to'; message: string }[];
}

/**
 * Reads the range in a zone. A To without a time includes its day, so the instant is the next
 * midnight; a time that the clocks skip moves forward by the skipped hour.
 */
export function readRange(typed: TypedRange, zone: string): ReadRange {
  const from = readMoment(typed.from, 'From', zone, 0);
  const to = readMoment(typed.to, 'To', zone, 1);
  const errors: ReadRange['errors'] = [];
  if (from.wrong) errors.push({ field: 'from', message: from.wrong });
  if (to.wrong) errors.push({ field: 'to', message: to.wrong });
  if (from.instant && to.instant && bare(from.instant) >= bare(to.instant))
    errors.push({ field: 'to', message: 'To must be after From.' });
  return { from: from.instant, to: to.instant, errors };
}

/** `1 Mar 00:00 CET up to, not including, 1 Apr 00:00 CEST`; null without bounds. */
export function echoRange({ from, to }: ReadRange, zone: string): string | null {
  if (from && to) return `${boundText(from, zone)} up to, not including, ${boundText(to, zone)}`;
  if (from) return `From ${boundText(from, zone)} on`;
  if (to) return `Up to, not including, ${boundText(to, zone)}`;
  return null;
}

/** What has to be typed in a zone for the bounds of a request. */
export function typeRange(
  { from, to }: { from?: string | undefined; to?: string | undefined },
  zone: string,
): TypedRange {
  return {
    from: from === undefined ? noMoment : typeMoment(from, zone, 0),
    to: to === undefined ? noMoment : typeMoment(to, zone, 1),
  };
}

/** The day an instant falls on in a zone, `YYYY-MM-DD`. */
export const dayIn = (instant: string, zone: string): string =>
  clockAt(Date.parse(instant), zone).slice(0, 10);

/** The day that is typed, `YYYY-MM-DD`; null if it is none. */
export function parseDay(text: string): string | null {
  const match = /^(\d{4})[-./]?(\d{1,2})[-./]?(\d{1,2})$/.exec(text.trim());
  if (!match) return null;
  const [, year = '', month = '', day = ''] = match;
  return existingDay(year, month, day);
}

const timeOfDay = /^(\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?$/;

function readMoment(
  { date, time }: TypedMoment,
  label: string,
  zone: string,
  daysAfter: number,
): { instant?: string; wrong?: string } {
  if (date.trim() === '')
    return time.trim() === '' ? {} : { wrong: `${label} has a time but no date.` };
  const day = parseDay(date);
  if (!day) return { wrong: `${label} must be a date like 2026-03-01.` };
  if (time.trim() === '')
    return { instant: instantOf(`${addDays(day, daysAfter)}T00:00:00`, zone, '') };
  const match = timeOfDay.exec(time.trim());
  const [, hour = '', minute = '', second = '0', fraction = ''] = match ?? [];
  if (!match || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59)
    return { wrong: `${label} must have a time like 14:30, or none.` };
  const clock = `${day}T${two(hour)}:${minute}:${two(second)}`;
  return { instant: instantOf(clock, zone, fraction) };
}

/** The contract keeps microseconds, Date only milliseconds: the fraction goes by as text. */
function instantOf(clock: string, zone: string, fraction: string): string {
  const at = new Date(instantAt(clock, zone));
  const digits = withoutTrailing(fraction, '0');
  return `${at.toISOString().slice(0, 19)}${digits === '' ? '' : `.${digits}`}Z`;
}

// Without the Z, "…:00" sorts before "…:00.5" as text, as it does in time.
const bare = (instant: string): string => instant.slice(0, -1);

function typeMoment(instant: string, zone: string, daysAfter: number): TypedMoment {
  const clock = clockAt(Date.parse(instant), zone);
  const [date, time] = [clock.slice(0, 10), clock.slice(11)];
  const fraction = /\.(\d+)Z$/.exec(instant)?.[1];
  if (fraction !== undefined) return { date, time: `${time}.${fraction}` };
  return time === '00:00:00'
    ? { date: addDays(date, -daysAfter), time: '' }
    : { date, time: time.replace(/:00$/, '') };
}

const two = (digits: string): string => digits.padStart(2, '0');

function boundText(instant: string, zone: string): string {
  const at = new Date(instant);
  const clock = clockAt(at.getTime(), zone);
  const days: Intl.DateTimeFormatOptions = {
    day: 'numeric',
    month: 'short',
    ...(Number(clock.slice(0, 4)) !== new Date().getFullYear() && { year: 'numeric' }),
  };
  return `${format(zone, days).format(at)} ${clock.slice(11).replace(/:00$/, '')} ${zoneName(zone, at)}`;
}
