import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { exportPreviewSchema } from '../../lib/contracts/export-preview.ts';
import { errorMessage } from '../../lib/runtime/errors.ts';
import { asDemo, call, createExport, download, ended } from '../support/api.ts';
import { referenceCsv, sortedLines, sourceUrl } from '../support/stack.ts';

/**
 * Conditions of requests on values that are easily confused. Each selects the rows that the same condition selects in
 * SQL in a session with the extensions on its search path.
 */
const schema = `where_${Date.now()}`;
const source = sourceUrl('sales');
/** The schema of the extensions. It is on no search path of an export, as in Supabase. */
const extensions = `${schema}_extensions`;
const path = `set search_path = ${schema}, ${extensions}, public; set timezone = 'UTC'`;
let server: pg.Client;

beforeAll(async () => {
  server = new pg.Client({ connectionString: source });
  await server.connect();
  await server.query(
    `create schema ${schema}; create schema ${extensions}; ${path};
     create extension citext schema ${extensions}; create extension ltree schema ${extensions};
     create extension hstore schema ${extensions};
     create collation loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
     create type pair as (a text, b text); create domain sizes as int[];
     create table big as select 9007199254740992 + n as id, (9007199254740992 + n)::numeric as n, n as at from generate_series(0, 2) n;
     create table times as select n as id, timestamp '2026-03-01' + n * interval '1 hour' as ts,
       timestamptz '2026-03-01Z' + n * interval '1 hour' as tz, timestamp '2026-03-01' + n * interval '1 hour' as exact
       from generate_series(9, 15) n;
     create table pairs (id int, a pair);
     insert into pairs values (1, null), (2, row(null, null)), (3, row('x', null)), (4, row('x', '1'));
     create table words (id int, c citext, l ltree, h hstore, plain text, loosely text collate loose, q tsquery);
     insert into words values (1, 'Foo', 'Top.A', 'a=>1', 'Foo', 'Foo', 'a & b'), (2, 'foo', 'Top.B', 'a=>NULL', 'foo', 'foo', 'c'),
       (3, 'BAR', 'Top', '', 'BAR', 'BÀR', '!c'), (4, null, null, null, null, null, null);
     create table lists (id int, ints int[], texts text[], own sizes, prices numeric(6,2)[], docs jsonb[], plain json[], doc jsonb, raw json);
     insert into lists values
       (1, '{1,2}', '{a,"b,c",NULL}', '{1,2}', '{1.50,2}', array['{"a": 1}', 'null']::jsonb[], array['{"a": 1}']::json[], '{"b": 2, "a": 1}', '{"a": 1}'),
       (2, '{}', '{}', '{}', '{}', '{}', '{}', 'null', 'null'), (3, '{NULL}', '{NULL}', '{NULL}', '{NULL}', array[null]::jsonb[], array[null]::json[], '[]', '[]'),
       (4, null, null, null, null, null, null, null, null), (5, '{{1,2},{3,4}}', '{{a},{b}}', '{{1},{2}}', '{{1},{2}}', null, null, '"text"', '{"a":1}'),
       (6, '[0:1]={1,2}', '{NULL,"NULL"}', '{2,1}', '{1.5,2.00}', array['{"a":1}', 'null']::jsonb[], array['{"a":1}']::json[], '{"a":1,"b":2}', '1e400')`,
  );
});
afterAll(async () => {
  await server.query(`drop schema ${schema}, ${extensions} cascade`);
  await server.end();
});

const requestOf = (dataset: string, more: object) => ({
  sources: ['sales'],
  dataset: `${schema}.${dataset}`,
  format: 'csv',
  columns: ['id'],
  ...more,
});
const preview = (body: unknown) => call('POST', '/exports/preview', { headers: asDemo, body });

