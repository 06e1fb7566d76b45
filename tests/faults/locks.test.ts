import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import pg from 'pg';
import { createExport, ended } from '../stack/api.ts';
import { follow, type Topic } from '../stack/events.ts';
import { requireWhole } from '../stack/proof.ts';
import { referenceCsv, sourceUrl, sql, stack } from '../stack/stack.ts';

/**
 * Somebody alters a table again and again, and is waited for and waits, while it is exported by two readers at a time:
 * nobody hangs, and every file has every row.
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
  results = await follow('exports.results');
});
afterAll(async () => {
  await results.close();
  await sql(sourceUrl('sales'), `drop table ${table}`);
});

const planned = 'select planned_connections as readers from units where export_id = $1';

/** No rows are changed, and no columns for longer than a transaction. Each wants the table for itself. */
const statements = [
  `begin; alter table ${table} add column more int; alter table ${table} drop column more; commit`,
  `vacuum full ${table}`,
  `begin; lock table ${table}; commit`,
];

test('a table that is altered again and again is exported whole by several readers', async () => {
  const bounds = { from: '2024-01-01T00:00:00Z', to: '2030-01-01T00:00:00Z' };
  const reference = await referenceCsv('sales', `select * from ${table} where at is not null`);
  const client = new pg.Client({ connectionString: sourceUrl('sales') });
  await client.connect();
  /** Until the export has ended. */
  const alter = async (stop: AbortSignal): Promise<number> => {
    let altered = 0;
    for (; !stop.aborted; altered++) {
      await client.query(statements[altered % statements.length] ?? '');
      await setTimeout(100);
    }
    return altered;
  };
  try {
    for (let n = 0; n < exports; n++) {
      // Asked for while it can be estimated: else one reader reads it.
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
      await requireWhole(id, { reference, results });
    }
  } finally {
    await client.end();
  }
});
