import type { Problem } from '../../lib/contracts/problem.ts';
import { getSession, SignedOutError, sessionRenewed } from '../session/session.ts';
import { ApiError, UnreachableError } from './errors.ts';

export interface Call {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  headers?: Record<string, string>;
  /** Sent as JSON. */
  body?: unknown;
  signal?: AbortSignal;
  /** Statuses other than 2xx that are returned instead of thrown. */
  accept?: readonly number[];
}

/**
 * Calls `/api/v1` with the token of the session. If the session has ended, the call waits for the next sign-in and is
 * repeated. Throws ApiError, UnreachableError or SignedOutError.
 */
export async function call(path: string, options: Call = {}): Promise<Response> {
  const session = getSession();
  if (session.status === 'signed-out') throw new SignedOutError();
  let { token } = session.status === 'active' ? session.session : await sessionRenewed();
  for (;;) {
    const response = await send(path, options, token);
    if (response.status !== 401) return checkStatus(response, options);
    const current = getSession();
    // Another call may have renewed the session in the meantime.
    token =
      current.status === 'active' && current.session.token !== token
        ? current.session.token
        : (await sessionRenewed()).token;
  }
}

/** Calls `/api/v1` without a token. */
export async function callAnonymously(path: string, options: Call): Promise<Response> {
  return checkStatus(await send(path, options, null), options);
}

async function send(path: string, options: Call, token: string | null): Promise<Response> {
  const { method = 'GET', body, signal } = options;
  const headers = new Headers(options.headers);
  if (!headers.has('Accept')) headers.set('Accept', 'application/json, application/problem+json');
  if (token !== null) headers.set('Authorization', `Bearer ${token}`);
  if (body !== undefined) headers.set('Content-Type', 'application/json');
  try {
    return await fetch(`/api/v1${path}`, {
      method,
      headers,
      // The page sends conditional requests itself; the browser's cache would hide the 304.
      cache: 'no-store',
      ...(body !== undefined && { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    throw new UnreachableError('No answer', { cause });
  }
}

async function checkStatus(response: Response, { accept = [] }: Call): Promise<Response> {
  if (response.ok || accept.includes(response.status)) return response;
  if (!response.headers.get('Content-Type')?.startsWith('application/problem+json'))
    throw new UnreachableError(`HTTP ${response.status} without a problem document`);
  throw new ApiError(await json<Problem>(response), retryAfter(response));
}

/**
 * Returns the body with the type of the contract, unchecked: page and API are built from the same schemas and served
 * from the same origin.
 */
export async function json<T>(response: Response): Promise<T> {
  const body: T = await response.json();
  return body;
}

/** Returns `Retry-After` in seconds, or null. */
export function retryAfter(response: Response): number | null {
  const seconds = Number(response.headers.get('Retry-After') ?? Number.NaN);
  return Number.isFinite(seconds) && seconds >= 0 ? seconds : null;
}
