import type { ReactNode } from 'react';
import type { Frame } from './feed.ts';
import { dayAndClockText, valueText, zoneAt } from './labels.ts';

/** A table is for reading: more rows than this are joined. */
const maxRows = 120;

const steps = [1, 5, 10, 30, 60, 300, 600, 1_800, 3_600, 21_600, 86_400, 604_800].map(
  (seconds) => seconds * 1_000,
);

/** The values of the chart as a table, newest first: the last value of each series in equal stretches of time. */
export function DataTable({ frame, zone }: { frame: Frame; zone: string }): ReactNode {
  const { from, to, lines } = frame;
  const step = steps.find((candidate) => (to - from) / candidate <= maxRows) ?? to - from;
  const rows = rowsOf(frame, step);
  return (
    <div
      role="region"
      aria-label="Data of the chart"
      tabIndex={0}
      className="max-h-[60vh] overflow-auto rounded-card border border-line"
    >
      <table className="w-full text-sm">
        <caption className="bg-surface px-4 py-2 text-left text-xs text-muted">
          {`${dayAndClockText(zone, from)} to ${dayAndClockText(zone, to)} ${zoneAt(zone, to)}, the last value of every ${stepText(step)}, newest first`}
        </caption>
        <thead>
          <tr className="border-b border-line bg-surface text-xs text-muted">
            <th scope="col" className="px-4 py-2 text-left font-medium">
              Time
            </th>
            {lines.map(({ series, unit }) => (
              <th
                key={series}
                scope="col"
                className="px-4 py-2 text-right font-medium wrap-anywhere"
              >
                {unit === '' ? series : `${series}, ${unit}`}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(({ at, values }) => (
            <tr key={at} className="border-b border-line last:border-0">
              <th scope="row" className="px-4 py-1 text-left font-normal whitespace-nowrap">
                {dayAndClockText(zone, at)}
              </th>
              {values.map((value, index) => (
                <td key={lines[index]?.series} className="px-4 py-1 text-right">
                  {value === null ? '' : valueText(value)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function rowsOf(
  { data: { aligned }, from, to, lines }: Frame,
  step: number,
): { at: number; values: (number | null)[] }[] {
  const [times, ...values] = aligned;
  const rows = new Map<number, (number | null)[]>();
  for (const [index, at] of times.entries()) {
    if (at < from || at > to) continue;
    const start = Math.floor(at / step) * step;
    const row = rows.get(start) ?? lines.map(() => null);
    for (const [line, own] of values.entries()) {
      const value = own[index];
      if (typeof value === 'number') row[line] = value;
    }
    if (row.some((value) => value !== null)) rows.set(start, row);
  }
  return [...rows].map(([at, row]) => ({ at, values: row })).toReversed();
}

function stepText(step: number): string {
  const seconds = step / 1_000;
  if (seconds < 60) return seconds === 1 ? 'second' : `${seconds} seconds`;
  const minutes = seconds / 60;
  if (minutes < 60) return minutes === 1 ? 'minute' : `${minutes} minutes`;
  const hours = minutes / 60;
  if (hours < 24) return hours === 1 ? 'hour' : `${hours} hours`;
  return hours === 24 ? 'day' : `${Math.round(hours / 24)} days`;
}
