import type { Queryable } from '../runtime/catalogue.ts';
import { Refusal } from '../runtime/errors.ts';

/**
 * How many sign-ins may fail in any 15 minutes: 10 of an account, 100 of an address. The times of the failures are
 * kept, not a count, so that the end of a window does not let twice as many through. A refused try is not counted:
 * others can keep an account from signing in for 15 minutes after their last failure, no longer. A success takes
 * nothing back, or an attacker could wait for the owner's.
 */
const windowMinutes = 15;
const maxFailures = { account: 10, address: 100 } as const;

/** Who tries to sign in: with which email, from which address. */
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
 * Counts a failure. Throws `too_many_requests` if others have used up a limit since `requireFailuresLeft`: what
 * such a try would have told is not said.
 */
export async function recordFailure(client: Queryable, by: SignInAttempt): Promise<void> {
  const counted =
    (await countFailure(client, addressSubject(by), maxFailures.address)) &&
    (await countFailure(client, accountSubject(by), maxFailures.account));
  if (counted) return;
  await requireFailuresLeft(client, by);
  // The failure that stood in the way has left the window within this moment.
  throw tooMany(1);
}

/** The row is locked while the times in it are counted, so that no two failures take the last place. */
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

/** Deletes what no limit counts any more. */
export async function forgetFailures(client: Queryable): Promise<void> {
  await client.query(`delete from sign_in_failures where last_failed_at < now() - ${window}`);
}

const tooMany = (seconds: number): Refusal =>
  new Refusal(
    'too_many_requests',
    `Too many sign-ins have failed. Try again in ${seconds} seconds.`,
    { retryAfterSeconds: seconds },
  );

/** Whoever has one IPv6 address has 2^64 of them: the /64 counts. IPv4 addresses may come mapped (RFC 4291, 2.5.5.2). */
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
