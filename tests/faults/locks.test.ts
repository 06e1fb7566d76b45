import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { createExport, ended } from '../support/api.ts';
import { consume, type Topic } from '../support/events.ts';
import { assertComplete } from '../support/export-invariants.ts';
import { referenceCsv, sourceUrl, sql, stack } from '../support/stack.ts';

/**
 * A table is altered repeatedly while two readers export it: each waits for the locks of the other side, no session
 * waits for ever, and every file has every row.
 */
const table = 'locks_table';
const exports = process.env.STREAMSYNC_TEST_LONG === '1' ? 30 : 1;
let results: Topic;

beforeAll(async () => {
  await sql(
    sourceUrl('sales'),
    `create table ${table} as select n as id, repeat(md5(n::text), 8) as note,
       case when n % 9 > 0 then timestamptz '2024-01-01Z' + n * interval '1 minute' end as at
     from generate_series(1, 400000) n;
     analyze ${table}`,
  );
  results = await consume('exports.results');
});
afterAll(async () => {
  await results.close();
  await sql(sourceUrl('sales'), `drop table ${table}`);
});

const planned = 'select planned_connections as readers from units where export_id = $1';

/** Statements that take an access exclusive lock. They change no rows, and columns only within a transaction. */
const statements = [
  `begin; alter table ${table} add column more int; alter table ${table} drop column more; commit`,
  `vacuum full ${table}`,
  `begin; lock table ${table}; commit`,
];

test('a table that is altered repeatedly is exported completely by two readers', async () => {
  const bounds = { from: '2024-01-01T00:00:00Z', to: '2030-01-01T00:00:00Z' };
  const reference = await referenceCsv('sales', `select * from ${table} where at is not null`);
  const client = new pg.Client({ connectionString: sourceUrl('sales') });
  await client.connect();
  /** Alters the table until the export has ended; returns the number of changes. */
  const alter = async (stop: AbortSignal): Promise<number> => {
    let changes = 0;
    for (; !stop.aborted; changes++) {
      await client.query(statements[changes % statements.length] ?? '');
      await setTimeout(100);
    }
    return changes;
  };
  try {
    for (let n = 0; n < exports; n++) {
      // Requested before the changes start: without an estimate the export would have one reader.
      const { id } = await createExport({
        sources: ['sales'],
        dataset: table,
        format: 'csv',
        ...bounds,
      });
      const end = new AbortController();
      const altering = alter(end.signal);
      try {
        await ended(id, 90);
      } finally {
        end.abort();
      }
      expect(await altering).toBeGreaterThan(0);
      expect(await sql(stack.postgres.catalogue, planned, [id])).toEqual([{ readers: 2 }]);
      await assertComplete(id, { reference, results });
    }
  } finally {
    await client.end();
  }
});
