import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readXlsx, streamXlsxRows } from 'hucre/xlsx';
import { manifestSchema } from '../../lib/contracts/export-document.ts';
import { asDemo, call, createExport, download, ended, monthOfOrders } from '../support/api.ts';
import { sourceUrl, sql } from '../support/stack.ts';

/** A schema of this file's own, which is dropped with its types and tables. */
const schema = `xlsx_${Date.now()}`;
const source = sourceUrl('sales');
/** The session must be in UTC, because the text of a timestamptz has its time zone. */
const inUtc = `${source}?options=${encodeURIComponent('-c TimeZone=UTC')}`;

beforeAll(async () => {
  await sql(source, `create schema ${schema}`);
});
afterAll(async () => {
  await sql(source, `drop schema ${schema} cascade`);
});

const fill = (statements: string): Promise<object[]> =>
  sql(source, `set search_path = ${schema}; ${statements}`);

const requestOf = (table: string, more: object = {}) => ({
  sources: ['sales'],
  dataset: `${schema}.${table}`,
  format: 'xlsx',
  ...more,
});

/** Returns the bytes of an export of a table, after comparing its document with them. */
async function exported(
  table: string,
  more: object = {},
): Promise<{ rows: number; bytes: Buffer }> {
  const { id } = await createExport(requestOf(table, more));
  const document = await ended(id);
  expect(document).toMatchObject({ status: 'ready', error: null });
  const { bytes } = await download(id);
  expect(document.file).toMatchObject({
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  });
  return { rows: document.file?.rows ?? -1, bytes };
}

/** Returns header and rows of the only sheet of an export, read by hucre. */
async function sheetOf(table: string, more: object = {}): Promise<unknown[][]> {
  const { rows, bytes } = await exported(table, more);
  const { sheets } = await readXlsx(bytes);
  expect(sheets).toHaveLength(1);
  expect(sheets[0]?.rows).toHaveLength(rows + 1);
  return sheets[0]?.rows ?? [];
}

/** Returns the server's own text of each value, with the key columns first. */
async function textsOf(table: string, columns: readonly string[]): Promise<unknown[][]> {
  const values = columns.map((name) => `${name}::text`).join(', ');
  const rows = await sql<{ texts: (string | null)[] }>(
    inUtc,
    `select array[${values}] as texts from ${schema}.${table} order by id`,
  );
  return rows.map(({ texts }) => texts);
}

const at = (text: string): Date => new Date(`${text}Z`);

