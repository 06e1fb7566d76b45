import pg from 'pg';
import { advisoryLocks } from '../../lib/runtime/catalogue.ts';

/** Blocks the relay of a catalogue: messages stay in the outbox until `release`. */
export async function blockRelay(catalogueUrl: string): Promise<{ release: () => Promise<void> }> {
  const client = new pg.Client({ connectionString: catalogueUrl });
  // The server may stop with a killed stack.
  client.on('error', () => undefined);
  await client.connect();
  await client.query('begin');
  await client.query('select pg_advisory_xact_lock($1)', [advisoryLocks.relay]);
  return { release: () => client.end().catch(() => undefined) };
}
