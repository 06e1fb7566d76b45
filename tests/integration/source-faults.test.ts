import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { exportPreviewSchema } from '../../lib/contracts/export-preview.ts';
import { sourceListSchema } from '../../lib/contracts/sources.ts';
import { asDemo, call, createExport, ended } from '../stack/api.ts';
import { sourceUrl, sql } from '../stack/stack.ts';

/** A schema of this file's own. */
const schema = `faults_${Date.now()}`;
const source = sourceUrl('sales');
const reader = 'streamsync_reader_sales';

/** What a server says of itself when it goes away, refuses us, or must not write, a view may say as well. */
const sqlStates = ['P0001', '25006', '53400', '40001', '08006', '28000', '57P01'] as const;

beforeAll(async () => {
  await sql(
    source,
    `create schema ${schema};
     create type ${schema}.mood as enum ('glad');
     create table ${schema}.well as select n as id, timestamptz '2024-01-01Z' + n * interval '1 h' as at,
       'glad'::${schema}.mood as mood from generate_series(1, 30) n;
     create table ${schema}.written (by text default current_user, at timestamptz default now());
     create function ${schema}.write() returns timestamptz language plpgsql security definer as $$
       begin
         begin
           perform set_config('default_transaction_read_only', 'off', false);
           perform set_config('transaction_read_only', 'off', false);
         exception when others then null;
         end;
         insert into ${schema}.written default values;
         return now();
       end $$;
     create function ${schema}.unlock() returns timestamptz language plpgsql security definer as $$
       begin
         perform set_config('default_transaction_read_only', 'off', false);
         perform set_config('search_path', 'pg_catalog', false);
         perform set_config('TimeZone', 'Asia/Tokyo', false);
         raise exception 'unlocked';
       end $$;
     -- In the order of names, so that the session of one that lists them would have been unlocked before.
     create view ${schema}.a_unlocks as select 1 as id, ${schema}.unlock() as at;
     create view ${schema}.b_writes as select n as id, ${schema}.write() as at from generate_series(1, 3) n;
     ${sqlStates
       .map(
         (state) => `
     create function ${schema}.raise_${state}() returns timestamptz language plpgsql as $$
       begin raise exception 'said so' using errcode = '${state}'; end $$;
     create view ${schema}.raises_${state.toLowerCase()} as select n as id, ${schema}.raise_${state}() as at
       from generate_series(1, 3) n;`,
       )
       .join('')}
     alter role ${reader} set search_path = ${schema};
     alter role ${reader} set "TimeZone" = 'Asia/Tokyo';
     alter role ${reader} set "DateStyle" = 'German';
     alter role ${reader} set quote_all_identifiers = on;
     alter role ${reader} reset default_transaction_read_only`,
  );
});
afterAll(async () => {
  await sql(
    source,
    `drop schema ${schema} cascade;
     alter role ${reader} reset all;
     alter role ${reader} set default_transaction_read_only = on`,
  );
});

const of = (dataset: string, more: object = {}) => ({
  sources: ['sales'],
  dataset: `${schema}.${dataset}`,
  format: 'csv',
  ...more,
});

const listed = async () => {
  const answer = await call('GET', '/sources', { headers: asDemo });
  expect(answer.status).toBe(200);
  const [sales] = answer.json(sourceListSchema).sources.filter(({ name }) => name === 'sales');
  expect(sales?.error).toBeUndefined();
  const own = sales?.datasets.filter(({ name }) => name.startsWith(`${schema}.`)) ?? [];
  return new Map(own.map(({ name, ...dataset }) => [name.slice(schema.length + 1), dataset]));
};

const ask = (path: string, body: object) => call('POST', path, { headers: asDemo, body });

describe('what the server says of one dataset is that dataset’s', () => {
  test('GET /sources lists it, and all others', async () => {
    const datasets = await listed();
    for (const state of sqlStates)
      expect(datasets.get(`raises_${state.toLowerCase()}`)).toMatchObject({
        kind: 'view',
        timeColumn: 'at',
        earliest: null,
        latest: null,
        estimatedRows: expect.any(Number),
      });
    expect(datasets.get('well')).toMatchObject({
      earliest: '2024-01-01T01:00:00.000000Z',
      latest: '2024-01-02T06:00:00.000000Z',
      columns: [
        { name: 'id', type: 'integer', nullable: true },
        { name: 'at', type: 'timestamp with time zone', nullable: true },
        { name: 'mood', type: `${schema}.mood`, nullable: true },
      ],
    });
  });

  test.each(sqlStates)('the preview of a view that raises %s names it', async (state) => {
    const problem = (await ask('/exports/preview', of(`raises_${state.toLowerCase()}`))).problem();
    expect(problem).toMatchObject({ status: 503, code: 'source_error' });
    expect(problem.detail).toMatch(state === '25006' ? /would write/ : new RegExp(state));
  });

  test.each(['P0001', '57P01'])(
    'the export of a view that raises %s fails at once, and is not tried again',
    async (state) => {
      const { id } = await createExport(of(`raises_${state.toLowerCase()}`));
      const { status, error } = await ended(id);
      expect({ status, code: error?.code }).toEqual({ status: 'failed', code: 'source_error' });
      expect(error?.message).not.toMatch(/tried/);
    },
  );
});

describe('a view with a function that writes, of a role that may', () => {
  const written = () => sql(source, `select * from ${schema}.written`);

  test('is refused by every route, and writes nothing', async () => {
    expect((await listed()).get('b_writes')).toMatchObject({ earliest: null });
    const estimate = await ask('/exports/estimate', of('b_writes'));
    const preview = await ask('/exports/preview', of('b_writes'));
    const bounds = { from: '2020-01-01T00:00:00Z', to: '2030-01-01T00:00:00Z' };
    const histogram = await call('GET', `/sources/sales/datasets/${schema}.b_writes/histogram`, {
      headers: asDemo,
    });
    expect([estimate.status, histogram.status]).toEqual([200, 200]);
    expect(preview.problem()).toMatchObject({ code: 'source_error' });
    const snapshot = await createExport(of('b_writes'));
    const resumable = await createExport(of('b_writes', { consistency: 'resumable', ...bounds }));
    for (const { id } of [snapshot, resumable])
      expect(await ended(id)).toMatchObject({ status: 'failed', error: { code: 'source_error' } });
    expect(await written()).toEqual([]);
  });
});

test('settings of the role are not those of an export', async () => {
  const preview = await ask('/exports/preview', of('well', { order: 'time' }));
  const { columns, rows } = preview.json(exportPreviewSchema);
  expect(columns.map(({ databaseType }) => databaseType)).toEqual([
    'integer',
    'timestamp with time zone',
    `${schema}.mood`,
  ]);
  expect(rows[0]).toEqual(['1', '2024-01-01 01:00:00+00', 'glad']);
});
