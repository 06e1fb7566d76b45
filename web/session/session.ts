import { useSyncExternalStore } from 'react';
import { stored } from '../state/stored.ts';

/** Who is signed in here. `expiresAt` is an RFC 3339 instant. */
export interface SignedIn {
  token: string;
  expiresAt: string;
  email: string;
}

/** `ended`: the server no longer takes the token; the page stays and asks to sign in again. */
export type SessionState =
  | { status: 'signed-out' }
  | { status: 'active'; session: SignedIn }
  | { status: 'ended'; session: SignedIn };

const token = stored(sessionStorage, 'streamsync.session', readSession);
const listeners = new Set<() => void>();
let state = initialState();
let renewal = Promise.withResolvers<SignedIn>();

export class SignedOutError extends Error {
  override name = 'SignedOutError';
}

export const getSession = (): SessionState => state;

export function useSession(): SessionState {
  return useSyncExternalStore(subscribe, getSession);
}

/** Starts a session, or continues the ended one: calls that wait in `sessionRenewed` go on. */
export function signIn(session: SignedIn): void {
  token.set(session);
  change({ status: 'active', session });
  renewal.resolve(session);
  renewal = Promise.withResolvers();
}

export function signOut(): void {
  token.set(null);
  change({ status: 'signed-out' });
  rejectWaiting();
}

/** Marks the session as over and waits for the next sign-in. Rejects with SignedOutError. */
export function sessionRenewed(): Promise<SignedIn> {
  if (state.status === 'signed-out') return Promise.reject(new SignedOutError());
  if (state.status === 'active') change({ status: 'ended', session: state.session });
  return renewal.promise;
}

function rejectWaiting(): void {
  // Nobody may be waiting, which is no error.
  renewal.promise.catch(() => undefined);
  renewal.reject(new SignedOutError('Signed out'));
  renewal = Promise.withResolvers();
}

function change(next: SessionState): void {
  state = next;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function initialState(): SessionState {
  const session = token.get();
  return session !== null && Date.parse(session.expiresAt) > Date.now()
    ? { status: 'active', session }
    : { status: 'signed-out' };
}

function readSession(found: unknown): SignedIn | null {
  if (typeof found !== 'object' || found === null) return null;
  if (!('token' in found && 'expiresAt' in found && 'email' in found)) return null;
  const { token: value, expiresAt, email } = found;
  if (typeof value !== 'string' || typeof expiresAt !== 'string' || typeof email !== 'string')
    return null;
  return { token: value, expiresAt, email };
}
