import { addDays, monthAfter } from './clock.ts';
import { dayIn, noMoment, type TypedRange } from './range.ts';

export interface Preset {
  label: string;
  range: TypedRange;
}

/** The ranges worth one press, from where the data of a dataset begins and ends. */
export function presets(earliest: string, latest: string, zone: string): Preset[] {
  const first = dayIn(earliest, zone);
  const last = dayIn(latest, zone);
  // The month of the last day, if that is its last one.
  const next = addDays(last, 1);
  const behind = next.endsWith('-01') ? next : monthAfter(last, 0);
  return [
    {
      label: 'Last full month',
      range: days(monthAfter(behind, -1), addDays(behind, -1)),
    },
    { label: 'Last 7 days of data', range: days(addDays(last, -6), last) },
    { label: 'Whole range', range: days(first, last) },
  ];
}

const days = (from: string, to: string): TypedRange => ({
  from: { ...noMoment, date: from },
  to: { ...noMoment, date: to },
});
