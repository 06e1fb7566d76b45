import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import { openHome } from '../../infra/local/home/home.ts';
import { applyStackEnvironment, findRunningStack } from '../../infra/local/home/running-stack.ts';
import { exportRequestSchema } from '../../lib/contracts/export-request.ts';
import { selectionFor } from '../../lib/exports/planning/selection.ts';
import { formatOf } from '../../lib/formats/index.ts';
import { CopyToStream } from '../../lib/sources/copy/copy-stream.ts';
import { ReusedBufferSocket } from '../../lib/sources/copy/reused-buffer-socket.ts';
import { listDatasets, namesOfDatasets } from '../../lib/sources/datasets.ts';
import { estimate } from '../../lib/sources/estimate.ts';
import { countRowsWithoutTimeSql, type Selection, timeRange } from '../../lib/sources/query.ts';
import { isRowSecurityActive } from '../../lib/sources/row-security.ts';
import { estimateRowWidth } from '../../lib/sources/row-width.ts';
import { newSession } from '../../lib/sources/session.ts';
import { classifySourceError } from '../../lib/sources/source-errors.ts';
import { splitKey, splitRanges } from '../../lib/sources/split-key-ranges.ts';
import { hold } from '../../lib/sources/table-locks.ts';
import { readTimeStatistics } from '../../lib/sources/time-statistics.ts';
import { configureSources } from '../support/own-source.ts';
import { home, sourceUrl, sql } from '../support/stack.ts';
import { wholeSources } from '../support/whole-sources.ts';

/** Databases of this file's own: one with functions of a user in `public`, and two with other encodings. */
const own = `names_${Date.now()}`;
const latin = `${own}_latin1`;
const ascii = `${own}_ascii`;
const urlOf = (database: string): string => new URL(`/${database}`, sourceUrl('sales')).href;

const clients: pg.Client[] = [];

async function sessionOf(source: string): Promise<pg.Client> {
  const session = {
    name: 'sql-names',
    connectMs: 5_000,
    statementMs: 5_000,
    lockMs: 5_000,
    idleInTransactionMs: 0,
    idleSessionMs: 0,
  };
  const client = newSession(source, session, new ReusedBufferSocket());
  await client.connect();
  clients.push(client);
  return client;
}

let client: pg.Client;

beforeAll(async () => {
  const opened = openHome({ STREAMSYNC_HOME: home() });
  const running = findRunningStack(opened);
  if (!running) throw new Error('the stack is not running');
  applyStackEnvironment(opened, running);
  const sources = {
    own: { url: urlOf(own) },
    latin: { url: urlOf(latin) },
    ascii: { url: urlOf(ascii) },
  };
  configureSources(sources);
  await sql(sourceUrl('sales'), `create database ${own}`);
  for (const [database, encoding] of [
    [latin, 'LATIN1'],
    [ascii, 'SQL_ASCII'],
  ])
    await sql(
      sourceUrl('sales'),
      `create database ${database} template template0 encoding '${encoding}' locale 'C'`,
    );
  await sql(
    urlOf(ascii),
    `set client_encoding = 'SQL_ASCII';
     create table things as select n, case n when 2 then E'caf\\351' else 'café' end as word from generate_series(1, 3) n`,
  );
  await sql(
    urlOf(own),
    `create domain label as text;
     create domain moment as timestamptz;
     create type pair as (x int, y bytea);
     create table things (
       id int primary key, at timestamptz, r text, n varchar(9), part bytea[], parts label, "order" moment, v date,
       value timestamp, "=1" char(3), b json, c inet, d bigint[], e numeric(12,2)[], f pair, "pg_catalog" "char"
     );
     insert into things
     select n, at, '=1+1', 'n' || n, array['\\xde0a'::bytea, null], '+' || n, at, v, v, 'x' || n, '{"a":1}', '10.0.0.1', array[n], array[n], row(n, 'x'::bytea)::pair, 'z'
     from (values
       (1, timestamptz '2024-10-27 00:30Z', date '2024-10-27'), (2, '2024-10-27 01:15Z', '2024-10-27'), (3, '2024-10-27 00:45Z', '2024-10-28'),
       (4, 'infinity', 'infinity'), (5, '-infinity', '-infinity'), (6, '0044-03-15 BC', '0044-03-15 BC'), (7, '12024-01-01Z', '12024-01-01'),
       (8, null, null), (9, '2024-06-01Z', '2024-06-01')
     ) of(n, at, v);
     create table "a.b" ("""" int);
     analyze things`,
  );
  client = await sessionOf('own');
});
afterAll(async () => {
  await Promise.all(clients.map((it) => it.end()));
  for (const database of [own, latin, ascii])
    await sql(sourceUrl('sales'), `drop database if exists ${database} with (force)`);
});

