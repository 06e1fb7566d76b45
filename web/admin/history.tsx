import type { ReactNode } from 'react';
import type { ExportDocument, PublicStatus } from '../../lib/contracts/export-document.ts';
import { exportName, formatLabels } from '../exports/labels.ts';
import { statusLabels, statusStyles } from '../exports/status.tsx';
import { dayAndClock } from '../time/format.ts';
import { useZone } from '../time/zone.ts';
import { Icon } from '../ui/icons.tsx';
import type { Column } from '../ui/list-table.tsx';
import { bytes, formatExact } from '../ui/quantity.ts';
import { useAddress } from './address.ts';
import { CsvButton } from './csv-button.tsx';
import { ChoiceFilter, DayFilters, Filters, TextFilter, useDays } from './filters.tsx';
import { PagedTable } from './paged-table.tsx';

const path = '/admin/exports';
const texts = ['owner', 'source', 'dataset'] as const;
const choices = ['format', 'status'] as const;
const names = [...texts, ...choices, 'from', 'to'] as const;

const labels = { owner: 'Owner', source: 'Source', dataset: 'Dataset' };

/** The exports of all accounts. */
export function History(): ReactNode {
  const zone = useZone();
  const [valueOf, change] = useAddress(names);
  const days = { from: valueOf('from'), to: valueOf('to') };
  const range = useDays(days);
  const query = new URLSearchParams();
  for (const name of [...texts, ...choices])
    if (valueOf(name) !== '') query.set(name, valueOf(name));
  if (range.from !== undefined) query.set('from', range.from);
  if (range.to !== undefined) query.set('to', range.to);
  const set = names.filter((name) => valueOf(name) !== '').length;

  const columns = columnsOf(zone);

  return (
    <PagedTable
      title="History"
      what="exports"
      path={path}
      query={query}
      columns={columns}
      keyOf={({ id }) => id}
      empty="No exports yet."
      isFiltered={set > 0}
      onClear={() => change(Object.fromEntries(names.map((name) => [name, ''])))}
      actions={<CsvButton name="exports.csv" path={path} query={query} />}
      filters={
        <Filters set={set}>
          {texts.map((name) => (
            <TextFilter
              key={name}
              label={labels[name]}
              value={valueOf(name)}
              onChange={(value) => change({ [name]: value })}
            />
          ))}
          <ChoiceFilter
            label="Format"
            all="All formats"
            labels={formatLabels}
            value={valueOf('format')}
            onChange={(format) => change({ format })}
          />
          <ChoiceFilter
            label="Status"
            all="All statuses"
            labels={statusLabels}
            value={valueOf('status')}
            onChange={(status) => change({ status })}
          />
          <DayFilters days={days} errorOf={range.errorOf} onChange={change} />
        </Filters>
      }
    />
  );
}

function StatusWord({ status }: { status: PublicStatus }): ReactNode {
  const { icon, color } = statusStyles[status];
  return (
    <span className={`flex items-center gap-1.5 whitespace-nowrap ${color}`}>
      <Icon name={icon} />
      {statusLabels[status]}
    </span>
  );
}

const columnsOf = (zone: string): Column<ExportDocument>[] => [
  {
    name: 'Export',
    cell: (document) => (
      <>
        <span className="font-medium">{exportName(document)}</span>
        <code className="block font-mono text-xs text-muted">{document.id}</code>
      </>
    ),
  },
  { name: 'Owner', cell: ({ owner }) => owner, sortBy: ({ owner }) => owner },
  { name: 'Source', cell: ({ request }) => request.sources.join(', ') },
  {
    name: 'Status',
    cell: ({ status, error }) => (
      <>
        <StatusWord status={status} />
        {error ? <span className="text-xs text-muted">{error.message}</span> : null}
      </>
    ),
    sortBy: ({ status }) => status,
  },
  {
    name: 'Rows',
    numeric: true,
    cell: ({ file, progress }) => formatExact(file?.rows ?? progress.rows),
    sortBy: ({ file, progress }) => file?.rows ?? progress.rows,
  },
  {
    name: 'Size',
    numeric: true,
    cell: ({ file }) => (file ? bytes(file.bytes) : '–'),
    sortBy: ({ file }) => file?.bytes ?? null,
  },
  {
    name: 'Created',
    numeric: true,
    cell: ({ createdAt }) => dayAndClock(zone, createdAt),
    sortBy: ({ createdAt }) => createdAt,
  },
];
