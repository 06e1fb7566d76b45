import { readFile } from 'node:fs/promises';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { formatOf } from '../../lib/formats/index.ts';
import type { SourceColumn } from '../../lib/sources/datasets.ts';
import { allRows } from '../../lib/sources/query.ts';
import { sourceUrl, sql } from '../support/stack.ts';

/** The table of every type in every format in docs/formats.md, compared with the code. */
interface Row {
  types: string;
  names: string[];
  json: string;
  xlsx: string;
  parquet: string;
  csv: string;
}

const heading = '## Every type in every format';
const document = await readFile('docs/formats.md', 'utf8');
const [, section = ''] = document.split(heading);
const rows = (section.split('\n## ')[0] ?? '')
  .split('\n')
  .filter((line) => line.startsWith('|'))
  .slice(2)
  .map((line): Row => {
    const [types = '', json = '', xlsx = '', parquet = '', csv = ''] = line
      .slice(1, -1)
      .split('|')
      .map((cell) => cell.trim());
    const names = [...types.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);
    return { types, names, json, xlsx, parquet, csv };
  });
const at = (begins: string): number => rows.findIndex(({ types }) => types.startsWith(begins));
const listAt = at('arrays of the types above');
const composite = at('composite');
const cast = at('types of extensions');
const others = at('all others');
const arrays = at('arrays of the types below');

const formats = (['json', 'ndjson', 'xlsx', 'parquet'] as const).map((format) =>
  formatOf({ format, profile: format === 'xlsx' ? 'spreadsheet' : 'machine', timeZone: 'UTC' }),
);
const forSpreadsheets = formatOf({ format: 'csv', profile: 'spreadsheet', timeZone: 'UTC' });

/** Returns the file types of a type in code, in the words of the table. */
function documentedTypes(base: string, inJson?: 'object' | 'any'): Omit<Row, 'types' | 'names'> {
  const column: SourceColumn = {
    name: 'x',
    type: base,
    base,
    nullable: true,
    ...(inJson ? { inJson } : {}),
  };
  const [json = '', ndjson, xlsx = '', parquet = ''] = formats.map((it) => it.fileType(column));
  expect(ndjson).toBe(json);
  const copied = forSpreadsheets.copy(
    allRows({
      name: 'x',
      schema: 'public',
      relation: 'x',
      kind: 'table',
      oid: 1,
      hasPages: true,
      columns: [column],
      timeColumn: null,
    }),
  );
  return { json, xlsx, parquet, csv: copied.includes("concat('''', ") ? "`'`" : '' };
}

const fileTypes = (row: Row | undefined) => {
  const { json, xlsx, parquet, csv } = row ?? {};
  return { json, xlsx, parquet, csv };
};

/** The names of the server's types, without arrays and row types of tables. */
let types: string[] = [];
beforeAll(async () => {
  const found = await sql<{ name: string }>(
    sourceUrl('sales'),
    `select format_type(t.oid, null) as name from pg_type t
     where typtype in ('b', 'r', 'm') and typnamespace = 'pg_catalog'::regnamespace
       and not exists (select from pg_type e where e.typarray = t.oid)`,
  );
  types = found.map(({ name }) => name);
});

describe('the table of types in docs/formats.md', () => {
  test('the table is right for every type of the server', () => {
    expect(types.length).toBeGreaterThan(60);
    for (const type of types) {
      const row = rows.find(({ names }) => names.includes(type)) ?? rows[others];
      expect({ type, ...documentedTypes(type) }).toEqual({ type, ...fileTypes(row) });
    }
  });

  test('the table names existing types, and is right for those with modifiers', async () => {
    for (const [n, row] of rows.entries()) {
      if (n === cast) continue;
      for (const name of row.names) {
        if (types.includes(name)) continue;
        const [resolved] = await sql<{ name: string | null }>(
          sourceUrl('sales'),
          `select pg_typeof(null::${name})::text as name`,
        );
        expect({ name, known: types.includes(resolved?.name ?? '') }).toEqual({
          name,
          known: true,
        });
        expect({ name, ...documentedTypes(name) }).toEqual({ name, ...fileTypes(row) });
      }
    }
  });

  test('the table is right for arrays', () => {
    for (const [n, row] of rows.entries()) {
      if (n === composite || n === cast) continue;
      const list = fileTypes(rows[n < listAt ? listAt : arrays]);
      for (const name of row.names)
        expect({ name, ...documentedTypes(`${name}[]`) }).toEqual({
          name,
          ...list,
          parquet: list.parquet?.replace('…', row.parquet),
        });
    }
  });

  test('the table is right for types with a JSON form of their own', () => {
    expect(documentedTypes('sales.pair', 'object')).toEqual(fileTypes(rows[composite]));
    expect(documentedTypes('hstore', 'any')).toEqual(fileTypes(rows[cast]));
  });
});
