import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import copy from 'pg-copy-streams';
import { manifestSchema } from '../../lib/contracts/export-document.ts';
import { exportPreviewSchema } from '../../lib/contracts/export-preview.ts';
import { asDemo, call, createExport, ended } from '../support/api.ts';
import { decompress } from '../support/decompress.ts';
import { exportFile } from '../support/export-invariants.ts';
import { sourceUrl, sql } from '../support/stack.ts';

/** Compares CSV of each set of options with the output of `COPY` with the same options, read back by PostgreSQL. */
const schema = `csv_options_${Date.now()}`;
const [sales, iot] = [sourceUrl('sales'), sourceUrl('iot')];

const rows = `select n as id, (n - 3) / 4.0 as exact, (n * 0.37)::real as single, (array['NaN', '-Infinity', '1e-07', '12.5'])[n % 4 + 1]::float8 as double,
  (n * 1234.5)::numeric(9,2)::money as cash, array[n + 0.5, null] as list, (n || '.5')::varchar as words,
  (array['NA', '', null, 'a;b', 'a|b', E'a\\tb', 'a,b', 'say "x"', E'two\\nlines', E'cr\\rlf', '=1+1', '-', '1.5', '\\.'])[n % 14 + 1] as "the;text",
  case when n % 3 > 0 then row(n, 1.5)::${schema}.pair end as both, case when n % 5 = 0 then null else n * 0.25 end as "NA"
  from generate_series(1, 30) n`;

beforeAll(async () => {
  for (const url of [sales, iot])
    await sql(
      url,
      `create schema ${schema}; create type ${schema}.pair as (a int, b numeric);
       create domain ${schema}.price as numeric(9,3);
       create table ${schema}.things as select *, exact::${schema}.price as price from (${rows}) r;
       create table ${schema}.instants as select at from (values
         (timestamptz '2024-10-27 00:30Z'), ('2024-10-27 01:30Z'), ('2024-07-01 12:00:00.5Z'), ('1880-01-01 00:00Z'),
         ('infinity'), ('0044-03-15 12:00Z BC'), (null)) v(at);
       create table ${schema}.one as select * from (values (null), ('\\.'), ('')) v(t)`,
    );
});
afterAll(async () => {
  for (const url of [sales, iot]) await sql(url, `drop schema ${schema} cascade`);
});

const of = (dataset: string, more: object = {}) => ({
  sources: ['sales'],
  dataset: `${schema}.${dataset}`,
  format: 'csv',
  ...more,
});

/** Has PostgreSQL read a file with these options into a table of text, and returns its rows. */
async function readBack(file: Buffer, options: string, like: string): Promise<unknown[][]> {
  const client = new pg.Client({ connectionString: sales });
  await client.connect();
  try {
    await client.query(`create temp table back (${like})`);
    const into = client.query(
      copy.from(`copy back from stdin (format csv, header match, ${options})`),
    );
    await pipeline(Readable.from([file]), into);
    const { rows: got } = await client.query({ text: 'select * from back', rowMode: 'array' });
    return got;
  } finally {
    await client.end();
  }
}

const names = [
  'id',
  'exact',
  'single',
  'double',
  'cash',
  'list',
  'words',
  'the;text',
  'both',
  'NA',
  'price',
];
const like = names.map((name) => `"${name}" text`).join(', ');
const decimals = ['exact', 'single', 'double', 'NA', 'price'];

const textsOf = async (decimal: string): Promise<unknown[][]> => {
  const values = names.map((name) =>
    decimals.includes(name) && decimal === ','
      ? `replace("${name}"::text, '.', ',')`
      : `case when num_nulls("${name}") = 0 then format('%s', "${name}") end`,
  );
  const got = await sql<{ row: unknown[] }>(
    sales,
    `select array[${values.join(', ')}] as row from ${schema}.things order by id`,
  );
  return got.map(({ row }) => row);
};

