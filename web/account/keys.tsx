import { queryOptions, useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import type { ApiKey } from '../../lib/contracts/api-keys.ts';
import type { Scope } from '../../lib/contracts/scopes.ts';
import { dayAndClock } from '../time/format.ts';
import { useZone } from '../time/zone.ts';
import { Button } from '../ui/button.tsx';
import { FailureNote } from '../ui/failure-note.tsx';
import { type Column, ListTable } from '../ui/list-table.tsx';
import { Modal, ModalActions } from '../ui/modal.tsx';
import { useNow } from '../ui/now.ts';
import { EmptyPanel, FailedPanel, Skeleton } from '../ui/panels.tsx';
import { useAction } from '../ui/use-action.ts';
import { listKeys, revokeKey } from './calls.ts';
import { NewKeyDialog } from './new-key-dialog.tsx';
import { Section } from './section.tsx';

const keysQuery = queryOptions({
  queryKey: ['keys'],
  queryFn: ({ signal }) => listKeys(signal),
});

const headingId = 'keys';

export function Keys({ scopes }: { scopes: readonly Scope[] }): ReactNode {
  const { data, error, refetch } = useQuery(keysQuery);
  const [creating, setCreating] = useState(false);
  const [revoking, setRevoking] = useState<ApiKey | null>(null);
  const create = <Button onClick={() => setCreating(true)}>Create key</Button>;
  const items = data?.items ?? [];
  return (
    <Section id={headingId} title="API keys" action={items.length > 0 ? create : null}>
      {data === undefined ? (
        error ? (
          <FailedPanel what="the keys" error={error} onRetry={() => void refetch()} />
        ) : (
          <Skeleton label="Loading the keys" rows={2} />
        )
      ) : items.length === 0 ? (
        <EmptyPanel action={create}>No keys.</EmptyPanel>
      ) : (
        <KeyTable keys={items} onRevoke={setRevoking} />
      )}
      {creating ? <NewKeyDialog scopes={scopes} onClose={() => setCreating(false)} /> : null}
      {revoking ? <RevokeDialog apiKey={revoking} onClose={() => setRevoking(null)} /> : null}
    </Section>
  );
}

function KeyTable({
  keys,
  onRevoke,
}: {
  keys: readonly ApiKey[];
  onRevoke: (key: ApiKey) => void;
}): ReactNode {
  const zone = useZone();
  const columns = columnsOf(zone, useNow(60_000), onRevoke);
  return (
    <ListTable
      caption="Your keys, newest first"
      columns={columns}
      rows={keys}
      keyOf={({ id }) => id}
    />
  );
}

function RevokeDialog({ apiKey, onClose }: { apiKey: ApiKey; onClose: () => void }): ReactNode {
  const { start, busy, failure } = useAction(() => revokeKey(apiKey.id), {
    changes: [keysQuery.queryKey],
    done: () => {
      onClose();
      return `Key ${apiKey.name} revoked`;
    },
  });
  return (
    <Modal title={`Revoke ${apiKey.name}?`} onClose={onClose} returnFocusTo={headingId}>
      <p className="mt-2 mb-4 text-muted">
        Calls with this key, and downloads and connections that it started, are refused now. Cannot
        be undone.
      </p>
      <FailureNote failure={failure} />
      <ModalActions>
        <Button data-initial-focus onClick={onClose}>
          Keep key
        </Button>
        <Button variant="danger" busy={busy} onClick={() => start(undefined)}>
          Revoke key
        </Button>
      </ModalActions>
    </Modal>
  );
}

const columnsOf = (
  zone: string,
  now: number,
  onRevoke: (key: ApiKey) => void,
): Column<ApiKey>[] => [
  { name: 'Name', cell: ({ name }) => <span className="font-medium">{name}</span> },
  {
    name: 'Prefix',
    short: true,
    cell: ({ prefix }) => <code className="font-mono text-xs">{prefix}</code>,
  },
  { name: 'Scopes', cell: ({ scopes }) => scopes.join(', ') },
  {
    name: 'Expiry',
    short: true,
    cell: ({ expiresAt }) =>
      expiresAt === null
        ? 'Never'
        : `${Date.parse(expiresAt) < now ? 'Expired ' : ''}${dayAndClock(zone, expiresAt)}`,
  },
  {
    name: 'Last used',
    cell: ({ lastUsedAt }) => (lastUsedAt === null ? 'Never' : dayAndClock(zone, lastUsedAt)),
  },
  {
    name: 'Action',
    cell: (key) => (
      <Button small aria-label={`Revoke ${key.name}`} onClick={() => onRevoke(key)}>
        Revoke
      </Button>
    ),
  },
];