/** Returns the ids that a condition of a request selects. Each dataset has fewer rows than a preview may have. */
async function idsOf(dataset: string, condition: object): Promise<string[]> {
  const answer = await preview(requestOf(dataset, { where: [condition] }));
  if (answer.status !== 200) throw new Error(answer.bytes.toString());
  const { rows } = answer.json(exportPreviewSchema);
  return rows.map(([id]) => id ?? '').toSorted();
}

/** Returns the ids that a condition in SQL selects. */
async function idsIn(dataset: string, condition: string): Promise<string[]> {
  const { rows } = await server.query<{ id: string }>(
    `select id::text from ${dataset} where ${condition} order by 1`,
  );
  return rows.map(({ id }) => id);
}

const conditions: readonly [dataset: string, condition: string, value: unknown, inSql: string][] = [
  ['big', 'id eq', '9007199254740993', 'id = 9007199254740993'],
  ['big', 'n eq', '9007199254740993', 'n = 9007199254740993'],
  ['big', 'n in', ['9007199254740993', 9_007_199_254_740_992], 'n <= 9007199254740993'],
  // A time with an offset is compared as an instant; a column without a zone is in UTC.
  ['times', 'ts lte', '2026-03-01T12:00:00+02:00', `ts <= '2026-03-01 10:00'`],
  ['times', 'ts lte', '2026-03-01T10:00:00Z', `ts <= '2026-03-01 10:00'`],
  ['times', 'tz lte', '2026-03-01T12:00:00+02:00', `tz <= '2026-03-01T12:00:00+02:00'`],
  ['pairs', 'a isNull', true, 'a is not distinct from null'],
  ['pairs', 'a isNull', false, 'a is distinct from null'],
  ['words', 'c eq', 'foo', `c = 'foo'`],
  ['words', 'c eq', 'FOO', `c = 'FOO'`],
  ['words', 'c in', ['FOO'], `c in ('FOO')`],
  ['words', 'c ne', 'FOO', `c <> 'FOO'`],
  ['words', 'c like', 'fo%', `c like 'fo%'`],
  ['words', 'c lt', 'C', `c < 'C'`],
  ['words', 'l eq', 'Top.A', `l = 'Top.A'`],
  ['words', 'l ne', 'Top.A', `l <> 'Top.A'`],
  ['words', 'l in', ['Top.B', 'Top'], `l in ('Top.B', 'Top')`],
  ['words', 'h eq', 'a=>1', `h = 'a=>1'`],
  ['words', 'h isDistinctFrom', 'a=>1', `h is distinct from 'a=>1'`],
  // The collation ignores case, also with LIKE.
  ['words', 'loosely eq', 'FOO', `loosely = 'FOO'`],
  ['words', 'loosely ne', 'FOO', `loosely <> 'FOO'`],
  ['words', 'loosely in', ['fOO', 'bàr'], `loosely in ('fOO', 'bàr')`],
  ['words', 'loosely lt', 'c', `loosely < 'c'`],
  ['words', 'loosely like', 'FO%', `loosely like 'FO%'`],
  // Lists and JSON.
  ...['ints', 'own'].flatMap((column): [string, string, unknown, string][] => [
    ['lists', `${column} eq`, '{1,2}', `${column} = '{1,2}'`],
    ['lists', `${column} ne`, '{1,2}', `${column} <> '{1,2}'`],
    ['lists', `${column} in`, ['{1,2}', '{NULL}'], `${column} = '{1,2}' or ${column} = '{NULL}'`],
    ['lists', `${column} notIn`, ['{1,2}', '{}'], `${column} <> '{1,2}' and ${column} <> '{}'`],
    ['lists', `${column} eq`, '{{1},{2}}', `${column} = '{{1},{2}}'`],
    ['lists', `${column} eq`, '[0:1]={1,2}', `${column} = '[0:1]={1,2}'`],
    ['lists', `${column} isNull`, true, `num_nulls(${column}) = 1`],
    ['lists', `${column} isNull`, false, `num_nulls(${column}) = 0`],
    ['lists', `${column} isDistinctFrom`, '{}', `${column} is distinct from '{}'`],
    ['lists', `${column} isDistinctFrom`, null, `num_nulls(${column}) = 0`],
  ]),
  ['lists', 'texts eq', '{a,"b,c",NULL}', `texts = '{a,"b,c",NULL}'`],
  ['lists', 'texts in', ['{NULL,"NULL"}', '{}'], `texts = '{NULL,"NULL"}' or texts = '{}'`],
  ['lists', 'prices eq', '{1.5,2}', `prices = '{1.5,2}'`],
  ['lists', 'prices eq', '{1.501,2}', `prices = '{1.501,2}'::numeric[]`],
  ['lists', 'docs eq', '{"{\\"a\\":1}","null"}', `docs = '{"{\\"a\\":1}","null"}'`],
  ['lists', 'docs isNull', true, 'docs is null'],
  ['lists', 'docs notIn', ['{}'], `docs <> '{}'`],
  // A type without an equality operator is compared as text.
  ['lists', 'plain eq', '{"{\\"a\\": 1}"}', `plain::text = array['{"a": 1}']::json[]::text`],
  ['lists', 'doc eq', '{"a":1,"b":2}', `doc = '{"a":1,"b":2}'`],
  ['lists', 'doc eq', 'null', `doc = 'null'`],
  ['lists', 'doc isNull', true, 'doc is null'],
  ['lists', 'doc in', ['[]', '"text"'], `doc in ('[]', '"text"')`],
  ['lists', 'doc notIn', ['null'], `doc not in ('null')`],
  ['lists', 'doc isDistinctFrom', 'null', `doc is distinct from 'null'`],
  ['lists', 'raw eq', '{"a": 1}', `raw::text = '{"a": 1}'`],
  ['lists', 'raw ne', '{"a": 1}', `raw::text <> '{"a": 1}'`],
  ['lists', 'raw isNull', false, 'raw is not null'],
];

