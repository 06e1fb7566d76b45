import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { asDemo, call, createExport, download, ended } from '../stack/api.ts';
import { referenceCsv, sortedLines, sourceUrl, sql } from '../stack/stack.ts';

/** A schema of this file's own. */
const schema = `selection_${Date.now()}`;
const source = sourceUrl('sales');

beforeAll(async () => {
  await sql(source, `create schema ${schema}`);
  await sql(
    source,
    `create type ${schema}.mood as enum ('glad', 'say "so"');
     create type ${schema}.pair as (x int, y text);
     create domain ${schema}.price as numeric(12, 2);
     create domain ${schema}.label as text;
     create domain ${schema}.feeling as ${schema}.mood;
     create table ${schema}.things (
       id int, big bigint, exact numeric(12,2), loose numeric, ratio double precision, name text, code char(5), short varchar(3),
       day date, at timestamptz, local timestamp, yes boolean, uid uuid, feeling ${schema}.mood, address inet, body jsonb, "odd ""name" text,
       price ${schema}.price, label ${schema}.label, mood ${schema}.feeling, pair ${schema}.pair, sizes ${schema}.price[]
     );
     insert into ${schema}.things
       select n, 9007199254740990 + n, n / 3.0, n / 7.0, n * 0.1, 'name ' || n, 'c' || n % 9, 'v' || n % 7,
         date '2024-01-01' + n, timestamptz '2024-01-01Z' + n * interval '1 hour', timestamp '2024-01-01' + n * interval '1 hour',
         n % 2 = 0, lpad(n::text, 32, '0')::uuid, (array['glad', 'say "so"'])[n % 2 + 1]::${schema}.mood,
         '10.0.0.0'::inet + n, '{}', 'it''s ' || n,
         n / 4.0, 'label ' || n, 'glad', row(n, 'y')::${schema}.pair, array[n]::${schema}.price[]
       from generate_series(1, 400) n;
     insert into ${schema}.things (id, name) values (1000, null), (1001, ''), (1002, '100% \\_done'), (1003, '1000 done');
     create view ${schema}.timeless as select 1 as id`,
  );
});
afterAll(async () => {
  await sql(source, `drop schema ${schema} cascade`);
});

const of = (more: object) => ({
  sources: ['sales'],
  dataset: `${schema}.things`,
  format: 'csv',
  ...more,
});

