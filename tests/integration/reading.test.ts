import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { exportRequestSchema } from '../../lib/contracts/export-request.ts';
import { readUnit } from '../../lib/engine/read.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import type { WholeClaim } from '../../lib/scheduling/attempt.ts';
import { requireFresh } from '../../lib/sources/guard.ts';
import { startGateProxy } from '../stack/gate-proxy.ts';
import { startLossyProxy } from '../stack/lossy-proxy.ts';
import { sourceUrl, sql, stack } from '../stack/stack.ts';
import { startStandby } from '../stack/standby.ts';
import { until } from '../stack/until.ts';

/**
 * What keeps a file from being less than its dataset without anybody noticing: the domain's own code reads from real
 * servers, one of which a row is lost on the way from, and one a replica that gets no more.
 */
const table = `read_${Date.now()}`;
const paged = `${table}_paged`;
const latin = `latin_${Date.now()}`;
let standbyUrl = '';
let gate: Awaited<ReturnType<typeof startGateProxy>>;
const stops: (() => Promise<void>)[] = [];

beforeAll(async () => {
  const make = `create table ${table} (id int primary key);
    insert into ${table} select generate_series(1, 500)`;
  await sql(sourceUrl('sales'), make);
  stops.push(async () => {
    await sql(sourceUrl('sales'), `drop table ${table}`);
  });
  // So few rows on a page that there are enough pages for two readers.
  await sql(
    sourceUrl('sales'),
    `create table ${paged} (id int primary key, filling text) with (fillfactor = 10);
     alter table ${paged} alter filling set storage plain;
     insert into ${paged} select n, repeat('x', 700) from generate_series(1, 5000) n; analyze ${paged}`,
  );
  stops.push(async () => {
    await sql(sourceUrl('sales'), `drop table ${paged}`);
  });
  await sql(
    sourceUrl('sales'),
    `create database ${latin} template template0 encoding 'LATIN1' locale 'C'`,
  );
  stops.push(async () => {
    await sql(sourceUrl('sales'), `drop database ${latin} with (force)`);
  });
  const latinUrl = new URL(sourceUrl('sales'));
  latinUrl.pathname = latin;
  await sql(latinUrl.href, `create table "é" as select 'ü' as "ö"`);
  gate = await startGateProxy(sourceUrl('sales'));
  stops.push(() => gate.stop());
  const lossy = await startLossyProxy(sourceUrl('sales'), 250);
  stops.push(lossy.stop);
  const standby = await startStandby(make);
  stops.push(standby.stop);
  standbyUrl = standby.url;
  Object.assign(process.env, parseEnv(readFileSync('.env.example', 'utf8')), {
    STREAMSYNC_CATALOGUE_URL: stack.postgres.catalogue,
    STREAMSYNC_SOURCES: JSON.stringify({
      sales: { url: sourceUrl('sales') },
      lossy: { url: lossy.url },
      gate: { url: gate.url },
      latin: { url: latinUrl.href },
      'behind-by-any': { url: standby.url },
      'not-far-behind': { url: standby.url, maxLagSeconds: 3_600 },
      'too-far-behind': { url: standby.url, maxLagSeconds: 1 },
    }),
  });
});
afterAll(async () => {
  await catalogue().end();
  for (const stop of stops.toReversed()) await stop();
});

/** Reads the table as a unit of its own, and says how many rows the file has. */
async function rowsOf(source: string, more: object = {}, connections = 1): Promise<number> {
  const request = exportRequestSchema.parse({
    sources: [source],
    dataset: table,
    format: 'csv',
    ...more,
  });
  const claim: WholeClaim = {
    kind: 'whole',
    unitId: randomUUID(),
    exportId: randomUUID(),
    attemptId: randomUUID(),
    ownerEmail: 'nobody@streamsync.example',
    limits: { maxRows: null, maxBytes: null },
    elsewhere: { rows: 0, bytes: 0 },
    source,
    request,
    objectKey: '',
    connections,
    completing: null,
  };
  const { rows } = await readUnit({
    claim,
    sink: { write: async () => {} },
    progress: { rows: 0, bytes: 0 },
    requireRoom: () => {},
    signal: AbortSignal.timeout(60_000),
    statementTimeoutSeconds: 60,
  });
  return rows;
}

