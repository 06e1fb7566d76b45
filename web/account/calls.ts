import type { ApiKeyList, CreatedApiKey } from '../../lib/contracts/api-keys.ts';
import type { Scope } from '../../lib/contracts/scopes.ts';
import { call, json } from '../api/client.ts';

interface NewKey {
  name: string;
  scopes: readonly Scope[];
  expiresAt: string | null;
}

export async function listKeys(signal: AbortSignal): Promise<ApiKeyList> {
  return json(await call('/keys?limit=200', { signal }));
}

export async function createKey(key: NewKey): Promise<CreatedApiKey> {
  return json(await call('/keys', { method: 'POST', body: key }));
}

export async function revokeKey(id: string): Promise<void> {
  await call(`/keys/${encodeURIComponent(id)}`, { method: 'DELETE' });
}

export async function setPassword(currentPassword: string, newPassword: string): Promise<void> {
  await call('/me/password', { method: 'PUT', body: { currentPassword, newPassword } });
}

/** Ends all sessions of the account, this one included. */
export async function endSessions(): Promise<void> {
  await call('/sessions', { method: 'DELETE' });
}
