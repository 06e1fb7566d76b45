import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { manifestSchema } from '../../lib/contracts/export-document.ts';
import {
  asAdmin,
  asDemo,
  call,
  createExport,
  download,
  ended,
  readExport,
} from '../support/api.ts';
import { queryParquet } from '../support/duckdb.ts';
import { consume, type Topic } from '../support/events.ts';
import { assertComplete } from '../support/export-invariants.ts';
import { sortedLines, sourceUrl, sql, stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

/** A dataset with the same columns in both databases, and datasets that differ. */
const schema = `several_${Date.now()}`;
const both = ['sales', 'iot'];
let results: Topic;

beforeAll(async () => {
  for (const [n, name] of both.entries())
    await sql(
      sourceUrl(name),
      `create schema ${schema};
       create table ${schema}.visits as select i as id, '${name} ' || i as "what, where",
         case when i % 10 = 0 then null else timestamptz '2024-01-01Z' + i * interval '1 hour' end as at
         from generate_series(1, ${(n + 1) * 300}) i;
       create table ${schema}.changing (id int primary key);
       insert into ${schema}.changing select generate_series(1, 10);
       create table ${schema}.unlike (id int, ${n === 0 ? 'total numeric' : 'total text'});
       create table ${schema}.${n === 0 ? 'here' : 'there'} (id int);
       create table ${schema}.taken (_source int)`,
    );
  results = await consume('exports.results');
});
afterAll(async () => {
  await results.close();
  for (const name of both) await sql(sourceUrl(name), `drop schema ${schema} cascade`);
});

const of = (dataset: string, more: object = {}) => ({
  sources: both,
  dataset: `${schema}.${dataset}`,
  format: 'csv',
  ...more,
});

async function reference(condition = 'true'): Promise<Buffer> {
  const lines = ['_source,id,"what, where",at'];
  for (const name of both) {
    const rows = await sql<{ line: string }>(
      `${sourceUrl(name)}?options=${encodeURIComponent('-c TimeZone=UTC')}`,
      `select '${name},' || id || ',' || "what, where" || ',' || coalesce(at::text, '') as line
       from ${schema}.visits where ${condition}`,
    );
    lines.push(...rows.map(({ line }) => line));
  }
  return Buffer.from(`${lines.join('\n')}\n`);
}

test('a Parquet file of several sources has the rows of each source', async () => {
  const { id } = await createExport(of('visits', { format: 'parquet' }));
  expect(await ended(id)).toMatchObject({ status: 'ready', error: null });
  const { bytes } = await download(id);
  const describe = (file: string): string =>
    `select _source, count(*)::int as rows, sum(id)::int as ids, count("at")::int as times,
       count(*) filter ("what, where" = _source || ' ' || id)::int as named
     from ${file} group by 1 order by 1`;
  expect(await queryParquet(bytes, describe)).toEqual([
    { _source: 'iot', rows: 600, ids: 180_300, times: 540, named: 600 },
    { _source: 'sales', rows: 300, ids: 45_150, times: 270, named: 300 },
  ]);
});

test('a file of several sources names the source of each row, and the manifest has the rows of each', async () => {
  const { id } = await createExport(of('visits'));
  const { file } = await assertComplete(id, { reference: await reference(), results });
  expect(file?.rows).toBe(900);
  const manifest = (await call('GET', `/exports/${id}/manifest`, { headers: asDemo })).json(
    manifestSchema,
  );
  expect(manifest.columns.map(({ name }) => name)).toEqual(['_source', 'id', 'what, where', 'at']);
  expect(manifest.sources.map(({ name, rows }) => [name, rows])).toEqual([
    ['sales', 300],
    ['iot', 600],
  ]);
  const [one = 0, two = 0] = manifest.sources.map(({ asOf }) => Date.parse(asOf));
  expect(manifest.skewSeconds).toBeCloseTo(Math.abs(one - two) / 1_000, 3);
});

test('a json file of several sources has the rows in the order of the sources in the request, within its bounds', async () => {
  const { id } = await createExport(
    of('visits', { format: 'json', sources: ['iot', 'sales'], from: '2024-01-02T00:00:00Z' }),
  );
  expect(await ended(id)).toMatchObject({ status: 'ready', error: null });
  const rows: Record<string, unknown>[] = JSON.parse((await download(id)).bytes.toString());
  const expected = await reference(`at >= '2024-01-02Z'`);
  expect(rows.length).toBe(expected.toString().trimEnd().split('\n').length - 1);
  // The first column is _source.
  expect([...new Set(rows.map((row) => Object.values(row)[0]))]).toEqual(['iot', 'sales']);
  const manifest = (await call('GET', `/exports/${id}/manifest`, { headers: asDemo })).json(
    manifestSchema,
  );
  expect(manifest.sources.map(({ name, rowsWithoutTime }) => [name, rowsWithoutTime])).toEqual([
    ['iot', 60],
    ['sales', 30],
  ]);
});

test('a resumable export of several sources has the unit outputs of all sources', async () => {
  const { id } = await createExport(
    of('visits', { consistency: 'resumable', compression: 'gzip' }),
  );
  expect(await ended(id)).toMatchObject({ status: 'ready', file: { rows: 900 } });
  const csv = gunzipSync((await download(id)).bytes);
  expect(sortedLines(csv) === sortedLines(await reference())).toBe(true);
});

test('an export fails if its units have different columns', async () => {
  await call('POST', '/sources/iot/pause', { headers: asAdmin, body: { reason: 'Tests' } });
  const { id } = await createExport(of('changing', { consistency: 'resumable' }));
  try {
    await waitFor('the unit of sales is read', async () => {
      const done = await sql(
        stack.postgres.catalogue,
        `select 1 from units where export_id = $1 and source = 'sales' and state = 'done'`,
        [id],
      );
      return done.length > 0 ? true : undefined;
    });
    await sql(sourceUrl('iot'), `alter table ${schema}.changing add column late text`);
  } finally {
    await call('DELETE', '/sources/iot/pause', { headers: asAdmin });
  }
  expect(await ended(id)).toMatchObject({
    status: 'failed',
    error: { code: 'dataset_changed' },
    file: null,
  });
});

test('an export waits for its paused source, and says so', async () => {
  const pause = '/sources/iot/pause';
  await call('POST', pause, { headers: asAdmin, body: { reason: 'Tests' } });
  const { id } = await createExport(of('visits'));
  try {
    expect((await readExport(id)).progress.waiting).toBe(
      'iot is paused by your administrator: Tests',
    );
  } finally {
    await call('DELETE', pause, { headers: asAdmin });
  }
  expect((await ended(id)).status).toBe('ready');
  expect(sortedLines((await download(id)).bytes)).toBe(sortedLines(await reference()));
});

test.each<[string, object, string, RegExp]>([
  [
    'columns that differ',
    of('unlike'),
    'sources',
    /column 2 is total numeric in sales, total text in iot/,
  ],
  ['a dataset that one source lacks', of('here'), 'dataset', /iot/],
  ['a column named _source', of('taken'), 'sources', /_source/],
  ['the same source twice', of('visits', { sources: ['sales', 'sales'] }), 'sources', /twice/],
  ['a source without a grant', of('visits', { sources: ['sales', 'hr'] }), 'sources', /hr/],
  ['an order over several sources', of('visits', { order: 'time' }), 'order', /several/],
  ['no source', of('visits', { sources: [] }), 'sources', /must name a source/],
])('a request with %s is rejected with its field', async (_, body, field, message) => {
  const problem = (await call('POST', '/exports', { headers: asDemo, body })).problem();
  expect(problem).toMatchObject({ status: 422, errors: [expect.objectContaining({ field })] });
  expect(problem.detail).toMatch(message);
});
