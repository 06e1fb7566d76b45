import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { openHome } from '../../infra/local/home/home.ts';
import { applyStackEnvironment, findRunningStack } from '../../infra/local/home/running-stack.ts';
import { exportRequestSchema } from '../../lib/contracts/export-request.ts';
import { plainCsv } from '../../lib/contracts/format-capabilities.ts';
import { whereConditionSchema } from '../../lib/contracts/where.ts';
import { selectionFor } from '../../lib/exports/planning/selection.ts';
import { CopyToStream } from '../../lib/sources/copy/copy-stream.ts';
import { ReusedBufferSocket } from '../../lib/sources/copy/reused-buffer-socket.ts';
import { copyCsv } from '../../lib/sources/copy/statements.ts';
import { validateCondition } from '../../lib/sources/operators.ts';
import { newSession } from '../../lib/sources/session.ts';
import { literal } from '../../lib/sources/sql-text.ts';
import { configureSources } from '../support/own-source.ts';
import { home, sourceUrl, sql } from '../support/stack.ts';
import { wholeSources } from '../support/whole-sources.ts';

/** A database of this file's own, because it has extensions; their schema is on no search path. */
const database = `conditions_${Date.now()}`;
const source = new URL(`/${database}`, sourceUrl('sales')).href;
const schema = 'own';
const extensions = 'extensions';

/** A column type, its values in PostgreSQL's syntax (row n has value n), and how SQL compares a column with one. */
interface TestedType {
  type: string;
  values: readonly string[];
  /** The type of a literal in the reference; by default the column's type without modifiers. */
  literal?: string;
  /** The expression for the column in the reference, where SQL cannot compare the column itself. */
  cast?: string;
  /** A type without equality is compared by its text. */
  isByText?: true;
  ordered?: true;
  patterns?: readonly string[];
  isBoolean?: true;
}

const number = { ordered: true } as const;
const text = { ordered: true, patterns: ['a%', '_B%', 'a\\%'] } as const;

