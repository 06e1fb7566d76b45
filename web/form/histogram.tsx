import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Histogram } from '../../lib/contracts/sources.ts';
import { getHistogram } from '../api/calls.ts';
import { day } from '../time/format.ts';
import type { ReadRange } from '../time/range.ts';
import { formatApproximateRows } from '../ui/quantity.ts';

interface Props {
  source: string;
  dataset: string;
  /** Bars that overlap this range are highlighted. */
  range: ReadRange;
  zone: string;
}

const height = 40;

/** A chart of the rows over time, to choose dates by. It is not interactive. */
export default function DataHistogram({ source, dataset, range, zone }: Props): ReactNode {
  const { data, error } = useQuery({
    queryKey: ['histogram', source, dataset],
    queryFn: ({ signal }) => getHistogram(source, dataset, signal),
    staleTime: 60_000,
  });
  if (!data) return error ? <NoChart>The chart could not be loaded.</NoChart> : null;
  const { buckets, reason } = data;
  const maxRows = buckets.reduce((peak, { rows }) => Math.max(peak, rows), 0);
  if (maxRows === 0) return <NoChart>{`No chart. ${reason ?? ''}`}</NoChart>;
  return (
    <figure>
      <svg
        role="img"
        aria-label={describeHistogram(data, zone)}
        viewBox={`0 0 ${buckets.length * 4} ${height}`}
        preserveAspectRatio="none"
        className="block h-10 w-full border-b border-line"
      >
        {buckets.map((bucket, index) => {
          const barHeight = bucket.rows === 0 ? 0 : Math.max(1, (bucket.rows / maxRows) * height);
          return (
            <rect
              key={bucket.from}
              x={index * 4}
              y={height - barHeight}
              width={3}
              height={barHeight}
              className={overlaps(bucket, range) ? 'fill-accent' : 'fill-control'}
            />
          );
        })}
      </svg>
      <figcaption className="mt-1 text-xs text-muted">
        {`Rows over time (estimated).${reason === null ? '' : ` ${reason}`}`}
        {buckets.some((bucket) => bucket.rows > 0 && overlaps(bucket, range))
          ? null
          : ' No rows in these dates.'}
      </figcaption>
    </figure>
  );
}

function NoChart({ children }: { children: string }): ReactNode {
  return <p className="text-xs text-muted">{children}</p>;
}

type Bucket = Histogram['buckets'][number];

const overlaps = ({ from, to }: Bucket, range: ReadRange): boolean =>
  (range.from === undefined || Date.parse(range.from) < Date.parse(to)) &&
  (range.to === undefined || Date.parse(range.to) > Date.parse(from));

/** Returns the chart in words, for screen readers: the number of rows, their range, and the largest bar. */
function describeHistogram({ buckets, dataset }: Histogram, zone: string): string {
  const filled = buckets.filter(({ rows }) => rows > 0);
  const [first, last] = [filled[0], filled.at(-1)];
  const [peak] = filled.toSorted((a, b) => b.rows - a.rows);
  if (!first || !last || !peak) return '';
  const about = (rows: number): string => formatApproximateRows(Number(rows.toPrecision(2)));
  const all = filled.reduce((sum, { rows }) => sum + rows, 0);
  return `Rows of ${dataset} over time: about ${about(all)} between ${day(zone, first.from, last.to)} and ${day(zone, last.to, first.from)}; most of them, about ${about(peak.rows)}, between ${day(zone, peak.from, peak.to)} and ${day(zone, peak.to, peak.from)}.`;
}
