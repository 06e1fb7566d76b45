import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { exportRequestSchema } from '../../lib/contracts/export-request.ts';
import { readUnit } from '../../lib/engine/read/read-unit.ts';
import { catalogue } from '../../lib/runtime/catalogue.ts';
import type { WholeClaim } from '../../lib/scheduling/claim-types.ts';
import { assertNotLagging } from '../../lib/sources/replication-lag.ts';
import { startGateProxy } from '../support/faults/gate-proxy.ts';
import { startLossyProxy } from '../support/faults/lossy-proxy.ts';
import { sourceUrl, sql, stack } from '../support/stack.ts';
import { startStandby } from '../support/standby.ts';
import { waitFor } from '../support/wait-for.ts';
import { wholeSources } from '../support/whole-sources.ts';

/**
 * Tests that a file with fewer rows than its dataset never goes unnoticed. The code of lib reads from real servers: one
 * through a proxy that loses a row, and a replica that is cut off from its primary.
 */
const table = `read_${Date.now()}`;
const paged = `${table}_paged`;
const view = `${table}_view`;
const reader = `${table}_reader`;
const latin = `latin_${Date.now()}`;
let standbyUrl = '';
/** Statements that take an exclusive lock on a relation while it is read. Each test has its own gate proxy. */
const lockingStatements: readonly [relation: string, statement: string][] = [
  [paged, `alter table ${paged} add column more int`],
  [paged, `lock table ${paged}`],
  [paged, `truncate ${paged}`],
  [paged, `vacuum full ${paged}`],
  [view, `refresh materialized view ${view}`],
];
const gates: Awaited<ReturnType<typeof startGateProxy>>[] = [];
const stops: (() => Promise<void>)[] = [];

beforeAll(async () => {
  const createTable = `create table ${table} (id int primary key);
    insert into ${table} select generate_series(1, 500)`;
  await sql(sourceUrl('sales'), createTable);
  stops.push(async () => {
    await sql(sourceUrl('sales'), `drop table ${table}`);
  });
  // A low fillfactor, so that the table has enough pages for two readers.
  await sql(
    sourceUrl('sales'),
    `create table ${paged} (id int primary key, filling text) with (fillfactor = 10);
     alter table ${paged} alter filling set storage plain;
     insert into ${paged} select n, repeat('x', 700) from generate_series(1, 5000) n; analyze ${paged};
     create materialized view ${view} with (fillfactor = 10) as select * from ${paged}; analyze ${view};
     create role ${reader} login password 'reader'; grant select on ${paged} to ${reader};
     grant connect on database sales to ${reader};
     alter role ${reader} set idle_in_transaction_session_timeout = '500ms'`,
  );
  stops.push(async () => {
    await sql(
      sourceUrl('sales'),
      `drop owned by ${reader}; drop role ${reader}; drop materialized view ${view}; drop table ${paged}`,
    );
  });
  const readerUrl = new URL(sourceUrl('sales'));
  readerUrl.username = reader;
  readerUrl.password = 'reader';
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
  for (const _ of lockingStatements) {
    const gate = await startGateProxy(sourceUrl('sales'));
    gates.push(gate);
    stops.push(gate.stop);
  }
  const lossy = await startLossyProxy(sourceUrl('sales'), 250);
  stops.push(lossy.stop);
  const standby = await startStandby(createTable);
  stops.push(standby.stop);
  standbyUrl = standby.url;
  Object.assign(process.env, parseEnv(readFileSync('.env.example', 'utf8')), {
    STREAMSYNC_CATALOGUE_URL: stack.postgres.catalogue,
    STREAMSYNC_READINGS: '',
    STREAMSYNC_SOURCES: JSON.stringify({
      sales: { url: sourceUrl('sales') },
      lossy: { url: lossy.url },
      reader: { url: readerUrl.href },
      ...Object.fromEntries(gates.map(({ url }, n) => [`gate-${n}`, { url }])),
      latin: { url: latinUrl.href },
      'any-lag': { url: standby.url },
      'lag-within-limit': { url: standby.url, maxLagSeconds: 3_600 },
      'lag-over-limit': { url: standby.url, maxLagSeconds: 1 },
    }),
  });
});
afterAll(async () => {
  await catalogue().end();
  for (const stop of stops.toReversed()) await stop();
});

/** Reads the table in one unit, and returns how many rows the file has. */
async function rowsOf(
  source: string,
  more: object = {},
  connections = 1,
  write: () => Promise<void> = async () => {},
): Promise<number> {
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
    ownerEmail: 'reader@streamsync.example',
    grants: wholeSources(source),
    limits: { maxRows: null, maxBytes: null },
    otherUnits: { rows: 0, bytes: 0 },
    source,
    request,
    objectKey: '',
    connections,
    completing: null,
  };
  const { rows } = await readUnit({
    claim,
    sink: { write, end: () => {} },
    progress: { rows: 0, bytes: 0 },
    checkLimits: () => {},
    signal: AbortSignal.timeout(60_000),
    statementTimeoutSeconds: 60,
  });
  return rows;
}

