import { credentialJoins, hasScope, isCredentialCurrent } from '../access/credentials.ts';
import { anyDataset, type Grant } from '../contracts/grants.ts';
import { readableSeries, readingsDataset } from '../readings/readings-source.ts';
import { catalogue, type Queryable } from '../runtime/catalogue.ts';
import { backoffMs } from '../runtime/retry.ts';

/** What a message handler has to know of its connection. */
export interface Connection {
  id: string;
  accountId: string;
  /** Whether the account, and the key or session of the ticket, may still call. */
  isAllowed: boolean;
  /** Whether the account may read readings. */
  mayReadReadings: boolean;
  /** The only series that it may read; absent: all. */
  readableSeries?: ReadonlySet<string>;
}

/** What a grant says of the readings. */
export type ReadingsGrant = Pick<Grant, 'columns' | 'where'>;

/** SQL of the rights of connection `c`; $1 is the source of the readings, or null. */
export const rightsOf = `
  a.disabled_at is null and ${isCredentialCurrent} as is_allowed,
  (select json_build_object('columns', g.columns, 'where', g."where") from grants g
    where g.account_id = a.id and g.source = $1 and g.dataset in ('${readingsDataset}', '${anyDataset}')
      and ${hasScope('readings:read')}
    order by g.dataset = '${anyDataset}' limit 1) as readings_grant`;
export const rightsJoin = `
  join accounts a on a.id = c.account_id
  ${credentialJoins('c')}`;

/** Returns the connection of a message, and notes that it is alive. Undefined: it is not known, or closed. */
export async function findConnection(
  connectionId: string,
  readingsSource: string | undefined,
): Promise<Connection | undefined> {
  const { rows } = await catalogue().query<{
    id: string;
    account_id: string;
    is_allowed: boolean;
    readings_grant: ReadingsGrant | null;
  }>(
    `with seen as (update live_connections set seen_at = now() where id = $2 returning *)
     select c.id, c.account_id, ${rightsOf} from seen c ${rightsJoin}`,
    [readingsSource ?? null, connectionId],
  );
  const [row] = rows;
  if (!row) return undefined;
  const series = readableSeries(row.readings_grant ?? undefined);
  return {
    id: row.id,
    accountId: row.account_id,
    isAllowed: row.is_allowed,
    mayReadReadings: series !== 'none' && series !== 'unsupported',
    ...(typeof series === 'string' ? {} : { readableSeries: series }),
  };
}

/** Forgets connections and what they subscribed to. */
export async function removeConnections(
  connectionIds: readonly string[],
  client: Queryable = catalogue(),
): Promise<void> {
  await client.query('delete from live_connections where id = any($1)', [connectionIds]);
}

const retryDelays = { firstMs: 500, maxMs: 10_000 };

/** A connection with this number of failed deliveries in a row, which takes a minute or more, is closed. */
export const maxFailures = 10;

/**
 * Records a delivery that failed: the connection gets no readings until the next try. Ends its replay. Returns how many
 * failed since the last that succeeded.
 */
export async function recordFailure(
  connectionId: string,
  failuresBefore: number,
  client: Queryable = catalogue(),
): Promise<void> {
  await client.query(
    `update live_connections set failures = $2, retry_at = now() + make_interval(secs => $3),
       replay_id = null, replay_until = null
     where id = $1`,
    [connectionId, failuresBefore + 1, backoffMs(failuresBefore, retryDelays) / 1_000],
  );
}
