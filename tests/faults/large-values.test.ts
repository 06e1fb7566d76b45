import { createHash } from 'node:crypto';
import { Readable, type Transform } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import copy from 'pg-copy-streams';
import { fromBufferPromise } from 'yauzl';
import { errorMessage } from '../../lib/runtime/errors.ts';
import { asDemo, call, createExport, download, ended } from '../support/api.ts';
import { queryParquet } from '../support/duckdb.ts';
import { attemptsOf } from '../support/export-invariants.ts';
import { sourceUrl, sql, stack } from '../support/stack.ts';

/**
 * Values and files as large as those in published reports about other exporters. Each is exported completely, or its
 * export fails in the first attempt with the reason. Runs only with STREAMSYNC_TEST_LONG=1.
 */
const isLong = process.env.STREAMSYNC_TEST_LONG === '1';
const schema = `large_values_${Date.now()}`;
const source = sourceUrl('sales');
const reader = 'streamsync_reader_sales';
const megabyte = 1_048_576;

const requestOf = (dataset: string, more: object = {}) => ({
  sources: ['sales'],
  dataset: `${schema}.${dataset}`,
  format: 'csv',
  ...more,
});

async function hashOf(chunks: AsyncIterable<Buffer>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of chunks) hash.update(chunk);
  return hash.digest('hex');
}

/** Returns the SHA-256 of what the server sends for a query. */
async function hashOfCopy(query: string, options = 'format csv, header'): Promise<string> {
  const client = new pg.Client({ connectionString: source });
  await client.connect();
  try {
    // The scan starts at the first page, as in an export.
    await client.query('set synchronize_seqscans = off');
    return await hashOf(client.query(copy.to(`copy (${query}) to stdout (${options})`)));
  } finally {
    await client.end();
  }
}

async function ready(request: object): Promise<string> {
  const { id } = await createExport(request);
  expect(await ended(id, 300)).toMatchObject({ status: 'ready', error: null });
  return id;
}

/** Returns the SHA-256 of the file of an export, of its decompressed bytes if `decompress` is set. */
async function hashOfFile(id: string, decompress?: Transform): Promise<string> {
  const url = `${stack.api}/exports/${id}/file`;
  const { body } = await fetch(url, { headers: asDemo });
  if (!body) throw new Error(`export ${id} has no file`);
  const bytes = Readable.from(body);
  return hashOf(decompress ? bytes.pipe(decompress) : bytes);
}

/** Returns the error of an export that fails in its first attempt. */
async function failed(request: object): Promise<{ code: string; message: string }> {
  const { id } = await createExport(request);
  const { status, error } = await ended(id, 120);
  expect(status).toBe('failed');
  expect(await attemptsOf(id)).toHaveLength(1);
  return error ?? { code: '', message: '' };
}

