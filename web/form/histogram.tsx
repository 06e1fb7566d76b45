import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Dataset, Histogram } from '../../lib/contracts/sources.ts';
import { getHistogram } from '../api/calls.ts';
import { addDays } from '../time/clock.ts';
import { day, dayAndClock } from '../time/format.ts';
import {
  dayIn,
  noDateTime,
  type ReadRange,
  rangeText,
  type TypedRange,
  toTypedRange,
} from '../time/range.ts';
import { formatApproximateRows } from '../ui/quantity.ts';
import { RangeHistogram } from '../ui/range-histogram.tsx';

interface Props {
  source: string;
  dataset: Dataset;
  hasConditions: boolean;
  range: ReadRange;
  /** Whether no dates are chosen. */
  isEmpty: boolean;
  zone: string;
  onChange: (range: TypedRange) => void;
}

/** A chart of the rows over time, to see where the data is and to choose dates on it. */
export default function DataHistogram(props: Props): ReactNode {
  const { source, dataset, hasConditions, range, isEmpty, zone, onChange } = props;
  const { earliest, latest } = dataset;
  const { data, error } = useQuery({
    queryKey: ['histogram', source, dataset.name],
    queryFn: ({ signal }) => getHistogram(source, dataset.name, signal),
    staleTime: 60_000,
  });
  if (!data && !error) return <div className="h-[72px]" />;
  const { buckets = [], reason = null } = data ?? {};
  const [first, last] = [buckets[0], buckets.at(-1)];
  if (!first || !last || buckets.every(({ rows }) => rows === 0))
    return (
      <p className="text-xs text-muted">
        {error ? 'The chart could not be loaded.' : `No chart. ${reason ?? ''}`}
        {earliest === null || latest === null
          ? null
          : ` Data from ${dayAndClock(zone, earliest, latest)} to ${dayAndClock(zone, latest, earliest)}.`}
      </p>
    );
  const [start, end] = [earliest ?? first.from, latest ?? last.to];
  const notes = [
    reason,
    hasConditions ? 'The chart counts the rows without the conditions.' : null,
    buckets.some((bucket) => bucket.rows > 0 && overlaps(bucket, range))
      ? null
      : 'No rows in these dates.',
  ].filter((note) => note !== null);
  return (
    <div className="space-y-1">
      <RangeHistogram
        label={`Rows of ${dataset.name} over time`}
        description={describeHistogram(buckets, zone)}
        bars={buckets}
        isChosen={(bucket) => !isEmpty && overlaps(bucket, range)}
        describe={(from, to) =>
          `${rangeText(typedRange(from, to, zone))}: ${aboutRows(buckets.slice(buckets.indexOf(from), buckets.indexOf(to) + 1))}`
        }
        onChoose={(from, to) => onChange(typedRange(from, to, zone))}
        captions={[day(zone, start, end), 'Rows (estimated)', day(zone, end, start)]}
      />
      {notes.length > 0 ? <p className="text-xs text-muted">{notes.join(' ')}</p> : null}
    </div>
  );
}

type Bucket = Histogram['buckets'][number];

const overlaps = ({ from, to }: Bucket, range: ReadRange): boolean =>
  (range.from === undefined || Date.parse(range.from) < Date.parse(to)) &&
  (range.to === undefined || Date.parse(range.to) > Date.parse(from));

const dayMs = 86_400_000;

/** Returns the dates from one bucket to another: whole days of the zone if the buckets are as long as days. */
function typedRange(first: Bucket, last: Bucket, zone: string): TypedRange {
  if (Date.parse(first.to) - Date.parse(first.from) < dayMs)
    return toTypedRange({ from: first.from, to: last.to }, zone);
  // The edges of the buckets are at midnight in UTC; the day of the zone begins at the nearest midnight.
  const dayAt = (edge: string): string =>
    dayIn(new Date(Date.parse(edge) + dayMs / 2).toISOString(), zone);
  return {
    from: { ...noDateTime, date: dayAt(first.from) },
    to: { ...noDateTime, date: addDays(dayAt(last.to), -1) },
  };
}

function aboutRows(buckets: readonly Bucket[]): string {
  const rows = buckets.reduce((sum, bucket) => sum + bucket.rows, 0);
  return `about ${formatApproximateRows(Number(rows.toPrecision(2)))}`;
}

/** Returns the chart in words, for screen readers: the number of rows, their range, and the largest bar. */
function describeHistogram(buckets: readonly Bucket[], zone: string): string {
  const filled = buckets.filter(({ rows }) => rows > 0);
  const [first, last] = [filled[0], filled.at(-1)];
  const [peak] = filled.toSorted((a, b) => b.rows - a.rows);
  if (!first || !last || !peak) return '';
  const between = (from: string, to: string): string =>
    `between ${day(zone, from, to)} and ${day(zone, to, from)}`;
  return `${aboutRows(filled)} ${between(first.from, last.to)}; most of them, ${aboutRows([peak])}, ${between(peak.from, peak.to)}.`;
}
