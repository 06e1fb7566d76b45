import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readXlsx } from 'hucre/xlsx';
import pg from 'pg';
import { exportPreviewSchema } from '../../lib/contracts/export-preview.ts';
import { asDemo, call } from '../support/api.ts';
import { queryParquet } from '../support/duckdb.ts';
import { exportFile } from '../support/export-invariants.ts';
import { referenceCsv, sortedLines, sourceUrl, sql } from '../support/stack.ts';

/** Exports of columns and tables with any name that PostgreSQL accepts, and of 1,600 columns, its maximum. */
const schema = `odd_${Date.now()}`;
const source = sourceUrl('sales');
const quoted = pg.escapeIdentifier;

const names = [
  '=cmd',
  '+1',
  'say "so"',
  `it's`,
  'back\\slash',
  '\\.',
  '💥 表',
  'line\nfeed',
  'tab\there',
  'carriage\rreturn',
  '__proto__',
  'constructor',
  '%s %n',
  '{0} $1 :x ?',
  '<a>&amp;',
  ' spaces  ',
  'a,b;c|d',
  'x'.repeat(62),
  'é'.repeat(31),
  'A',
  'a',
  '1',
  '_source',
  'select',
];
/** Names that differ only in case, or that have a meaning in SQL, in JavaScript or in a template. */
const tables = ['odd', 'Orders', 'orders', '订单 💥 "q" ; drop', '%s', '__proto__', 'toString'];
const wideName = (n: number): string => `a column of just forty characters n ${n}`.padEnd(40, '_');
const wide = Array.from({ length: 1_600 }, (_, n) => wideName(n));

beforeAll(() =>
  sql(
    source,
    `create schema ${schema}; set search_path = ${schema};
     ${tables
       .map(
         (
           table,
         ) => `create table ${quoted(table)} (${names.map((name) => `${quoted(name)} text`).join(', ')});
           insert into ${quoted(table)} default values;
           insert into ${quoted(table)} values (${names.map((name) => pg.escapeLiteral(`${table} ${name}`)).join(', ')});`,
       )
       .join('')}
     create table wide (${wide.map((name) => `${quoted(name)} int`).join(', ')});
     insert into wide default values;
     insert into wide values (${wide.map((_, n) => n).join(', ')}), (${wide.map((_, n) => (n % 3 ? -n : 'null')).join(', ')})`,
  ),
);
afterAll(() => sql(source, `drop schema ${schema} cascade`));

const requestOf = (table: string, more: object = {}) => ({
  sources: ['sales'],
  dataset: `${schema}.${table}`,
  format: 'csv',
  ...more,
}); /** Returns the rows that the server has, each value as text. */
const rowsOf = async (table: string, columns: readonly string[]): Promise<(string | null)[][]> => {
  const rows = await sql<{ row: (string | null)[] }>(
    source,
    `select array[${columns.map((name) => `${quoted(name)}::text`).join(', ')}] as row from ${schema}.${quoted(table)}`,
  );
  return rows.map(({ row }) => row);
};
const sorted = (rows: readonly unknown[]): string[] =>
  rows.map((row) => JSON.stringify(row)).toSorted();
const asText = (value: unknown): string | null =>
  typeof value === 'string' || typeof value === 'number' ? `${value}` : null;

describe.each([
  ['odd', names],
  ['wide', wide],
])('the table %s', (table, columns) => {
  test(`csv has the names and values of the table ${table}`, async () => {
    const wanted = await referenceCsv('sales', `select * from ${schema}.${table}`);
    expect(sortedLines(await exportFile(requestOf(table)))).toBe(sortedLines(wanted));
  });

  test.each(['json', 'ndjson'])(
    `%s has the names and values of the table ${table}`,
    async (format) => {
      const text = (await exportFile(requestOf(table, { format }))).toString();
      const lines = await sql<{ line: string }>(
        source,
        `select row_to_json(r.*)::text as line from ${schema}.${table} r`,
      );
      const found = text.split('\n').filter((line) => line.includes('{'));
      expect(found.map((line) => line.replace(/^,/, '')).toSorted()).toEqual(
        lines.map(({ line }) => line).toSorted(),
      );
    },
  );

  test(`xlsx has the names and values of the table ${table}`, async () => {
    const { sheets } = await readXlsx(await exportFile(requestOf(table, { format: 'xlsx' })));
    const [header, ...rows] = sheets[0]?.rows ?? [];
    expect(header).toEqual(columns);
    const cells = rows.map((row) => columns.map((_, n) => asText(row[n])));
    expect(sorted(cells)).toEqual(sorted(await rowsOf(table, columns)));
  });

  test(`parquet has the names and values of the table ${table}`, async () => {
    const file = await exportFile(requestOf(table, { format: 'parquet' }));
    const found = await queryParquet(
      file,
      (path) => `select name from parquet_schema(${path}) where num_children is null`,
    );
    expect(found.map(({ name }) => name)).toEqual(columns);
    const rows = await queryParquet(
      file,
      (path) =>
        `select list_value(${columns.map((_, n) => `#${n + 1}::varchar`).join(', ')}) as row from ${path}`,
    );
    expect(sorted(rows.map(({ row }) => row))).toEqual(sorted(await rowsOf(table, columns)));
  });

  test(`a preview has the names and values of the table ${table}`, async () => {
    const answer = await call('POST', '/exports/preview', {
      headers: asDemo,
      body: requestOf(table, { format: 'ndjson' }),
    });
    const { columns: previewColumns, rows, tooLarge } = answer.json(exportPreviewSchema);
    expect(previewColumns.map(({ name }) => name)).toEqual(columns);
    expect(tooLarge).toBe(false);
    expect(sorted(rows)).toEqual(sorted(await rowsOf(table, columns)));
  });

  test(`csv has the columns of the table ${table} in the order of the request`, async () => {
    const chosen = columns.toReversed();
    const wanted = await referenceCsv(
      'sales',
      `select ${chosen.map(quoted).join(', ')} from ${schema}.${table}`,
    );
    const file = await exportFile(requestOf(table, { columns: chosen }));
    expect(sortedLines(file)).toBe(sortedLines(wanted));
  });
});

test('csv for spreadsheets escapes names that would be formulas', async () => {
  const [header = ''] = (await exportFile(requestOf('odd', { profile: 'spreadsheet' })))
    .toString()
    .split(`,"say ""so"""`);
  expect(header).toBe(`\ufeff'=cmd,'+1`);
});

test('a condition selects rows by a column with any name', async () => {
  for (const [n, column] of names.entries()) {
    const where = [
      { column, op: 'eq', value: `odd ${column}` },
      { column: names[n - 1] ?? 'a', op: 'isNull', value: false },
    ];
    const answer = await call('POST', '/exports/preview', {
      headers: asDemo,
      body: requestOf('odd', { where, columns: [column] }),
    });
    expect(answer.json(exportPreviewSchema).rows).toEqual([[`odd ${column}`]]);
  }
});

test('an export reads the table with exactly the requested name', async () => {
  const files = await Promise.all(tables.map((table) => exportFile(requestOf(table))));
  for (const [n, table] of tables.entries()) {
    const wanted = await referenceCsv('sales', `select * from ${schema}.${quoted(table)}`);
    expect(sortedLines(files[n] ?? Buffer.alloc(0))).toBe(sortedLines(wanted));
  }
});
