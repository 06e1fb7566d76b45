import { useQuery } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { Histogram } from '../../lib/contracts/sources.ts';
import { getHistogram } from '../api/calls.ts';
import { day } from '../time/format.ts';
import type { ReadRange } from '../time/range.ts';
import { roughRows } from '../ui/quantity.ts';

interface Props {
  source: string;
  dataset: string;
  /** The bars of these times stand out. */
  range: ReadRange;
  zone: string;
}

const height = 40;

/** Where the data is over time, to choose dates by; it tells, and takes nothing. */
export default function DataHistogram({ source, dataset, range, zone }: Props): ReactNode {
  const { data, error } = useQuery({
    queryKey: ['histogram', source, dataset],
    queryFn: ({ signal }) => getHistogram(source, dataset, signal),
    staleTime: 60_000,
  });
  if (!data) return error ? <Unknown>Where the data is could not be loaded.</Unknown> : null;
  const { buckets, reason } = data;
  const most = buckets.reduce((peak, { rows }) => Math.max(peak, rows), 0);
  if (most === 0) return <Unknown>{`Where the data is: not known. ${reason ?? ''}`}</Unknown>;
  return (
    <figure>
      <svg
        role="img"
        aria-label={inWords(data, zone)}
        viewBox={`0 0 ${buckets.length * 4} ${height}`}
        preserveAspectRatio="none"
        className="block h-10 w-full border-b border-line"
      >
        {buckets.map((bucket, n) => {
          const size = bucket.rows === 0 ? 0 : Math.max(1, (bucket.rows / most) * height);
          return (
            <rect
              key={bucket.from}
              x={n * 4}
              y={height - size}
              width={3}
              height={size}
              className={overlaps(bucket, range) ? 'fill-accent' : 'fill-control'}
            />
          );
        })}
      </svg>
      <figcaption className="mt-1 text-xs text-muted">
        {`Where data is, by the statistics of ${source}.${reason === null ? '' : ` ${reason}`}`}
        {buckets.some((bucket) => bucket.rows > 0 && overlaps(bucket, range))
          ? null
          : ' None of it in these dates.'}
      </figcaption>
    </figure>
  );
}

function Unknown({ children }: { children: string }): ReactNode {
  return <p className="text-xs text-muted">{children}</p>;
}

type Bucket = Histogram['buckets'][number];

const overlaps = ({ from, to }: Bucket, range: ReadRange): boolean =>
  (range.from === undefined || Date.parse(range.from) < Date.parse(to)) &&
  (range.to === undefined || Date.parse(range.to) > Date.parse(from));

/** The same for who does not see it: how much, from when to when, and where most of it is. */
function inWords({ buckets, dataset }: Histogram, zone: string): string {
  const filled = buckets.filter(({ rows }) => rows > 0);
  const [first, last] = [filled[0], filled.at(-1)];
  const [peak] = filled.toSorted((a, b) => b.rows - a.rows);
  if (!first || !last || !peak) return '';
  const about = (rows: number): string => roughRows(Number(rows.toPrecision(2)));
  const all = filled.reduce((sum, { rows }) => sum + rows, 0);
  return `Where data is in ${dataset}: about ${about(all)} between ${day(zone, first.from)} and ${day(zone, last.to)}; most of them, about ${about(peak.rows)}, between ${day(zone, peak.from)} and ${day(zone, peak.to)}.`;
}