test.each(['csv', 'ndjson', 'xlsx', 'parquet'])(
  'an export as %s fails if a row is lost between the server and the encoder',
  async (format) => {
    expect(await rowsOf('sales', { format })).toBe(500);
    await expect(rowsOf('lossy', { format })).rejects.toThrow(
      'the source sent 500 rows, the file has 499',
    );
  },
);

test('an export waits for an earlier TRUNCATE and reads the new rows', async () => {
  const client = new pg.Client({ connectionString: sourceUrl('sales') });
  await client.connect();
  try {
    await client.query(`begin; truncate ${table}; insert into ${table} values (1), (2), (3)`);
    const rows = rowsOf('sales');
    await waitFor('the export waits for the lock', async () => {
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

test.each(lockingStatements.map((it, n) => [...it, n] as const))(
  'an exclusive lock on %s waits for the first reader, and the second reader does not wait for the lock: %s',
  async (relation, statement, n) => {
    const gate = gates[n];
    if (!gate) throw new Error(`no gate has the number ${n}`);
    const client = new pg.Client({ connectionString: sourceUrl('sales') });
    await client.connect();
    try {
      const rows = rowsOf(`gate-${n}`, { dataset: relation }, 2);
      await waitFor('the second reader connects', async () =>
        gate.arrived() > 1 ? true : undefined,
      );
      if (!statement.startsWith('vacuum')) await client.query('begin');
      const locked = client.query(statement);
      await waitFor('the statement waits for the first reader', async () => {
        const waiting = await sql(
          sourceUrl('sales'),
          `select 1 from pg_locks where relation = $1::regclass and not granted and mode = 'AccessExclusiveLock'`,
          [relation],
        );
        return waiting.length > 0 ? true : undefined;
      });
      gate.open();
      expect(await rows).toBe(5_000);
      await locked;
    } finally {
      // This rolls back the transaction.
      await client.end();
    }
  },
);

test('a finished reader that waits for the other keeps its session longer than its role allows', async () => {
  let isBlocked = true;
  // The first write blocks until a reader has been idle for longer than the timeout of its role.
  const write = async (): Promise<void> => {
    if (!isBlocked) return;
    isBlocked = false;
    await waitFor('a reader is idle for a second', async () => {
      const idle = await sql(
        sourceUrl('sales'),
        `select 1 from pg_stat_activity where usename = $1 and state = 'idle in transaction'
           and clock_timestamp() - state_change > interval '1 second'`,
        [reader],
      );
      return idle.length > 0 ? true : undefined;
    });
  };
  expect(await rowsOf('reader', { dataset: paged }, 2, write)).toBe(5_000);
});

test('one reader reads all rows if its role may not open the second connection', async () => {
  await sql(sourceUrl('sales'), `alter role ${reader} connection limit 1`);
  try {
    // The first connection has to be the one that gets it, each time.
    for (let n = 0; n < 5; n++) {
      expect(await rowsOf('reader', { dataset: paged }, 2)).toBe(5_000);
      await waitFor('its connection is closed', async () => {
        const open = await sql(
          sourceUrl('sales'),
          'select 1 from pg_stat_activity where usename = $1',
          [reader],
        );
        return open.length === 0 ? true : undefined;
      });
    }
  } finally {
    await sql(sourceUrl('sales'), `alter role ${reader} connection limit -1`);
  }
});

test('a dataset name that the encoding of the database cannot represent is rejected as unknown', async () => {
  expect(await rowsOf('latin', { dataset: 'é' })).toBe(1);
  await expect(rowsOf('latin', { dataset: '表' })).rejects.toMatchObject({
    code: 'invalid_request',
    message: expect.stringContaining('names no dataset'),
  });
});

test('a replica is not read if it lags by more than maxLagSeconds, and is read otherwise', async () => {
  expect(await rowsOf('lag-within-limit')).toBe(500);
  expect(await rowsOf('any-lag')).toBe(500);
  await waitFor('the replica lags by more than a second', async () => {
    const [replica] = await sql<{ lags: boolean }>(
      standbyUrl,
      `select pg_is_in_recovery() and
         clock_timestamp() - pg_last_xact_replay_timestamp() > interval '1.5 seconds' as lags`,
    );
    return replica?.lags ? true : undefined;
  });
  await expect(rowsOf('lag-over-limit')).rejects.toMatchObject({ code: 'source_lagging' });
});

test('a replica that has replayed nothing since its start is not read if maxLagSeconds is set', async () => {
  const standby = await startStandby(null);
  try {
    const [replay] = await sql(standby.url, 'select pg_last_xact_replay_timestamp() as at');
    expect(replay).toEqual({ at: null });
    const client = new pg.Client({ connectionString: standby.url });
    await client.connect();
    await expect(assertNotLagging(client, 'lag-within-limit')).rejects.toMatchObject({
      code: 'source_lagging',
    });
    await expect(assertNotLagging(client, 'any-lag')).resolves.toBeUndefined();
    await client.end();
  } finally {
    await standby.stop();
  }
});
