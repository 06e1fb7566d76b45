import { useSyncExternalStore } from 'react';
import { stored } from '../state/stored.ts';

/** A session of this page. `expiresAt` is an RFC 3339 timestamp. */
export interface SignedIn {
  token: string;
  expiresAt: string;
  email: string;
}

/** `ended`: the server rejects the token. The page keeps its state and asks the user to sign in again. */
export type SessionState =
  | { status: 'signed-out' }
  | { status: 'active'; session: SignedIn }
  | { status: 'ended'; session: SignedIn };

const storedSession = stored(sessionStorage, 'streamsync.session', readSession);
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

/** Starts a session and resolves the calls that wait in `sessionRenewed`. */
export function signIn(session: SignedIn): void {
  storedSession.set(session);
  change({ status: 'active', session });
  renewal.resolve(session);
  renewal = Promise.withResolvers();
}

export function signOut(): void {
  storedSession.set(null);
  change({ status: 'signed-out' });
  rejectWaiting();
}

/** Marks the session as ended and waits for the next sign-in. Rejects with SignedOutError if the user signs out. */
export function sessionRenewed(): Promise<SignedIn> {
  if (state.status === 'signed-out') return Promise.reject(new SignedOutError());
  if (state.status === 'active') change({ status: 'ended', session: state.session });
  return renewal.promise;
}

function rejectWaiting(): void {
  // Avoids an unhandled rejection if no call is waiting.
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
  const session = storedSession.get();
  return session !== null && Date.parse(session.expiresAt) > Date.now()
    ? { status: 'active', session }
    : { status: 'signed-out' };
}

function readSession(saved: unknown): SignedIn | null {
  if (typeof saved !== 'object' || saved === null) return null;
  if (!('token' in saved && 'expiresAt' in saved && 'email' in saved)) return null;
  const { token: value, expiresAt, email } = saved;
  if (typeof value !== 'string' || typeof expiresAt !== 'string' || typeof email !== 'string')
    return null;
  return { token: value, expiresAt, email };
}
