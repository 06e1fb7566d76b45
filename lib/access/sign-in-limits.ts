import type { Queryable } from '../runtime/catalogue.ts';
import { AppError } from '../runtime/errors.ts';

/**
 * In any 15 minutes, 10 sign-ins of an account and 100 of an address may fail. The timestamps of the failures are
 * stored, not a count, so that the limit holds in every window. A sign-in rejected by the limit is not counted: an
 * attacker can lock an account for at most 15 minutes after the last counted failure. A success does not reset the
 * count, because an attacker could wait for the owner's.
 */
const windowMinutes = 15;
const maxFailures = { account: 10, address: 100 } as const;

export interface SignInAttempt {
  email: string;
  address: string;
}

const window = `interval '${windowMinutes} minutes'`;
const subjectOf = (text: string): string => `sha256(convert_to(lower(${text}), 'UTF8'))`;
const accountSubject = ({ email }: SignInAttempt): string => `account ${email}`;
const addressSubject = ({ address }: SignInAttempt): string => `address ${blockOf(address)}`;

/** Throws `too_many_requests`, with the seconds to wait, while either limit is reached. */
export async function requireFailuresLeft(client: Queryable, by: SignInAttempt): Promise<void> {
  const { rows } = await client.query<{ seconds: number | null }>(
    `select ceil(extract(epoch from max(recent.oldest) + ${window} - now()))::int as seconds
     from (values ($1::text, $2::int), ($3, $4)) asked (subject, max_failures)
     cross join lateral (
       select count(*) as failures, min(at) as oldest
       from sign_in_failures f cross join unnest(f.failed_at) at
       where f.subject = ${subjectOf('asked.subject')} and at > now() - ${window}
     ) recent
     where recent.failures >= asked.max_failures`,
    [accountSubject(by), maxFailures.account, addressSubject(by), maxFailures.address],
  );
  const seconds = rows[0]?.seconds ?? null;
  if (seconds !== null) throw tooMany(Math.max(1, seconds));
}

/**
 * Counts a failure. Throws `too_many_requests` if concurrent failures have reached a limit since
 * `requireFailuresLeft`, so that the caller does not learn whether the password was correct.
 */
export async function recordFailure(client: Queryable, by: SignInAttempt): Promise<void> {
  const counted =
    (await countFailure(client, addressSubject(by), maxFailures.address)) &&
    (await countFailure(client, accountSubject(by), maxFailures.account));
  if (counted) return;
  await requireFailuresLeft(client, by);
  // The oldest failure has left the window since it was counted.
  throw tooMany(1);
}

/** Returns whether the failure was counted. The row is locked meanwhile, so that two failures cannot both be the last. */
async function countFailure(client: Queryable, subject: string, max: number): Promise<boolean> {
  const recent = `select at from unnest(known.failed_at) at where at > now() - ${window}`;
  const { rowCount } = await client.query(
    `insert into sign_in_failures as known (subject, failed_at, last_failed_at)
     values (${subjectOf('$1::text')}, array[now()], now())
     on conflict (subject) do update
       set failed_at = array(${recent}) || now(), last_failed_at = now()
       where (select count(*) from (${recent}) counted) < $2`,
    [subject, max],
  );
  return rowCount === 1;
}

/** Deletes failures that have left the window. */
export async function pruneFailures(client: Queryable): Promise<void> {
  await client.query(`delete from sign_in_failures where last_failed_at < now() - ${window}`);
}

const tooMany = (seconds: number): AppError =>
  new AppError(
    'too_many_requests',
    `Too many sign-ins have failed. Try again in ${seconds} seconds.`,
    { retryAfterSeconds: seconds },
  );

/** Returns the /64 of an IPv6 address, because its holder has all 2^64 addresses of it, or the IPv4 address, also of a mapped one (RFC 4291, 2.5.5.2). */
export function blockOf(address: string): string {
  const mapped = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (!address.includes(':')) return address;
  const [before = '', after = ''] = address.split('%')[0]?.split('::') ?? [];
  const head = before.split(':').filter((group) => group !== '');
  const tail = after.split(':').filter((group) => group !== '');
  const zeros = Array<string>(Math.max(0, 8 - head.length - tail.length)).fill('0');
  const groups = [...head, ...zeros, ...tail].slice(0, 4);
  return `${groups.map((group) => group.replace(/^0+(?=.)/, '')).join(':')}::/64`;
}