describe('conditions', () => {
  test.each(conditions)(
    'a condition selects the same rows as SQL: %s: %s %j',
    async (dataset, condition, value, inSql) => {
      const [column = '', op = ''] = condition.split(' ');
      expect(await idsOf(dataset, { column, op, value })).toEqual(await idsIn(dataset, inSql));
    },
  );

  test('fewer than four of the conditions select no row', async () => {
    const counts = await Promise.all(
      conditions.map(async ([dataset, , , inSql]) => (await idsIn(dataset, inSql)).length),
    );
    expect(counts.filter((count) => count === 0).length).toBeLessThan(4);
  });

  test('conditions select the same rows in a file as in SQL', async () => {
    const where = [
      { column: 'ints', op: 'in', value: ['{1,2}', '{}'] },
      { column: 'doc', op: 'isNull', value: false },
    ];
    const { id } = await createExport(
      requestOf('lists', { where, columns: ['id', 'ints', 'doc'] }),
    );
    expect(await ended(id)).toMatchObject({ status: 'ready', error: null });
    const wanted = await referenceCsv(
      'sales',
      `select id, ints, doc from ${schema}.lists where (ints = '{1,2}' or ints = '{}') and doc is not null`,
    );
    expect(sortedLines((await download(id)).bytes)).toBe(sortedLines(wanted));
  });
});

