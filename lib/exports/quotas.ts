import type { Usage } from '../contracts/limits.ts';
import type { Queryable } from '../runtime/catalogue.ts';
import { config } from '../runtime/config.ts';
import { AppError } from '../runtime/errors.ts';
import { activeStates } from './lifecycle/states.ts';

/*
 * Quotas of an account: unfinished exports, and rows and bytes a day (UTC).
 *
 * What counts is what its units have written: those that were done today, and those that run now. An attempt that is
 * lost, fails or is cancelled does not count: its account gets nothing of it. An unfinished export reserves what
 * it is still estimated to write.
 */

/** An estimate may be off by a factor of two, as for the limits of one export: an export that may still fit is started. */
const estimateTolerance = 2;

/** Then an export of the account may have ended. */
const retryAfterSeconds = 10;

/** What an account has used, and its quotas: its own or the defaults. A quota that is null does not apply. */
interface Account {
  maxRunningExports: number | null;
  maxRowsPerDay: number | null;
  maxBytesPerDay: number | null;
  runningExports: number;
  rowsToday: number;
  bytesToday: number;
  /** What unfinished exports are still estimated to write. */
  rowsReserved: number;
  bytesReserved: number;
  resetsAt: Date;
  secondsToReset: number;
}

/** SQL: the day that counts. */
const today = `(now() at time zone 'UTC')::date`;

/** SQL: literals, as in the index. */
const unfinished = `(${activeStates.map((state) => `'${state}'`).join(', ')})`;

/** Of account $1. Without export $5, or, if $6 is not null, without what runs in later exports than $6. */
const selectAccount = `
  select coalesce(a.max_running_exports, $2::int) as "maxRunningExports",
    coalesce(a.max_rows_per_day, $3::bigint) as "maxRowsPerDay",
    coalesce(a.max_bytes_per_day, $4::bigint) as "maxBytesPerDay",
    x.exports as "runningExports",
    coalesce(d.rows, 0) + x.rows as "rowsToday", coalesce(d.bytes, 0) + x.bytes as "bytesToday",
    x.rows_reserved as "rowsReserved", x.bytes_reserved as "bytesReserved",
    day.ends_at as "resetsAt", ceil(extract(epoch from day.ends_at - now()))::int as "secondsToReset"
  from accounts a
  cross join (select (${today} + 1)::timestamp at time zone 'UTC' as ends_at) day
  left join daily_usage d on d.account_id = a.id and d.day = ${today}
  cross join lateral (
    select count(*) as exports,
      coalesce(sum(w.rows_running) filter (where $6::uuid is null or e.id <= $6), 0)::bigint as rows,
      coalesce(sum(w.bytes_running) filter (where $6::uuid is null or e.id <= $6), 0)::bigint as bytes,
      coalesce(sum(greatest(0, e.estimated_rows - w.rows)), 0)::bigint as rows_reserved,
      coalesce(sum(greatest(0, e.estimated_bytes - w.bytes)), 0)::bigint as bytes_reserved
    from exports e
    cross join lateral (
      select coalesce(sum(u.rows), 0) as rows, coalesce(sum(u.bytes), 0) as bytes,
        sum(u.rows) filter (where u.state = 'running') as rows_running,
        sum(u.bytes) filter (where u.state = 'running') as bytes_running
      from units u
      where u.export_id = e.id and u.run = e.run and u.kind = 'read' and u.state in ('running', 'done')
    ) w
    where e.owner_id = a.id and e.state in ${unfinished} and e.id is distinct from $5::uuid
  ) x
  where a.id = $1`;

async function readAccount(
  client: Queryable,
  accountId: string,
  { without = null, upTo = null }: { without?: string | null; upTo?: string | null } = {},
): Promise<Account> {
  const { rows } = await client.query<Account>(selectAccount, [
    accountId,
    ...defaultQuotas(),
    without,
    upTo,
  ]);
  const [account] = rows;
  if (!account) throw new Error('the account of an export is not in the catalogue');
  return account;
}

/** Returns the quotas of accounts without their own: running exports, rows and bytes a day. */
function defaultQuotas(): (number | null)[] {
  const { runningExports, rowsPerDay, bytesPerDay } = config().quotas;
  return [runningExports ?? null, rowsPerDay ?? null, bytesPerDay ?? null];
}

/** Returns the quotas that apply to an account, and what it has used of them. */
export async function usageOf(client: Queryable, { id }: { id: string }): Promise<Usage> {
  const account = await readAccount(client, id);
  return {
    runningExports: account.runningExports,
    rowsToday: account.rowsToday,
    bytesToday: account.bytesToday,
    resetsAt: account.resetsAt.toISOString(),
    quotas: {
      runningExports: account.maxRunningExports,
      rowsPerDay: account.maxRowsPerDay,
      bytesPerDay: account.maxBytesPerDay,
    },
  };
}

/** Estimated size of an export. Null: unknown. */
interface Estimate {
  rows: number | null;
  bytes: number | null;
}

/**
 * Throws `too_many_requests` if another export of the account would exceed a quota; its message says what is left, and
 * when the quota resets. Returns whether the account has a quota of bytes, for which the estimate is needed.
 *
 * @param exportId the export that is created or run again: it does not count
 */