(isLong ? describe : describe.skip)('large values', () => {
  beforeAll(() =>
    sql(
      source,
      `create schema ${schema}; set search_path = ${schema};
       create view tall as select n as id, repeat('x', 32000) as t from generate_series(1, 138000) n;
       create table one as select repeat('x', ${600 * megabyte}) as a;
       -- An INSERT of both values would exceed the size limit of a row.
       create table two (a text, b text); insert into two values (repeat('x', ${600 * megabyte}));
       update two set b = repeat('y', ${600 * megabyte});
       create table values as select repeat(E'say "so",\\n', 21000000) as t, decode(repeat('00ff22', 42000000), 'hex') as b`,
    ),
  );
  afterAll(() => sql(source, `drop schema ${schema} cascade`));

  test('a workbook with more than 4 GB of XML has all rows, on sheets of less than 4 GB each', async () => {
    const id = await ready(requestOf('tall', { format: 'xlsx' }));
    const zip = await fromBufferPromise((await download(id)).bytes);
    const [counted] = await sql<{ rows: number; sum: string; bytes: string }>(
      source,
      `select count(*)::int as rows, sum(id) as sum, sum(octet_length(t)) as bytes from ${schema}.tall`,
    );
    const seen = { rows: 0, sum: 0, bytes: 0, texts: 0 };
    for await (const entry of zip.eachEntry()) {
      expect(entry.uncompressedSize).toBeLessThan(2 ** 32);
      if (!entry.fileName.startsWith('xl/worksheets/')) continue;
      seen.bytes += entry.uncompressedSize;
      let rest = '';
      for await (const chunk of await zip.openReadStreamPromise(entry)) {
        const text = rest + Buffer.from(chunk).toString('latin1');
        let end = 0;
        for (const found of text.matchAll(/<c r="A\d+"[^>]*><v>(\d+)<\/v>|x<\/t>/g)) {
          end = found.index + found[0].length;
          if (found[1] === undefined) seen.texts++;
          else {
            seen.rows++;
            seen.sum += Number(found[1]);
          }
        }
        rest = text.slice(Math.max(end, text.length - 100));
      }
    }
    expect(seen.bytes).toBeGreaterThan(Number(counted?.bytes));
    expect(seen.bytes).toBeGreaterThan(2 ** 32);
    expect({ rows: seen.rows, sum: seen.sum, texts: seen.texts }).toEqual({
      rows: counted?.rows,
      sum: Number(counted?.sum),
      texts: counted?.rows,
    });
  });

  test('a text of 600 MB fails an xlsx export and is complete in csv and parquet', async () => {
    const { code, message } = await failed(requestOf('one', { format: 'xlsx' }));
    expect(code).toBe('cell_too_long');
    expect(message).toMatch(/^Row 1 has more than 32,767 characters in the column a;/);
    const id = await ready(requestOf('one'));
    expect(await hashOfFile(id)).toBe(await hashOfCopy(`select * from ${schema}.one`));
    const { bytes } = await download(await ready(requestOf('one', { format: 'parquet' })));
    const [wanted] = await sql(source, `select md5(a) as a from ${schema}.one`);
    expect(await queryParquet(bytes, (file) => `select md5(a) as a from ${file}`)).toEqual([
      wanted,
    ]);
  });

  test('a row with two texts of 600 MB fails the export in the first attempt, with the error of the server', async () => {
    const serverError = await hashOfCopy(`select * from ${schema}.two`).then(
      () => '',
      (error: unknown) => errorMessage(error),
    );
    expect(serverError).not.toBe('');
    const { code, message } = await failed(requestOf('two'));
    expect(code).toBe('source_error');
    expect(message).toContain(serverError);
    const answer = await call('POST', '/exports/preview', {
      headers: asDemo,
      body: requestOf('two'),
    });
    // A slow server may need longer than the timeout of a preview to detect the error.
    expect(answer.problem().code).toMatch(/^source_(error|timeout)$/);
    // Each of the two columns can be exported separately.
    expect(await hashOfFile(await ready(requestOf('two', { columns: ['b'] })))).toBe(
      await hashOfCopy(`select b from ${schema}.two`),
    );
  });

  test('a text of 210 MB with quotes and line feeds, and a bytea of 126 MB, are exported as the server writes them', async () => {
    const csv = await hashOfCopy(`select * from ${schema}.values`);
    expect(await hashOfFile(await ready(requestOf('values')))).toBe(csv);
    const zstd = await ready(requestOf('values', { compression: 'zstd' }));
    expect(await hashOfFile(zstd, createZstdDecompress())).toBe(csv);
    const json = `select row_to_json(r.*) from (select t from ${schema}.values) r`;
    const plain = `format csv, quote E'\\x01', delimiter E'\\x02'`;
    const ndjson = await ready(requestOf('values', { format: 'ndjson', columns: ['t'] }));
    expect(await hashOfFile(ndjson)).toBe(await hashOfCopy(json, plain));
    const array = { format: 'json', columns: ['t'], compression: 'gzip' };
    const jsonArray = `select '[' union all (${json.replace('r.*)', 'r.*)::text')}) union all select ']'`;
    expect(await hashOfFile(await ready(requestOf('values', array)), createGunzip())).toBe(
      await hashOfCopy(jsonArray, plain),
    );
    const { bytes } = await download(await ready(requestOf('values', { format: 'parquet' })));
    const sums = 'md5(t) as t, md5(b) as b';
    const [wanted] = await sql(source, `select ${sums} from ${schema}.values`);
    expect(await queryParquet(bytes, (file) => `select ${sums} from ${file}`)).toEqual([wanted]);
    expect((await failed(requestOf('values', { format: 'xlsx' }))).code).toBe('cell_too_long');
  });

  test('an export with large TOAST values before many small rows keeps the session of the waiting reader', async () => {
    await sql(
      source,
      `create table ${schema}.toast (id int, t text); alter table ${schema}.toast alter t set storage external;
       insert into ${schema}.toast select n, repeat(md5(n::text), 156 + n % 157) from generate_series(1, 69000) n;
       insert into ${schema}.toast select n, 'small' from generate_series(69001, 1300000) n; analyze ${schema}.toast;
       alter role ${reader} set idle_in_transaction_session_timeout = '2s'`,
    );
    try {
      const id = await ready(requestOf('toast', { compression: 'gzip' }));
      expect(await attemptsOf(id)).toHaveLength(1);
      expect(await hashOfFile(id, createGunzip())).toBe(
        await hashOfCopy(`select * from ${schema}.toast`),
      );
    } finally {
      await sql(source, `alter role ${reader} reset idle_in_transaction_session_timeout`);
    }
  });
});
