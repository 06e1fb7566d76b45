import { catalogue } from '../runtime/catalogue.ts';
import { Refusal } from '../runtime/errors.ts';
import { type Account, accountById, accountByKeyHash } from './accounts.ts';
import { hashOf } from './secrets.ts';
import { accountIdOf } from './sessions.ts';

type Header = (name: string) => string | undefined;

/** Whether a call brings credentials at all, right or wrong. */
export const hasCredentials = (header: Header): boolean =>
  header('x-api-key') !== undefined || header('authorization') !== undefined;

/** API Gateway joins what was sent twice by a comma, which neither a key nor a token has. */
function requireOne(value: string | undefined, name: string): void {
  if (value?.includes(','))
    throw new Refusal('unauthenticated', `There is more than one value in ${name}. Send one.`);
}

/**
 * Who calls: by `X-Api-Key`, or by `Authorization: Bearer <JWT>`. Throws `unauthenticated`. The account
 * is read at every call, so a revoked key or a disabled account is refused from the next call on.
 */
export async function authenticate(header: Header): Promise<Account> {
  const apiKey = header('x-api-key');
  const authorization = header('authorization');
  requireOne(apiKey, 'X-Api-Key');
  requireOne(authorization, 'Authorization');
  if (apiKey !== undefined) {
    const account = await accountByKeyHash(catalogue(), hashOf(apiKey));
    if (account) return account;
    throw new Refusal('unauthenticated', 'The API key is not known, or it was revoked.');
  }
  const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
  const id = token === undefined ? undefined : await accountIdOf(token);
  const account = id === undefined ? undefined : await accountById(catalogue(), id);
  if (account) return account;
  throw new Refusal(
    'unauthenticated',
    token === undefined
      ? 'Sign in, or send a key in X-Api-Key.'
      : 'The session has ended. Sign in again.',
  );
}

/** Who calls, if an administrator: known before anything is read of what was sent. Throws `forbidden`, else as `authenticate`. */
export const administrator =
  (may: string) =>
  async (header: Header): Promise<Account> => {
    const account = await authenticate(header);
    if (account.role !== 'admin')
      throw new Refusal('forbidden', `Only an administrator may ${may}.`);
    return account;
  };
