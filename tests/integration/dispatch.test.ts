import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { requireFresh } from '../../lib/sources/guard.ts';
import { OwnCatalogue } from '../stack/own-catalogue.ts';
import { sql } from '../stack/stack.ts';

/**
 * The rules, on a catalogue of their own. Two exports of an account at once, three connections to sales, so that the
 * limits are within reach of four slots.
 */
describe('dispatch', () => {
  let own: OwnCatalogue;

  beforeAll(async () => {
    own = await OwnCatalogue.make({
      STREAMSYNC_RUNNING_EXPORTS_PER_ACCOUNT: '2',
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

  test('gives one to each account in turn, and no account more than it may have running', async () => {
    const first = await own.ask({ owner: 'a' });
    for (const owner of ['a', 'a', 'a', 'b']) await own.ask({ owner });
    // A slot stays free: `a` has its two, and nobody else waits.
    expect(await own.given()).toEqual(['a', 'b', 'a']);
    expect(await own.given()).toEqual([]);
    await own.end(first);
    await own.ask({ owner: 'c' });
    expect(await own.given()).toEqual(['c', 'a']);
  });

  test('counts exports, not their units', async () => {
    await own.ask({ owner: 'a', units: 2 });
    await own.ask({ owner: 'a' });
    expect(await own.given()).toEqual(['a', 'a', 'a']);
  });

  test('goes on with what an account has running, and begins nothing new, when it is at its limit', async () => {
    const before = await own.ask({ owner: 'a', units: 1 });
    const running = await own.ask({ owner: 'a', units: 3 });
    const other = await own.ask({ owner: 'b', source: 'sales', connections: 3 });
    expect(await own.given()).toEqual(['a', 'b', 'a', 'a']);
    await run(`update units set state = 'done' where export_id = $1 and ordinal = 0`, [running]);
    // Asked for before what runs: by its place it would be next.
    const first = await own.ask({ owner: 'a' });
    await run(`update units set place = '2000-01-01' where export_id = $1`, [first]);
    expect(await own.givenExports()).toEqual([{ email: 'a', id: running }]);
    for (const id of [before, running, other]) await own.end(id);
    expect(await own.givenExports()).toEqual([{ email: 'a', id: first }]);
  });

  test('leaves the last slot to others, whoever holds all the rest', async () => {
    for (let n = 0; n < 2; n++) await own.ask({ owner: 'a', units: 4 });
    expect(await own.given()).toEqual(['a', 'a', 'a']);
    await own.ask({ owner: 'b', source: 'sales' });
    expect(await own.given()).toEqual(['b']);
    // A slot that is closed behind a lost attempt is nobody's: of three the account has two.
    await run(
      `update units set state = 'cancelled' where state in ('dispatched', 'running');
       update slots set closed_until = now() + interval '1 minute', closed_offset = 7 where partition = 0`,
    );
    expect(await own.given()).toEqual(['a', 'a']);
  });

  test('puts files together before it reads more', async () => {
    await own.ask({ owner: 'a' });
    const finalize = await own.ask({ owner: 'a', kind: 'finalize' });
    expect((await own.givenExports())[0]?.id).toBe(finalize);
  });

  test('keeps within the connections of a source, while others go on', async () => {
    const first = await own.ask({ owner: 'a', source: 'sales', connections: 2 });
    await own.ask({ owner: 'b', source: 'sales', connections: 2 });
    await own.ask({ owner: 'c', source: 'sales' });
    await own.ask({ owner: 'd' });
    expect(await own.given()).toEqual(['a', 'c', 'd']);
    await own.end(first);
    expect(await own.given()).toEqual(['b']);
  });

  test('counts the connections of a lost attempt until its slot reopens, and leaves the slot', async () => {
    const lost = await own.ask({ owner: 'a', source: 'sales', connections: 3 });
    await run(
      `insert into attempts (id, unit_id, export_id, partition, "offset", state, object_key)
         select gen_random_uuid(), id, export_id, 0, 7, 'lost', '' from units;
       update slots set closed_until = now() + interval '1 minute', closed_offset = 7 where partition = 0`,
    );
    await own.end(lost);
    await own.ask({ owner: 'b', source: 'sales' });
    for (const owner of ['c', 'd', 'e', 'f']) await own.ask({ owner });
    expect(await own.given()).toEqual(['c', 'd', 'e']);
    await run('update slots set closed_until = now() where partition = 0');
    expect(await own.given()).toEqual(['b']);
  });

  test('gives half of the slots to long snapshots, and more to long exports in units', async () => {
    for (const owner of ['a', 'b', 'c']) await own.ask({ owner, seconds: 121 });
    await own.ask({ owner: 'd', seconds: 120 });
    expect(await own.given()).toEqual(['a', 'b', 'd']);
    await own.ask({ owner: 'e', seconds: 9_000, units: 2 });
    expect(await own.given()).toEqual(['e']);
  });

  test('takes for long what runs long, whatever was estimated', async () => {
    for (const owner of ['a', 'b']) await own.ask({ owner });
    expect(await own.given()).toEqual(['a', 'b']);
    await run(`update units set state = 'running', running_since = now() - interval '119 seconds'`);
    const long = await own.ask({ owner: 'c', seconds: 121 });
    expect(await own.givenExports()).toEqual([{ email: 'c', id: long }]);
    await own.end(long);
    await run(
      `update units set running_since = now() - interval '121 seconds' where state = 'running'`,
    );
    await own.ask({ owner: 'd', seconds: 121 });
    await own.ask({ owner: 'e' });
    expect(await own.given()).toEqual(['e']);
  });

  test('reads nothing of a paused source, but puts together what was read', async () => {
    await own.ask({ owner: 'a', source: 'sales' });
    await own.ask({ owner: 'b', source: 'sales', kind: 'finalize' });
    await pause('sales');
    expect(await own.given()).toEqual(['b']);
  });

  test('leaves what waits for a moment until that is there, and passes over it', async () => {
    const later = await own.ask({ owner: 'a' });
    await run(`update units set not_before = now() + interval '1 hour' where export_id = $1`, [
      later,
    ]);
    await own.ask({ owner: 'a' });
    expect(await own.given()).toEqual(['a']);
    await run(`update units set not_before = now() where export_id = $1`, [later]);
    // Its moment has been told of anew; as when time passes:
    await run(`update units set delayed = true where export_id = $1`, [later]);
    expect(await own.givenExports()).toEqual([{ email: 'a', id: later }]);
  });

  test('passes over an export that somebody works on, and gives the next', async () => {
    const locked = await own.ask({ owner: 'a' });
    await own.ask({ owner: 'b' });
    const client = new pg.Client({ connectionString: own.url });
    await client.connect();
    try {
      await client.query('begin');
      await client.query('select 1 from exports where id = $1 for update', [locked]);
      expect(await own.given()).toEqual(['b']);
    } finally {
      await client.end();
    }
    expect(await own.given()).toEqual(['a']);
  });

  test.each([
    ['the account is disabled', `update accounts set disabled_at = now() where email = 'a'`],
    [
      'its grant is withdrawn',
      `delete from grants using accounts where id = account_id and email = 'a' and source = 'iot'`,
    ],
  ])('gives nothing to what waits when %s: it fails, and others go on', async (_name, withdraw) => {
    const ids = [await own.ask({ owner: 'a' }), await own.ask({ owner: 'a', units: 3 })];
    await own.ask({ owner: 'b' });
    await run(withdraw);
    expect(await own.given()).toEqual(['b']);
    for (const id of ids)
      expect(await stateOf(id)).toEqual({ state: 'failed', error_code: 'forbidden' });
  });

  test('takes what is over out of the queue', async () => {
    const over = await own.ask({ owner: 'a' });
    await run(`update exports set state = 'cancelled' where id = $1`, [over]);
    expect(await own.given()).toEqual([]);
    await own.requireLines();
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
    const client = new pg.Client({ connectionString: own.url });
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
