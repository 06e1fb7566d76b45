import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { sourceListSchema } from '../../lib/contracts/sources.ts';
import { asDemo, call, createExport, download, ended } from '../support/api.ts';
import { queryParquet } from '../support/duckdb.ts';
import { exportFile } from '../support/export-invariants.ts';
import { referenceCsv, sortedLines, sourceUrl, sql } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

/**
 * Settings of the role that reads a source do not change a file: neither its text nor its types nor its success. The
 * exception is `row_security = off`.
 */
const schema = `settings_${Date.now()}`;
const source = sourceUrl('sales');
const reader = 'streamsync_reader_sales';

beforeAll(() =>
  sql(
    source,
    `create schema ${schema}; set search_path = ${schema};
     create table things as select n as id, 'it''s \\ "' || n as t, ('\\xdead0' || n)::bytea as b, md5(n::text)::uuid as u,
       date '2024-02-28' + n as d, timestamptz '2024-02-29 23:30Z' + n * interval '1 hour' as at, interval '1 day 02:03:04' * n as i,
       array[n::text, null, 'NULL'] as list, xmlparse(content '<a/>text') as x, 0.1::real + n as f, n = 2 as yes, (n * 1.5)::money as m
       from generate_series(1, 9) n;
     create table guarded as select n as id from generate_series(1, 10) n;
     alter table guarded enable row level security; create policy half on guarded using (id <= 5)`,
  ),
);
/** Settings that are set together. */
const settingsSets: Readonly<Record<string, string>>[] = [
  {
    search_path: `''`,
    client_min_messages: 'error',
    bytea_output: 'escape',
    IntervalStyle: 'sql_standard',
    DateStyle: 'German',
    TimeZone: `'Asia/Tokyo'`,
    array_nulls: 'off',
    xmloption: 'document',
    standard_conforming_strings: 'off',
    backslash_quote: 'off',
    extra_float_digits: '-9',
  },
  {
    search_path: `'crm', 'public'`,
    client_min_messages: 'debug5',
    client_encoding: `'LATIN1'`,
    default_transaction_isolation: 'serializable',
    default_transaction_deferrable: 'on',
    quote_all_identifiers: 'on',
    escape_string_warning: 'off',
  },
];
const names = [...settingsSets.flatMap(Object.keys), 'lock_timeout', 'row_security'];
afterEach(() => sql(source, names.map((name) => `alter role ${reader} reset "${name}"`).join(';')));
afterAll(() => sql(source, `drop schema ${schema} cascade`));

const setForRole = (values: Readonly<Record<string, string>>) =>
  sql(
    source,
    Object.entries(values)
      .map(([name, value]) => `alter role ${reader} set "${name}" = ${value}`)
      .join(';'),
  );
const requestOf = (dataset: string, more: object = {}) => ({
  sources: ['sales'],
  dataset: `${schema}.${dataset}`,
  format: 'csv',
  ...more,
});

const forms = [
  { format: 'csv' },
  { format: 'csv', profile: 'spreadsheet', timeZone: 'Europe/Berlin' },
  { format: 'ndjson' },
  { format: 'json' },
  { format: 'parquet', compression: 'none' },
];
const exportInAllForms = (): Promise<string[]> =>
  Promise.all(
    forms.map(async (form) => (await exportFile(requestOf('things', form))).toString('base64')),
  );

describe('a table with many types', () => {
  let defaultFiles: string[] = [];
  beforeAll(async () => {
    defaultFiles = await exportInAllForms();
  });

  test('files of a table with many types have the values and types of the server', async () => {
    const csv = Buffer.from(defaultFiles[0] ?? '', 'base64');
    const wanted = await referenceCsv('sales', `select * from ${schema}.things`);
    expect(sortedLines(csv)).toBe(sortedLines(wanted));
    const ndjson = Buffer.from(defaultFiles[2] ?? '', 'base64')
      .toString()
      .trim()
      .split('\n');
    const rows = await sql<{ id: number; b: string }>(
      source,
      `select id, encode(b, 'base64') as b from ${schema}.things order by id`,
    );
    expect(ndjson.map((line) => JSON.parse(line)).map(({ id, b }) => ({ id, b }))).toEqual(rows);
    const parquet = Buffer.from(defaultFiles[4] ?? '', 'base64');
    const types = await queryParquet(
      parquet,
      (file) => `select column_type as type from (describe select b, u, d from ${file})`,
    );
    expect(types.map(({ type }) => type)).toEqual(['BLOB', 'UUID', 'DATE']);
  });

  test.each(settingsSets)(
    'files, metadata and conditions do not change if the role has the settings %j',
    async (values) => {
      await setForRole(values);
      expect(await exportInAllForms()).toEqual(defaultFiles);
      // The metadata of the dataset, and the rows of conditions.
      const answer = await call('GET', `/sources?source=sales&search=${schema}.things`, {
        headers: asDemo,
      });
      expect(answer.json(sourceListSchema).sources[0]?.datasets).toMatchObject([
        { timeColumn: 'd', earliest: '2024-02-29T00:00:00.000000Z' },
      ]);
      const where = [
        { column: 't', op: 'like', value: `it's \\\\ "%` },
        { column: 'b', op: 'in', value: ['\\xdead02', '\\xdead03'] },
        { column: 'list', op: 'eq', value: '{2,NULL,"NULL"}' },
      ];
      const file = await exportFile(requestOf('things', { where, columns: ['id'] }));
      expect(file.toString()).toBe('id\n2\n');
    },
  );
});

test('an export waits for a lock that is held for longer than lock_timeout of the role', async () => {
  await setForRole({ lock_timeout: `'500ms'` });
  const client = new pg.Client({ connectionString: source });
  await client.connect();
  try {
    await client.query(`begin; lock table ${schema}.things in access exclusive mode`);
    const startedAt = performance.now();
    const { id } = await createExport(requestOf('things'));
    await waitFor('the export waits for the lock longer than lock_timeout', async () => {
      const waiting = await sql(
        source,
        `select 1 from pg_locks where relation = '${schema}.things'::regclass and not granted`,
      );
      return waiting.length > 0 && performance.now() - startedAt > 1_500 ? true : undefined;
    });
    await client.query('commit');
    const document = await ended(id);
    expect(document).toMatchObject({ status: 'ready', error: null });
    const wanted = await referenceCsv('sales', `select * from ${schema}.things`);
    expect(sortedLines((await download(id)).bytes)).toBe(sortedLines(wanted));
  } finally {
    await client.end();
  }
});

test('an export fails with the error of the server if row_security is off and a policy applies', async () => {
  expect((await exportFile(requestOf('guarded'))).toString().trim().split('\n')).toHaveLength(
    1 + 5,
  );
  await setForRole({ row_security: 'off' });
  const serverError = await sql(
    source,
    `set role ${reader}; set row_security = off; select * from ${schema}.guarded`,
  ).then(
    () => '',
    (error: unknown) => String(error),
  );
  expect(serverError).toMatch(/affected by row-level security/);
  const { id } = await createExport(requestOf('guarded'));
  const { status, error } = await ended(id);
  expect({ status, code: error?.code }).toEqual({ status: 'failed', code: 'source_error' });
  expect(error?.message).toContain('affected by row-level security');
  expect(error?.message).not.toContain('tried');
});
