import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { asDemo, call, createExport, download, ended } from '../support/api.ts';
import { referenceCsv, sortedLines, sourceUrl, sql } from '../support/stack.ts';

/** A schema of this file's own. */
const schema = `selection_${Date.now()}`;
const source = sourceUrl('sales');

beforeAll(async () => {
  await sql(source, `create schema ${schema}`);
  await sql(
    source,
    `create type ${schema}.mood as enum ('glad', 'say "so"');
     create type ${schema}.pair as (x int, y text);
     create collation ${schema}.loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
     create domain ${schema}.price as numeric(12, 2);
     create domain ${schema}.label as text check (value <> '');
     create domain ${schema}.feeling as ${schema}.mood;
     create table ${schema}.things (
       id int, big bigint, exact numeric(12,2), loose numeric, ratio double precision, name text, code char(5), short varchar(3),
       day date, at timestamptz, local timestamp, yes boolean, uid uuid, feeling ${schema}.mood, address inet, body jsonb, "odd ""name" text,
       price ${schema}.price, label ${schema}.label, mood ${schema}.feeling, pair ${schema}.pair, sizes ${schema}.price[], kind regclass, raw json, words tsquery, loosely text collate ${schema}.loose
     );
     insert into ${schema}.things
       select n, 9007199254740990 + n, n / 3.0, n / 7.0, n * 0.1, 'name ' || n, 'c' || n % 9, 'v' || n % 7,
         date '2024-01-01' + n, timestamptz '2024-01-01Z' + n * interval '1 hour', timestamp '2024-01-01' + n * interval '1 hour',
         n % 2 = 0, lpad(n::text, 32, '0')::uuid, (array['glad', 'say "so"'])[n % 2 + 1]::${schema}.mood,
         '10.0.0.0'::inet + n, '{}', 'it''s ' || n,
         n / 4.0, 'label ' || n, 'glad', row(n, 'y')::${schema}.pair, array[n]::${schema}.price[],
         case n when 7 then 'pg_class'::regclass end, case n when 7 then '{"a": 1}'::json else '{}' end
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

const testedConditions: readonly [string, unknown, string][] = [
  ['id eq', 7, 'id = 7'],
  ['id ne', 7, 'id <> 7'],
  ['id in', [1, 2, '3', 999], 'id in (1, 2, 3)'],
  ['id isNull', true, 'id is null'],
  ['big eq', '9007199254740993', 'big = 9007199254740993'],
  ['big gt', 9007199254740000, 'big > 9007199254740000'],
  ['exact eq', '0.67', 'exact = 0.67'],
  // Compared without rounding to the two decimal places of the column.
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
  // Compared without truncation to the length of the column.
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
  [
    'big notIn',
    [9007199254740992, '9007199254740993'],
    'big not in (9007199254740992, 9007199254740993)',
  ],
  ['id between', [3, '5'], 'id between 3 and 5'],
  ['name ilike', 'NAME 1_', `name ilike 'NAME 1_'`],
  ['name isDistinctFrom', 'name 7', `name is distinct from 'name 7'`],
  ['day isDistinctFrom', null, 'day is not null'],
  ['local lte', '2024-01-01T07:00:00+02:00', `local <= '2024-01-01 05:00'`],
  ['day lte', '2024-01-05T12:00:00Z', `day <= '2024-01-05'`],
  ['pair isNull', true, 'id >= 1000'],
  ['body eq', '{ }', 'id <= 400'],
  ['ratio eq', 'NaN', 'false'],
  ['kind eq', 'pg_class', 'id = 7'],
  ['raw in', ['{"a": 1}'], 'id = 7'],
];

describe('where', () => {
  /** The ids of the exports, one per condition. They are created eight at a time before the tests. */
  const exportIds: string[] = [];
  beforeAll(async () => {
    const requests = testedConditions.map(([what, value]) => {
      const at = what.lastIndexOf(' ');
      const where = [{ column: what.slice(0, at), op: what.slice(at + 1), value }];
      return of({ where, columns: ['id', 'name'] });
    });
    for (let n = 0; n < requests.length; n += 8) {
      const created = await Promise.all(requests.slice(n, n + 8).map((it) => createExport(it)));
      exportIds.push(...created.map(({ id }) => id));
    }
  });

  test.each(testedConditions.map((it, n) => [...it, n] as const))(
    'an export where %s %j has the rows of the same condition in SQL',
    async (_what, _value, condition, n) => {
      const id = exportIds[n] ?? '';
      expect(await ended(id)).toMatchObject({ status: 'ready', error: null });
      const reference = await referenceCsv(
        'sales',
        `select id, name from ${schema}.things where ${condition}`,
      );
      expect(sortedLines((await download(id)).bytes)).toBe(sortedLines(reference));
    },
  );

  test('all conditions have to hold, with bounds and in units', async () => {
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

  test('one condition of any has to hold, with all others, in an export and an estimate', async () => {
    const where = [
      {
        any: [
          { column: 'id', op: 'eq', value: 7 },
          { column: 'name', op: 'like', value: 'name 3_' },
          { column: 'name', op: 'isNull', value: true },
        ],
      },
      { column: 'id', op: 'gt', value: 30 },
    ];
    const request = of({ where, columns: ['id', 'name'] });
    const preview = await call('POST', '/exports/preview', { headers: asDemo, body: request });
    const estimate = await call('POST', '/exports/estimate', { headers: asDemo, body: request });
    expect([preview.status, estimate.status]).toEqual([200, 200]);
    const document = await createExport(request);
    expect(document.request.where).toEqual(where);
    expect((await ended(document.id)).status).toBe('ready');
    const reference = await referenceCsv(
      'sales',
      `select id, name from ${schema}.things
       where (id = 7 or name like 'name 3_' or name is null) and id > 30`,
    );
    expect(sortedLines((await download(document.id)).bytes)).toBe(sortedLines(reference));
  });

  test.each(['9007199254740993', '-9007199254740993.0', '0.10000000000000000001', '1e400'])(
    'the number %s, which a double cannot hold, is rejected everywhere',
    async (number) => {
      for (const [value, field] of [
        [`{"column": "big", "op": "eq", "value": ${number}}`, 'where.0.value'],
        [`{"column": "loose", "op": "in", "value": [1, ${number}]}`, 'where.0.value'],
        [`{"any": [{"column": "loose", "op": "lt", "value": ${number}}]}`, 'where.0.any.0.value'],
      ]) {
        const body = `{"sources": ["sales"], "dataset": "${schema}.things", "format": "csv", "where": [${value}]}`;
        for (const path of ['/exports', '/exports/estimate', '/exports/preview'])
          expect((await call('POST', path, { headers: asDemo, body })).problem()).toMatchObject({
            status: 422,
            code: 'invalid_request',
            errors: [{ field, message: expect.stringContaining('string') }],
          });
      }
    },
  );

  test.each<[string, object[], string]>([
    ['an unknown column', [{ column: 'x', op: 'eq', value: 1 }], 'where.0.column'],
    ['an unknown operator', [{ column: 'id', op: 'near', value: 1 }], 'where.0.op'],
    ['an operator of another type', [{ column: 'id', op: 'like', value: '1' }], 'where.0.op'],
    ['a value of another type', [{ column: 'id', op: 'eq', value: true }], 'where.0.value'],
    ['a number with other text', [{ column: 'id', op: 'eq', value: '1; drop' }], 'where.0.value'],
    ['a word as a date', [{ column: 'day', op: 'eq', value: 'tomorrow' }], 'where.0.value'],
    ['a single value for in', [{ column: 'id', op: 'in', value: 1 }], 'where.0.value'],
    ['an array for eq', [{ column: 'id', op: 'eq', value: [1] }], 'where.0.value'],
    ['an empty array', [{ column: 'id', op: 'in', value: [] }], 'where.0.value'],
    [
      'an array of 1,001 values',
      [{ column: 'id', op: 'in', value: Array.from({ length: 1_001 }, (_, n) => n) }],
      'where.0.value',
    ],
    ['a value that is not in the enum', [{ column: 'feeling', op: 'eq', value: 'sad' }], 'where'],
    ['a date that does not exist', [{ column: 'day', op: 'eq', value: '2024-02-31' }], 'where'],
    ['NaN for an integer', [{ column: 'id', op: 'eq', value: 'NaN' }], 'where.0.value'],
    ['a query that does not parse', [{ column: 'words', op: 'eq', value: 'a b' }], 'where'],
    [
      'a pattern for a nondeterministic collation',
      [{ column: 'loosely', op: 'ilike', value: 'a%' }],
      'where',
    ],
    ['the name of an unknown object', [{ column: 'kind', op: 'eq', value: 'no_such' }], 'where'],
    ['one value for between', [{ column: 'id', op: 'between', value: [1] }], 'where.0.value'],
    ['null for eq', [{ column: 'name', op: 'eq', value: null }], 'where.0.value'],
    ['an empty any', [{ any: [] }], 'where.0.any'],
    [
      'any in any',
      [{ any: [{ any: [{ column: 'id', op: 'eq', value: 1 }] }] }],
      'where.0.any.0.column',
    ],
    [
      'an unknown column in any',
      [
        {
          any: [
            { column: 'id', op: 'eq', value: 1 },
            { column: 'x', op: 'eq', value: 1 },
          ],
        },
      ],
      'where.0.any.1.column',
    ],
    [
      'an unknown operator in any',
      [{ any: [{ column: 'id', op: 'near', value: 1 }] }],
      'where.0.any.0.op',
    ],
    [
      '51 conditions in two any',
      [25, 26].map((length) => ({
        any: Array.from({ length }, () => ({ column: 'id', op: 'eq', value: 1 })),
      })),
      'where',
    ],
    [
      'the second of two conditions',
      [
        { column: 'id', op: 'eq', value: 1 },
        { column: 'uid', op: 'lt', value: 'x' },
      ],
      'where.1.op',
    ],
  ])('%s is rejected with its field', async (_, where, field) => {
    const answer = await call('POST', '/exports', { headers: asDemo, body: of({ where }) });
    expect(answer.problem()).toMatchObject({
      status: 422,
      code: 'invalid_request',
      errors: expect.arrayContaining([expect.objectContaining({ field })]),
    });
  });
});

test('a time zone that the database does not know is rejected with its field', async () => {
  const zone = { profile: 'spreadsheet', timeZone: 'US/Pacific-New' };
  for (const path of ['/exports', '/exports/estimate', '/exports/preview']) {
    const answer = await call('POST', path, { headers: asDemo, body: of(zone) });
    expect(answer.problem()).toMatchObject({
      status: 422,
      errors: [expect.objectContaining({ field: 'timeZone' })],
    });
  }
});

describe('order by time', () => {
  test.each(['snapshot', 'resumable'])(
    'a %s export is ordered by the time column, rows without time last',
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

  test('order by time without a time column is rejected', async () => {
    const body = { ...of({ order: 'time' }), dataset: `${schema}.timeless` };
    const answer = await call('POST', '/exports', { headers: asDemo, body });
    expect(answer.problem()).toMatchObject({
      status: 422,
      errors: [expect.objectContaining({ field: 'order' })],
    });
  });
});
