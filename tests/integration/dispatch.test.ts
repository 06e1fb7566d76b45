import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { assertNotLagging } from '../../lib/sources/replication-lag.ts';
import { OwnCatalogue } from '../support/own-catalogue.ts';
import { sql } from '../support/stack.ts';

/**
 * Tests the rules of dispatch on a catalogue of their own. Limits are low (two running exports per account, three
 * connections to sales), so that four slots can reach them.
 */
describe('dispatch', () => {
  let own: OwnCatalogue;

  beforeAll(async () => {
    own = await OwnCatalogue.create({
      STREAMSYNC_MAX_RUNNING_EXPORTS_PER_ACCOUNT: '2',
      STREAMSYNC_SOURCES: JSON.stringify({
        sales: { url: 'SOURCE', maxConnections: 3, maxLagSeconds: 30 },
        iot: { url: 'SOURCE' },
      }),
    });
  });
  afterAll(() => own.drop());
  afterEach(() => own.clear());

  const run = (text: string, values: unknown[] = []) => sql(own.url, text, values);
  const pause = (source: string) =>
    run(
      `insert into source_pauses (source, reason, paused_by) select $1, 'x', id from accounts limit 1`,
      [source],
    );
  const stateOf = async (id: string) =>
    (
      await sql<{ state: string; error_code: string | null }>(
        own.url,
        'select state, error_code from exports where id = $1',
        [id],
      )
    )[0];

  test('dispatch serves accounts in turn and stops at the running exports of an account', async () => {
    const first = await own.addExport({ owner: 'a' });
    for (const owner of ['a', 'a', 'a', 'b']) await own.addExport({ owner });
    // One slot stays free: `a` has reached its limit of two, and no other export waits.
    expect(await own.dispatchedOwners()).toEqual(['a', 'b', 'a']);
    expect(await own.dispatchedOwners()).toEqual([]);
    await own.end(first);
    await own.addExport({ owner: 'c' });
    expect(await own.dispatchedOwners()).toEqual(['c', 'a']);
  });

  test('dispatch counts the running exports of an account, not their units', async () => {
    await own.addExport({ owner: 'a', units: 2 });
    await own.addExport({ owner: 'a' });
    expect(await own.dispatchedOwners()).toEqual(['a', 'a', 'a']);
  });

  test('dispatch continues the running exports of an account at its limit, but starts no new one', async () => {
    const before = await own.addExport({ owner: 'a', units: 1 });
    const running = await own.addExport({ owner: 'a', units: 3 });
    const other = await own.addExport({ owner: 'b', source: 'sales', connections: 3 });
    expect(await own.dispatchedOwners()).toEqual(['a', 'b', 'a', 'a']);
    await run(`update units set state = 'done' where export_id = $1 and ordinal = 0`, [running]);
    // Its place is before that of the running export, so it would be next by place alone.
    const first = await own.addExport({ owner: 'a' });
    await run(`update units set place = '2000-01-01' where export_id = $1`, [first]);
    expect(await own.dispatchedExports()).toEqual([{ email: 'a', id: running }]);
    for (const id of [before, running, other]) await own.end(id);
    expect(await own.dispatchedExports()).toEqual([{ email: 'a', id: first }]);
  });

  test('dispatch leaves the last slot to other accounts when one account has all others', async () => {
    for (let n = 0; n < 2; n++) await own.addExport({ owner: 'a', units: 4 });
    expect(await own.dispatchedOwners()).toEqual(['a', 'a', 'a']);
    await own.addExport({ owner: 'b', source: 'sales' });
    expect(await own.dispatchedOwners()).toEqual(['b']);
    // A slot that is closed after a lost attempt belongs to no account: `a` has two of three.
    await run(
      `update units set state = 'cancelled' where state in ('dispatched', 'running');
       update slots set closed_until = now() + interval '1 minute', closed_offset = 7 where partition = 0`,
    );
    expect(await own.dispatchedOwners()).toEqual(['a', 'a']);
  });

  test('dispatch assigns finalize units before read units', async () => {
    await own.addExport({ owner: 'a' });
    const finalize = await own.addExport({ owner: 'a', kind: 'finalize' });
    expect((await own.dispatchedExports())[0]?.id).toBe(finalize);
  });

  test('dispatch keeps within the connections of a source and serves other sources', async () => {
    const first = await own.addExport({ owner: 'a', source: 'sales', connections: 2 });
    await own.addExport({ owner: 'b', source: 'sales', connections: 2 });
    await own.addExport({ owner: 'c', source: 'sales' });
    await own.addExport({ owner: 'd' });
    expect(await own.dispatchedOwners()).toEqual(['a', 'c', 'd']);
    await own.end(first);
    expect(await own.dispatchedOwners()).toEqual(['b']);
  });

  test('dispatch counts the connections of a lost attempt, and skips its slot, until the slot reopens', async () => {
    const lost = await own.addExport({ owner: 'a', source: 'sales', connections: 3 });
    await run(
      `insert into attempts (id, unit_id, export_id, partition, "offset", state, object_key)
         select gen_random_uuid(), id, export_id, 0, 7, 'lost', '' from units;
       update slots set closed_until = now() + interval '1 minute', closed_offset = 7 where partition = 0`,
    );
    await own.end(lost);
    await own.addExport({ owner: 'b', source: 'sales' });
    for (const owner of ['c', 'd', 'e', 'f']) await own.addExport({ owner });
    expect(await own.dispatchedOwners()).toEqual(['c', 'd', 'e']);
    await run('update slots set closed_until = now() where partition = 0');
    expect(await own.dispatchedOwners()).toEqual(['b']);
  });

  test('dispatch assigns at most half of the slots to long snapshots, and more to long exports in units', async () => {
    for (const owner of ['a', 'b', 'c']) await own.addExport({ owner, seconds: 121 });
    await own.addExport({ owner: 'd', seconds: 120 });
    expect(await own.dispatchedOwners()).toEqual(['a', 'b', 'd']);
    await own.addExport({ owner: 'e', seconds: 9_000, units: 2 });
    expect(await own.dispatchedOwners()).toEqual(['e']);
  });

  test('dispatch counts a unit that runs for over 120 s as long, whatever its estimate', async () => {
    for (const owner of ['a', 'b']) await own.addExport({ owner });
    expect(await own.dispatchedOwners()).toEqual(['a', 'b']);
    await run(`update units set state = 'running', running_since = now() - interval '119 seconds'`);
    const long = await own.addExport({ owner: 'c', seconds: 121 });
    expect(await own.dispatchedExports()).toEqual([{ email: 'c', id: long }]);
    await own.end(long);
    await run(
      `update units set running_since = now() - interval '121 seconds' where state = 'running'`,
    );
    await own.addExport({ owner: 'd', seconds: 121 });
    await own.addExport({ owner: 'e' });
    expect(await own.dispatchedOwners()).toEqual(['e']);
  });

  test('dispatch assigns no read unit of a paused source, but its finalize units', async () => {
    await own.addExport({ owner: 'a', source: 'sales' });
    await own.addExport({ owner: 'b', source: 'sales', kind: 'finalize' });
    await pause('sales');
    expect(await own.dispatchedOwners()).toEqual(['b']);
  });

  test('dispatch skips a unit until its not_before has passed', async () => {
    const later = await own.addExport({ owner: 'a' });
    await run(`update units set not_before = now() + interval '1 hour' where export_id = $1`, [
      later,
    ]);
    await own.addExport({ owner: 'a' });
    expect(await own.dispatchedOwners()).toEqual(['a']);
    await run(`update units set not_before = now() where export_id = $1`, [later]);
    // `delayed` is true again, as if not_before had passed while the unit waited.
    await run(`update units set delayed = true where export_id = $1`, [later]);
    expect(await own.dispatchedExports()).toEqual([{ email: 'a', id: later }]);
  });

  test('dispatch skips an export that another session has locked, and assigns the next', async () => {
    const locked = await own.addExport({ owner: 'a' });
    await own.addExport({ owner: 'b' });
    const client = new pg.Client({ connectionString: own.url });
    await client.connect();
    try {
      await client.query('begin');
      await client.query('select 1 from exports where id = $1 for update', [locked]);
      expect(await own.dispatchedOwners()).toEqual(['b']);
    } finally {
      await client.end();
    }
    expect(await own.dispatchedOwners()).toEqual(['a']);
  });

  test.each([
    ['the account is disabled', `update accounts set disabled_at = now() where email = 'a'`],
    [
      'its grant is withdrawn',
      `delete from grants using accounts where id = account_id and email = 'a' and source = 'iot'`,
    ],
    [
      'its grant is limited',
      `update grants set columns = '{"x": "drop"}' from accounts where id = account_id and email = 'a'`,
    ],
  ])('dispatch fails a waiting export when %s, and serves the others', async (_name, withdraw) => {
    const ids = [
      await own.addExport({ owner: 'a' }),
      await own.addExport({ owner: 'a', units: 3 }),
    ];
    await own.addExport({ owner: 'b' });
    await run(withdraw);
    expect(await own.dispatchedOwners()).toEqual(['b']);
    for (const id of ids)
      expect(await stateOf(id)).toEqual({ state: 'failed', error_code: 'forbidden' });
  });

  test('dispatch removes an export that has ended from the queue', async () => {
    const over = await own.addExport({ owner: 'a' });
    await run(`update exports set state = 'cancelled' where id = $1`, [over]);
    expect(await own.dispatchedOwners()).toEqual([]);
    await own.assertLines();
  });

  test.each([
    ['a primary', { recovery: false, receivers: 0, received: null, seconds: 900 }, undefined],
    [
      'a replica that has replayed all',
      { recovery: true, receivers: 1, received: '0/8', seconds: 900 },
      undefined,
    ],
    [
      'a replica with a short lag',
      { recovery: true, receivers: 1, received: '0/9', seconds: 20 },
      undefined,
    ],
    [
      'a replica with a long lag',
      { recovery: true, receivers: 1, received: '0/9', seconds: 40 },
      'source_lagging',
    ],
    [
      'a replica of an archive',
      { recovery: true, receivers: 0, received: null, seconds: 40 },
      'source_lagging',
    ],
    [
      'a replica without a primary',
      { recovery: true, receivers: 0, received: '0/8', seconds: 40 },
      'source_lagging',
    ],
  ])('assertNotLagging rejects only a server that lags: %s', async (_name, facts, code) => {
    const client = new pg.Client({ connectionString: own.url });
    await client.connect();
    try {
      // Replaces the server's own functions until the end of the transaction, because this test has no replica.
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
      const check = assertNotLagging(client, 'sales');
      if (code === undefined) await check;
      else await expect(check).rejects.toMatchObject({ code });
    } finally {
      await client.end();
    }
  });
});
