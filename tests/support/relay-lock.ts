import pg from 'pg';
import { locks } from '../../lib/runtime/catalogue.ts';

/** Nothing is sent out of the outbox of a catalogue until it is released. */
export async function holdRelay(catalogueUrl: string): Promise<{ release: () => Promise<void> }> {
  const client = new pg.Client({ connectionString: catalogueUrl });
  // Its server may go with a stack that is killed.
  client.on('error', () => undefined);
  await client.connect();
  await client.query('begin');
  await client.query('select pg_advisory_xact_lock($1)', [locks.relay]);
  return { release: () => client.end().catch(() => undefined) };
}
