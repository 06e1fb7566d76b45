import { useQuery } from '@tanstack/react-query';
import { type ReactNode, useState } from 'react';
import { useNavigate } from 'react-router';
import type { AccountDocument } from '../../lib/contracts/accounts.ts';
import type { AccountLimits } from '../../lib/contracts/limits.ts';
import { clock, day } from '../time/format.ts';
import { useZone } from '../time/zone.ts';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/icons.tsx';
import { Link } from '../ui/link.tsx';
import { type Column, ListTable } from '../ui/list-table.tsx';
import { LazyMenu } from '../ui/menu-on-demand.tsx';
import { Note } from '../ui/panels.tsx';
import { bytes, formatExact, rowCount } from '../ui/quantity.ts';
import { SecretDialog } from '../ui/secret-dialog.tsx';
import { ChangeDialog, CreateDialog, RevokeDialog, type Revoked } from './account-dialogs.tsx';
import { useAddress, useSort } from './address.ts';
import { Filters, TextFilter } from './filters.tsx';
import { accountsQuery } from './queries.ts';
import { Loaded, Refresh, SectionHead } from './section.tsx';

type Open =
  | { dialog: 'create' }
  | { dialog: 'secret'; email: string; password: string }
  | { dialog: 'change' | 'revoke'; account: AccountDocument };

const grantsOf = (email: string): string =>
  `/admin/grants?${new URLSearchParams({ account: email })}`;

/** The accounts: who they are, what they may, and everything that ends their access. */
export function Accounts(): ReactNode {
  const zone = useZone();
  const navigate = useNavigate();
  const list = useQuery(accountsQuery);
  const [open, setOpen] = useState<Open | null>(null);
  const [revoked, setRevoked] = useState<Revoked | null>(null);
  const [valueOf, change] = useAddress(['search']);
  const [sort, setSort] = useSort();
  const search = valueOf('search').toLowerCase();
  const close = (): void => setOpen(null);

  const columns = columnsOf(zone, setOpen, (email) => void navigate(grantsOf(email)));

  return (
    <div className="space-y-4">
      <SectionHead title="Accounts">
        <Refresh busy={list.isFetching} onRefresh={() => void list.refetch()} />
        <Button
          small
          variant="primary"
          id="create-account"
          onClick={() => setOpen({ dialog: 'create' })}
        >
          Create account
        </Button>
      </SectionHead>
      {revoked ? (
        <Note tone="success" onDismiss={() => setRevoked(null)}>
          <Icon name="check" className="text-success" />
          <span>{`Revoked ${clock(zone, revoked.at)}. ${revoked.ended}`}</span>
          <Link
            to={`/admin/audit?${new URLSearchParams({ action: 'account.revoke' })}`}
            className="control-small inline-flex items-center rounded-control font-medium text-accent underline underline-offset-2"
          >
            See audit
          </Link>
        </Note>
      ) : null}
      <Filters set={search === '' ? 0 : 1}>
        <TextFilter
          label="Email"
          value={valueOf('search')}
          onChange={(text) => change({ search: text })}
        />
      </Filters>
      <Loaded
        what="the accounts"
        query={list}
        empty={{
          when: (accounts) => accounts.every(({ email }) => !email.toLowerCase().includes(search)),
          text: 'No accounts match.',
          action: <Button onClick={() => change({ search: '' })}>Clear filters</Button>,
        }}
      >
        {(accounts) => {
          const rows = accounts.filter(({ email }) => email.toLowerCase().includes(search));
          return (
            <ListTable
              caption={`${formatExact(rows.length)} ${rows.length === 1 ? 'account' : 'accounts'}`}
              columns={columns}
              rows={rows}
              keyOf={({ email }) => email}
              sort={sort}
              onSort={setSort}
            />
          );
        }}
      </Loaded>
      {open?.dialog === 'create' ? (
        <CreateDialog
          onClose={close}
          onCreated={(email, password) =>
            setOpen(password === undefined ? null : { dialog: 'secret', email, password })
          }
        />
      ) : null}
      {open?.dialog === 'secret' ? (
        <SecretDialog
          title={`Password of ${open.email}`}
          what="password"
          secret={open.password}
          returnFocusTo="create-account"
          onClose={close}
        />
      ) : null}
      {open?.dialog === 'change' ? <ChangeDialog account={open.account} onClose={close} /> : null}
      {open?.dialog === 'revoke' ? (
        <RevokeDialog account={open.account} onClose={close} onRevoked={setRevoked} />
      ) : null}
    </div>
  );
}

