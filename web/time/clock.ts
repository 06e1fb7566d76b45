import { format } from './format.ts';

/*
 * Days as `YYYY-MM-DD` and clock times as `YYYY-MM-DDTHH:MM:SS`. The library of the calendar does the same and much
 * more, for 5 kB gzip: it comes with the calendar, and clock.test.ts holds this against it.
 */
const dayMs = 86_400_000;

/** What the clocks of a zone show at an instant, in ms since 1970. */
export const clockAt = (instant: number, zone: string): string =>
  new Date(instant + offsetAt(instant, zone)).toISOString().slice(0, 19);

/**
 * The instant, in ms since 1970, at which the clocks of a zone show this: the first where they do twice; where they
 * skip it, as long after the skip as it is after its beginning.
 */
export function instantAt(clock: string, zone: string): number {
  const shown = Date.parse(`${clock}Z`);
  const tried = [-dayMs, dayMs].map((aside) => shown - offsetAt(shown + aside, zone));
  const right = tried.filter((instant) => instant + offsetAt(instant, zone) === shown);
  return right.length > 0 ? Math.min(...right) : Math.max(...tried);
}

export const addDays = (day: string, days: number): string =>
  dayOf(new Date(Date.parse(`${day}T00:00:00Z`) + days * dayMs));

/** The first day of the month that is so many after that of a day. */
export function monthAfter(day: string, months: number): string {
  const first = new Date(`${day.slice(0, 7)}-01T00:00:00Z`);
  first.setUTCMonth(first.getUTCMonth() + months);
  return dayOf(first);
}

/** The day in its usual form, null if there is none of it. */
export function existingDay(year: string, month: string, day: string): string | null {
  const text = `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
  const at = new Date(`${text}T00:00:00Z`);
  // February 30 is taken for a day in March.
  return !Number.isNaN(at.getTime()) && dayOf(at) === text ? text : null;
}

const dayOf = (at: Date): string => at.toISOString().slice(0, 10);

/** How far the clocks of a zone are ahead of UTC at an instant, in ms. */
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
  const shown = new Date(0);
  shown.setUTCFullYear(part('year'), part('month') - 1, part('day'));
  shown.setUTCHours(part('hour'), part('minute'), part('second'));
  return shown.getTime() - Math.floor(instant / 1_000) * 1_000;
}
