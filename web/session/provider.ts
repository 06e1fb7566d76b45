import type { Me } from '../../lib/contracts/accounts.ts';
import type { OidcCallback, OidcStart } from '../../lib/contracts/oidc.ts';
import type { Session } from '../../lib/contracts/sessions.ts';
import { callAnonymously, json } from '../api/client.ts';
import { stored } from '../state/stored.ts';
import type { SignedIn } from './session.ts';

/** A sign-in that is in progress at the provider: its secret, and the address that is shown after it. */
interface Started {
  secret: string;
  path: string;
}

const started = stored<Started | null>(sessionStorage, 'streamsync.provider', (saved) => {
  if (typeof saved !== 'object' || saved === null || !('secret' in saved && 'path' in saved))
    return null;
  const { secret, path } = saved;
  return typeof secret === 'string' && typeof path === 'string' && /^\/(?!\/)/.test(path)
    ? { secret, path }
    : null;
});

/** Leaves the page for the provider. */
export async function startAtProvider(path: string): Promise<void> {
  const { url, secret }: OidcStart = await json(
    await callAnonymously('/sessions/oidc', { method: 'POST' }),
  );
  started.set({ secret, path });
  location.assign(url);
}

/**
 * Completes the sign-in with the parameters that the provider has added to the address. Throws if this browser did not
 * start it.
 */
export async function finishAtProvider(
  parameters: URLSearchParams,
): Promise<{ session: SignedIn; path: string }> {
  const here = started.get();
  started.set(null);
  const [code, state, iss] = ['code', 'state', 'iss'].map((name) => parameters.get(name));
  if (!here || !code || !state) throw new Error('No sign-in was started in this browser');
  const body: OidcCallback = { code, state, secret: here.secret, ...(iss && { iss }) };
  const session: Session = await json(
    await callAnonymously('/sessions/oidc/callback', { method: 'POST', body }),
  );
  const me: Me = await json(
    await callAnonymously('/me', { headers: { Authorization: `Bearer ${session.token}` } }),
  );
  return { session: { ...session, email: me.email }, path: here.path };
}