export async function requireQuota(
  client: Queryable,
  accountId: string,
  exportId: string | null,
  estimate: Estimate,
): Promise<{ ofBytes: boolean }> {
  const account = await readAccount(client, accountId, { without: exportId });
  const { maxRunningExports, runningExports } = account;
  if (maxRunningExports !== null && runningExports >= maxRunningExports)
    throw new AppError(
      'too_many_requests',
      `Your account may have ${counted(maxRunningExports)} exports queued or running, and has ${counted(runningExports)}: 0 are left. No export was created. Try again when one of them has ended, or cancel one.`,
      { retryAfterSeconds },
    );
  for (const { unit, quota, used, reserved, expected } of dailyQuotas(account, estimate)) {
    if (quota === null) continue;
    const left = Math.max(0, quota - used - reserved);
    if (left > 0 && (expected ?? 0) <= estimateTolerance * left) continue;
    throw new AppError(
      'too_many_requests',
      `Your account may export ${counted(quota)} ${unit} a day. ${counted(left)} are left: ${counted(used)} were written today${
        reserved > 0 ? `, and queued and running exports need about ${counted(reserved)} more` : ''
      }${expected === null ? '' : `; this export needs about ${counted(expected)}`}. No export was created. The quota resets at 00:00 UTC.`,
      { retryAfterSeconds: Math.max(1, account.secondsToReset) },
    );
  }
  return { ofBytes: account.maxBytesPerDay !== null };
}

function dailyQuotas(account: Account, estimate: Estimate) {
  return [
    {
      unit: 'rows',
      quota: account.maxRowsPerDay,
      used: account.rowsToday,
      reserved: account.rowsReserved,
      expected: estimate.rows,
    },
    {
      unit: 'bytes',
      quota: account.maxBytesPerDay,
      used: account.bytesToday,
      reserved: account.bytesReserved,
      expected: estimate.bytes,
    },
  ];
}

const counted = (count: number): string => Math.round(count).toLocaleString('en');

/** SQL: whether account `a` has a quota a day. */
export const hasDailyQuota = (rowsDefault: string, bytesDefault: string): string =>
  `coalesce(a.max_rows_per_day, ${rowsDefault}::bigint, a.max_bytes_per_day, ${bytesDefault}::bigint) is not null`;

/** Returns the values for `hasDailyQuota`. */
export const dailyDefaults = (): (number | null)[] => defaultQuotas().slice(1);

/**
 * Returns `over_limit` if a running export has passed a quota of its account, else null. What runs in later exports does
 * not count: the earlier one may go on.
 */
export async function findPassedQuota(
  client: Queryable,
  accountId: string,
  exportId: string,
): Promise<AppError | null> {
  return passedQuota(await readAccount(client, accountId, { upTo: exportId }));
}

/**
 * Adds what a unit has written to the day of the account of its export. Call it when the unit is done, late in
 * the transaction: other units of the account wait for the row.
 */
export async function addUsage(
  client: Queryable,
  exportId: string,
  { rows, bytes }: { rows: number; bytes: number },
): Promise<void> {
  if (rows === 0 && bytes === 0) return;
  await client.query(
    `insert into daily_usage as d (account_id, day, rows, bytes)
     select owner_id, ${today}, $2, $3 from exports where id = $1
     on conflict (account_id, day) do update set rows = d.rows + excluded.rows, bytes = d.bytes + excluded.bytes`,
    [exportId, rows, bytes],
  );
}

/**
 * Throws `over_limit` if what is written today has passed a quota. Call it after `addUsage` in the transaction that
 * ends a unit well: it holds the row of the day, so that of two units that end together the second one knows the first.
 */
export async function requireDailyQuota(client: Queryable, exportId: string): Promise<void> {
  const { rows } = await client.query<DailyUsage>(
    `select coalesce(a.max_rows_per_day, $2::bigint) as "maxRowsPerDay",
       coalesce(a.max_bytes_per_day, $3::bigint) as "maxBytesPerDay",
       d.rows as "rowsToday", d.bytes as "bytesToday"
     from exports e join accounts a on a.id = e.owner_id
     join daily_usage d on d.account_id = a.id and d.day = ${today}
     where e.id = $1`,
    [exportId, ...dailyDefaults()],
  );
  const passed = rows[0] && passedQuota(rows[0]);
  if (passed) throw passed;
}

type DailyUsage = Pick<Account, 'maxRowsPerDay' | 'maxBytesPerDay' | 'rowsToday' | 'bytesToday'>;

function passedQuota(account: DailyUsage): AppError | null {
  const { maxRowsPerDay, maxBytesPerDay, rowsToday, bytesToday } = account;
  const [passed] = [
    { unit: 'rows', quota: maxRowsPerDay, used: rowsToday },
    { unit: 'bytes', quota: maxBytesPerDay, used: bytesToday },
  ].filter(({ quota, used }) => quota !== null && used > quota);
  if (passed?.quota == null) return null;
  return new AppError(
    'over_limit',
    `Your account may export ${counted(passed.quota)} ${passed.unit} a day, and this export would pass that: it was ended, and there is no file. The quota resets at 00:00 UTC. Run the export again then, ask for a shorter range or fewer columns, or ask your administrator for a higher quota.`,
  );
}
