import { describeRequest } from '../audit/request-audit.ts';
import { catalogue } from '../runtime/catalogue.ts';
import { AppError } from '../runtime/errors.ts';
import { type Account, accountByKeyHash, accountBySession } from './accounts.ts';
import { requireRouteScope } from './scopes.ts';
import { hashOf } from './secrets.ts';
import { readSessionToken } from './session-tokens.ts';

type Header = (name: string) => string | undefined;

/** Returns whether a call has credentials, valid or not. */
export const hasCredentials = (header: Header): boolean =>
  header('x-api-key') !== undefined || header('authorization') !== undefined;

/** API Gateway joins repeated headers with a comma, which neither an API key nor a token contains. */
function requireOne(value: string | undefined, name: string): void {
  if (value?.includes(','))
    throw new AppError('unauthenticated', `${name} has more than one value. Send one.`);
}

/**
 * Returns the account of a call, by `X-Api-Key` or `Authorization: Bearer <JWT>`, whatever it may do. Throws
 * `unauthenticated`. The account is read at every call, so that a revoked key, an ended session or a disabled account is
 * rejected from the next call on.
 */
export async function identify(header: Header): Promise<Account> {
  const account = await accountOf(header);
  describeRequest({ actor: account });
  return account;
}

async function accountOf(header: Header): Promise<Account> {
  const apiKey = header('x-api-key');
  const authorization = header('authorization');
  requireOne(apiKey, 'X-Api-Key');
  requireOne(authorization, 'Authorization');
  if (apiKey !== undefined) {
    const account = await accountByKeyHash(catalogue(), hashOf(apiKey));
    if (account === 'expired')
      throw new AppError('unauthenticated', 'The API key has expired. Create another one.');
    if (account) return account;
    throw new AppError('unauthenticated', 'The API key is unknown or was revoked.');
  }
  const token = /^Bearer +(\S+)$/i.exec(authorization ?? '')?.[1];
  const ids = token === undefined ? undefined : await readSessionToken(token);
  const account = ids && (await accountBySession(catalogue(), ids));
  if (account) return account;
  throw new AppError(
    'unauthenticated',
    token === undefined
      ? 'Sign in, or send a key in X-Api-Key.'
      : 'The session has ended. Sign in again.',
  );
}

/** Returns the account of a call of a route. Throws `unauthenticated`, and `forbidden` without the scope of the route. */
export async function authenticate(header: Header, routeKey: string): Promise<Account> {
  const account = await identify(header);
  requireRouteScope(account, routeKey);
  return account;
}

/** Returns null for a browser without credentials, else what `authenticate` returns. */
export const authenticateUnlessBrowser = async (
  header: Header,
  routeKey: string,
): Promise<Account | null> =>
  !hasCredentials(header) && (header('accept') ?? '').includes('text/html')
    ? null
    : authenticate(header, routeKey);

/**
 * Returns an authentication for administrators only. It runs before the body is read. Throws `forbidden`, and what
 * `authenticate` throws.
 */
export const administrator =
  (action: string) =>
  async (header: Header, routeKey: string): Promise<Account> => {
    const account = await identify(header);
    if (account.role !== 'admin')
      throw new AppError('forbidden', `Only an administrator may ${action}.`);
    requireRouteScope(account, routeKey);
    return account;
  };
