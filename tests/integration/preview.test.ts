import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { exportPreviewSchema } from '../../lib/contracts/export-preview.ts';
import {
  asAdmin,
  asDemo,
  asOther,
  call,
  createExport,
  download,
  ended,
  monthOfOrders,
} from '../support/api.ts';
import { sourceUrl, sql, stack } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

/** Schemas of this file's own, in both sources. */
const schema = `preview_${Date.now()}`;
const [sales, iot] = [sourceUrl('sales'), sourceUrl('iot')];

beforeAll(async () => {
  await sql(
    sales,
    `create schema ${schema};
     create table ${schema}.things as
       select n as id, 9007199254740990 + n as big, (n / 8.0)::numeric(12,3) as exact, n % 2 = 0 as yes,
         (array['=1+1', 'say "so", ' || n, '', null, E'two\\nlines', 'plain'])[n % 6 + 1] as name,
         timestamptz '2024-03-31 00:30Z' + n * interval '5 minutes' as at,
         case when n = 3 then date 'infinity' else date '2024-01-01' + n end as day,
         ('{"n": 1e400, "list": [' || n || ', null], "text": "a,b"}')::json as body,
         ('\\x0' || n % 10)::bytea as bytes, array[n, null] as list
       from generate_series(1, 50) n;
     create table ${schema}.both as select n as id, 'sales' as "where" from generate_series(1, 15) n;
     create table ${schema}.long as select 1 as id, repeat('é', 3000) as text;
     create table ${schema}.limits as select repeat('x', 1000) as longest, repeat('x', 1001) as cut;
     create table ${schema}.longer as select n as id, repeat(n::text, 1500000) as text from generate_series(1, 9) n;
     create table ${schema}.wide as select repeat('x', 40000) as text, array[[1], [2]] as square;
     create table ${schema}.empty (id int, at timestamptz);
     create view ${schema}.slow as
       select i as id, pg_sleep(1) is null as slept, now() as at from generate_series(1, 100) i`,
  );
  await sql(
    iot,
    `create schema ${schema};
     create table ${schema}.both as select n as id, 'iot' as "where" from generate_series(1, 40) n`,
  );
});
afterAll(async () => {
  await sql(sales, `drop schema ${schema} cascade`);
  await sql(iot, `drop schema ${schema} cascade`);
});

const of = (dataset: string, more: object = {}) => ({
  sources: ['sales'],
  dataset: `${schema}.${dataset}`,
  format: 'csv',
  ...more,
});

const ask = (body: object, headers: Record<string, string> = asDemo) =>
  call('POST', '/exports/preview', { headers, body });

async function preview(body: object) {
  const answer = await ask(body);
  expect(answer.status).toBe(200);
  return answer.json(exportPreviewSchema);
}

