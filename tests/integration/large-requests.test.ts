import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { exportListSchema } from '../../lib/contracts/export-document.ts';
import { sizes } from '../../lib/contracts/sizes.ts';
import { newAccount, type OwnAccount } from '../support/accounts.ts';
import { call, createExport, download, ended } from '../support/api.ts';
import { referenceCsv, sortedLines, sourceUrl, sql } from '../support/stack.ts';

/** Requests with many values: a request over the size limit is rejected at once, one below it is exported. */
const schema = `large_${Date.now()}`;
const source = sourceUrl('sales');
let account: OwnAccount;

beforeAll(async () => {
  await sql(
    source,
    `create schema ${schema};
     create table ${schema}.things as select md5(n::text)::uuid as id, n from generate_series(1, 8000) n`,
  );
  account = await newAccount();
});
afterAll(() => sql(source, `drop schema ${schema} cascade`));

const requestOf = (where: object[]) => ({
  sources: ['sales'],
  dataset: `${schema}.things`,
  format: 'csv',
  where,
});
const uuidOf = (n: number): string =>
  createHash('md5')
    .update(String(n))
    .digest('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
const uuids = (count: number, from = 1): string[] =>
  Array.from({ length: count }, (_, n) => uuidOf(from + n));
const bytesOf = (request: object): number => Buffer.byteLength(JSON.stringify(request));

const texts = (count: number, length: number): object[] => [
  { column: 'n', op: 'in', value: Array.from({ length: count }, () => '1'.padEnd(length, '0')) },
];
const conditions = (count: number, values: number): object[] =>
  Array.from({ length: count }, (_, n) => ({
    column: 'id',
    op: 'notIn',
    value: uuids(values, 1 + n * values),
  }));

test.each<[string, object[], number]>([
  ['1,000 values of 1,058 characters', texts(1_000, 1_058), 1_061_112],
  ['1,000 values of 1,018 characters', texts(1_000, 1_018), 1_021_112],
  ['1,000 values of 302 characters', texts(1_000, 302), 304_112],
  ['50 conditions of 1,000 uuids', conditions(50, 1_000), 1_950_000],
  ['4 MB', texts(1_000, 4_000), 4_000_000],
  ['7 MB', texts(1_000, 7_000), 7_000_000],
])('a request with %s is rejected at once with 413', async (_, where, minBytes) => {
  const body = requestOf(where);
  expect(bytesOf(body)).toBeGreaterThan(minBytes);
  for (const path of ['/exports', '/exports/estimate', '/exports/preview']) {
    const startedAt = performance.now();
    const answer = await call('POST', path, { headers: account.byKey, body });
    expect(answer.problem()).toMatchObject({ status: 413, code: 'too_large' });
    expect(performance.now() - startedAt).toBeLessThan(5_000);
  }
  const { items } = (await call('GET', '/exports', { headers: account.byKey })).json(
    exportListSchema,
  );
  expect(items).toEqual([]);
});

test('a request with 50 conditions just below the size limit exports the rows that the server selects', async () => {
  const where = conditions(50, 130);
  const request = requestOf(where);
  expect(bytesOf(request)).toBeGreaterThan(sizes.requestBytes - 10_000);
  const { id } = await createExport(request);
  expect(await ended(id)).toMatchObject({ status: 'ready', error: null });
  const reference = await referenceCsv(
    'sales',
    `select * from ${schema}.things where n > ${50 * 130}`,
  );
  expect(sortedLines((await download(id)).bytes)).toBe(sortedLines(reference));
});