const testedTypes: readonly TestedType[] = [
  { type: 'smallint', values: ['-3', '7', '32767'], ...number },
  { type: 'integer', values: ['-3', '7', '2147483647'], ...number },
  { type: 'bigint', values: ['9007199254740993', '9007199254740992', '-1'], ...number },
  {
    type: 'numeric',
    values: ['9007199254740993', '0.1', 'NaN', 'Infinity', '-Infinity'],
    ...number,
  },
  { type: 'numeric(12,2)', literal: 'numeric', values: ['0.10', '12.34', '-5'], ...number },
  { type: 'real', values: ['0.1', 'NaN', '-Infinity', '16777216'], ...number },
  { type: 'double precision', values: ['0.1', 'NaN', 'Infinity', '-0'], ...number },
  { type: 'text', values: ['abc', 'aBc', '', 'a%', `it's "\\"`], ...text },
  { type: 'varchar(3)', literal: 'varchar', values: ['abc', 'aBc', 'b'], ...text },
  { type: 'char(5)', literal: 'bpchar', values: ['abc', 'aBc  ', 'b'], ...text },
  { type: 'name', literal: 'text', values: ['abc', 'aBc', 'b'], ...text },
  { type: '"char"', values: ['a', 'b'] },
  { type: 'text collate "und-x-icu"', literal: 'text', values: ['abc', 'aBc', 'ä'], ...text },
  { type: 'citext', values: ['abc', 'ABC', 'b', 'a%'], ...text },
  { type: 'shout', literal: 'citext', values: ['abc', 'ABC', 'b'], ...text },
  { type: 'date', values: ['2024-02-29', 'infinity', '0044-03-15 BC', '12024-01-01'], ...number },
  { type: 'timestamp', values: ['2024-02-29T12:00:00.5', '-infinity', '2024-03-01'], ...number },
  {
    type: 'timestamptz',
    values: ['2024-02-29T12:00:00+02:00', 'infinity', '2024-03-01'],
    ...number,
  },
  {
    type: 'timestamptz(3)',
    literal: 'timestamptz',
    values: ['2024-02-29T12:00:00.123Z'],
    ...number,
  },
  { type: 'time', values: ['12:00', '00:00:00.000001', '24:00:00'], ...number },
  { type: 'timetz', values: ['12:00+02', '10:00+00', '12:00:00.5'], ...number },
  { type: 'boolean', values: ['true', 'false'], isBoolean: true },
  { type: 'interval', values: ['1 day', '24 hours', '1 mon'] },
  {
    type: 'uuid',
    values: ['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '{A0EEBC999C0B4EF8BB6D6BB9BD380A12}'],
  },
  { type: 'inet', values: ['10.0.0.1', '10.0.0.1/24', '::1'] },
  { type: 'cidr', values: ['10.0.0.0/8', '10.0.0.0/16'] },
  { type: 'macaddr', values: ['08:00:2b:01:02:03', '08-00-2b-01-02-04'] },
  { type: 'bytea', values: ['\\xdead', '\\x', 'abc'] },
  { type: 'bit(3)', literal: 'varbit', values: ['101', '010'] },
  { type: 'varbit', values: ['101', '1010'] },
  { type: 'money', values: ['12.50', '-3'] },
  { type: 'oid', values: ['1', '4294967295'] },
  { type: 'regclass', values: ['pg_class', 'pg_catalog.pg_type', '1'] },
  { type: 'regtype', values: ['int4', 'text[]'] },
  { type: 'json', values: ['{"a": 1}', '{"a":1}', 'null', '[]'], isByText: true },
  { type: 'jsonb', values: ['{"a": 1, "b": 2}', '{"b":2,"a":1}', 'null', '[]'] },
  { type: 'xml', values: ['<a/>', '<a></a>', 'x'], isByText: true },
  { type: 'jsonpath', values: ['$.a', 'strict $.b'], isByText: true },
  { type: 'point', values: ['(1,2)', '3, 4'], isByText: true },
  // The operator = of box compares areas.
  { type: 'box', values: ['(1,1),(0,0)', '(2,2),(1,1)'], isByText: true },
  { type: 'circle', values: ['<(0,0),1>', '<(5,5),1>'], isByText: true },
  { type: 'pg_snapshot', values: ['10:20:10,14', '11:20:'], isByText: true },
  { type: 'refcursor', values: ['abc', 'x'], isByText: true },
  { type: 'tsquery', values: ['a & b', '!c'] },
  { type: 'tsvector', values: ['a b', 'a:1'] },
  { type: 'int4range', values: ['[1,5]', '[1,6)', 'empty'] },
  { type: 'tstzrange', values: ['[2024-01-01 00:00+02,2024-01-02)', '(,)'] },
  { type: 'int4multirange', values: ['{[1,3),[5,7)}', '{}'] },
  { type: 'pg_lsn', values: ['0/16B3748', 'F/0'] },
  { type: 'xid8', values: ['7', '18446744073709551615'] },
  { type: 'tid', values: ['(0,1)', '(7,3)'] },
  { type: 'oidvector', values: ['1 2', '3'] },
  { type: 'mood', values: ['glad', 'say "so"'] },
  { type: 'feeling', literal: 'mood', cast: 'mood', values: ['glad', 'say "so"'] },
  { type: 'price', literal: 'numeric', values: ['1.50', '2'], ...number },
  { type: 'pair', values: ['(7,y)', '(8,"a b")', '(,)'] },
  { type: 'documents', values: ['(7,"{}")', '(8,[])'], isByText: true },
  { type: 'integer[]', values: ['{1,2}', '{}', '{NULL}'] },
  { type: 'text[]', values: ['{"a,b",c}', '{}'] },
  { type: 'numeric(4,1)[]', literal: 'numeric[]', values: ['{1.5}', '{2,3}'] },
  { type: 'price[]', literal: 'numeric[]', cast: 'numeric[]', values: ['{1.5}', '{2,3}'] },
  { type: 'json[]', values: ['{"{}"}', '{}'], isByText: true },
  { type: 'citext[]', values: ['{a}', '{A}', '{b}'] },
  { type: 'ltree', values: ['Top.A', 'Top.B'] },
  { type: 'hstore', values: ['a=>1, b=>2', 'a=>NULL'] },
  { type: 'lquery', values: ['*.A', 'Top.*'], isByText: true },
];

const nameOf = (n: number): string => `c${n}`;
const path = `set search_path = public, ${schema}, ${extensions}`;
const inSchemas = (statements: string): string => `${path}; set timezone = 'UTC'; ${statements}`;
const table = `${schema}.things`;

/** Settings of the database that would change the meaning of a condition, or a text. */
const edgeCaseTexts = {
  TimeZone: 'Asia/Tokyo',
  DateStyle: 'German',
  IntervalStyle: 'sql_standard',
  bytea_output: 'escape',
  extra_float_digits: '-10',
  quote_all_identifiers: 'on',
  transform_null_equals: 'on',
  array_nulls: 'off',
  xmloption: 'document',
  xmlbinary: 'hex',
  gin_fuzzy_search_limit: '1',
  enable_partition_pruning: 'off',
  exit_on_error: 'on',
  standard_conforming_strings: 'off',
  synchronize_seqscans: 'on',
};

let client: pg.Client;
/** The connection for the reference, with the settings of a person's session. */
let server: pg.Client;

beforeAll(async () => {
  const opened = openHome({ STREAMSYNC_HOME: home() });
  const running = findRunningStack(opened);
  if (!running) throw new Error('the stack is not running');
  applyStackEnvironment(opened, running);
  configureSources({ sales: { url: source } });
  await sql(sourceUrl('sales'), `create database ${database}`);
  const columns = testedTypes.map(({ type }, n) => `${nameOf(n)} ${type}`).join(', ');
  const rows = [0, 1, 2, 3, 4].map((row) =>
    [row, ...testedTypes.map(({ values }) => literal(values[row % values.length] ?? ''))].join(
      ', ',
    ),
  );
  await sql(
    source,
    `create schema ${schema}; create schema ${extensions};
     create extension citext schema ${extensions};
     create extension ltree schema ${extensions};
     create extension hstore schema ${extensions};
     ${inSchemas(`
       create type ${schema}.mood as enum ('glad', 'say "so"');
       create type ${schema}.pair as (x int, y text);
       create type ${schema}.documents as (x int, y json);
       create domain ${schema}.price as numeric(12, 2);
       create domain ${schema}.feeling as mood;
       create domain ${schema}.shout as citext;
       create table ${table} (id int, ${columns});
       ${rows.map((row) => `insert into ${table} values (${row})`).join('; ')};
       insert into ${table} (id) values (9);`)}`,
  );
  server = new pg.Client({ connectionString: source });
  await server.connect();
  await server.query(inSchemas(''));
  await sql(
    source,
    Object.entries(edgeCaseTexts)
      .map(([name, value]) => `alter database ${database} set ${name} = ${literal(value)}`)
      .join(';'),
  );
  client = newSession(
    'sales',
    {
      name: 'conditions',
      connectMs: 5_000,
      statementMs: 5_000,
      lockMs: 5_000,
      idleInTransactionMs: 0,
      idleSessionMs: 0,
    },
    new ReusedBufferSocket(),
  );
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await server.end();
  await sql(sourceUrl('sales'), `drop database ${database} with (force)`);
});

/** Returns the ids in an export with each of these conditions. */
async function exported(where: readonly object[]): Promise<number[][]> {
  const request = exportRequestSchema.parse({
    sources: ['sales'],
    dataset: table,
    format: 'csv',
    columns: ['id'],
    where,
  });
  const selection = await selectionFor(client, 'sales', request, wholeSources('sales'));
  const found: number[][] = [];
  for (const condition of selection.where) {
    const statement = copyCsv({ ...selection, where: [condition] }, plainCsv);
    const bytes = await buffer(client.query(new CopyToStream(statement)));
    const lines = bytes.toString().split('\n').slice(0, -1);
    found.push(lines.map(Number).toSorted((a, b) => a - b));
  }
  return found;
}

/** Returns the ids that the server selects by each of these SQL conditions. */
async function selectedBySql(conditions: readonly string[]): Promise<number[][]> {
  const filtered = conditions.map(
    (condition, n) =>
      `coalesce(array_agg(id order by id) filter (where ${condition}), '{}') as r${n}`,
  );
  const { rows } = await server.query<Record<string, number[]>>(
    `select ${filtered.join(', ')} from ${table}`,
  );
  return conditions.map((_, n) => rows[0]?.[`r${n}`] ?? []);
}

interface Trial {
  op: string;
  value: unknown;
  sql: string;
}

function trialsOf(
  { type, values, ordered, patterns = [], isByText, isBoolean, ...as }: TestedType,
  n: number,
): Trial[] {
  const name = as.cast === undefined ? nameOf(n) : `${nameOf(n)}::${as.cast}`;
  const column = isByText ? `format('%s', ${name})` : name;
  const spelled = (value: string): string => {
    const typed = `${literal(value)}::${as.literal ?? type}`;
    return isByText ? `format('%s', ${typed})` : typed;
  };
  const sent = (value: string): unknown => (isBoolean ? value === 'true' : value);
  const [first = '', second = first] = values;
  const [a, b] = [spelled(first), spelled(second)];
  const present = `num_nulls(${nameOf(n)}) = 0`;
  const one = (op: string, sign: string, value = first): Trial => ({
    op,
    value: sent(value),
    sql: `${present} and ${column} ${sign} ${spelled(value)}`,
  });
  const listed = values.map(spelled).join(', ');
  const symbols = { lt: '<', lte: '<=', gt: '>', gte: '>=' };
  return [
    ...values.map((value) => one('eq', '=', value)),
    one('ne', '<>'),
    { op: 'isNull', value: true, sql: `not (${present})` },
    { op: 'isNull', value: false, sql: present },
    { op: 'isDistinctFrom', value: sent(first), sql: `not (${present}) or ${column} <> ${a}` },
    { op: 'isDistinctFrom', value: null, sql: present },
    ...(isBoolean
      ? []
      : [
          { op: 'in', value: values, sql: `${present} and ${column} in (${listed})` },
          { op: 'notIn', value: [first], sql: `${present} and ${column} <> ${a}` },
          {
            op: 'notIn',
            value: values.slice(0, 2),
            sql: `${present} and ${column} not in (${a}, ${b})`,
          },
        ]),
    ...(ordered
      ? [
          ...Object.entries(symbols).flatMap(([op, sign]) =>
            values.map((value) => one(op, sign, value)),
          ),
          { op: 'between', value: [first, second], sql: `${column} between ${a} and ${b}` },
          { op: 'between', value: [second, first], sql: `${column} between ${b} and ${a}` },
        ]
      : []),
    ...patterns.flatMap((pattern) => [
      { op: 'like', value: pattern, sql: `${column} like ${literal(pattern)}` },
      { op: 'ilike', value: pattern, sql: `${column} ilike ${literal(pattern)}` },
    ]),
  ];
}

describe('a condition selects the same rows as SQL, for every operator', () => {
  test.each(testedTypes.map((it, n) => ({ ...it, n })))(
    'a condition on $type selects the same rows as SQL',
    async ({ n, ...it }) => {
      const trials = trialsOf(it, n);
      const rows = await selectedBySql(trials.map((trial) => trial.sql));
      const seen = await exported(
        trials.map(({ op, value }) => ({ column: nameOf(n), op, value })),
      );
      const describeIds = (ids: readonly (readonly number[])[]) =>
        trials.map(({ op, value }, at) => `${op} ${JSON.stringify(value)}: ${ids[at]?.join()}`);
      expect(describeIds(seen)).toEqual(describeIds(rows));
      expect(seen[0]).not.toEqual([]);
    },
  );
});

/** Returns the name of the column of a type. */
const of = (type: string): string => nameOf(testedTypes.findIndex((it) => it.type === type));

describe('values that the type of the column cannot hold', () => {
  const of63 = 'a'.repeat(63);
  test.each<[string, string, unknown, string]>([
    ['integer', 'lt', 7.5, 'COLUMN < 7.5'],
    ['integer', 'eq', 7.5, 'false'],
    ['integer', 'lt', 3_000_000_000, 'COLUMN < 3000000000'],
    ['smallint', 'in', [7, 100_000], 'COLUMN in (7, 100000)'],
    ['bigint', 'gt', '-99999999999999999999', 'COLUMN is not null'],
    ['bigint', 'in', ['9007199254740993', '1e30'], 'COLUMN = 9007199254740993'],
    ['bigint', 'eq', 9_007_199_254_740_992, 'COLUMN = 9007199254740992'],
    [
      'numeric',
      'between',
      ['9007199254740992.5', 'Infinity'],
      `COLUMN between 9007199254740992.5 and 'Infinity'`,
    ],
    ['real', 'eq', 16_777_217, 'false'],
    ['real', 'in', [0.1, '16777217'], 'COLUMN = 0.1::real'],
    ['real', 'lt', '1e39', 'COLUMN < 1e39::float8'],
    ['real', 'eq', 0.100000001, 'COLUMN = 0.1::real'],
    ['real', 'gte', '0.1000001', 'COLUMN >= 0.1000001'],
    ['numeric(12,2)', 'eq', '0.101', 'false'],
    ['price', 'eq', '1.501', 'false'],
    ['numeric(4,1)[]', 'eq', '{1.51}', 'false'],
    ['price[]', 'eq', '{1.501}', 'false'],
    ['varchar(3)', 'eq', 'abcd', 'false'],
    ['char(5)', 'eq', 'abc  d', 'false'],
    ['bit(3)', 'eq', '1010', 'false'],
    ['name', 'eq', `${of63}b`, 'false'],
    ['name', 'lt', `${of63}b`, `COLUMN::text < '${of63}b'`],
    ['"char"', 'in', ['ab', 'b'], `COLUMN = 'b'`],
    // A time without an offset is in UTC; the offset counts.
    ['timestamp', 'eq', '2024-02-29T14:00:00.5+02:00', `COLUMN = '2024-02-29 12:00:00.5'`],
    ['timestamp', 'lt', '2024-02-29T13:00:00+02:00', `COLUMN < '2024-02-29 11:00'`],
    [
      'timestamp',
      'in',
      ['2024-02-29T12:00:00.5Z', '2024-03-01'],
      `COLUMN >= '2024-02-29' and COLUMN <= '2024-03-01'`,
    ],
    ['timestamptz', 'eq', '2024-02-29T10:00:00', `COLUMN = '2024-02-29 10:00Z'`],
    ['timestamptz(3)', 'eq', '2024-02-29T12:00:00.1234Z', 'false'],
    // A date counts as its midnight.
    ['date', 'eq', '2024-02-29T00:00:00Z', `COLUMN = '2024-02-29'`],
    ['date', 'eq', '2024-02-29T12:00:00Z', 'false'],
    ['date', 'eq', '2024-02-29T02:00:00+02:00', `COLUMN = '2024-02-29'`],
    ['date', 'lte', '2024-02-29T12:00:00Z', `COLUMN <= '2024-02-29'`],
    ['date', 'lt', '2024-02-29T00:00:01Z', `COLUMN <= '2024-02-29'`],
    ['date', 'gt', '2024-02-29T01:00:00+02:00', `COLUMN >= '2024-02-29'`],
    [
      'date',
      'notIn',
      ['2024-02-29T00:00:00Z', '12024-01-01'],
      `COLUMN not in ('2024-02-29', '12024-01-01')`,
    ],
    ['date', 'between', ['2024-02-28T23:00:00Z', '2024-02-29'], `COLUMN = '2024-02-29'`],
  ])(
    'a condition on %s with %s %j selects the same rows as SQL',
    async (type, op, value, condition) => {
      const [rows] = await selectedBySql([condition.replaceAll('COLUMN', of(type))]);
      expect(await exported([{ column: of(type), op, value }])).toEqual([rows]);
    },
  );

  test.each<[string, unknown, string]>([
    ['date[]', '{"2024-02-29 12:00"}', 'no time of day'],
    ['daterange', '[2024-02-29,2024-03-01 12:00)', 'no time of day'],
    ['time without time zone', '12:00+02', 'no offset'],
    ['timestamp without time zone[]', '{"2024-02-29 12:00:00+02"}', 'no offset'],
    ['tsrange', '["2024-02-29 12:00:00 Europe/Berlin",)', 'no offset'],
    ['time without time zone', '2024-02-29 12:00:00', 'time of day'],
    ['time without time zone', '12:00:00.1234567', 'time of day'],
    ['tstzrange', '[2024-01-01 00:00:00.1234567Z,)', '6 digits'],
    ['interval', '00:00:00.1234567', '6 digits'],
    ['money', '12.505', '2 digits'],
    ['oid', '-1', 'negative'],
    ['bigint', 'NaN', 'a number'],
    ['numeric', 'nan', '"NaN"'],
    ['integer', '9'.repeat(201), 'at most 200 characters'],
    ['date', null, 'a date'],
    ['text', null, 'a string'],
  ])('a condition on %s rejects %j instead of ignoring a part of it', (base, value, message) => {
    const column = { name: 'x', type: base, base, nullable: true };
    const fault = validateCondition(
      column,
      whereConditionSchema.parse({ column: 'x', op: 'eq', value }),
    );
    expect(fault).toMatchObject({ part: 'value', message: expect.stringContaining(message) });
  });
});

test.each(Object.entries(edgeCaseTexts))(
  'a reading session does not take %s = %s from the database',
  async (name, value) => {
    const show = (session: pg.Client) => session.query<Record<string, string>>(`show ${name}`);
    const ours = await show(client);
    const plain = new pg.Client({ connectionString: source });
    await plain.connect();
    const theirs = await show(plain);
    await plain.end();
    expect(Object.values(theirs.rows[0] ?? {})[0]).toContain(value);
    expect(ours.rows).not.toEqual(theirs.rows);
  },
);

describe('any', () => {
  test('a condition with any holds if one of its conditions and all others hold', async () => {
    const where = [
      {
        any: [
          { column: of('citext'), op: 'eq', value: 'Abc' },
          { column: of('integer'), op: 'isNull', value: true },
        ],
      },
      { column: 'id', op: 'ne', value: 0 },
    ];
    const request = { sources: ['sales'], dataset: table, format: 'csv', where, columns: ['id'] };
    const selection = await selectionFor(
      client,
      'sales',
      exportRequestSchema.parse(request),
      wholeSources('sales'),
    );
    const bytes = await buffer(client.query(new CopyToStream(copyCsv(selection, plainCsv))));
    const [rows] = await selectedBySql([
      `(${of('citext')} = 'abc' or ${of('integer')} is null) and id <> 0`,
    ]);
    expect(bytes.toString().trim().split('\n').map(Number)).toEqual(rows);
    expect(rows).toEqual([1, 4, 9]);
  });
});
