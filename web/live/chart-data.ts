import { commonGaps, type Gap, gapsOf } from './gaps.ts';
import type { Point } from './series-buffer.ts';
import { sortedIndex } from './sorted-index.ts';

/** Values of a line at the times of the chart: null breaks the line, undefined is a time of another line. */
type LineValues = (number | null | undefined)[];

/** The times, then the values of each line, as uPlot takes them. */
export type AlignedValues = [times: number[], ...lines: LineValues[]];

export interface ChartData {
  aligned: AlignedValues;
  /** The times without readings of any line. */
  bands: Gap[];
}

/** The points of a line that are drawn; a chart has fewer pixels. */
const maxDrawn = 2_000;

/** Returns what a chart of several series shows between two instants. Lines are broken at gaps. */
export function chartData(
  series: readonly (readonly Point[])[],
  { from, to }: { from: number; to: number },
): ChartData {
  const lines = series.map((points) => {
    const visible = visiblePoints(points, from, to);
    const gaps = gapsOf(visible);
    return { points: withoutTail(thin(visible, gaps), to), gaps };
  });
  const withData = lines.filter(({ points }) => points.length > 0);
  return {
    aligned: align(lines),
    bands: commonGaps(withData.map(({ gaps }) => gaps)),
  };
}

/** Returns the points of a range, and one before and after it, so that lines reach the edges. */
function visiblePoints(points: readonly Point[], from: number, to: number): readonly Point[] {
  const first = sortedIndex(points, from);
  const end = sortedIndex(points, to);
  return points.slice(Math.max(0, first - 1), Math.min(points.length, end + 1));
}

/** A producer whose clock is ahead must not move the end of the chart by more than a point. */
const withoutTail = (points: readonly Point[], to: number): readonly Point[] => {
  const beyond = sortedIndex(points, to);
  return beyond < points.length - 1 ? points.slice(0, beyond + 1) : points;
};

/** Keeps the lowest and the highest point of each of up to `maxDrawn / 2` equal stretches, and the ends of gaps. */
function thin(points: readonly Point[], gaps: readonly Gap[]): readonly Point[] {
  const [first, last] = [points[0], points.at(-1)];
  if (points.length <= maxDrawn || !first || !last) return points;
  const stretches = maxDrawn / 2;
  const width = (last.at - first.at) / stretches;
  const gapEnds = new Set(gaps.map(({ to }) => to));
  const kept: Point[] = [];
  let [lowest, highest] = [first, first];
  let stretch = 0;
  const flush = (): void => {
    if (lowest === highest) kept.push(lowest);
    else kept.push(...[lowest, highest].toSorted((a, b) => a.at - b.at));
  };
  for (const point of points.slice(1)) {
    const own = Math.min(stretches - 1, Math.floor((point.at - first.at) / width));
    if (own !== stretch || gapEnds.has(point.at)) {
      flush();
      stretch = own;
      [lowest, highest] = [point, point];
    } else {
      if (point.avg < lowest.avg) lowest = point;
      if (point.avg > highest.avg) highest = point;
    }
  }
  flush();
  return kept;
}

/** Joins the times of all lines, and puts a null in the middle of each gap. */
function align(
  lines: readonly { points: readonly Point[]; gaps: readonly Gap[] }[],
): AlignedValues {
  const times = [
    ...new Set(
      lines.flatMap(({ points, gaps }) => [...points.map(({ at }) => at), ...gaps.map(middleOf)]),
    ),
  ].toSorted((a, b) => a - b);
  const places = new Map(times.map((at, place) => [at, place]));
  return [
    times,
    ...lines.map(({ points, gaps }) => {
      const values: LineValues = Array.from({ length: times.length });
      for (const { at, avg } of points) setAt(values, places.get(at), avg);
      for (const gap of gaps) setAt(values, places.get(middleOf(gap)), null);
      return values;
    }),
  ];
}

const middleOf = ({ from, to }: Gap): number => (from + to) / 2;

function setAt(values: LineValues, place: number | undefined, value: number | null): void {
  if (place !== undefined) values[place] = value;
}
