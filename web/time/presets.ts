import { addDays, monthAfter } from './clock.ts';
import { dayIn, noDateTime, type TypedRange } from './range.ts';

export interface Preset {
  label: string;
  range: TypedRange;
}

/** The first and the last instant of the data; null if they are not known. */
export interface DataSpan {
  earliest: string | null;
  latest: string | null;
}

/**
 * Returns the ranges that have a button. They follow the clock of the zone if the data reaches today or its end is not
 * known. Otherwise they follow the last day of the data, and their labels say so.
 */
export function presets({ earliest, latest }: DataSpan, zone: string, now: number): Preset[] {
  const today = dayIn(new Date(now).toISOString(), zone);
  const last = latest === null ? null : dayIn(latest, zone);
  const whole: Preset[] =
    earliest === null || last === null
      ? []
      : [{ label: 'Whole range', range: days(dayIn(earliest, zone), last) }];
  const fullMonth = { label: 'Last full month', range: lastFullMonth(latest, zone, now) };
  if (last !== null && last < today)
    return [
      { label: 'Last day of data', range: days(last, last) },
      { label: 'Last 7 days of data', range: days(addDays(last, -6), last) },
      fullMonth,
      ...whole,
    ];
  const yesterday = addDays(today, -1);
  const weekEnd = last ?? today;
  return [
    { label: 'Today', range: days(today, today) },
    { label: 'Yesterday', range: days(yesterday, yesterday) },
    {
      label: last === null ? 'Last 7 days' : 'Last 7 days of data',
      range: days(addDays(weekEnd, -6), weekEnd),
    },
    { label: 'This month', range: days(monthAfter(today, 0), addDays(monthAfter(today, 1), -1)) },
    fullMonth,
    ...whole,
  ];
}

/** Returns the last month that is over: that of the clock, or that of the data if the data ends before today. */
export function lastFullMonth(latest: string | null, zone: string, now: number): TypedRange {
  const today = dayIn(new Date(now).toISOString(), zone);
  const last = latest === null ? today : dayIn(latest, zone);
  // The month of the last day counts as full if the last day ends it.
  const next = addDays(last, 1);
  const endsMonth = last < today && next.endsWith('-01');
  const monthStart = endsMonth ? next : monthAfter(last < today ? last : today, 0);
  return days(monthAfter(monthStart, -1), addDays(monthStart, -1));
}

const days = (from: string, to: string): TypedRange => ({
  from: { ...noDateTime, date: from },
  to: { ...noDateTime, date: to },
});
