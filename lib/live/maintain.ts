import { catalogue } from '../runtime/catalogue.ts';
import { config } from '../runtime/config.ts';
import { printMetrics } from '../runtime/metrics.ts';
import { pruneBatches } from './batches.ts';
import { removeConnections, rightsJoin, rightsOf } from './connections.ts';
import { gateway } from './gateway.ts';
import { measureConnections } from './measure-connections.ts';
import { send } from './sender.ts';
import { pruneTicketsAndConnections } from './tickets.ts';

/**
 * Deletes what live sockets do not need any more, closes those whose account, key or session was revoked, and sends what a sender
 * left that was killed.
 */
export async function maintainLive(): Promise<void> {
  await pruneTicketsAndConnections();
  await pruneBatches(catalogue());
  if (config().liveEndpoint === undefined) return;
  await closeRevoked();
  await send();
  await printConnections();
}

async function printConnections(): Promise<void> {
  const { connections, slow, unsentSeconds } = await measureConnections();
  printMetrics(
    { function: 'sweep' },
    {
      liveConnections: { unit: 'Count', value: connections },
      slowLiveConnections: { unit: 'Count', value: slow },
      unsentReadings: { unit: 'Seconds', value: unsentSeconds ?? 0 },
    },
  );
}

async function closeRevoked(): Promise<void> {
  const { rows } = await catalogue().query<{ id: string }>(
    `select id from (select c.id, ${rightsOf} from live_connections c ${rightsJoin}) connections
     where not is_allowed`,
    [null],
  );
  if (rows.length === 0) return;
  await removeConnections(rows.map(({ id }) => id));
  await Promise.all(rows.map(({ id }) => gateway.close(id)));
}
