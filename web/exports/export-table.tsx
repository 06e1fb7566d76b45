import type { ReactNode } from 'react';
import type { ListSort } from '../api/calls.ts';
import { newestFirst } from '../api/calls.ts';
import { dayName } from '../time/format.ts';
import { useZone } from '../time/zone.ts';
import { Icon } from '../ui/icons.tsx';
import { useNow } from '../ui/now.ts';
import { ExportRow } from './export-row.tsx';
import type { PollingState } from './polling-state.ts';
import type { Selection } from './use-selection.ts';

interface Props {
  rows: readonly PollingState[];
  sort: ListSort;
  onSort: (sort: ListSort) => void;
  selection: Selection;
}

/**
 * A table on wide pages, cards on narrow ones. The roles are explicit because some browsers remove the meaning of a
 * table with `display: grid`. In the order of their requests the rows are grouped by day.
 */
export function ExportTable({ rows, sort, onSort, selection }: Props): ReactNode {
  const zone = useZone();
  const now = useNow(30_000);
  const groups =
    sort.by === 'createdAt'
      ? Map.groupBy(rows, ({ document }) => dayName(zone, document.createdAt))
      : new Map([['', rows]]);
  return (
    <div
      role="table"
      aria-label="Exports"
      className="@container rounded-card border border-line bg-background"
    >
      <div role="rowgroup">
        <div
          role="row"
          className="export-grid min-h-9 rounded-t-card bg-surface text-xs font-medium text-muted"
        >
          <div role="columnheader" className="[grid-area:select]">
            <SelectAll rows={rows} selection={selection} />
          </div>
          <SortHeader
            label="Requested"
            by="createdAt"
            area="[grid-area:export]"
            {...{ sort, onSort }}
          />
          <div role="columnheader" className="export-head [grid-area:status]">
            Status
          </div>
          <SortHeader label="Rows" by="rows" area="[grid-area:rows]" {...{ sort, onSort }} />
          <SortHeader label="Size" by="bytes" area="[grid-area:size]" {...{ sort, onSort }} />
          <SortHeader
            label="Expires"
            by="expiresAt"
            area="[grid-area:expires]"
            {...{ sort, onSort }}
          />
          <div role="columnheader" className="[grid-area:actions]">
            <span className="sr-only">Actions</span>
          </div>
        </div>
      </div>
      {[...groups].map(([name, ofGroup]) => (
        <div key={name} role="rowgroup" aria-label={name === '' ? undefined : name}>
          {name === '' ? null : (
            <p
              aria-hidden="true"
              className="sticky top-12 z-1 border-t border-line bg-surface px-3 py-1.5 text-xs font-medium text-muted"
            >
              {name}
            </p>
          )}
          {ofGroup.map((tracked) => (
            <ExportRow
              key={tracked.document.id}
              tracked={tracked}
              isGrouped={name !== ''}
              selection={selection}
              now={now}
            />
          ))}
        </div>
      ))}
    </div>
  );
}

function SelectAll({ rows, selection }: Pick<Props, 'rows' | 'selection'>): ReactNode {
  const count = rows.filter(({ document }) => selection.has(document.id)).length;
  return (
    <label className="checkbox-target">
      <input
        type="checkbox"
        aria-label="Select all listed exports"
        checked={count > 0 && count === rows.length}
        ref={(box) => {
          if (box) box.indeterminate = count > 0 && count < rows.length;
        }}
        onChange={({ target }) =>
          selection.set(target.checked ? rows.map(({ document }) => document.id) : [])
        }
      />
    </label>
  );
}

function SortHeader({
  label,
  by,
  area,
  sort,
  onSort,
}: Pick<Props, 'sort' | 'onSort'> & {
  label: string;
  by: ListSort['by'];
  area: string;
}): ReactNode {
  const isSorted = sort.by === by;
  const isNumber = by !== 'createdAt';
  return (
    <div
      role="columnheader"
      aria-sort={isSorted ? (sort.descending ? 'descending' : 'ascending') : undefined}
      className={`${isNumber ? 'export-head text-right' : ''} ${area}`}
    >
      <button
        type="button"
        className="control-small -mx-1 inline-flex items-center gap-0.5 rounded-control px-1 hover:text-text"
        onClick={() => onSort(nextSort(sort, by))}
      >
        {label}
        {isSorted ? <Icon name="chevron" className={sort.descending ? '' : 'rotate-180'} /> : null}
      </button>
    </div>
  );
}

/** A press sorts by the column, the greatest first; a second press turns the order. */
const nextSort = (sort: ListSort, by: ListSort['by']): ListSort => {
  const descending = sort.by !== by || !sort.descending;
  return by === 'createdAt' && descending ? newestFirst : { by, descending };
};