test.each(['csv', 'ndjson', 'xlsx', 'parquet'])(
  'a row that is lost on the way is no file of %s that is complete',
  async (format) => {
    expect(await rowsOf('sales', { format })).toBe(500);
    await expect(rowsOf('lossy', { format })).rejects.toThrow(
      'the source sent 500 rows, the file has 499',
    );
  },
);

test('a TRUNCATE that came first is waited for: its table is not read as empty', async () => {
  const client = new pg.Client({ connectionString: sourceUrl('sales') });
  await client.connect();
  try {
    await client.query(`begin; truncate ${table}; insert into ${table} values (1), (2), (3)`);
    const rows = rowsOf('sales');
    await until('the export waits for the lock', async () => {
      const waiting = await sql(
        sourceUrl('sales'),
        'select 1 from pg_locks where relation = $1::regclass and not granted',
        [table],
      );
      return waiting.length > 0 ? true : undefined;
    });
    await client.query('commit');
    expect(await rows).toBe(3);
  } finally {
    await client.end();
  }
});

test('whoever wants to alter a table behind the first reader waits for it alone: no reader waits for him', async () => {
  const client = new pg.Client({ connectionString: sourceUrl('sales') });
  await client.connect();
  try {
    const rows = rowsOf('gate', { dataset: paged }, 2);
    await until('the second reader comes', async () => (gate.arrived() > 1 ? true : undefined));
    const altered = client.query(`begin; alter table ${paged} add column more int`);
    await until('it waits for the first reader', async () => {
      const waiting = await sql(
        sourceUrl('sales'),
        `select 1 from pg_locks where relation = $1::regclass and not granted and mode = 'AccessExclusiveLock'`,
        [paged],
      );
      return waiting.length > 0 ? true : undefined;
    });
    gate.open();
    expect(await rows).toBe(5_000);
    await altered;
  } finally {
    await client.end();
  }
});

test('a name that the encoding of a database does not have is that of no dataset', async () => {
  expect(await rowsOf('latin', { dataset: 'é' })).toBe(1);
  await expect(rowsOf('latin', { dataset: '表' })).rejects.toMatchObject({
    code: 'refused_request',
    message: expect.stringContaining('names no dataset'),
  });
});

test('a replica that is further behind than it may be is not read, and another is', async () => {
  expect(await rowsOf('not-far-behind')).toBe(500);
  expect(await rowsOf('behind-by-any')).toBe(500);
  await until('it is more than a second behind', async () => {
    const [replica] = await sql<{ behind: boolean }>(
      standbyUrl,
      `select pg_is_in_recovery() and
         clock_timestamp() - pg_last_xact_replay_timestamp() > interval '1.5 seconds' as behind`,
    );
    return replica?.behind ? true : undefined;
  });
  await expect(rowsOf('too-far-behind')).rejects.toMatchObject({ code: 'source_lagging' });
});

test('nor is one that has replayed nothing since it was started, of which nobody knows how far', async () => {
  const standby = await startStandby(null);
  try {
    const [told] = await sql(standby.url, 'select pg_last_xact_replay_timestamp() as at');
    expect(told).toEqual({ at: null });
    const client = new pg.Client({ connectionString: standby.url });
    await client.connect();
    await expect(requireFresh(client, 'not-far-behind')).rejects.toMatchObject({
      code: 'source_lagging',
    });
    await expect(requireFresh(client, 'behind-by-any')).resolves.toBeUndefined();
    await client.end();
  } finally {
    await standby.stop();
  }
});
