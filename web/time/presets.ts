import { endOfMonth, isSameDay, startOfMonth } from '@internationalized/date';
import { dayIn, noMoment, type TypedRange } from './range.ts';

export interface Preset {
  label: string;
  range: TypedRange;
}

/** The ranges worth one press, from where the data of a dataset begins and ends. */
export function presets(earliest: string, latest: string, zone: string): Preset[] {
  const first = dayIn(earliest, zone);
  const last = dayIn(latest, zone);
  const monthOfLast = startOfMonth(last);
  const month = isSameDay(last, endOfMonth(last))
    ? monthOfLast
    : monthOfLast.subtract({ months: 1 });
  return [
    { label: 'Last full month', range: days(month.toString(), endOfMonth(month).toString()) },
    {
      label: 'Last 7 days of data',
      range: days(last.subtract({ days: 6 }).toString(), last.toString()),
    },
    { label: 'Whole range', range: days(first.toString(), last.toString()) },
  ];
}

const days = (from: string, to: string): TypedRange => ({
  from: { ...noMoment, date: from },
  to: { ...noMoment, date: to },
});
