import type { ReactNode } from 'react';
import type { AuditAction, AuditEntry, AuditOutcome } from '../../lib/contracts/audit.ts';
import { exactTime } from '../time/format.ts';
import { useZone } from '../time/zone.ts';
import { Icon } from '../ui/icons.tsx';
import type { Column } from '../ui/list-table.tsx';
import { useAddress } from './address.ts';
import { CsvButton } from './csv-button.tsx';
import { ChoiceFilter, DayFilters, Filters, TextFilter, useDays } from './filters.tsx';
import { PagedTable } from './paged-table.tsx';

const path = '/admin/audit';
const names = ['actor', 'action', 'export', 'from', 'to'] as const;

/** Who did what. */
export function Audit(): ReactNode {
  const zone = useZone();
  const [valueOf, change] = useAddress(names);
  const days = { from: valueOf('from'), to: valueOf('to') };
  const range = useDays(days);
  const id = valueOf('export');
  const isId = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i.test(id);
  const query = new URLSearchParams();
  if (valueOf('actor') !== '') query.set('actor', valueOf('actor'));
  if (Object.hasOwn(actionLabels, valueOf('action'))) query.set('action', valueOf('action'));
  if (isId) query.set('export', id);
  if (range.from !== undefined) query.set('from', range.from);
  if (range.to !== undefined) query.set('to', range.to);
  const set = names.filter((name) => valueOf(name) !== '').length;

  const columns = columnsOf(zone);

  return (
    <PagedTable
      title="Audit"
      what="entries"
      path={path}
      query={query}
      columns={columns}
      keyOf={(entry) => entry.id}
      empty="No entries yet."
      isFiltered={set > 0}
      onClear={() => change(Object.fromEntries(names.map((name) => [name, ''])))}
      actions={<CsvButton name="audit.csv" path={path} query={query} />}
      filters={
        <Filters set={set}>
          <TextFilter
            label="Who"
            value={valueOf('actor')}
            onChange={(actor) => change({ actor })}
          />
          <ChoiceFilter
            label="What"
            all="All actions"
            labels={actionLabels}
            value={valueOf('action')}
            onChange={(action) => change({ action })}
          />
          <TextFilter
            label="Id of an export"
            value={id}
            error={id === '' || isId ? undefined : 'Enter the whole id.'}
            onChange={(value) => change({ export: value })}
          />
          <DayFilters days={days} errorOf={range.errorOf} onChange={change} />
        </Filters>
      }
    />
  );
}

function Outcome({ outcome }: { outcome: AuditOutcome }): ReactNode {
  return outcome === 'done' ? null : (
    <span
      className={`flex items-center gap-1.5 ${outcome === 'failed' ? 'text-danger' : 'text-warning'}`}
    >
      <Icon name={outcome === 'failed' ? 'warning' : 'crossCircle'} />
      {outcome === 'failed' ? 'Failed' : 'Refused'}
    </span>
  );
}

const actionLabels: Record<AuditAction, string> = {
  'session.create': 'Sign in',
  'session.end': 'Sign out',
  'session.end-all': 'Sign out everywhere',
  'password.change': 'Change password',
  'key.create': 'Create key',
  'key.revoke': 'Revoke key',
  'account.create': 'Create account',
  'account.change': 'Change account',
  'account.revoke': 'Revoke everything',
  'account.set-limits': 'Set limits',
  'account.set-event-policy': 'Set event policy',
  'account.set-grants': 'Set grants',
  'source.pause': 'Pause source',
  'source.resume': 'Resume source',
  'export.create': 'Request export',
  'export.retry': 'Run export again',
  'export.cancel': 'Cancel export',
  'export.delete': 'Delete export',
  'export.expire': 'Export expired',
  'export.acknowledge': 'Acknowledge export',
  'event.accept': 'Accept event',
  'event.reject': 'Reject event',
  'ticket.create': 'Create download link',
  'live-ticket.create': 'Open live connection',
  'download.refuse': 'Refuse download',
  'download.deliver': 'Deliver download',
  'readings.create': 'Send readings',
  'dead-letter.replay': 'Replay dead letter',
  'dead-letter.discard': 'Discard dead letter',
};

const columnsOf = (zone: string): Column<AuditEntry>[] => [
  { name: 'Time', cell: ({ at }) => exactTime(zone, at), sortBy: ({ at }) => at },
  { name: 'Who', cell: ({ actor }) => actor, sortBy: ({ actor }) => actor },
  {
    name: 'What',
    cell: ({ action, outcome }) => (
      <>
        {actionLabels[action]}
        <Outcome outcome={outcome} />
      </>
    ),
    sortBy: ({ action }) => action,
  },
  { name: 'To what', cell: ({ target }) => target ?? '–' },
  { name: 'Address', cell: ({ address }) => address ?? '–' },
  {
    name: 'Details',
    cell: ({ details }) => (
      <span className="text-xs text-muted">
        {Object.entries(details)
          .map(([name, value]) => `${name}: ${Array.isArray(value) ? value.join(', ') : value}`)
          .join('; ')}
      </span>
    ),
  },
];
