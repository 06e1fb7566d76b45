import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { type Manifest, manifestSchema } from '../../lib/contracts/export-document.ts';
import { asDemo, call, createExport, download, ended } from '../stack/api.ts';
import { integer, text } from '../stack/behaviours.ts';
import { cellsOf, type Form, fileTypeOf, forms, wrongIn } from '../stack/cells.ts';
import { decompress } from '../stack/decompress.ts';
import { type Hostile, hostile, ownTypes, refused } from '../stack/hostile.ts';
import { closeReaders, codecOf, copyBack, nameOf } from '../stack/read-back.ts';
import { sourceUrl, sql } from '../stack/stack.ts';

/** A schema of this file's own: its types and tables go with it. */
const schema = `matrix_${Date.now()}`;
const url = sourceUrl('sales');
const timeZone = 'Asia/Kolkata';

const fill = (statements: string): Promise<object[]> =>
  sql(url, `set search_path = ${schema}, public; ${statements}`);

/** One row for each value, the last of them without any; all columns may be NULL. */
async function fillTable(
  table: string,
  columns: readonly Hostile[],
  length = Math.max(...columns.map(({ values }) => values.length)) + 1,
): Promise<void> {
  const rows = Array.from({ length }, (_, row) => {
    const values = columns.map(({ values: all }) => {
      const value = all[row];
      return value === undefined ? 'null' : pg.escapeLiteral(value);
    });
    return `(${row}, ${values.join(', ')})`;
  });
  const types = columns.map(({ type }, n) => `${nameOf(n)} ${type}`);
  await fill(`create table ${table} (id int, ${types.join(', ')})`);
  if (length > 0) await fill(`insert into ${table} values ${rows.join(', ')}`);
}

beforeAll(async () => {
  await sql(url, `create schema ${schema}`);
  await fill(ownTypes);
  await fillTable('matrix', hostile);
});
afterAll(async () => {
  await sql(url, `drop schema ${schema} cascade`);
  await closeReaders();
});

type Compression = 'none' | 'gzip' | 'zstd' | 'snappy';

const requestOf = (form: Form, table: string) => {
  const [format] = form.split(' ');
  const people = form === 'csv for spreadsheets' || form === 'xlsx';
  return {
    sources: ['sales'],
    dataset: `${schema}.${table}`,
    format,
    ...(people ? { profile: 'spreadsheet', timeZone } : {}),
  };
};

/** The bytes of an export, held against its facts, and its manifest. */
async function exported(request: object): Promise<{ bytes: Buffer; manifest: Manifest }> {
  const { id } = await createExport(request);
  const { error, file } = await ended(id);
  expect(error).toBeNull();
  const { bytes } = await download(id);
  expect(file).toMatchObject({
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  });
  const answer = await call('GET', `/exports/${id}/manifest`, { headers: asDemo });
  return { bytes, manifest: answer.json(manifestSchema) };
}

let files = 0;
/** What is in a file that is not as it was promised. */
async function wrongOf(
  form: Form,
  bytes: Buffer,
  table: string,
  columns: readonly Hostile[],
): Promise<string[]> {
  const back = `${schema}.back_${files++}`;
  const cells = await cellsOf(form, bytes, {
    url,
    table: `${schema}.${table}`,
    columns,
    back,
    timeZone,
  });
  expect(cells.got).toHaveLength(cells.promised.length);
  return wrongIn(cells, columns);
}

const compressions: Record<Form, readonly Compression[]> = {
  csv: ['none', 'gzip', 'zstd'],
  'csv for spreadsheets': ['none', 'gzip', 'zstd'],
  json: ['none', 'gzip', 'zstd'],
  ndjson: ['none', 'gzip', 'zstd'],
  xlsx: ['none'],
  parquet: ['none', 'snappy', 'gzip', 'zstd'],
};
const plain = (form: Form, compression: Compression, bytes: Buffer): Promise<Buffer> =>
  form === 'parquet' || compression === 'snappy'
    ? Promise.resolve(bytes)
    : decompress(bytes, compression);