const delimiters = [',', ';', '\t', '|'];
const cases = delimiters.flatMap((delimiter, n) => [
  { delimiter, decimal: ',', nullText: 'NA', quote: n % 2 ? 'all' : 'minimal', newline: 'crlf' },
  {
    delimiter,
    decimal: n % 2 ? '.' : ',',
    nullText: ['', '-', '\\N', '0'][n],
    quote: n % 2 ? 'minimal' : 'all',
    newline: 'lf',
  },
]);

describe('csv options', () => {
  test('a csv file preserves every value, and NULL as distinct from the text that represents it', async () => {
    await Promise.all(
      cases.map(async (csv) => {
        const file = await exportFile(of('things', { csv }));
        const rowsReadBack = await readBack(
          file,
          `delimiter '${csv.delimiter}', null '${csv.nullText}'`,
          like,
        );
        const byId = rowsReadBack.toSorted((a, b) => Number(a[0]) - Number(b[0]));
        expect(byId).toEqual(await textsOf(csv.decimal));
        const header = names.map((it) =>
          csv.quote === 'all' || it.includes(csv.delimiter) || it === csv.nullText ? `"${it}"` : it,
        );
        const end = csv.newline === 'crlf' ? '\r\n' : '\n';
        const text = file.toString();
        expect(text.startsWith(header.join(csv.delimiter) + end)).toBe(true);
        expect(text.endsWith(end)).toBe(true);
        // The line ends outside of values.
        const outside = text.replaceAll(/"[^"]*(?:""[^"]*)*"/g, '');
        expect(outside.split(end)).toHaveLength(32);
        expect(outside.replaceAll(end, '')).not.toMatch(/[\r\n]/);
        if (csv.quote === 'all')
          expect(outside.replaceAll(csv.nullText ?? '', '')).toMatch(/^[,;|\t\r\n]*$/);
      }),
    );
  });

  test('csv options apply to a compressed file of several sources and one column', async () => {
    const csv = { delimiter: ';', nullText: 'NULL', newline: 'crlf' };
    const both = of('one', { sources: ['sales', 'iot'], csv, compression: 'zstd' });
    const [several, one] = await Promise.all([
      exportFile(both),
      exportFile(of('one', { csv: { nullText: 'NULL' } })),
    ]);
    expect((await decompress(several, 'zstd')).toString()).toBe(
      [
        '_source;t',
        ...['sales', 'iot'].flatMap((it) => [`${it};NULL`, `${it};\\.`, `${it};`]),
        '',
      ].join('\r\n'),
    );
    expect(one.toString()).toBe('t\nNULL\n"\\."\n\n');
  });

  test('a csv file for spreadsheets has no formula, whatever its delimiter', async () => {
    const csv = { delimiter: ';', decimal: ',', nullText: '-' };
    const columns = ['id', 'the;text', 'exact', 'list'];
    const file = await exportFile(of('things', { csv, columns, profile: 'spreadsheet' }));
    const [, ...lines] = file.toString().slice(1).split('\n');
    expect(file.toString().startsWith('\ufeffid;"the;text";exact;list\n')).toBe(true);
    expect(lines.find((it) => it.startsWith('10;'))).toMatch(
      /^10;"'=1\+1";1,750*;"\{10\.5,NULL\}"$/,
    );
    // NULL is `-`; the text `-` is quoted.
    expect(lines.find((it) => it.startsWith('2;'))).toMatch(/^2;-;-0,250*;/);
    expect(lines.find((it) => it.startsWith('11;'))).toMatch(/^11;"'-";2,0*;/);
  });

  test('csv and xlsx files for spreadsheets have the offsets of times if timeOffset is set', async () => {
    const cellsOf = async (format: string, timeZone: string) => {
      const body = of('instants', { format, profile: 'spreadsheet', timeZone, timeOffset: true });
      const answer = await call('POST', '/exports/preview', { headers: asDemo, body });
      return answer.json(exportPreviewSchema).rows.map(([at]) => at);
    };
    const inBerlin = [
      '2024-10-27 02:30:00+02:00',
      '2024-10-27 02:30:00+01:00',
      '2024-07-01 14:00:00.5+02:00',
      '1880-01-01 00:53:28+00:53:28',
      'infinity',
      '0044-03-15 12:53:28+00:53:28 BC',
      null,
    ];
    expect(await cellsOf('csv', 'Europe/Berlin')).toEqual(inBerlin);
    expect(await cellsOf('xlsx', 'Europe/Berlin')).toEqual(inBerlin);
    expect((await cellsOf('csv', 'America/St_Johns')).slice(0, 1)).toEqual([
      '2024-10-26 22:00:00-02:30',
    ]);
    const request = of('instants', { format: 'xlsx', timeOffset: true });
    const document = await ended((await createExport(request)).id);
    const manifest = await call('GET', `/exports/${document.id}/manifest`, { headers: asDemo });
    expect(manifest.json(manifestSchema).columns).toMatchObject([{ name: 'at', fileType: 'text' }]);
    // The default value of an option means the same as its absence.
    const usual = await createExport({ ...request, timeOffset: false });
    expect(usual.request).not.toHaveProperty('timeOffset');
  });

  test("the preview shows the file's csv options", async () => {
    const csv = { delimiter: '|', decimal: ',', nullText: 'NA', quote: 'all', newline: 'crlf' };
    const request = of('things', {
      csv,
      columns: ['id', 'exact', 'the;text'],
      where: [{ column: 'id', op: 'lte', value: 3 }],
    });
    const answer = await call('POST', '/exports/preview', { headers: asDemo, body: request });
    const { rows: previewRows, text } = answer.json(exportPreviewSchema);
    expect(text).toBe((await exportFile(request)).toString());
    expect(text).toMatch(
      /^"id"\|"exact"\|"the;text"\r\n"1"\|"-0,50*"\|""\r\n"2"\|"-0,250*"\|NA\r\n/,
    );
    expect(previewRows.map(([id, , words]) => [id, words])).toEqual([
      ['1', ''],
      ['2', null],
      ['3', 'a;b'],
    ]);
    const created = await createExport({ ...request, csv: { delimiter: '|' } });
    expect(created.request.csv).toEqual({
      delimiter: '|',
      decimal: '.',
      nullText: '',
      quote: 'minimal',
      newline: 'lf',
    });
  });
});

describe('rejected csv options', () => {
  test.each<[string, object, string, RegExp]>([
    ['another format', { format: 'json', csv: {} }, 'csv', /left out if the format is json/],
    ['another delimiter', { csv: { delimiter: ':' } }, 'csv.delimiter', /not allowed/],
    ['an unknown field', { csv: { header: true } }, 'csv.header', /not a known field/],
    ['a delimiter in nullText', { csv: { nullText: 'a,b' } }, 'csv.nullText', /delimiter/],
    ['a quote in nullText', { csv: { nullText: '"' } }, 'csv.nullText', /quote/],
    ['a line feed in nullText', { csv: { nullText: 'a\n' } }, 'csv.nullText', /printable ASCII/],
    ['the end of the data as nullText', { csv: { nullText: '\\.' } }, 'csv.nullText', /psql/],
    ['a long nullText', { csv: { nullText: 'x'.repeat(21) } }, 'csv.nullText', /20 characters/],
    [
      'a formula as nullText',
      { profile: 'spreadsheet', csv: { nullText: '=1' } },
      'csv.nullText',
      /formula/,
    ],
    [
      'offsets of times for machines',
      { timeOffset: true },
      'timeOffset',
      /left out unless the profile is spreadsheet/,
    ],
    [
      'types of Parquet',
      { parquetTypes: 'portable' },
      'parquetTypes',
      /left out if the format is csv/,
    ],
    [
      'other types of Parquet',
      { format: 'parquet', parquetTypes: 'spark' },
      'parquetTypes',
      /not allowed/,
    ],
  ])('the API rejects %s and names the field', async (_, more, field, message) => {
    const answer = await call('POST', '/exports', { headers: asDemo, body: of('things', more) });
    expect(answer.status).toBe(422);
    expect(answer.problem()).toMatchObject({
      code: 'invalid_request',
      errors: [expect.objectContaining({ field, message: expect.stringMatching(message) })],
    });
  });
});