describe('where: the rows are those of the same condition in SQL', () => {
  test.each<[string, unknown, string]>([
    ['id eq', 7, 'id = 7'],
    ['id ne', 7, 'id <> 7'],
    ['id in', [1, 2, '3', 999], 'id in (1, 2, 3)'],
    ['id isNull', true, 'id is null'],
    ['big eq', '9007199254740993', 'big = 9007199254740993'],
    ['big gt', 9007199254740000, 'big > 9007199254740000'],
    ['exact eq', '0.67', 'exact = 0.67'],
    // Not rounded to the two places of the column.
    ['exact eq', '0.671', 'exact = 0.671'],
    ['exact lte', 1e1, 'exact <= 10'],
    ['loose lt', '1.2', 'loose < 1.2'],
    ['ratio gte', 39.5, 'ratio >= 39.5'],
    ['name eq', 'name 7', `name = 'name 7'`],
    ['name eq', '', `name = ''`],
    ['name ne', 'name 7', `name <> 'name 7'`],
    ['name like', 'name 1_', `name like 'name 1_'`],
    ['name like', '100\\% %', `name like '100\\% %'`],
    ['name isNull', false, 'name is not null'],
    ['name lt', 'name 2', `name < 'name 2'`],
    ['code eq', 'c1', `code = 'c1'`],
    // Not cut to the length of the column.
    ['short eq', 'v1234', `short = 'v1234'`],
    ['day gte', '2024-12-31', `day >= '2024-12-31'`],
    ['at lt', '2024-01-02T00:00:00Z', `at < '2024-01-02Z'`],
    ['at lt', '2024-01-02T02:00:00+02:00', `at < '2024-01-02Z'`],
    ['at in', ['2024-01-01T05:00:00Z'], `at = '2024-01-01 05:00Z'`],
    ['local eq', '2024-01-01T05:00:00', `local = '2024-01-01 05:00'`],
    ['yes eq', true, 'yes'],
    ['yes ne', true, 'yes <> true'],
    [
      'uid eq',
      '00000000-0000-0000-0000-000000000042',
      `uid = '00000000-0000-0000-0000-000000000042'`,
    ],
    ['feeling eq', 'say "so"', `feeling = 'say "so"'`],
    ['address in', ['10.0.0.7', '10.0.0.8'], `address in ('10.0.0.7', '10.0.0.8')`],
    ['odd "name eq', `it's 7`, `"odd ""name" = 'it''s 7'`],
    ['name eq', `'; drop table things; --`, 'false'],
    ['price gt', '50.001', 'price > 50.001'],
    ['label like', 'label 1_', `label like 'label 1_'`],
    ['mood eq', 'glad', `mood::${schema}.mood = 'glad'`],
    ['pair in', ['(7,y)', '(8,z)'], 'id = 7'],
    ['sizes eq', '{7.00}', 'id = 7'],
  ])('%s %j', async (what, value, condition) => {
    const at = what.lastIndexOf(' ');
    const where = [{ column: what.slice(0, at), op: what.slice(at + 1), value }];
    const { id } = await createExport(of({ where, columns: ['id', 'name'] }));
    expect(await ended(id)).toMatchObject({ status: 'ready', error: null });
    const reference = await referenceCsv(
      'sales',
      `select id, name from ${schema}.things where ${condition}`,
    );
    expect(sortedLines((await download(id)).bytes)).toBe(sortedLines(reference));
  });

  test('several all have to hold, with bounds and in units', async () => {
    const request = of({
      where: [
        { column: 'yes', op: 'eq', value: true },
        { column: 'id', op: 'gt', value: 5 },
      ],
      from: '2024-01-01T00:00:00Z',
      to: '2024-01-09T00:00:00Z',
    });
    const reference = await referenceCsv(
      'sales',
      `select * from ${schema}.things where yes and id > 5 and day >= '2024-01-01' and day < '2024-01-09'`,
    );
    for (const consistency of ['snapshot', 'resumable']) {
      const { id } = await createExport({ ...request, consistency });
      expect((await ended(id)).status).toBe('ready');
      expect(sortedLines((await download(id)).bytes)).toBe(sortedLines(reference));
    }
  });

  test.each<[string, object[], string]>([
    ['a column that is not there', [{ column: 'x', op: 'eq', value: 1 }], 'where.0.column'],
    ['an operator unknown', [{ column: 'id', op: 'near', value: 1 }], 'where.0.op'],
    ['an operator of another type', [{ column: 'id', op: 'like', value: '1' }], 'where.0.op'],
    ['a value of another type', [{ column: 'id', op: 'eq', value: true }], 'where.0.value'],
    ['a number that is none', [{ column: 'id', op: 'eq', value: '1; drop' }], 'where.0.value'],
    ['a day that is none', [{ column: 'day', op: 'eq', value: 'tomorrow' }], 'where.0.value'],
    ['no array for in', [{ column: 'id', op: 'in', value: 1 }], 'where.0.value'],
    ['an array for eq', [{ column: 'id', op: 'eq', value: [1] }], 'where.0.value'],
    ['an empty array', [{ column: 'id', op: 'in', value: [] }], 'where.0.value'],
    [
      'an array of 1,001',
      [{ column: 'id', op: 'in', value: Array.from({ length: 1_001 }, (_, n) => n) }],
      'where.0.value',
    ],
    [
      'a value that its type does not have',
      [{ column: 'feeling', op: 'eq', value: 'sad' }],
      'where',
    ],
    ['a day that no calendar has', [{ column: 'day', op: 'eq', value: '2024-02-31' }], 'where'],
    [
      'the second of two',
      [
        { column: 'id', op: 'eq', value: 1 },
        { column: 'uid', op: 'lt', value: 'x' },
      ],
      'where.1.op',
    ],
  ])('%s is refused by its field', async (_, where, field) => {
    const answer = await call('POST', '/exports', { headers: asDemo, body: of({ where }) });
    expect(answer.problem()).toMatchObject({
      status: 422,
      code: 'refused_request',
      errors: [expect.objectContaining({ field })],
    });
  });
});

describe('order by time', () => {
  test.each(['snapshot', 'resumable'])(
    '%s: by the time column, those without one last',
    async (consistency) => {
      const { id } = await createExport(of({ order: 'time', columns: ['id', 'day'], consistency }));
      expect((await ended(id)).status).toBe('ready');
      const reference = await referenceCsv(
        'sales',
        `select id, day from ${schema}.things order by day nulls last, id`,
      );
      const days = (csv: Buffer) =>
        csv
          .toString()
          .split('\n')
          .map((line) => line.split(',')[1]);
      const { bytes } = await download(id);
      expect(days(bytes)).toEqual(days(reference));
      expect(sortedLines(bytes)).toBe(sortedLines(reference));
    },
  );

  test('of a dataset without a time column is refused', async () => {
    const body = { ...of({ order: 'time' }), dataset: `${schema}.timeless` };
    const answer = await call('POST', '/exports', { headers: asDemo, body });
    expect(answer.problem()).toMatchObject({
      status: 422,
      errors: [expect.objectContaining({ field: 'order' })],
    });
  });
});
