import { addDays, monthAfter } from './clock.ts';
import { dayIn, noDateTime, type TypedRange } from './range.ts';

export interface Preset {
  label: string;
  range: TypedRange;
}

/** Returns the ranges that have a button, from the first and the last instant of the data. */
export function presets(earliest: string, latest: string, zone: string): Preset[] {
  const first = dayIn(earliest, zone);
  const last = dayIn(latest, zone);
  // The month of the last day counts as full if the last day ends it.
  const next = addDays(last, 1);
  const monthEnd = next.endsWith('-01') ? next : monthAfter(last, 0);
  return [
    {
      label: 'Last full month',
      range: days(monthAfter(monthEnd, -1), addDays(monthEnd, -1)),
    },
    { label: 'Last 7 days of data', range: days(addDays(last, -6), last) },
    { label: 'Whole range', range: days(first, last) },
  ];
}

const days = (from: string, to: string): TypedRange => ({
  from: { ...noDateTime, date: from },
  to: { ...noDateTime, date: to },
});
