import type { ReactNode } from 'react';
import { Icon } from '../ui/icons.tsx';
import { duration } from '../ui/quantity.ts';
import { maxLines, type Row } from './feed.ts';
import { isStale } from './gaps.ts';
import { dayAndClockText, valueText, zoneAt } from './labels.ts';
import { Swatch } from './swatch.tsx';

interface Props {
  rows: readonly Row[];
  /** The time that the ages refer to, in ms. */
  now: number;
  zone: string;
  onLine: (series: string, isVisible: boolean) => void;
  onRemove: (series: string) => void;
}

const grid =
  'grid grid-cols-[minmax(0,1fr)_auto] gap-x-4 gap-y-1 px-4 lg:grid-cols-[minmax(0,1fr)_160px_96px_128px_88px] lg:items-center';

/** The latest value of each series, which is also the legend of the chart: a table on wide pages, cards on narrow ones. */
export function LatestTable({ rows, now, zone, onLine, onRemove }: Props): ReactNode {
  const lines = rows.filter(({ slot }) => slot !== null).length;
  return (
    <div
      role="table"
      aria-label="Latest values"
      className="overflow-clip rounded-card border-line lg:border"
    >
      <div role="rowgroup" className="sr-only lg:not-sr-only">
        <div
          role="row"
          className={`${grid} hidden border-b border-line bg-surface py-2 text-xs font-medium text-muted lg:grid`}
        >
          <div role="columnheader">Series</div>
          <div role="columnheader" className="lg:text-right">
            Value
          </div>
          <div role="columnheader">Unit</div>
          <div role="columnheader" className="lg:text-right">
            Age
          </div>
          <div role="columnheader">
            <span className="sr-only">Actions</span>
          </div>
        </div>
      </div>
      <div role="rowgroup" className="space-y-3 lg:space-y-0">
        {rows.map((row) => (
          <LatestRow
            key={row.series}
            row={row}
            now={now}
            zone={zone}
            canHaveLine={row.slot !== null || lines < maxLines}
            onLine={onLine}
            onRemove={onRemove}
          />
        ))}
      </div>
    </div>
  );
}

interface RowProps extends Omit<Props, 'rows'> {
  row: Row;
  canHaveLine: boolean;
}

function LatestRow({ row, now, zone, canHaveLine, onLine, onRemove }: RowProps): ReactNode {
  const { series, unit, latest, intervalMs, slot } = row;
  const stale = isStale(latest?.at ?? null, intervalMs, now);
  const tone = stale ? 'text-muted' : '';
  return (
    <div
      role="row"
      className={`${grid} rounded-card border border-line py-2 [contain-intrinsic-size:auto_48px] [content-visibility:auto] lg:rounded-none lg:border-0 lg:py-1 lg:not-first:border-t`}
    >
      <div role="rowheader" className="flex min-w-0 items-center gap-3">
        <Swatch slot={slot} />
        <span className={`min-w-0 font-medium wrap-anywhere ${tone}`}>{series}</span>
      </div>
      <div role="cell" className={`text-right font-medium ${tone}`} data-value={latest?.value}>
        {latest ? valueText(latest.value) : 'none yet'}
        <span className="font-normal text-muted lg:hidden">{` ${unit}`}</span>
      </div>
      <div role="cell" className="hidden text-muted lg:block">
        {unit}
      </div>
      <div role="cell" className={`order-last text-xs lg:order-none lg:text-right ${tone}`}>
        {latest ? (
          <time
            dateTime={new Date(latest.at).toISOString()}
            title={`${dayAndClockText(zone, latest.at)} ${zoneAt(zone, latest.at)}`}
          >
            {duration(Math.max(0, now - latest.at) / 1_000)}
            <span className="lg:hidden"> ago</span>
            {stale ? <span className="sr-only">, stale</span> : null}
          </time>
        ) : null}
      </div>
      <div role="cell" className="order-last flex justify-end gap-1 lg:order-none">
        <button
          type="button"
          aria-label={`${slot === null ? 'Show' : 'Hide'} the line of ${series}`}
          disabled={!canHaveLine}
          title={canHaveLine ? undefined : `The chart has at most ${maxLines} lines.`}
          onClick={() => onLine(series, slot === null)}
          className="control-small rounded-control px-2 text-xs text-muted hover:bg-hover hover:text-text disabled:opacity-60"
        >
          {slot === null ? 'Show' : 'Hide'}
        </button>
        <button
          type="button"
          aria-label={`Remove ${series}`}
          onClick={() => onRemove(series)}
          className="control-small grid aspect-square place-items-center rounded-control text-muted hover:bg-hover hover:text-text"
        >
          <Icon name="cross" />
        </button>
      </div>
    </div>
  );
}