describe('workbooks', () => {
  test('a workbook has numbers that are exact in a double, and text for all others', async () => {
    await fill(`
      create table numbers (id int, small smallint, big bigint, exact numeric, price numeric(12, 2), single real, double double precision);
      insert into numbers values
        (1, -32768, 999999999999999, 123456789.012345, 0.10, 0.1, 0.1),
        (2, 32767, 9223372036854775807, 12345678901234567890123456789012345678901234567890, -0.01, 'NaN', 1.7976931348623157e308),
        (3, 0, -9223372036854775808, 'NaN', 9999999999.99, 'Infinity', '-Infinity'),
        (4, null, 9007199254740993, 0.0000000000000000000000000000000000000000000000001, 0, 3e38, 5e-324),
        (5, 1, 1000000000000000000, 1234567890.1234567, 0, -1.5, 'NaN'),
        (6, 1, 0, '-Infinity', null, null, null)`);
    const [header, ...rows] = await sheetOf('numbers');
    expect(header).toEqual(['id', 'small', 'big', 'exact', 'price', 'single', 'double']);
    expect(rows).toEqual([
      [1, -32_768, 999_999_999_999_999, 123_456_789.012345, 0.1, 0.1, 0.1],
      [
        2,
        32_767,
        '9223372036854775807',
        '12345678901234567890'.padEnd(50, '1234567890'),
        -0.01,
        'NaN',
        Number.MAX_VALUE,
      ],
      [3, 0, '-9223372036854775808', 'NaN', 9_999_999_999.99, 'Infinity', '-Infinity'],
      [4, null, '9007199254740993', 1e-49, 0, 3e38, '5e-324'],
      [5, 1, 1e18, '1234567890.1234567', 0, -1.5, 'NaN'],
      [6, 1, 0, '-Infinity', null, null, null],
    ]);
  });

  test('a workbook has dates in the range of spreadsheets, and text before and after it', async () => {
    await fill(`
      create table times (id int, day date, local timestamp, instant timestamptz, hour time, zoned timetz, long interval);
      insert into times values
        (1, '2024-02-29', '2024-02-29 23:59:59', '2024-07-01 12:00:00+00', '24:00', '12:00+02', '1 year -3 days'),
        (2, '1900-03-01', '1900-03-01', '1900-03-01 00:00+00', '00:00', null, '-1 mons'),
        (3, '1900-02-28', '1900-02-28 23:59:59.999999', '1900-02-28 12:00+00', null, null, null),
        (4, '1899-12-31', '0001-01-01', '0044-03-15 12:00:00+00 BC', null, null, null),
        (5, '9999-12-31', '9999-12-31 23:59:59', '9999-12-31 12:00+00', null, null, null),
        (6, '10000-01-01', '10000-01-01', '294276-12-31 12:00+00', null, null, null),
        (7, 'infinity', '-infinity', 'infinity', null, null, null),
        (8, '0001-01-01 BC', '2024-01-01 00:00:00.25', '2024-01-01 00:00:00.001+00', null, null, null),
        (9, null, null, null, null, null, null)`);
    const [, ...rows] = await sheetOf('times', { profile: 'machine' });
    expect(rows.map((row) => row.slice(1, 4))).toEqual([
      [at('2024-02-29T00:00'), at('2024-02-29T23:59:59'), at('2024-07-01T12:00')],
      [at('1900-03-01T00:00'), at('1900-03-01T00:00'), at('1900-03-01T00:00')],
      ['1900-02-28', '1900-02-28 23:59:59.999999', '1900-02-28 12:00:00'],
      ['1899-12-31', '0001-01-01 00:00:00', '0044-03-15 12:00:00 BC'],
      [at('9999-12-31T00:00'), at('9999-12-31T23:59:59'), at('9999-12-31T12:00')],
      ['10000-01-01', '10000-01-01 00:00:00', '294276-12-31 12:00:00+00'],
      ['infinity', '-infinity', 'infinity'],
      ['0001-01-01 BC', at('2024-01-01T00:00:00.250'), at('2024-01-01T00:00:00.001')],
      [null, null, null],
    ]);
    expect(rows.slice(0, 2).map((row) => row.slice(4))).toEqual([
      ['24:00:00', '12:00:00+02', '1 year -3 days'],
      ['00:00:00', null, '-1 mons'],
    ]);
  });

  test('a workbook has times in the requested time zone', async () => {
    await fill(`
      create table instants (id int, at timestamptz, local timestamp);
      insert into instants values (1, '2024-01-01 12:00+00', '2024-01-01 12:00'), (2, '2024-07-01 12:00+00', 'infinity'), (3, 'infinity', null)`);
    for (const timeZone of ['Europe/Berlin', 'CET', 'Europe/Brussels'])
      expect((await sheetOf('instants', { timeZone })).slice(1)).toEqual([
        [1, at('2024-01-01T13:00'), at('2024-01-01T12:00')],
        [2, at('2024-07-01T14:00'), 'infinity'],
        [3, 'infinity', null],
      ]);
    const machine = await sheetOf('instants', { timeZone: 'Europe/Berlin', profile: 'machine' });
    expect(machine[2]).toEqual([2, at('2024-07-01T12:00'), 'infinity']);
  });

  test('a workbook has text of every character, and no formula', async () => {
    await fill(`
      create table texts as select n as id, chr(n) as alone, 'a' || chr(n) || '_x0041' || chr(n) as within from generate_series(1, 1023) n;
      insert into texts values
        (2000, '=1+1', '=cmd|''/c calc''!A0'), (2001, '+1', '-1'), (2002, '@SUM(A1)', E'\\t=1'), (2003, E'\\r=1', E'\\n=1'),
        (2004, '_x0041_', '_x0041_x0042_'), (2005, E'_x0041\\x01', '_x005F_x0041_'), (2006, '😀', '👩‍👩‍👧 e\u0301 \uffff \ufffe'),
        (2007, 'שלום', 'مرحبا \u202e abc'), (2008, '"', '""'), (2009, E'a\\r\\nb', E'\\n'), (2010, '', ' '), (2011, null, ''),
        (2012, '\\N', '\\.'), (2013, '<a>&amp;', ']]>'), (2014, U&'\\2028\\0085\\007F', '  two  spaces  '), (2015, '0012', '1e5'), (2016, 'TRUE', '#REF!')`);
    const [, ...rows] = await sheetOf('texts');
    expect(rows.map(([, ...texts]) => texts)).toEqual(await textsOf('texts', ['alone', 'within']));
    const { bytes } = await exported('texts');
    const { sheets } = await readXlsx(bytes, { readStyles: true });
    for (const { formula } of sheets[0]?.cells?.values() ?? []) expect(formula).toBeUndefined();
  });

  test('a workbook without rows has its header; one with one column has its rows', async () => {
    await fill(`
      create table empty (id int, "=a <&> ""name""" text);
      create table narrow ("only" text); insert into narrow values (null), (''), ('x');`);
    expect(await sheetOf('empty')).toEqual([['id', '=a <&> "name"']]);
    // A row without cells counts as a row.
    const narrow = await sheetOf('narrow');
    expect(narrow.map(([cell = null]) => cell)).toEqual(['only', null, '', 'x']);
  });

  test('a workbook has a second sheet from row 1,048,577', async () => {
    await fill(
      'create table tall as select (n % 7)::smallint as n from generate_series(1, 1048577) n',
    );
    const { rows, bytes } = await exported('tall');
    expect(rows).toBe(1_048_577);
    const counts = [0, 0];
    let sum = 0;
    for (const sheet of counts.keys())
      for await (const { values } of streamXlsxRows(bytes, { sheet })) {
        counts[sheet] = (counts[sheet] ?? 0) + 1;
        const [value] = values;
        if (typeof value === 'number') sum += value;
        else expect(value).toBe('n');
      }
    expect(counts).toEqual([1_048_576, 3]);
    expect([{ sum }]).toEqual(await sql(source, `select sum(n)::int from ${schema}.tall`));
  });
});