const invalidConditions: readonly [
  dataset: string,
  condition: string,
  value: unknown,
  field: string,
][] = [
  // Values that do not parse as the type of the column.
  ['words', 'q eq', 'a b', 'where'],
  ['words', 'l eq', 'Top A', 'where'],
  ['words', 'l ne', 'a..b', 'where'],
  ['words', 'h eq', 'a', 'where'],
  ['lists', 'ints eq', '{1', 'where'],
  ['lists', 'ints eq', '1,2', 'where'],
  ['lists', 'ints eq', '{a}', 'where'],
  ['lists', 'own in', ['{1}', '{1,}'], 'where'],
  ['lists', 'texts eq', '{"a}', 'where'],
  ['lists', 'doc eq', '{a:1}', 'where'],
  ['lists', 'doc in', ['{}', ''], 'where'],
  ['lists', 'raw eq', '{', 'where'],
  ['lists', 'docs eq', '{{}', 'where'],
  ['pairs', 'a eq', '(x', 'where'],
  // Operators and values that the type of the column does not support.
  ['lists', 'ints eq', [1, 2], 'where.0.value'],
  ['lists', 'ints eq', 1, 'where.0.value'],
  ['lists', 'ints in', '{1}', 'where.0.value'],
  ['lists', 'ints lt', '{1}', 'where.0.op'],
  ['lists', 'ints like', '%', 'where.0.op'],
  ['lists', 'doc gt', '1', 'where.0.op'],
  ['lists', 'doc eq', true, 'where.0.value'],
  ['lists', 'raw like', '%a%', 'where.0.op'],
  ['lists', 'docs isNull', 'true', 'where.0.value'],
];

/** Returns the error of the server if values are cast to the type of a column. */
async function castErrorOf(dataset: string, column: string, value: unknown): Promise<string> {
  const { rows } = await server.query<{ type: string }>(
    `select format_type(atttypid, atttypmod) as type from pg_attribute
     where attrelid = $1::regclass and attname = $2`,
    [dataset, column],
  );
  const values = (Array.isArray(value) ? value : [value]).map(
    (it) => `${server.escapeLiteral(String(it))}::${rows[0]?.type}`,
  );
  return server.query(`select ${values.join(', ')}`).then(
    () => 'no error',
    (error: unknown) => errorMessage(error),
  );
}

describe('rejected conditions', () => {
  test.each(invalidConditions)(
    'an unsupported condition is rejected with the reason: %s: %s %j',
    async (dataset, condition, value, field) => {
      const [column = '', op = ''] = condition.split(' ');
      const body = requestOf(dataset, { where: [{ column, op, value }] });
      const message =
        field === 'where'
          ? `is rejected by the database: ${await castErrorOf(dataset, column, value)}`
          : expect.stringMatching(/^(must be|does not apply to)/);
      for (const route of ['/exports', '/exports/estimate', '/exports/preview']) {
        const answer = await call('POST', route, { headers: asDemo, body });
        expect(answer.problem()).toMatchObject({
          status: 422,
          code: 'invalid_request',
          errors: [{ field, message }],
        });
      }
    },
  );

  test.each(['id', 'n'])(
    'a number for the column %s is rejected if a double cannot represent it',
    async (column) => {
      const body = JSON.stringify(
        requestOf('big', { where: [{ column, op: 'eq', value: 77_777 }] }),
      );
      const answer = await preview(body.replace('77777', '9007199254740993'));
      expect(answer.problem()).toMatchObject({
        status: 422,
        errors: [{ field: 'where.0.value', message: expect.stringContaining('string') }],
      });
    },
  );

  test.each([
    ['NUL in a value', '{"column":"plain","op":"eq","value":"a\\u0000b"}'],
    ['half a surrogate pair in a value', '{"column":"plain","op":"eq","value":"\\ud800"}'],
    ['NUL in the name of a column', '{"column":"a\\u0000","op":"eq","value":"x"}'],
    ['half a surrogate pair in the name of a column', '{"column":"\\udc00","op":"eq","value":"x"}'],
  ])('a condition with %s is rejected', async (_, condition) => {
    const body = JSON.stringify(requestOf('words', { where: [] })).replace('[]', `[${condition}]`);
    expect(JSON.parse(body.replaceAll(/\\u\\w{4}/g, 'x')).where).toHaveLength(1);
    expect((await preview(body)).problem()).toMatchObject({
      status: 400,
    });
  });
});
