import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import type { Session } from '../contracts/sessions.ts';
import { shortened, sizes } from '../contracts/sizes.ts';
import { catalogue, type Queryable } from '../runtime/catalogue.ts';
import { AppError } from '../runtime/errors.ts';
import { FairLimiter } from '../runtime/fair-limiter.ts';
import { passwordHashOf } from './accounts.ts';
import { hashPassword, verifyPassword } from './passwords.ts';
import { signSessionToken } from './session-tokens.ts';
import {
  blockOf,
  recordFailure,
  requireFailuresLeft,
  type SignInAttempt,
} from './sign-in-limits.ts';

/**
 * A derivation takes one core and 19 MiB for at least 50 ms. At most 2 run at a time, and at least one core stays
 * free, because other calls need the processor and the 4 threads of Node's pool.
 */
const derivations = new FairLimiter({
  running: Math.max(1, Math.min(2, availableParallelism() - 1)),
  waiting: 64,
  waitingOfCaller: 8,
});

let decoy: Promise<string> | undefined;

/**
 * Signs in by email and password. Throws `invalid_credentials` without saying which of the two is wrong, and
 * `too_many_requests` after too many failures, even if the email is unknown or the password is correct.
 */
export async function signIn(
  by: SignInAttempt,
  password: string,
  userAgent: string,
): Promise<Session> {
  const account = await passwordHashOf(catalogue(), by.email);
  if (!(await isPasswordOf(account, password, by)) || !account)
    throw new AppError('invalid_credentials', 'Incorrect email or password. Try again.');
  return startSession(catalogue(), account.id, { address: by.address, userAgent });
}

/**
 * Returns whether the password is that of the account; counts a failure if not. Throws `too_many_requests` after too many
 * failures, whether the password is correct or not.
 */
export async function isPasswordOf(
  account: { hash: string } | undefined,
  password: string,
  by: SignInAttempt,
): Promise<boolean> {
  await requireFailuresLeft(catalogue(), by);
  const isCorrect = await derivations.run(blockOf(by.address), async () => {
    // An unknown email takes as long as a wrong password, so that the time does not reveal which emails exist.
    decoy ??= hashPassword('decoy');
    return verifyPassword(password, account?.hash ?? (await decoy));
  });
  if (!account || !isCorrect) {
    await recordFailure(catalogue(), by);
    return false;
  }
  // Concurrent sign-ins may have failed meanwhile: the limit also holds for guesses that are sent all at once.
  await requireFailuresLeft(catalogue(), by);
  return true;
}

/** Returns the hash of a new password, in turn with the sign-ins. */
export const hashInTurn = (password: string, address: string): Promise<string> =>
  derivations.run(blockOf(address), () => hashPassword(password));

/** Where a session begins. */
export interface Origin {
  address: string;
  userAgent: string;
}

/** Starts a session of an account and returns its token. */
export async function startSession(
  client: Queryable,
  accountId: string,
  { address, userAgent }: Origin,
): Promise<Session> {
  const sessionId = randomUUID();
  const session = await signSessionToken({ accountId, sessionId }, new Date());
  await client.query(
    `insert into sessions (id, account_id, expires_at, address, user_agent)
     values ($1, $2, $3, $4, $5)`,
    [
      sessionId,
      accountId,
      session.expiresAt,
      shortened(address, sizes.nameCharacters),
      shortened(userAgent, sizes.nameCharacters),
    ],
  );
  return session;
}

/** Ends a session at once: its token, tickets and sockets are refused from now on. */
export async function endSession(client: Queryable, sessionId: string): Promise<void> {
  await client.query(
    'update sessions set revoked_at = now() where id = $1 and revoked_at is null',
    [sessionId],
  );
}

/** Ends the sessions of an account, all or all but one. Returns how many had not ended before. */
export async function endSessions(
  client: Queryable,
  accountId: string,
  except: string | null = null,
): Promise<number> {
  const { rowCount } = await client.query(
    `update sessions set revoked_at = now()
     where account_id = $1 and revoked_at is null and expires_at > now() and id is distinct from $2`,
    [accountId, except],
  );
  return rowCount ?? 0;
}
