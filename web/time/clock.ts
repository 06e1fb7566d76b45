import { format } from './format.ts';

/*
 * Days as `YYYY-MM-DD` and clock times as `YYYY-MM-DDTHH:MM:SS`. The library of the calendar could do this, but it is
 * 5 kB gzip and loads only with the calendar; clock.test.ts compares the results of both.
 */
const dayMs = 86_400_000;

/** Returns the clock time of a zone at an instant, in ms since 1970. */
export const clockAt = (instant: number, zone: string): string =>
  new Date(instant + offsetAt(instant, zone)).toISOString().slice(0, 19);

/**
 * Returns the instant, in ms since 1970, of a clock time in a zone. If the clocks show the time twice, it is the first
 * instant. If they skip it, the time moves forward by the length of the skip.
 */
export function instantAt(clock: string, zone: string): number {
  const clockMs = Date.parse(`${clock}Z`);
  const candidates = [-dayMs, dayMs].map((shift) => clockMs - offsetAt(clockMs + shift, zone));
  const matching = candidates.filter((instant) => instant + offsetAt(instant, zone) === clockMs);
  return matching.length > 0 ? Math.min(...matching) : Math.max(...candidates);
}

export const addDays = (day: string, days: number): string =>
  dayOf(new Date(Date.parse(`${day}T00:00:00Z`) + days * dayMs));

/** Returns the first day of the month that is `months` after the month of a day. */
export function monthAfter(day: string, months: number): string {
  const first = new Date(`${day.slice(0, 7)}-01T00:00:00Z`);
  first.setUTCMonth(first.getUTCMonth() + months);
  return dayOf(first);
}

/** Returns the day as `YYYY-MM-DD`; null if it does not exist. */
export function existingDay(year: string, month: string, day: string): string | null {
  const text = `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
  const at = new Date(`${text}T00:00:00Z`);
  // Date reads February 30 as a day in March.
  return !Number.isNaN(at.getTime()) && dayOf(at) === text ? text : null;
}

const dayOf = (at: Date): string => at.toISOString().slice(0, 10);

/** Returns how far a zone is ahead of UTC at an instant, in ms. */
function offsetAt(instant: number, zone: string): number {
  const numeric = 'numeric';
  const parts = format(zone, {
    year: numeric,
    month: numeric,
    day: numeric,
    hour: numeric,
    minute: numeric,
    second: numeric,
  }).formatToParts(instant);
  const part = (wanted: string): number =>
    Number(parts.find(({ type }) => type === wanted)?.value ?? 0);
  const clockTime = new Date(0);
  clockTime.setUTCFullYear(part('year'), part('month') - 1, part('day'));
  clockTime.setUTCHours(part('hour'), part('minute'), part('second'));
  return clockTime.getTime() - Math.floor(instant / 1_000) * 1_000;
}
