import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { type Manifest, manifestSchema } from '../../lib/contracts/export-document.ts';
import { asDemo, call, createExport, download, ended } from '../support/api.ts';
import { decompress } from '../support/decompress.ts';
import {
  type EdgeCaseType,
  edgeCases,
  ownTypes,
  unsupportedValues,
} from '../support/edge-case-values.ts';
import { integer, text } from '../support/expected-values.ts';
import {
  differencesIn,
  type FileForm,
  fileForms,
  fileTypeOf,
  valuesOf,
} from '../support/file-values.ts';
import { closeReaders, codecOf, copyIntoTable, nameOf } from '../support/read-back.ts';
import { sourceUrl, sql } from '../support/stack.ts';

/** A schema of this file's own, which is dropped with its types and tables. */
const schema = `matrix_${Date.now()}`;
const url = sourceUrl('sales');
const timeZone = 'Asia/Kolkata';

const fill = (statements: string): Promise<object[]> =>
  sql(url, `set search_path = ${schema}, public; ${statements}`);

/** Creates a table with one row for each value, and a last row of NULLs. */
async function fillTable(
  table: string,
  columns: readonly EdgeCaseType[],
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
  await fillTable('matrix', edgeCases);
});
afterAll(async () => {
  await sql(url, `drop schema ${schema} cascade`);
  await closeReaders();
});

type Compression = 'none' | 'gzip' | 'zstd' | 'snappy';

const requestOf = (form: FileForm, table: string) => {
  const [format] = form.split(' ');
  const people = form === 'csv for spreadsheets' || form === 'xlsx';
  return {
    sources: ['sales'],
    dataset: `${schema}.${table}`,
    format,
    ...(people ? { profile: 'spreadsheet', timeZone } : {}),
  };
};

/** Returns the bytes and the manifest of an export, after comparing its document with its bytes. */
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
/** Returns the differences of a file from the expected values. */
async function findDifferences(
  form: FileForm,
  bytes: Buffer,
  table: string,
  columns: readonly EdgeCaseType[],
): Promise<string[]> {
  const back = `${schema}.back_${files++}`;
  const cells = await valuesOf(form, bytes, {
    url,
    table: `${schema}.${table}`,
    columns,
    back,
    timeZone,
  });
  expect(cells.actual).toHaveLength(cells.expected.length);
  return differencesIn(cells, columns);
}

const compressions: Record<FileForm, readonly Compression[]> = {
  csv: ['none', 'gzip', 'zstd'],
  'csv for spreadsheets': ['none', 'gzip', 'zstd'],
  json: ['none', 'gzip', 'zstd'],
  ndjson: ['none', 'gzip', 'zstd'],
  xlsx: ['none'],
  parquet: ['none', 'snappy', 'gzip', 'zstd'],
};
const plain = (form: FileForm, compression: Compression, bytes: Buffer): Promise<Buffer> =>
  form === 'parquet' || compression === 'snappy'
    ? Promise.resolve(bytes)
    : decompress(bytes, compression);

describe.each(fileForms)('edge-case values of every type in %s', (form) => {
  test.each(compressions[form])(
    'the file has the expected value for each edge case, compressed with %s',
    async (compression) => {
      const { bytes, manifest } = await exported({ ...requestOf(form, 'matrix'), compression });
      const columns = manifest.columns.slice(1);
      expect(columns.map(({ fileType }) => fileType)).toEqual(
        edgeCases.map(({ expected: as }) => fileTypeOf(form, as)),
      );
      const inflated = await plain(form, compression, bytes);
      expect(await findDifferences(form, inflated, 'matrix', edgeCases)).toEqual([]);
      if (form !== 'parquet') return;
      const codecs = { none: 'UNCOMPRESSED', snappy: 'SNAPPY', gzip: 'GZIP', zstd: 'ZSTD' };
      expect(await codecOf(bytes)).toEqual([{ codec: codecs[compression] }]);
      expect(columns.map(({ nulled = 0 }) => nulled)).toEqual(
        edgeCases.map(({ nullified: nulled = 0 }) => nulled),
      );
      for (const { nulled, policy } of columns)
        expect(policy === undefined).toBe(nulled === undefined);
    },
  );
});

describe('values that some formats cannot encode', () => {
  test.each(fileForms)('%s has the values that only other formats cannot encode', async (form) => {
    const columns = unsupportedValues.filter(({ failsIn: by }) => !Object.keys(by).includes(form));
    const table = `large_${fileForms.indexOf(form)}`;
    await fillTable(table, columns);
    const { bytes } = await exported(requestOf(form, table));
    expect(await findDifferences(form, bytes, table, columns)).toEqual([]);
  });

  test.each(
    unsupportedValues.flatMap(({ failsIn: by, ...column }) =>
      Object.entries(by).map(([format, fault]) => ({ ...column, format, ...fault })),
    ),
  )(
    'an export of $type in $format fails with $code',
    async ({ format, type, values, ...fault }) => {
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
    },
  );
});

/** As many columns as a PostgreSQL table can have, with `id` as the first. */
const wide = Array.from({ length: 1_599 }, (_, n): EdgeCaseType => {
  const as = n % 2 === 0 ? text : integer('INTEGER', 'INT32');
  return { type: n % 2 === 0 ? 'text' : 'integer', expected: as, values: [String(n)] };
});

describe('shapes of tables', () => {
  beforeAll(async () => {
    await fillTable('no_rows', edgeCases, 0);
    await fillTable('one_row', edgeCases, 1);
    await fillTable('wide', wide);
    await fill(`create table narrow (c0 text);
      insert into narrow values (null), (''), ('x'), ('\\.'), (E'\\n'), (' ')`);
  });

  test.each(fileForms)(
    'a table without rows, of one row, or of 1,600 columns is complete in %s',
    async (form) => {
      for (const [table, columns] of [
        ['no_rows', edgeCases],
        ['one_row', edgeCases],
        ['wide', wide],
      ] as const) {
        const { bytes } = await exported(requestOf(form, table));
        expect(await findDifferences(form, bytes, table, columns)).toEqual([]);
      }
    },
  );

  test('a csv of one column distinguishes NULL from similar texts', async () => {
    const { bytes } = await exported(requestOf('csv', 'narrow'));
    await copyIntoTable(url, `${schema}.narrow_back`, '(c0 text)', bytes);
    const differing = `select count(*)::int as n from (
      select c0 from ${schema}.narrow except all select c0 from ${schema}.narrow_back) r`;
    expect(await sql(url, differing)).toEqual([{ n: 0 }]);
    expect(await sql(url, `select count(*)::int as n from ${schema}.narrow_back`)).toEqual([
      { n: 6 },
    ]);
  });
});