describe('first rows', () => {
  test.each<[string, object]>([
    ['csv', of('things', { order: 'time' })],
    ['csv of columns', of('things', { order: 'time', columns: ['name', 'id'] })],
    [
      'csv for spreadsheets',
      of('things', { order: 'time', profile: 'spreadsheet', timeZone: 'Europe/Berlin' }),
    ],
    ['json', of('things', { order: 'time', format: 'json' })],
    ['ndjson', of('things', { order: 'time', format: 'ndjson' })],
    [
      'ndjson between bounds',
      of('things', {
        order: 'time',
        format: 'ndjson',
        from: '2024-03-31T01:00:00Z',
        where: [{ column: 'yes', op: 'eq', value: true }],
      }),
    ],
    ['several sources', of('both', { sources: ['sales', 'iot'], format: 'json' })],
    ['several sources in reverse order', of('both', { sources: ['iot', 'sales'] })],
    ['the demo data', { ...monthOfOrders, order: 'time', format: 'ndjson' }],
  ])('a preview has the first rows of the file: %s', async (_, request) => {
    const { text, textCut, rows, cut, tooLarge } = await preview(request);
    expect({ cut, tooLarge, textCut }).toEqual({ cut: [], tooLarge: false, textCut: false });
    const { id } = await createExport(request);
    expect((await ended(id)).status).toBe('ready');
    const file = (await download(id)).bytes.toString();
    expect(text).not.toBeNull();
    expect(file.startsWith(text ?? '')).toBe(true);
    expect(rows).toHaveLength(20);
    const format: unknown = Reflect.get(request, 'format');
    if (format === 'csv') return;
    const lines = (text ?? '').split('\n').filter((line) => line.includes('{'));
    expect(lines).toHaveLength(20);
    expect(rows).toEqual(
      lines.map((line) =>
        Object.values<unknown>(JSON.parse(line.replace(/^,/, ''))).map((value) =>
          value === null || typeof value === 'string' ? value : expect.any(String),
        ),
      ),
    );
  });

  const columns = ['id', 'big', 'exact', 'yes', 'name', 'at', 'day', 'body', 'bytes', 'list'];
  const body = '{"n": 1e400, "list": [3, null], "text": "a,b"}';
  test.each<[string, object, (string | null)[]]>([
    [
      'csv',
      {},
      [
        '3',
        '9007199254740993',
        '0.375',
        'f',
        null,
        '2024-03-31 00:45:00+00',
        'infinity',
        body,
        '\\x03',
        '{3,NULL}',
      ],
    ],
    [
      'csv',
      { profile: 'spreadsheet', timeZone: 'Europe/Berlin' },
      // That night has no hour between 2 and 3.
      [
        '3',
        '9007199254740993',
        '0.375',
        'f',
        null,
        '2024-03-31 01:45:00',
        'infinity',
        body,
        '\\x03',
        '{3,NULL}',
      ],
    ],
    [
      'json',
      {},
      [
        '3',
        '9007199254740993',
        '0.375',
        'false',
        null,
        '2024-03-31T00:45:00+00:00',
        'infinity',
        body,
        'Aw==',
        '[3,null]',
      ],
    ],
    [
      'xlsx',
      { timeZone: 'Europe/Berlin' },
      [
        '3',
        '9007199254740993',
        '0.375',
        'FALSE',
        null,
        '2024-03-31 01:45:00',
        'infinity',
        body,
        '\\x03',
        '{3,NULL}',
      ],
    ],
    [
      'parquet',
      {},
      // Parquet has no infinite date, so infinity is NULL by policy.
      [
        '3',
        '9007199254740993',
        '0.375',
        'false',
        null,
        '2024-03-31 00:45:00Z',
        null,
        body,
        '\\x03',
        '["3",null]',
      ],
    ],
  ])('a preview has the values of a row as %s %j has them', async (format, more, row) => {
    const previewed = await preview(of('things', { format, order: 'time', ...more }));
    expect(previewed.columns.map(({ name }) => name)).toEqual(columns);
    expect(previewed.columns[1]).toMatchObject({ name: 'big', databaseType: 'bigint' });
    expect(previewed.rows).toHaveLength(20);
    expect(previewed.rows[2]).toEqual(row);
    expect(previewed.text === null).toBe(format === 'xlsx' || format === 'parquet');
  });

  test('a preview of several sources has their rows in the order of the request, each with its source', async () => {
    const { columns: found, rows } = await preview(of('both', { sources: ['sales', 'iot'] }));
    expect(found.map(({ name }) => name)).toEqual(['_source', 'id', 'where']);
    expect(rows.map(([source]) => source)).toEqual([
      ...Array.from({ length: 15 }, () => 'sales'),
      ...Array.from({ length: 5 }, () => 'iot'),
    ]);
  });

  test('a preview without rows has columns and the header', async () => {
    const { columns: found, rows, text } = await preview(of('empty'));
    expect(found.map(({ fileType }) => fileType)).toEqual(['text', 'text']);
    expect({ rows, text }).toEqual({ rows: [], text: 'id,at\n' });
  });
});

describe('long values', () => {
  test('a preview cuts long values and says where and how long they are', async () => {
    const { rows, cut, text, textCut } = await preview(of('long'));
    expect(rows).toEqual([['1', 'é'.repeat(1_000)]]);
    expect(cut).toEqual([{ row: 0, column: 1, characters: 3_000 }]);
    expect(text).toBe(`id,text\n1,${'é'.repeat(3_000)}\n`);
    expect(textCut).toBe(false);
  });

  test('a preview cuts a value of 1,001 characters and none of 1,000', async () => {
    const { rows, cut } = await preview(of('limits'));
    expect(rows).toEqual([['x'.repeat(1_000), 'x'.repeat(1_000)]]);
    expect(cut).toEqual([{ row: 0, column: 1, characters: 1_001 }]);
  });

  test.each(['csv', 'json', 'parquet'])(
    'a preview stops reading after 4 MB, as %s',
    async (format) => {
      const answer = await preview(of('longer', { format }));
      expect(answer.tooLarge).toBe(true);
      expect(answer.rows.map(([id]) => id)).toEqual(['1', '2']);
      expect(answer.cut).toHaveLength(2);
      expect(answer.textCut).toBe(format !== 'parquet');
      expect(answer.text?.length ?? 0).toBeLessThanOrEqual(65_536);
      await previewsEnd();
    },
  );
});