describe('long cells', () => {
  test('a cell can have 32,767 characters; one more fails the export with row and column', async () => {
    await fill(`
      create table longest (id int, note text); insert into longest values (1, repeat('é', 32767));
      create table longer as select * from longest union all select 2, repeat('😀', 16383) || 'xy'`);
    expect((await sheetOf('longest'))[1]).toEqual([1, 'é'.repeat(32_767)]);
    const { id } = await createExport(requestOf('longer'));
    expect(await ended(id)).toMatchObject({
      status: 'failed',
      file: null,
      error: {
        code: 'cell_too_long',
        message: expect.stringMatching(/^Row 2 has 32,768 characters in the column note;/),
      },
    });
    // csv has no limit of characters.
    expect((await exported('longer', { format: 'csv' })).rows).toBe(2);
  });
});

test('the document and the manifest of a workbook have its content type, name and types of columns', async () => {
  const { id } = await createExport({ ...monthOfOrders, format: 'xlsx' });
  const { file } = await ended(id);
  expect(file).toMatchObject({
    name: expect.stringMatching(/^orders_2024-03_[0-9a-f]{8}\.xlsx$/),
    contentType: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  });
  expect((await download(id)).headers.get('content-type')).toBe(file?.contentType);
  const answer = await call('GET', `/exports/${id}/manifest`, { headers: asDemo });
  const { columns } = answer.json(manifestSchema);
  const types = columns.map(({ databaseType, fileType }) => [databaseType, fileType]);
  expect(types).toEqual(
    expect.arrayContaining([
      ['timestamp with time zone', 'dateTime'],
      ['date', 'date'],
      ['text', 'text'],
    ]),
  );
});