const forms = [
  { format: 'csv' },
  { format: 'csv', profile: 'spreadsheet', timeZone: 'Europe/Berlin' },
  { format: 'xlsx', timeZone: 'Europe/Berlin' },
  { format: 'ndjson' },
  { format: 'parquet' },
] as const;

const requestOf = (more: object) =>
  exportRequestSchema.parse({ sources: ['own'], dataset: 'things', ...more });

async function copied(request: ReturnType<typeof requestOf>): Promise<Buffer> {
  const selection = await selectionFor(client, 'own', request, wholeSources('own'));
  return buffer(client.query(new CopyToStream(formatOf(request).copy(selection))));
}

describe('order by time with other text of the time', () => {
  test.each(forms.filter(({ format }) => format !== 'parquet'))(
    'order by time is the order of the column, whatever its text in the file: %j',
    async (form) => {
      const rows = await sql<{ id: number }>(
        urlOf(own),
        'select id from things order by things.at nulls last',
      );
      const request = requestOf({ ...form, order: 'time', columns: ['at', 'id'] });
      const lines = (await copied(request)).toString().trim().split('\n');
      const ids = lines.map((line) => Number(line.split(/[,\t]/).at(-1)));
      expect(ids).toEqual(rows.map(({ id }) => id));
      expect(ids).toEqual([5, 6, 9, 1, 3, 2, 7, 4, 8]);
    },
  );

  test('order by time can use an index', async () => {
    await sql(urlOf(own), 'create index on things (at)');
    await client.query('set enable_seqscan = off; set enable_sort = off');
    const request = requestOf({ format: 'xlsx', order: 'time' });
    const selection = await selectionFor(client, 'own', request, wholeSources('own'));
    const statement = formatOf(request).copy(selection);
    const select = /^copy \((.*)\) to stdout/s.exec(statement)?.[1];
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain ${select}`);
    await client.query('reset enable_seqscan; reset enable_sort');
    expect(rows.map((row) => row['QUERY PLAN']).join('\n')).not.toContain('Sort');
  });
});

/** Functions and operators in a schema that may be on every search path, for each type of the table's columns. */
const traps = `
  do $$
  declare
    type text; name text;
    mine text := ' language plpgsql immutable as ''begin raise exception ''''a function of a user''''''''s was called''''; end''';
  begin
    foreach type in array '{text,varchar,bpchar,label,"\\"char\\"",name,int4,int8,timestamptz,moment,timestamp,date,json,inet,bytea,bytea[],bigint[],numeric[],text[],pair}'::text[] loop
      foreach name in array '{concat,to_json,num_nulls,isfinite,unnest,count,min,max,floor,format,json_agg,json_strip_nulls}'::text[] loop
        execute format('create function public.%I(%s) returns text', name, type) || mine;
      end loop;
      foreach name in array '{left,substr}'::text[] loop
        execute format('create function public.%I(%s, int) returns text', name, type) || mine;
      end loop;
      foreach name in array '{concat,format,encode,decode,timezone,to_char,string_to_array,string_agg}'::text[] loop
        execute format('create function public.%I(text, %s) returns text', name, type) || mine;
        if type <> 'text' then
          execute format('create function public.%I(%s, text) returns text', name, type) || mine;
        end if;
      end loop;
      execute pg_catalog.format('create function public.replace(%s, text, text) returns text', type) || mine;
      execute format('create function public.compare(%s, %s) returns boolean', type, type) || mine;
      foreach name in array '{=,<>,<,<=,>,>=,~~,~~*,!~~,~,||,%}'::text[] loop
        execute format('create operator public.%s (leftarg = %s, rightarg = %s, function = public.compare)', name, type, type);
      end loop;
    end loop;
    execute 'create function public.translate(text, text, text) returns text' || mine;
    execute 'create function public.regexp_replace(text, text, text, text) returns text' || mine;
    execute 'create function public.compare(int8, int4) returns boolean' || mine;
    execute 'create operator public.% (leftarg = int8, rightarg = int4, function = public.compare)';
  end $$`;

test("functions of a user with the names of PostgreSQL's own are never called", async () => {
  const where = [
    { column: 'n', op: 'notIn', value: ['x'] },
    { column: 'n', op: 'ilike', value: 'N%' },
    { column: 'parts', op: 'between', value: ['+1', '+8'] },
    { column: '=1', op: 'in', value: ['x1', 'x2', 'x3'] },
    { column: 'pg_catalog', op: 'eq', value: 'z' },
    { column: 'b', op: 'eq', value: '{"a":1}' },
    { column: 'f', op: 'isDistinctFrom', value: '(1,)' },
    {
      any: [
        { column: 'order', op: 'gt', value: '2024-01-01' },
        { column: 'part', op: 'eq', value: '{}' },
      ],
    },
  ];
  const bounds = { from: '2024-01-01T00:00:00Z', to: '2025-01-01T00:00:00Z', order: 'time' };
  const requests = forms.map((form) => requestOf({ ...form, where, ...bounds }));
  const all = async (): Promise<string[]> => {
    const outputs: string[] = [];
    for (const request of requests) outputs.push((await copied(request)).toString('base64'));
    const selection: Selection = await selectionFor(
      client,
      'own',
      requestOf({ format: 'csv', where, ...bounds }),
      wholeSources('own'),
    );
    const { dataset } = selection;
    if (!dataset.timeColumn) throw new Error('the dataset has no time column');
    for (const statement of [
      countRowsWithoutTimeSql(selection) ?? '',
      timeRange(dataset, dataset.timeColumn),
    ])
      outputs.push(JSON.stringify((await client.query(statement)).rows));
    const whole = { ...selection, from: undefined, to: undefined, where: [], ordered: false };
    const key = await splitKey(client, whole);
    if (!key) throw new Error('the dataset has no key');
    await client.query('begin isolation level repeatable read read only');
    outputs.push(
      JSON.stringify([
        await estimate(client, selection),
        await estimateRowWidth(client, selection),
        await splitRanges(client, whole, key, { units: 3, rows: 9 }),
        await hold(client, selection),
        await isRowSecurityActive(client, dataset),
        await listDatasets(client),
        await namesOfDatasets(client, 9),
      ]),
    );
    await client.query('commit');
    outputs.push(JSON.stringify(await readTimeStatistics(client, dataset, dataset.timeColumn)));
    return outputs;
  };
  const before = await all();
  expect(before[0]).not.toBe('');
  await sql(urlOf(own), traps);
  await expect(client.query('select concat(n) from things')).rejects.toThrow(
    'a function of a user',
  );
  await expect(client.query('select n = n from things')).rejects.toThrow('a function of a user');
  expect(await all()).toEqual(before);
});

test('a dataset name that the encoding of the database cannot represent is rejected as unknown', async () => {
  const request = { ...requestOf({ format: 'csv' }), sources: ['latin'], dataset: '表' };
  await expect(
    selectionFor(await sessionOf('latin'), 'latin', request, wholeSources('latin')),
  ).rejects.toMatchObject({
    code: 'invalid_request',
    errors: [expect.objectContaining({ field: 'dataset' })],
  });
});

test('bytes that are not text in the encoding of the file are reported as such', async () => {
  const session = await sessionOf('ascii');
  const read = async (where: object[]): Promise<Buffer> => {
    const request = { ...requestOf({ format: 'csv', where }), sources: ['ascii'] };
    const selection = await selectionFor(session, 'ascii', request, wholeSources('ascii'));
    return buffer(session.query(new CopyToStream(formatOf(request).copy(selection))));
  };
  const error = await read([]).catch((cause: unknown) => cause);
  expect(classifySourceError(error, 'ascii')).toMatchObject({
    retry: false,
    message: expect.stringContaining('encoding'),
  });
  const good = await read([{ column: 'n', op: 'notIn', value: [2] }]);
  expect(good.toString()).toBe('1,café\n3,café\n');
});
