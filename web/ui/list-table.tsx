import { type ReactNode, useId } from 'react';
import { SelectField } from './field.tsx';
import { Icon } from './icons.tsx';
import { useWide } from './media.ts';

export interface Column<Row> {
  name: string;
  cell: (row: Row) => ReactNode;
  /** Numbers are aligned at their end. */
  numeric?: boolean;
  /** Short words that stay in one line. */
  short?: boolean;
  /** The value by which the rows are sorted; without it the column cannot sort. */
  sortBy?: (row: Row) => string | number | null;
}

export interface Sort {
  column: string;
  descending: boolean;
}

interface Props<Row> {
  caption: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  keyOf: (row: Row) => string;
  sort?: Sort | null;
  onSort?: (sort: Sort | null) => void;
}

/** Rows as a table on wide pages, and as cards on narrow ones. The first column names the row. */
export function ListTable<Row>(props: Props<Row>): ReactNode {
  const wide = useWide();
  const rows = sorted(props.rows, props.columns, props.sort ?? null);
  return wide ? <Table {...props} rows={rows} /> : <Cards {...props} rows={rows} />;
}

function Table<Row>({ caption, columns, rows, keyOf, sort = null, onSort }: Props<Row>): ReactNode {
  return (
    <div className="overflow-clip rounded-card border border-line">
      <table className="w-full border-separate border-spacing-0 text-sm">
        <caption className="bg-surface px-3 py-2 text-left text-xs text-muted">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th
                key={column.name}
                scope="col"
                aria-sort={
                  sort?.column === column.name
                    ? sort.descending
                      ? 'descending'
                      : 'ascending'
                    : undefined
                }
                className={`sticky top-12 border-b border-line bg-surface px-3 py-1 text-xs font-medium text-muted ${column.numeric ? 'text-right' : 'text-left'}`}
              >
                {column.sortBy && onSort ? (
                  <button
                    type="button"
                    className="control-small inline-flex items-center gap-1 rounded-control hover:text-text"
                    onClick={() => onSort(nextSort(sort, column.name))}
                  >
                    {column.name}
                    <Icon
                      name="chevron"
                      className={
                        sort?.column !== column.name
                          ? 'opacity-0'
                          : sort.descending
                            ? ''
                            : 'rotate-180'
                      }
                    />
                  </button>
                ) : (
                  <span className="inline-flex min-h-8 items-center">{column.name}</span>
                )}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)} className="group">
              {columns.map((column, index) => {
                const Cell = index === 0 ? 'th' : 'td';
                return (
                  <Cell
                    key={column.name}
                    {...(index === 0 && { scope: 'row' })}
                    className={`border-b border-line px-3 py-2 align-baseline font-normal wrap-anywhere group-last:border-b-0 ${column.numeric ? 'text-right' : 'text-left'} ${column.numeric || column.short ? 'whitespace-nowrap' : ''}`}
                  >
                    {column.cell(row)}
                  </Cell>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Cards<Row>({ caption, columns, rows, keyOf, sort = null, onSort }: Props<Row>): ReactNode {
  const id = useId();
  const sortable = columns.filter(({ sortBy }) => sortBy);
  return (
    <div className="space-y-3">
      {onSort && sortable.length > 0 && rows.length > 1 ? (
        <SelectField
          id={id}
          label="Sort by"
          value={sort?.column ?? ''}
          onChange={({ target }) =>
            onSort(target.value === '' ? null : { column: target.value, descending: true })
          }
        >
          <option value="">As listed</option>
          {sortable.map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </SelectField>
      ) : null}
      <p className="text-xs text-muted">{caption}</p>
      <ul aria-label={caption} className="space-y-3">
        {rows.map((row) => (
          <li key={keyOf(row)} className="rounded-card border border-line p-4">
            <dl className="grid grid-cols-[minmax(0,2fr)_minmax(0,3fr)] gap-x-3 gap-y-2">
              {columns.map((column) => (
                <div key={column.name} className="contents">
                  <dt className="text-muted">{column.name}</dt>
                  <dd className="min-w-0 wrap-anywhere">{column.cell(row)}</dd>
                </div>
              ))}
            </dl>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** A press sorts by the column, the largest first; the second press turns the order, the third one ends it. */
function nextSort(sort: Sort | null, column: string): Sort | null {
  if (sort?.column !== column) return { column, descending: true };
  return sort.descending ? { column, descending: false } : null;
}

function sorted<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  sort: Sort | null,
): readonly Row[] {
  const sortBy = columns.find(({ name }) => name === sort?.column)?.sortBy;
  if (!sort || !sortBy) return rows;
  const sign = sort.descending ? -1 : 1;
  return rows.toSorted((one, other) => sign * compare(sortBy(one), sortBy(other)));
}

/** Unknown values are the smallest. */
function compare(one: string | number | null, other: string | number | null): number {
  if (one === null || other === null) return Number(one !== null) - Number(other !== null);
  return typeof one === 'number' && typeof other === 'number'
    ? one - other
    : String(one).localeCompare(String(other), 'en');
}