describe('rejected previews', () => {
  test.each<[string, object]>([
    ['an unknown dataset', of('nothing')],
    ['a source without a grant', of('both', { sources: ['sales', 'hr'] })],
    ['unknown columns', of('things', { columns: ['id', 'x'] })],
    [
      'a condition of a wrong type',
      of('things', { where: [{ column: 'id', op: 'like', value: '1' }] }),
    ],
    [
      'a value that the database rejects',
      of('things', { where: [{ column: 'day', op: 'eq', value: '2024-02-31' }] }),
    ],
    ['a bound without a time column', of('both', { from: '2024-01-01T00:00:00Z' })],
    [
      'a profile that the format does not have',
      of('things', { format: 'json', profile: 'spreadsheet' }),
    ],
    ['several sources in a workbook', of('both', { sources: ['sales', 'iot'], format: 'xlsx' })],
    ['an unknown field', of('things', { rows: 10 })],
    ['an array', []],
  ])('a preview rejects what an export rejects: %s', async (_, body) => {
    const [answer, exported] = await Promise.all([
      ask(body),
      call('POST', '/exports', { headers: asDemo, body }),
    ]);
    const problemFields = ({
      status,
      code,
      detail,
      errors,
    }: ReturnType<typeof answer.problem>) => ({
      status,
      code,
      detail,
      errors,
    });
    expect(answer.status).toBeGreaterThanOrEqual(400);
    expect(problemFields(answer.problem())).toEqual(problemFields(exported.problem()));
  });

  test('a preview without credentials is unauthenticated', async () => {
    expect((await ask(of('things'), {})).problem().code).toBe('unauthenticated');
  });

  test.each([
    ['xlsx', 'cell_too_long', /Row 1 has 40,000 characters in the column text/],
    ['parquet', 'unsuitable_value', /row 1, column square, is an array of 2 dimensions/],
  ])(
    'a preview as %s rejects a value that would fail the export',
    async (format, code, message) => {
      const problem = (await ask(of('wide', { format }))).problem();
      expect(problem).toMatchObject({ status: 422, code });
      expect(problem.detail).toMatch(message);
    },
  );

  test('a preview of a paused source is rejected with the reason of the pause', async () => {
    const pause = '/sources/sales/pause';
    await call('POST', pause, { headers: asAdmin, body: { reason: 'Tests' } });
    try {
      const problem = (await ask(of('things'))).problem();
      expect(problem).toMatchObject({ status: 503, code: 'source_unavailable' });
      expect(problem.detail).toContain('sales is paused by your administrator: Tests');
    } finally {
      await call('DELETE', pause, { headers: asAdmin });
    }
  });
});

test('a preview that takes too long is stopped, and so is one whose client disconnects', async () => {
  const goneAway = fetch(`${stack.api}/exports/preview`, {
    method: 'POST',
    headers: { ...asOther, 'content-type': 'application/json' },
    body: JSON.stringify(of('slow')),
    signal: AbortSignal.timeout(1_000),
  });
  const [answer] = await Promise.all([
    ask(of('slow', { order: 'time' })),
    expect(goneAway).rejects.toThrow(/abort|timeout/),
  ]);
  const problem = answer.problem();
  expect(problem).toMatchObject({ status: 503, code: 'source_timeout' });
  expect(problem.detail).toMatch(/first rows of .*slow within 5 seconds.*order any/);
  await previewsEnd();
});

test('a preview creates no export', async () => {
  const newest = async () => (await call('GET', '/exports?limit=1', { headers: asOther })).bytes;
  const before = await newest();
  expect((await ask(of('empty'), asOther)).status).toBe(200);
  expect((await newest()).equals(before)).toBe(true);
});

/** Waits until no statement of a preview runs on its source. */
const previewsEnd = () =>
  waitFor(
    'no backend of a preview is left',
    async () => {
      const [row] = await sql<{ count: number }>(
        sales,
        `select count(*)::int from pg_stat_activity
         where application_name = 'streamsync:preview' and (state <> 'idle' or query ilike 'copy%')`,
      );
      return row?.count === 0 ? true : undefined;
    },
    { seconds: 10 },
  );
