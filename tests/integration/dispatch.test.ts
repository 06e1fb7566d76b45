import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { findRunningStack, useStack } from '../../infra/local/found-stack.ts';
import { openHome } from '../../infra/local/home.ts';
import { withFreshCatalogue } from '../../infra/postgres/fresh.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import { dispatch } from '../../lib/scheduling/dispatch.ts';
import { createSlots } from '../../lib/scheduling/slots.ts';
import { requireFresh } from '../../lib/sources/guard.ts';
import { home, sql, stack } from '../stack/stack.ts';

/**
 * The rules, on a catalogue of their own in which nobody works: what runs is what the rows say. Two exports of an
 * account at once, three connections to sales, so that the limits are within reach of four slots.
 */
describe('dispatch', () => {
  const over = Promise.withResolvers<void>();
  let held: Promise<unknown> = Promise.resolve();
  let url = '';

  beforeAll(async () => {
    const opened = openHome({ STREAMSYNC_HOME: home() });
    const running = findRunningStack(opened);
    if (!running) throw new Error('the stack does not run');
    useStack(opened, running);
    const made = Promise.withResolvers<void>();
    held = withFreshCatalogue(stack.postgres.catalogue, async (fresh) => {
      url = fresh;
      process.env.STREAMSYNC_CATALOGUE_URL = fresh;
      process.env.STREAMSYNC_RUNNING_EXPORTS_PER_ACCOUNT = '2';
      process.env.STREAMSYNC_SOURCES = JSON.stringify({
        sales: { url: fresh, maxConnections: 3, maxLagSeconds: 30 },
        iot: { url: fresh },
      });
      await createSlots(catalogue());
      made.resolve();
      await over.promise;
      await catalogue().end();
    });
    await Promise.race([made.promise, held]);
  });
  afterAll(async () => {
    over.resolve();
    await held;
  });
  afterEach(async () => {
    await sql(
      url,
      `delete from source_pauses; delete from attempts; delete from exports; delete from outbox; delete from accounts;
       update slots set closed_until = null, closed_offset = null, last_used_at = null`,
    );
  });

  /** What its owner calls it, which its units are called by. */
  interface Wanted {
    owner: string;
    source?: string;
    connections?: number;
    units?: number;
    seconds?: number;
  }

  async function ask({ owner, source = 'iot', connections = 1, units = 1, seconds = 1 }: Wanted) {
    const id = randomUUID();
    await sql(
      url,
      `insert into accounts (id, email, password_hash, role)
       select gen_random_uuid(), $1, '', 'analyst' where not exists (select 1 from accounts where email = $1)`,
      [owner],
    );
    await sql(
      url,
      `insert into exports (id, owner_id, request, estimated_seconds, units_total, queued_at)
       select $1, id, '{}', $3, $4, clock_timestamp() from accounts where email = $2`,
      [id, owner, seconds, units],
    );
    await sql(
      url,
      `insert into units (id, export_id, kind, ordinal, source, planned_connections)
       select gen_random_uuid(), $1, 'read', n, $2, $3 from generate_series(0, $4::int - 1) n`,
      [id, source, connections, units],
    );
    return id;
  }

  /** Dispatches, and says to whose exports the slots went, in this order. */
  async function given(): Promise<string[]> {
    await sql(url, 'delete from outbox');
    await dispatch();
    const rows = await sql<{ email: string }>(
      url,
      `select a.email from outbox o join units u on u.dispatch_id = o.dispatch_id
       join exports e on e.id = u.export_id join accounts a on a.id = e.owner_id order by o.id`,
    );
    return rows.map(({ email }) => email);
  }

  const end = (id: string) =>
    sql(
      url,
      `with u as (update units set state = 'cancelled' where export_id = '${id}')
       update exports set state = 'cancelled' where id = '${id}'`,
    );

  test('gives one to each account in turn, and no account more than it may have running', async () => {
    const first = await ask({ owner: 'a' });
    for (const owner of ['a', 'a', 'a', 'b']) await ask({ owner });
    // A slot stays free: `a` has its two, and nobody else waits.
    expect(await given()).toEqual(['a', 'b', 'a']);
    expect(await given()).toEqual([]);
    await end(first);
    await ask({ owner: 'c' });
    expect(await given()).toEqual(['c', 'a']);
  });

  test('counts exports, not their units', async () => {
    await ask({ owner: 'a', units: 3 });
    await ask({ owner: 'a' });
    expect(await given()).toEqual(['a', 'a', 'a', 'a']);
  });

  test('keeps within the connections of a source, while others go on', async () => {
    const first = await ask({ owner: 'a', source: 'sales', connections: 2 });
    await ask({ owner: 'b', source: 'sales', connections: 2 });
    await ask({ owner: 'c', source: 'sales' });
    await ask({ owner: 'd' });
    expect(await given()).toEqual(['a', 'c', 'd']);
    await end(first);
    expect(await given()).toEqual(['b']);
  });

  test('counts the connections of a lost attempt until its slot reopens, and leaves the slot', async () => {
    const lost = await ask({ owner: 'a', source: 'sales', connections: 3 });
    await sql(
      url,
      `insert into attempts (id, unit_id, export_id, partition, "offset", state, object_key)
         select gen_random_uuid(), id, export_id, 0, 7, 'lost', '' from units;
       update slots set closed_until = now() + interval '1 minute', closed_offset = 7 where partition = 0`,
    );
    await end(lost);
    await ask({ owner: 'b', source: 'sales' });
    for (const owner of ['c', 'd', 'e', 'f']) await ask({ owner });
    expect(await given()).toEqual(['c', 'd', 'e']);
    await sql(url, 'update slots set closed_until = now() where partition = 0');
    expect(await given()).toEqual(['b']);
  });

  test('gives half of the slots to long snapshots, and more to long exports in units', async () => {
    for (const owner of ['a', 'b', 'c']) await ask({ owner, seconds: 121 });
    await ask({ owner: 'd', seconds: 120 });
    expect(await given()).toEqual(['a', 'b', 'd']);
    await ask({ owner: 'e', seconds: 9_000, units: 2 });
    expect(await given()).toEqual(['e']);
  });

  test('reads nothing of a paused source, but puts together what was read', async () => {
    await ask({ owner: 'a', source: 'sales' });
    await ask({ owner: 'b', source: 'sales' });
    await sql(
      url,
      `update units u set kind = 'finalize' from exports e join accounts a on a.id = e.owner_id
         where e.id = u.export_id and a.email = 'b';
       insert into source_pauses (source, reason, paused_by) select 'sales', 'x', id from accounts limit 1`,
    );
    expect(await given()).toEqual(['b']);
  });

  test.each([
    ['a primary', { recovery: false, receivers: 0, received: null, seconds: 900 }, undefined],
    ['all replayed', { recovery: true, receivers: 1, received: '0/8', seconds: 900 }, undefined],
    ['just behind', { recovery: true, receivers: 1, received: '0/9', seconds: 20 }, undefined],
    [
      'far behind',
      { recovery: true, receivers: 1, received: '0/9', seconds: 40 },
      'source_lagging',
    ],
    ['an archive', { recovery: true, receivers: 0, received: null, seconds: 40 }, 'source_lagging'],
    ['cut off', { recovery: true, receivers: 0, received: '0/8', seconds: 40 }, 'source_lagging'],
  ])('guards against lag of a replica: %s', async (_name, facts, code) => {
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    try {
      // The server's own functions with other answers, until the end of the transaction: a replica cannot be had here.
      await client.query(
        `begin; set local search_path = public, pg_catalog;
         create function pg_is_in_recovery() returns boolean return ${facts.recovery};
         create function pg_last_wal_receive_lsn() returns pg_lsn
           return ${facts.received === null ? 'null' : `'${facts.received}'`}::pg_lsn;
         create function pg_last_wal_replay_lsn() returns pg_lsn return '0/8'::pg_lsn;
         create function pg_last_xact_replay_timestamp() returns timestamptz
           return now() - interval '${facts.seconds} seconds';
         create view pg_stat_wal_receiver as select n as pid from generate_series(1, ${facts.receivers}) n`,
      );
      const asked = requireFresh(client, 'sales');
      if (code === undefined) await asked;
      else await expect(asked).rejects.toMatchObject({ code });
    } finally {
      await client.end();
    }
  });
});
