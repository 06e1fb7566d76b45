import type {
  AccountDocument,
  AccountList,
  Revocations,
  Role,
} from '../../lib/contracts/accounts.ts';
import type { AdminSources, DeadLetter, Stats, StatsQuery } from '../../lib/contracts/admin.ts';
import type { AccountGrant } from '../../lib/contracts/grants.ts';
import type { AccountLimits } from '../../lib/contracts/limits.ts';
import { call, json } from '../api/client.ts';

/** A page of a list, as all lists for administrators have it. */
export interface Page<Item> {
  items: readonly Item[];
  nextCursor: string | null;
}

const rowsPerPage = '50';

export async function getPage<Item>(
  path: string,
  query: URLSearchParams,
  cursor: string | null,
  signal: AbortSignal,
): Promise<Page<Item>> {
  const params = new URLSearchParams(query);
  params.set('limit', rowsPerPage);
  if (cursor !== null) params.set('cursor', cursor);
  return json(await call(`${path}?${params}`, { signal }));
}

export interface Csv {
  content: Blob;
  rows: number;
  /** Whether the list has more rows than a CSV may have. */
  hasMore: boolean;
}

export async function getCsv(path: string, query: URLSearchParams): Promise<Csv> {
  const response = await call(`${path}?${query}`, { headers: { Accept: 'text/csv' } });
  const text = await response.text();
  return {
    content: new Blob([text], { type: 'text/csv' }),
    rows: countRecords(text) - 1,
    hasMore: response.headers.has('Link'),
  };
}

/** A line feed in quotes is part of a value. */
function countRecords(csv: string): number {
  let records = 0;
  let isQuoted = false;
  for (const character of csv) {
    if (character === '"') isQuoted = !isQuoted;
    else if (character === '\n' && !isQuoted) records += 1;
  }
  return records;
}

export async function getStats(
  by: StatsQuery['by'],
  from: string,
  signal: AbortSignal,
): Promise<Stats> {
  return json(await call(`/admin/stats?${new URLSearchParams({ by, from })}`, { signal }));
}

export async function listSourceStates(signal: AbortSignal): Promise<AdminSources> {
  return json(await call('/admin/sources', { signal }));
}

export async function pauseSource(name: string, reason: string): Promise<void> {
  await call(`/sources/${encodeURIComponent(name)}/pause`, { method: 'POST', body: { reason } });
}

export async function resumeSource(name: string): Promise<void> {
  await call(`/sources/${encodeURIComponent(name)}/pause`, { method: 'DELETE' });
}

/** Returns all accounts, by email. */
export async function listAccounts(signal: AbortSignal): Promise<AccountDocument[]> {
  const accounts: AccountDocument[] = [];
  let cursor: string | null = null;
  do {
    const query = new URLSearchParams({ limit: '200', ...(cursor !== null && { cursor }) });
    const page: AccountList = await json(await call(`/admin/accounts?${query}`, { signal }));
    accounts.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== null);
  return accounts;
}

interface NewAccount {
  email: string;
  role: Role;
  mayRequestByEvent: boolean;
}

export async function createAccount(
  account: NewAccount,
): Promise<AccountDocument & { initialPassword?: string }> {
  return json(await call('/admin/accounts', { method: 'POST', body: account }));
}

export interface AccountChange {
  role?: Role;
  disabled?: boolean;
  mayRequestByEvent?: boolean;
  limits?: AccountLimits;
}

export async function changeAccount(
  email: string,
  change: AccountChange,
): Promise<AccountDocument> {
  return json(await call(accountPath(email), { method: 'PATCH', body: change }));
}

export async function revokeAccount(email: string): Promise<Revocations> {
  return json(await call(`${accountPath(email)}/revocations`, { method: 'POST' }));
}

export async function setGrants(
  email: string,
  grants: readonly AccountGrant[],
): Promise<{ grants: AccountGrant[] }> {
  return json(await call(`${accountPath(email)}/grants`, { method: 'PUT', body: { grants } }));
}

export type LetterPosition = Pick<DeadLetter, 'topic' | 'partition' | 'offset'>;

export async function replayLetter(letter: LetterPosition): Promise<void> {
  await call(`${letterPath(letter)}/replay`, { method: 'POST' });
}

export async function discardLetter(letter: LetterPosition): Promise<void> {
  await call(letterPath(letter), { method: 'DELETE' });
}

const accountPath = (email: string): string => `/admin/accounts/${encodeURIComponent(email)}`;

const letterPath = ({ topic, partition, offset }: LetterPosition): string =>
  `/admin/dead-letters/${encodeURIComponent(topic)}/${partition}/${offset}`;

/** Cancels an export of any account, which has not ended. */
export async function cancelExport(id: string): Promise<void> {
  await call(`/admin/exports/${id}/cancel`, { method: 'POST' });
}
