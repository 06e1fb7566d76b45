import { type ReactNode, useState } from 'react';
import type { Stats } from '../../lib/contracts/admin.ts';
import { Button } from '../ui/button.tsx';
import { type Column, ListTable } from '../ui/list-table.tsx';
import { bytes, duration, formatExact } from '../ui/quantity.ts';

export type StatsItem = Stats['items'][number];

interface Bar {
  key: string;
  label: string;
  value: number;
  /** The part of the value that failed. */
  failed?: number;
}

interface Props {
  title: string;
  /** The unit and, for days, the zone: “exports per day, UTC”. */
  unit: string;
  bars: readonly Bar[];
  format: (value: number) => string;
  /** The days are next to each other, other bars below each other. */
  layout: 'days' | 'list';
  items: readonly StatsItem[];
  keyName: string;
}

/** A chart with its numbers as a table on demand. */
export function BarChart(props: Props): ReactNode {
  const { title, unit, bars, format, layout, items, keyName } = props;
  const [isTable, setIsTable] = useState(false);
  const hasFailed = bars.some(({ failed = 0 }) => failed > 0);
  return (
    <section aria-label={title} className="min-w-0 space-y-3 rounded-card border border-line p-4">
      <div>
        <h2 className="font-semibold">{title}</h2>
        <p className="text-xs text-muted">{unit}</p>
      </div>
      {items.length === 0 ? (
        <p className="text-muted">No exports in this time.</p>
      ) : layout === 'days' ? (
        <Days title={title} bars={bars} format={format} />
      ) : (
        <List bars={bars} format={format} />
      )}
      {hasFailed ? (
        <p className="flex items-center gap-2 text-xs text-muted">
          <span className="size-3 rounded-control bg-danger" /> failed
          <span className="size-3 rounded-control bg-accent" /> others
        </p>
      ) : null}
      {items.length === 0 ? null : (
        <Button
          small
          aria-expanded={isTable}
          aria-label={`${isTable ? 'Hide table' : 'Show as table'}: ${title}`}
          onClick={() => setIsTable(!isTable)}
        >
          {isTable ? 'Hide table' : 'Show as table'}
        </Button>
      )}
      {isTable ? (
        <div
          className="max-h-[40vh] overflow-auto"
          role="region"
          aria-label={`${title} as table`}
          tabIndex={0}
        >
          <ListTable
            caption={`${title}, ${unit}`}
            columns={columnsOf(keyName)}
            rows={items}
            keyOf={({ key }) => key}
          />
        </div>
      ) : null}
    </section>
  );
}

function Days({ title, bars, format }: Pick<Props, 'title' | 'bars' | 'format'>): ReactNode {
  const max = Math.max(...bars.map(({ value }) => value));
  const top = bars.find(({ value }) => value === max);
  return (
    <div
      role="img"
      aria-label={`${title}, ${bars.length} days, the most on ${top?.label ?? ''}: ${format(max)}`}
    >
      <p className="text-right text-xs text-muted">{format(max)}</p>
      <div className="flex h-28 items-end gap-px border-t border-b border-line border-b-control">
        {bars.map(({ key, label, value, failed = 0 }) => (
          <div
            key={key}
            title={`${label}: ${format(value)}${failed > 0 ? `, ${formatExact(failed)} failed` : ''}`}
            className="flex h-full min-w-0 flex-1 flex-col justify-end hover:bg-hover"
          >
            <div className="bg-accent" style={{ height: percent(value - failed, max) }} />
            <div className="bg-danger" style={{ height: percent(failed, max) }} />
          </div>
        ))}
      </div>
      <div className="mt-1 flex justify-between text-xs text-muted">
        <span>{bars[0]?.label}</span>
        <span>{bars.at(-1)?.label}</span>
      </div>
    </div>
  );
}

function List({ bars, format }: Pick<Props, 'bars' | 'format'>): ReactNode {
  const max = Math.max(1, ...bars.map(({ value }) => value));
  return (
    <ul className="space-y-2">
      {bars.map(({ key, label, value, failed = 0 }) => (
        <li key={key}>
          <div className="flex justify-between gap-3">
            <span className="min-w-0 wrap-anywhere">{label}</span>
            <span className="whitespace-nowrap text-muted">
              {format(value)}
              {failed > 0 ? (
                <span className="text-danger">{`, ${formatExact(failed)} failed`}</span>
              ) : null}
            </span>
          </div>
          <div aria-hidden="true" className="mt-1 flex h-2 overflow-hidden rounded-full bg-surface">
            <div className="bg-accent" style={{ width: percent(value - failed, max) }} />
            <div className="bg-danger" style={{ width: percent(failed, max) }} />
          </div>
        </li>
      ))}
    </ul>
  );
}

const percent = (value: number, max: number): string => `${max === 0 ? 0 : (100 * value) / max}%`;

const seconds = (value: number | null): string => (value === null ? '' : duration(value));

const columnsOf = (keyName: string): Column<StatsItem>[] => [
  { name: keyName, cell: ({ key }) => key },
  { name: 'Exports', numeric: true, cell: (item) => formatExact(item.exports) },
  { name: 'With file', numeric: true, cell: ({ ready }) => formatExact(ready) },
  { name: 'Failed', numeric: true, cell: ({ failed }) => formatExact(failed) },
  { name: 'Rows', numeric: true, cell: ({ rows }) => formatExact(rows) },
  { name: 'Size', numeric: true, cell: (item) => bytes(item.bytes) },
  { name: 'Median time', numeric: true, cell: (item) => seconds(item.seconds.p50) },
  { name: '95 % within', numeric: true, cell: (item) => seconds(item.seconds.p95) },
];
