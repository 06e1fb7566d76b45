import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { exportPreviewSchema } from '../../lib/contracts/export-preview.ts';
import { sourceListSchema } from '../../lib/contracts/sources.ts';
import { asDemo, call, createExport, ended } from '../support/api.ts';
import { sourceUrl, sql } from '../support/stack.ts';

/** A schema of this file's own. */
const schema = `faults_${Date.now()}`;
const source = sourceUrl('sales');
const reader = 'streamsync_reader_sales';

/** SQLSTATEs of a server that stops, rejects us or is read-only; a view can raise them as well. */
const sqlStates = ['P0001', '25006', '53400', '40001', '08006', '28000', '57P01'] as const;
/** The SQLSTATEs after which a retry may succeed. */
const transientStates: readonly string[] = ['40001', '08006'];

/** Views that fail in different ways, and the message of the database for each. */
const failingViews: readonly [view: string, definition: string, message: RegExp][] = [
  [
    'two_rows',
    'select id, (select w.id from SCHEMA.well w where w.id < 3) as one from SCHEMA.well',
    /21000: more than one row/,
  ],
  [
    'no_grade',
    'select id, (id - 10)::SCHEMA.grade as grade from SCHEMA.well',
    /23514: value for domain .*grade/,
  ],
  [
    'endless',
    'select SCHEMA.endless(id) as id from SCHEMA.well',
    /54001: stack depth limit exceeded/,
  ],
  [
    'counted',
    `select nextval('SCHEMA.counter') as id from SCHEMA.well`,
    /25006: .*nextval.* Nothing was written/,
  ],
  ['divided', 'select 1 / (id - 5) as id from SCHEMA.well', /22012: division by zero/],
  [
    'ruled',
    'select SCHEMA.rule() as id',
    /P0001: business rule 42 violated \(Ask the owner of the rule\.\)\)/,
  ],
  ['external', 'select SCHEMA.external() as id', /38000: said so/],
];

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
     create domain ${schema}.grade as int check (value > 0);
     create sequence ${schema}.counter; grant usage on ${schema}.counter to ${reader};
     create function ${schema}.endless(n int) returns int language plpgsql as 'begin return ${schema}.endless(n + 1); end';
     create function ${schema}.external() returns int language plpgsql as $$ begin raise exception 'said so' using errcode = '38000'; end $$;
     create function ${schema}.rule() returns int language plpgsql as $$ begin
       raise exception E'business rule\n42 violated' using hint = 'Ask the owner of the rule.'; end $$;
     ${failingViews
       .map(
         ([view, definition]) =>
           `create view ${schema}.${view} as ${definition.replaceAll('SCHEMA', schema)};`,
       )
       .join('')}
     create materialized view ${schema}.empty as select 1 as id with no data;
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

describe('errors of one dataset', () => {
  test('GET /sources lists a dataset that raises an error, and all others', async () => {
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

  test.each(sqlStates)(
    'the preview of a view that raises %s reports the error of that view',
    async (state) => {
      const problem = (
        await ask('/exports/preview', of(`raises_${state.toLowerCase()}`))
      ).problem();
      expect(problem).toMatchObject(
        transientStates.includes(state)
          ? { status: 503, code: 'source_unavailable' }
          : { status: 422, code: 'source_error' },
      );
      expect(problem.detail).toMatch(state === '25006' ? /would write/ : new RegExp(state));
    },
  );

  test.each(['P0001', '57P01'])(
    'an export of a view that raises %s fails in its first attempt',
    async (state) => {
      const { id } = await createExport(of(`raises_${state.toLowerCase()}`));
      const { status, error } = await ended(id);
      expect({ status, code: error?.code }).toEqual({ status: 'failed', code: 'source_error' });
      expect(error?.message).not.toMatch(/tried/);
    },
  );
});

describe('messages of the database', () => {
  test('the error of each failing view reaches the preview and the export, which makes one attempt', async () => {
    const created = [];
    for (const [view, , expectedMessage] of failingViews) {
      const preview = (await ask('/exports/preview', of(view))).problem();
      created.push({ view, expectedMessage, preview, id: (await createExport(of(view))).id });
    }
    for (const { view, expectedMessage, preview, id } of created) {
      expect({ view, ...preview }).toMatchObject({ view, status: 422, code: 'source_error' });
      expect(preview.detail).toMatch(expectedMessage);
      const { status, error } = await ended(id);
      expect({ view, status, code: error?.code }).toEqual({
        view,
        status: 'failed',
        code: 'source_error',
      });
      expect(error?.message).toMatch(expectedMessage);
      expect(error?.message).not.toMatch(/tried/);
    }
  });

  test('the hint to REFRESH a materialized view without data reaches the preview and the export', async () => {
    const expectedMessage =
      /55000: .*has not been populated \(Use the REFRESH MATERIALIZED VIEW command\.\)/;
    const preview = (await ask('/exports/preview', of('empty'))).problem();
    expect(preview).toMatchObject({ status: 422, detail: expect.stringMatching(expectedMessage) });
    const { id } = await createExport(of('empty'));
    expect((await ended(id)).error).toMatchObject({
      message: expect.stringMatching(expectedMessage),
    });
  });
});

test('the estimate of a view that fails at planning is rejected with the reason', async () => {
  await sql(source, `create view ${schema}.unplanned as select 1 / 0 as id`);
  expect((await ask('/exports/estimate', of('unplanned'))).problem()).toMatchObject({
    status: 422,
    code: 'source_error',
    detail: expect.stringMatching(/no estimate .*22012: division by zero/),
  });
});

test('time limits of the role do not apply to an export', async () => {
  const limits = [
    'transaction_timeout',
    'statement_timeout',
    'lock_timeout',
    'idle_in_transaction_session_timeout',
  ];
  // The second of three rows takes longer than any of the limits.
  await sql(
    source,
    `create view ${schema}.slow as select n as id, case n when 2 then pg_sleep(1.5) end::text as waited
       from generate_series(1, 3) n;
     ${limits.map((name) => `alter role ${reader} set ${name} = '1s'`).join(';')}`,
  );
  try {
    const { id } = await createExport(of('slow', { format: 'xlsx' }));
    expect(await ended(id)).toMatchObject({ status: 'ready', file: { rows: 3 } });
    expect((await ask('/exports/preview', of('slow'))).status).toBe(200);
  } finally {
    await sql(source, limits.map((name) => `alter role ${reader} reset ${name}`).join(';'));
  }
});

test('a value of 80 MB fails an xlsx export as too long for a cell', async () => {
  await sql(
    source,
    `create view ${schema}.long as select 1 as a, 'x' as b
       union all select 2, repeat('é', 40000000)`,
  );
  const { id } = await createExport(of('long', { format: 'xlsx' }));
  const { error } = await ended(id);
  expect(error).toMatchObject({ code: 'cell_too_long' });
  expect(error?.message).toMatch(/^Row 2 has .* characters in the column b;/);
});

describe('a view that writes, with a role that may write', () => {
  const writtenRows = () => sql(source, `select * from ${schema}.written`);

  test('a view that writes is rejected or reported as an error everywhere, and writes nothing', async () => {
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
    expect(await writtenRows()).toEqual([]);
  });
});

test('settings of the role do not apply to an export', async () => {
  const preview = await ask('/exports/preview', of('well', { order: 'time' }));
  const { columns, rows } = preview.json(exportPreviewSchema);
  expect(columns.map(({ databaseType }) => databaseType)).toEqual([
    'integer',
    'timestamp with time zone',
    `${schema}.mood`,
  ]);
  expect(rows[0]).toEqual(['1', '2024-01-01 01:00:00+00', 'glad']);
});
