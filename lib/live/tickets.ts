import type { Account } from '../access/accounts.ts';
import { credentialJoins, isCredentialCurrent } from '../access/credentials.ts';
import { hashOf, newSecret } from '../access/secrets.ts';
import { type LiveTicket, liveLimits } from '../contracts/live.ts';
import { catalogue, transaction } from '../runtime/catalogue.ts';
import { config } from '../runtime/config.ts';
import { AppError } from '../runtime/errors.ts';

/** Returns the address of a live socket for the account: it has a ticket, which works once. */
export async function issueLiveTicket(account: Account): Promise<LiveTicket> {
  const secret = newSecret();
  const { rows } = await catalogue().query<{ expires_at: Date }>(
    `insert into live_tickets (secret_hash, account_id, api_key_id, session_id, expires_at)
     values ($1, $2, $3, $4, now() + interval '${liveLimits.ticketSeconds} seconds')
     returning expires_at`,
    [hashOf(secret), account.id, account.apiKeyId, account.sessionId],
  );
  const [row] = rows;
  if (!row) throw new Error('the ticket was not stored');
  return {
    url: `${config().url.replace(/^http/, 'ws')}/live?ticket=${secret}`,
    expiresAt: row.expires_at.toISOString(),
  };
}

/** A connection on which nothing was sent for longer is closed, even if the gateway did not say so. */
const silentSeconds = liveLimits.idleSeconds + 60;

/** SQL: connection `c` cannot be open any more. */
const isClosed = `(c.connected_at < now() - interval '${liveLimits.connectionSeconds + 60} seconds'
  or c.seen_at < now() - interval '${silentSeconds} seconds')`;

interface Owner {
  account_id: string;
  api_key_id: string | null;
  session_id: string | null;
}

/**
 * Opens a connection with a ticket, which is then used. Throws `unauthenticated` for a ticket that is unknown, used or
 * too old, or whose account, key or session was revoked; `too_many_requests` if the account has too many connections.
 */
export async function openConnection(connectionId: string, ticket: string): Promise<void> {
  const opened = await transaction(async (client) => {
    const { rows } = await client.query<Owner>(
      `with used as (delete from live_tickets where secret_hash = $1 returning *)
       select u.account_id, u.api_key_id, u.session_id from used u
       join accounts a on a.id = u.account_id
       ${credentialJoins('u')}
       where u.expires_at > now() and a.disabled_at is null and ${isCredentialCurrent}`,
      [hashOf(ticket)],
    );
    const [owner] = rows;
    if (!owner) return 'no ticket';
    // Connections that open at the same time are counted one after the other.
    await client.query(`select pg_advisory_xact_lock(hashtext('live_connections'), hashtext($1))`, [
      owner.account_id,
    ]);
    const { rowCount } = await client.query(
      `insert into live_connections (id, account_id, api_key_id, session_id)
       select $1, $2, $3, $4 where (
         select count(*) from live_connections c where c.account_id = $2 and not ${isClosed}) < $5
       on conflict (id) do nothing`,
      [connectionId, owner.account_id, owner.api_key_id, owner.session_id, liveLimits.connections],
    );
    return rowCount === 1 ? 'opened' : 'too many';
  });
  // Not thrown within the transaction: a ticket is used even if it opens nothing.
  if (opened === 'no ticket')
    throw new AppError('unauthenticated', 'The ticket is unknown, was used or has expired.');
  if (opened === 'too many')
    throw new AppError(
      'too_many_requests',
      `Your account has ${liveLimits.connections} open connections. Close one of them.`,
    );
}

/** Deletes tickets that were not used in time, and connections that cannot be open any more. */
export async function pruneTicketsAndConnections(): Promise<void> {
  await catalogue().query('delete from live_tickets where expires_at < now()');
  await catalogue().query(`delete from live_connections c where ${isClosed}`);
}