describe.each(forms)('every type with its hostile values in %s', (form) => {
  test.each(compressions[form])('compressed with %s', async (compression) => {
    const { bytes, manifest } = await exported({ ...requestOf(form, 'matrix'), compression });
    const columns = manifest.columns.slice(1);
    expect(columns.map(({ fileType }) => fileType)).toEqual(
      hostile.map(({ as }) => fileTypeOf(form, as)),
    );
    const inflated = await plain(form, compression, bytes);
    expect(await wrongOf(form, inflated, 'matrix', hostile)).toEqual([]);
    if (form !== 'parquet') return;
    const codecs = { none: 'UNCOMPRESSED', snappy: 'SNAPPY', gzip: 'GZIP', zstd: 'ZSTD' };
    expect(await codecOf(bytes)).toEqual([{ codec: codecs[compression] }]);
    expect(columns.map(({ nulled = 0 }) => nulled)).toEqual(
      hostile.map(({ nulled = 0 }) => nulled),
    );
    for (const { nulled, policy } of columns)
      expect(policy === undefined).toBe(nulled === undefined);
  });
});

describe('what is too much for some', () => {
  test.each(forms)('is as it was in %s where that takes it', async (form) => {
    const columns = refused.filter(({ by }) => !Object.keys(by).includes(form));
    const table = `large_${forms.indexOf(form)}`;
    await fillTable(table, columns);
    const { bytes } = await exported(requestOf(form, table));
    expect(await wrongOf(form, bytes, table, columns)).toEqual([]);
  });

  test.each(
    refused.flatMap(({ by, ...column }) =>
      Object.entries(by).map(([format, fault]) => ({ ...column, format, ...fault })),
    ),
  )('$type ends an export in $format with $code', async ({ format, type, values, ...fault }) => {
    const table = `${format} ${type}`;
    await fill(`create table "${table}" (id int, "the value" ${type});
      insert into "${table}" values (1, null), (2, ${pg.escapeLiteral(values[0] ?? '')})`);
    const dataset = `${schema}.${table}`;
    const { id } = await createExport({ sources: ['sales'], dataset, format });
    const { status, file, error } = await ended(id);
    expect({ status, file, code: error?.code }).toEqual({
      status: 'failed',
      file: null,
      code: fault.code,
    });
    expect(error?.message).toMatch(fault.message);
  });
});

/** As many columns as a table of PostgreSQL can have, the first of them `id`. */
const wide = Array.from({ length: 1_599 }, (_, n): Hostile => {
  const as = n % 2 === 0 ? text : integer('INTEGER', 'INT32');
  return { type: n % 2 === 0 ? 'text' : 'integer', as, values: [String(n)] };
});

describe('a table', () => {
  beforeAll(async () => {
    await fillTable('no_rows', hostile, 0);
    await fillTable('one_row', hostile, 1);
    await fillTable('wide', wide);
    await fill(`create table narrow (c0 text);
      insert into narrow values (null), (''), ('x'), ('\\.'), (E'\\n'), (' ')`);
  });

  test.each(forms)(
    'without rows, of one row, and of 1,600 columns is whole in %s',
    async (form) => {
      for (const [table, columns] of [
        ['no_rows', hostile],
        ['one_row', hostile],
        ['wide', wide],
      ] as const) {
        const { bytes } = await exported(requestOf(form, table));
        expect(await wrongOf(form, bytes, table, columns)).toEqual([]);
      }
    },
  );

  test('of one column in csv tells NULL from all that is like it', async () => {
    const { bytes } = await exported(requestOf('csv', 'narrow'));
    await copyBack(url, `${schema}.narrow_back`, '(c0 text)', bytes);
    const differing = `select count(*)::int as n from (
      select c0 from ${schema}.narrow except all select c0 from ${schema}.narrow_back) r`;
    expect(await sql(url, differing)).toEqual([{ n: 0 }]);
    expect(await sql(url, `select count(*)::int as n from ${schema}.narrow_back`)).toEqual([
      { n: 6 },
    ]);
  });
});