/** The visible text of the link is a part of its label, so that speech input finds it. */
const grantCount = (count: number): string => (count === 0 ? 'None' : String(count));

/** `100,000 rows, 2 GB a file; 3 at a time` */
function limitsText(limits: AccountLimits): string {
  const { maxRows, maxBytes } = limits;
  const { maxRunningExports = null, maxRowsPerDay = null, maxBytesPerDay = null } = limits;
  const parts = [
    maxRows === null ? null : `${rowCount(maxRows)} an export`,
    maxBytes === null ? null : `${bytes(maxBytes)} a file`,
    maxRunningExports === null ? null : `${formatExact(maxRunningExports)} exports at a time`,
    maxRowsPerDay === null ? null : `${rowCount(maxRowsPerDay)} a day`,
    maxBytesPerDay === null ? null : `${bytes(maxBytesPerDay)} a day`,
  ].filter((part) => part !== null);
  return parts.length === 0 ? 'None of its own' : parts.join(', ');
}

const columnsOf = (
  zone: string,
  onOpen: (open: Open) => void,
  onGrants: (email: string) => void,
): Column<AccountDocument>[] => [
  {
    name: 'Account',
    cell: ({ email }) => <span className="font-medium">{email}</span>,
    sortBy: ({ email }) => email,
  },
  {
    name: 'Role',
    short: true,
    cell: ({ role }) => (role === 'admin' ? 'Administrator' : 'Analyst'),
    sortBy: ({ role }) => role,
  },
  {
    name: 'State',
    short: true,
    cell: ({ disabled }) =>
      disabled ? (
        <span className="flex items-center gap-1.5 text-danger">
          <Icon name="crossCircle" /> Disabled
        </span>
      ) : (
        <span className="flex items-center gap-1.5 text-success">
          <Icon name="done" /> Active
        </span>
      ),
    sortBy: ({ disabled }) => Number(disabled),
  },
  {
    name: 'Grants',
    cell: ({ email, grants }) => (
      <Link
        to={grantsOf(email)}
        aria-label={`Grants of ${email}: ${grantCount(grants.length)}`}
        className="control-small inline-flex items-center rounded-control text-accent underline underline-offset-2 hover:no-underline"
      >
        {grantCount(grants.length)}
      </Link>
    ),
    sortBy: ({ grants }) => grants.length,
  },
  { name: 'Limits', cell: ({ limits }) => limitsText(limits) },
  { name: 'Events', cell: ({ mayRequestByEvent }) => (mayRequestByEvent ? 'Yes' : 'No') },
  {
    name: 'Created',
    short: true,
    cell: ({ createdAt }) => day(zone, createdAt),
    sortBy: ({ createdAt }) => createdAt,
  },
  {
    name: 'Actions',
    cell: (account) => (
      <LazyMenu
        id={`account-${account.email}`}
        label={`More for ${account.email}`}
        entries={[
          { label: 'Change', onAction: () => onOpen({ dialog: 'change', account }) },
          { label: 'Grants', onAction: () => onGrants(account.email) },
          {
            label: 'Revoke everything',
            danger: true,
            onAction: () => onOpen({ dialog: 'revoke', account }),
          },
        ]}
      />
    ),
  },
];