describe('options of workbooks', () => {
  test.each([
    [{ format: 'xlsx', compression: 'gzip' }, 'compression'],
    [{ format: 'xlsx', consistency: 'resumable' }, 'consistency'],
    [{ format: 'json', profile: 'spreadsheet' }, 'profile'],
    [{ format: 'ndjson', profile: 'spreadsheet' }, 'profile'],
    [{ format: 'xlsx', timeZone: '+01:00' }, 'timeZone'],
    [{ format: 'csv', timeZone: 'IST' }, 'timeZone'],
  ])('the request %j is rejected by its field %s', async (more, field) => {
    const answer = await call('POST', '/exports', {
      body: { ...monthOfOrders, ...more },
      headers: asDemo,
    });
    expect(answer.status).toBe(422);
    expect(answer.problem().errors?.map((error) => error.field)).toEqual([field]);
  });

  test('a workbook request with explicit defaults is the same as without', async () => {
    const body = { ...monthOfOrders, format: 'xlsx' };
    const headers = { ...asDemo, 'idempotency-key': crypto.randomUUID() };
    const { id, request } = await createExport(body, headers);
    expect(request).toMatchObject({ profile: 'spreadsheet', timeZone: 'UTC' });
    expect((await createExport({ profile: 'spreadsheet', ...body }, headers)).id).toBe(id);
    const other = await call('POST', '/exports', {
      body: { ...body, profile: 'machine' },
      headers,
    });
    expect(other.status).toBe(409);
  });
});

describe('csv for spreadsheets', () => {
  const csvOf = async (table: string, more: object = {}): Promise<string> =>
    (await exported(table, { format: 'csv', profile: 'spreadsheet', ...more })).bytes.toString();

  test('csv for spreadsheets has a byte order mark, no formulas, and times in the time zone', async () => {
    await fill(`
      create type mixed as (a text, b int);
      create domain label as text;
      create table signs (id int, t text, "=named" varchar(9), own label, c char(4), n numeric, long interval, m mixed, at timestamptz, day date, tags text[], j jsonb);
      insert into signs values
        (-1, '=1+1', '+1', '@x', '-a', -2.50, '-1 days', row(null, null), '2024-07-01 12:00+00', '-infinity', '{=1}', '"=1"'),
        (2, E'\\t=1', E'\\r', '', 'b', 'NaN', '1 day', row('-', 1), 'infinity', '2024-07-01', null, null),
        (3, '', '', null, '', null, null, null, null, null, '{}', '-1'),
        (4, null, null, '=', null, '-Infinity', null, null, '-infinity', null, null, null),
        (5, 'a=1', '''=1', ' =1', '= ', 0, '0', null, '0044-03-15 12:00+00 BC', null, null, null)`);
    const lines = [
      `id,t,'=named,own,c,n,long,m,at,day,tags,j`,
      `-1,"'=1+1","'+1","'@x","'-a  ",-2.50,"'-1 days","(,)",2024-07-01 14:00:00,-infinity,"{=1}","""=1"""`,
      `2,"'\t=1","'\r","","b   ",NaN,"1 day","(-,1)",infinity,2024-07-01,,`,
      `3,"","",,"    ",,,,,,"{}","'-1"`,
      `4,,,"'=",,-Infinity,,,-infinity,,,`,
      `5,"a=1","'=1"," =1","'=   ",0,"00:00:00",,0044-03-15 12:53:28 BC,,,`,
    ];
    const text = await csvOf('signs', { timeZone: 'Europe/Berlin' });
    expect(text).toBe(`\ufeff${lines.join('\n')}\n`);
  });

  test('full-width signs, a line feed, or text after `;` or a tab start no formula in csv for spreadsheets', async () => {
    await fill(`
      create table wide (id int, "\uff0bname" text, "a;b" text, line varchar(9), "tab\t" char(2));
      insert into wide values (1, '\uff1d1+1', 'x;=1+1', E'\\n=1', '\uff20'),
        (2, '\uff0d1', E'x\\t=1+1', '\uff0b', '1\uff1d')`);
    expect(await csvOf('wide')).toBe(
      `\ufeffid,'\uff0bname,"a;b",line,"tab\t"
1,"'\uff1d1+1","x;=1+1","'\n=1","'\uff20 "
2,"'\uff0d1","x\t=1+1","'\uff0b","1\uff1d"
`,
    );
  });

  test('csv for spreadsheets without rows is its header, in units as well', async () => {
    await fill('create table none (id int primary key, "-" text)');
    const alone = await csvOf('none');
    expect(alone).toBe(`\ufeffid,'-\n`);
    expect(await csvOf('none', { consistency: 'resumable' })).toBe(alone);
  });
});
