import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { readXlsx } from 'hucre/xlsx';
import { z } from 'zod';
import {
  type ExportDocument,
  exportDocumentSchema,
  exportEstimateSchema,
  manifestSchema,
} from '../../lib/contracts/export-document.ts';
import { exportPreviewSchema } from '../../lib/contracts/export-preview.ts';
import { accountGrantsSchema } from '../../lib/contracts/grants.ts';
import { datasetSchema, histogramSchema, sourceListSchema } from '../../lib/contracts/sources.ts';
import { newAccount, type OwnAccount } from '../support/accounts.ts';
import { type Answer, asAdmin, call, createExport } from '../support/api.ts';
import { queryParquet } from '../support/duckdb.ts';
import { readSecrets } from '../support/secrets.ts';
import { sourceUrl, sql } from '../support/stack.ts';
import { waitFor } from '../support/wait-for.ts';

/**
 * A table of which an account may see 30 rows of 100, one column not at all, and others masked or hashed. Half of the
 * hidden rows have a region that no other row has.
 */
const schema = `grants_${Date.now()}`;
const people = `${schema}.people`;
const source = sourceUrl('sales');
const where = [{ column: 'region', op: 'eq', value: 'EU' }];
const columns = {
  name: 'mask',
  email: 'hash',
  phone: 'mask',
  born: 'hash',
  score: 'mask',
  seen: 'mask',
  secret: 'drop',
};
let own: OwnAccount;
let hash: (text: string | null) => string | null;

beforeAll(async () => {
  await sql(
    source,
    `create schema ${schema};
     create table ${people} (id int primary key, secret text, name text not null, email text, phone varchar(2),
       born date, score numeric(6,2) not null, seen timestamptz, at timestamptz, region text, note text);
     insert into ${people} select n, 'secret ' || n, 'name ' || n,
       case n % 5 when 0 then null when 1 then n || E',"x"\\n;\\t\\\\' else n || '@example.com' end,
       case when n % 3 > 0 then 'x' end, case when n % 4 > 0 then date '1980-01-01' + n end, n + 0.25,
       timestamptz '2020-01-01Z' + n * interval '1 day', timestamptz '2024-01-01Z' + n * interval '1 hour',
       case when n <= 30 then 'EU' when n <= 65 then 'US' else 'hidden' end, 'note ' || n
     from generate_series(1, 100) n;
     create index on ${people} (region); create index on ${people} (at);
     create view ${schema}.seen_people as select * from ${people};
     create materialized view ${schema}.seen_again as select * from ${schema}.seen_people;
     create table ${schema}.parts (id int, at timestamptz, region text) partition by range (id);
     create table ${schema}.part_1 partition of ${schema}.parts for values from (0) to (1000);
     insert into ${schema}.parts select n, timestamptz '2024-01-01Z', 'EU' from generate_series(1, 10) n;
     analyze ${people}; analyze ${schema}.parts`,
  );
  own = await newAccount();
  const { hashSecret = '' } = await readSecrets();
  hash = (text) =>
    text === null ? null : createHmac('sha256', hashSecret).update(text).digest('hex');
  await grant({ source: 'sales', dataset: people, columns, where });
});
afterAll(() => sql(source, `drop schema ${schema} cascade`));

const put = (email: string, grants: unknown, headers: Record<string, string> = asAdmin) =>
  call('PUT', `/admin/accounts/${email}/grants`, { headers, body: { grants } });

/** Makes these the grants of the account. */
async function grant(...grants: object[]): Promise<void> {
  expect((await put(own.email, grants)).status).toBe(200);
}
const peopleGrant = { source: 'sales', dataset: people, columns, where };

const requestOf = (more: object) => ({
  sources: ['sales'],
  dataset: people,
  format: 'csv',
  ...more,
});
const ask = (path: string, more: object = {}) =>
  call('POST', path, { headers: own.byKey, body: requestOf(more) });
const get = (path: string) => call('GET', path, { headers: own.byKey });
const preview = async (more: object = {}) =>
  (await ask('/exports/preview', more)).json(exportPreviewSchema);
const estimate = async (more: object = {}) =>
  (await ask('/exports/estimate', more)).json(exportEstimateSchema);

const endOf = (id: string): Promise<ExportDocument> =>
  waitFor(
    `export ${id} ends`,
    async () => {
      const document = (await get(`/exports/${id}`)).json(exportDocumentSchema);
      return ['ready', 'failed'].includes(document.status) ? document : undefined;
    },
    { seconds: 60 },
  );
const fileOf = (id: string): Promise<Answer> =>
  call('GET', `/exports/${id}/file`, { headers: own.byKey, redirect: 'follow' });

async function exported(more: object): Promise<{ id: string; bytes: Buffer }> {
  const { id } = await createExport(requestOf(more), own.byKey);
  const { status, error } = await endOf(id);
  expect({ status, error }).toEqual({ status: 'ready', error: null });
  return { id, bytes: (await fileOf(id)).bytes };
}

const visible = ['id', 'name', 'email', 'phone', 'born', 'score', 'seen', 'region', 'note'];

/** The rows that the account may see, as text. */
const expectedRows = async (): Promise<(string | null)[][]> => {
  const rows = await sql<Record<string, string | null>>(
    source,
    `select id::text, email, phone, born::text, region, note from ${people} p where region = 'EU' order by p.id`,
  );
  return rows.map(({ id = null, email = null, phone, born = null, region = null, note = null }) => [
    id,
    '***',
    hash(email),
    phone === null ? null : '***',
    hash(born),
    null,
    null,
    region,
    note,
  ]);
};

const cellSchema = z
  .union([z.string(), z.number(), z.date()])
  .nullish()
  .transform((value) => (value === null || value === undefined ? null : String(value)));
const textOf = (value: unknown): string | null => cellSchema.parse(value);
const cellsOf = (row: Record<string, unknown>): (string | null)[] =>
  visible.map((name) => textOf(row[name]));
const recordSchema = z.record(z.string(), z.unknown());
const csvRows = (text: string): (string | null)[][] =>
  text
    .trim()
    .split('\n')
    .slice(1)
    .map((line) =>
      line.split(',').map((field) => (field === '' ? null : field.replaceAll('"', ''))),
    );

/** How the rows of a file are read, with the names of its columns before them. */
const readers: Record<string, (bytes: Buffer) => Promise<(string | null)[][]>> = {
  csv: async (bytes) => csvRows(bytes.toString()),
  ndjson: async (bytes) =>
    bytes
      .toString()
      .trim()
      .split('\n')
      .map((line) => cellsOf(recordSchema.parse(JSON.parse(line)))),
  json: async (bytes) => z.array(recordSchema).parse(JSON.parse(bytes.toString())).map(cellsOf),
  xlsx: async (bytes) => {
    const { sheets } = await readXlsx(bytes);
    const [header = [], ...rows] = sheets[0]?.rows ?? [];
    expect(header).toEqual(visible);
    return rows.map((row) => visible.map((_, n) => textOf(row[n])));
  },
  parquet: async (bytes) =>
    (await queryParquet(bytes, (file) => `select * from ${file}`)).map(cellsOf),
};
const byId = (rows: (string | null)[][]) => rows.toSorted(([a], [b]) => Number(a) - Number(b));

describe('a file has exactly what the account may see', () => {
  const request = { columns: visible };
  test.each([
    ['csv', {}],
    ['csv', { profile: 'spreadsheet', timeZone: 'Europe/Vienna' }],
    ['csv', { consistency: 'resumable', compression: 'none' }],
    ['json', {}],
    ['ndjson', { order: 'time' }],
    ['xlsx', {}],
    ['parquet', {}],
  ])('as %s %j', async (format, more) => {
    const { id, bytes } = await exported({ ...request, format, ...more });
    expect(byId((await readers[format]?.(bytes)) ?? [])).toEqual(await expectedRows());
    const manifest = (await get(`/exports/${id}/manifest`)).json(manifestSchema);
    expect(manifest.file.rows).toBe(30);
    expect(manifest.columns.map(({ name, policy }) => [name, policy])).toEqual(
      visible.map((name) => [
        name,
        { name: 'mask', email: 'hash', phone: 'mask', born: 'hash', score: 'mask', seen: 'mask' }[
          name
        ],
      ]),
    );
  });

  test('without a list of columns it has all but the dropped ones', async () => {
    const { bytes } = await exported({});
    expect(bytes.toString().split('\n')[0]).toBe(
      'id,name,email,phone,born,score,seen,at,region,note',
    );
    expect(bytes.toString()).not.toContain('secret');
  });

  test('and so has a preview', async () => {
    const { columns: found, rows, text } = await preview({ columns: visible, order: 'time' });
    expect(found.map(({ name }) => name)).toEqual(visible);
    expect(rows).toEqual((await expectedRows()).slice(0, 20));
    expect(csvRows(text ?? '')).toEqual(rows);
  });
});

describe('GET /sources and datasets show what is granted', () => {
  test('only granted datasets, and of them only granted columns', async () => {
    const { sources } = (await get('/sources')).json(sourceListSchema);
    expect(sources.map(({ name }) => name)).toEqual(['sales']);
    expect(sources[0]?.datasets.map(({ name }) => name)).toEqual([people]);
    const dataset = (await get(`/sources/sales/datasets/${people}`)).json(datasetSchema);
    expect(sources[0]?.datasets[0]).toEqual(dataset);
    expect(Object.fromEntries(dataset.columns.map(({ name, type }) => [name, type]))).toEqual({
      id: 'integer',
      name: 'text',
      email: 'text',
      phone: 'text',
      born: 'text',
      score: 'numeric(6,2)',
      seen: 'timestamp with time zone',
      at: 'timestamp with time zone',
      region: 'text',
      note: 'text',
    });
  });

  test('the times of permitted rows, by a permitted column', async () => {
    const dataset = (await get(`/sources/sales/datasets/${people}`)).json(datasetSchema);
    expect(dataset).toMatchObject({
      timeColumn: 'at',
      earliest: '2024-01-01T01:00:00.000000Z',
      latest: '2024-01-02T06:00:00.000000Z',
    });
    expect(dataset.estimatedRows).toBeLessThanOrEqual(35);
  });

  test.each(['datasets/$', 'datasets/$/histogram'])(
    'a dataset without a grant is the same as none: %s',
    async (path) => {
      const answers = await Promise.all(
        ['customers', `${schema}.seen_people`, `${schema}.nothing`].map(async (name) => {
          const answer = await get(`/sources/sales/${path.replace('$', name)}`);
          expect(answer.status).toBe(404);
          return answer.problem().detail?.replace(name, '');
        }),
      );
      expect(new Set(answers).size).toBe(1);
      expect((await get(`/sources/iot/${path.replace('$', 'readings')}`)).status).toBe(404);
    },
  );
});

/** Returns status and errors of an answer without the name that was asked for. */
function refusalOf(answer: Answer, name: string) {
  const { status, code, detail, errors } = answer.problem();
  const nameless = (text: string | undefined) => text?.replaceAll(`: ${name}`, ': ?');
  return {
    status,
    code,
    detail: nameless(detail),
    errors: errors?.map((error) => ({ ...error, message: nameless(error.message) })),
  };
}

describe('hostile requests', () => {
  const paths = ['/exports', '/exports/estimate', '/exports/preview'];

  test.each(paths)(
    '%s: a dataset that is not granted is as one that does not exist',
    async (path) => {
      const unknown = await ask(path, { dataset: 'nothing' });
      expect(unknown.status).toBe(422);
      expect(JSON.stringify(unknown.problem())).not.toContain('customers');
      for (const dataset of [
        'customers',
        `${schema}.seen_people`,
        `${schema}.part_1`,
        'pg_catalog.pg_class',
      ])
        expect(refusalOf(await ask(path, { dataset }), dataset)).toEqual(
          refusalOf(unknown, 'nothing'),
        );
      expect((await ask(path, { sources: ['iot'], dataset: 'readings' })).status).toBe(422);
    },
  );

  test.each(paths)('%s: a dropped column is as one that does not exist', async (path) => {
    const unknown = refusalOf(await ask(path, { columns: ['nothing'] }), 'nothing');
    expect(unknown.status).toBe(422);
    for (const name of ['secret', 'SECRET', 'r.secret', 'ctid', 'secret" from x --'])
      expect(refusalOf(await ask(path, { columns: [name] }), name)).toEqual(unknown);
  });

  test.each(paths)('%s: no condition on a dropped, masked or hashed column', async (path) => {
    const on = (column: string, any: boolean) => {
      const condition = { column, op: 'isNull', value: false };
      return { where: any ? [{ any: [condition] }] : [condition] };
    };
    for (const any of [false, true]) {
      const unknown = refusalOf(await ask(path, on('nothing', any)), 'nothing');
      expect(unknown.status).toBe(422);
      for (const name of ['secret', 'name', 'email', 'phone', 'born', 'score', 'seen'])
        expect(refusalOf(await ask(path, on(name, any)), name)).toEqual(unknown);
    }
  });

  test('conditions, ranges and orders select permitted rows only', async () => {
    const hiddenRegion = { column: 'region', op: 'eq', value: 'hidden' };
    const requests: [object, number][] = [
      [{ where: [hiddenRegion] }, 0],
      [{ where: [{ any: [hiddenRegion, { column: 'id', op: 'gt', value: 0 }] }] }, 20],
      [{ where: [{ column: 'region', op: 'ne', value: 'EU' }] }, 0],
      [{ where: [{ column: 'region', op: 'eq', value: `EU' or '1' = '1` }] }, 0],
      [{ where: [{ column: 'id', op: 'in', value: [30, 31, 99] }] }, 1],
      [{ from: '2024-01-02T06:00:00Z' }, 1],
      [{ from: '2024-01-02T07:00:00Z', to: '2030-01-01T00:00:00Z' }, 0],
      [{ order: 'time', columns: ['at'] }, 20],
    ];
    for (const [request, count] of requests)
      expect([request, (await preview(request)).rows.length]).toEqual([request, count]);
  });

  test('without a permitted time column there are no times', async () => {
    await grant({ ...peopleGrant, columns: { ...columns, at: 'hash', seen: 'drop' } });
    try {
      const refused = [{ from: '2024-01-01T00:00:00Z' }, { order: 'time' }];
      for (const request of refused)
        expect((await ask('/exports/preview', request)).status).toBe(422);
      const dataset = (await get(`/sources/sales/datasets/${people}`)).json(datasetSchema);
      expect(dataset).toMatchObject({ timeColumn: null, earliest: null, latest: null });
    } finally {
      await grant(peopleGrant);
    }
  });
});

describe('numbers give away no hidden row', () => {
  test('an estimate counts permitted rows', async () => {
    expect((await estimate()).rows).toBe(30);
    expect(
      (await estimate({ where: [{ column: 'region', op: 'eq', value: 'hidden' }] })).rows,
    ).toBe(0);
    expect((await estimate({ from: '2024-01-03T00:00:00Z' })).rows).toBe(0);
    expect((await estimate({ where: [{ column: 'id', op: 'lte', value: 10 }] })).rows).toBe(10);
  });

  test('an estimate does not know how large the files of others are', async () => {
    const other = await newAccount();
    const before = await estimate();
    const { id } = await createExport(requestOf({}), other.byKey);
    await waitFor('the export of the other account is ready', async () => {
      const answer = await call('GET', `/exports/${id}`, { headers: other.byKey });
      return answer.json(exportDocumentSchema).status === 'ready' || undefined;
    });
    expect(await estimate()).toEqual(before);
  });

  test('an export has the estimate of permitted rows', async () => {
    const { progress } = await createExport(requestOf({}), own.byKey);
    expect(progress.estimatedRows).toBe(30);
  });

  test('a histogram is not known', async () => {
    const histogram = (await get(`/sources/sales/datasets/${people}/histogram`)).json(
      histogramSchema,
    );
    expect(histogram).toMatchObject({ basis: null, buckets: [] });
  });
});

describe('grants apply from the next call on', () => {
  test('a changed grant changes the preview, and refuses the file that was made before', async () => {
    const { id } = await exported({});
    const ticket = await call('POST', `/exports/${id}/download`, { headers: own.byKey });
    const { url } = ticket.json(z.object({ url: z.url() }));
    await grant({ ...peopleGrant, columns: { ...columns, note: 'drop' } });
    expect((await preview()).columns.map(({ name }) => name)).not.toContain('note');
    expect((await fileOf(id)).problem()).toMatchObject({ status: 403, code: 'forbidden' });
    expect((await call('GET', url, { redirect: 'follow' })).status).toBe(403);
    expect((await get(`/exports/${id}/manifest`)).status).toBe(403);
    await grant({ ...peopleGrant, where: [{ column: 'region', op: 'in', value: ['EU', 'US'] }] });
    expect((await fileOf(id)).status).toBe(403);
    expect((await estimate()).rows).toBe(65);
    // An equal right by another grant: the columns in another order, and one that is allowed anyway.
    const reversed = Object.fromEntries(Object.entries(columns).toReversed());
    await grant({ ...peopleGrant, columns: { ...reversed, id: 'allow' } });
    expect((await fileOf(id)).status).toBe(200);
    await grant(peopleGrant);
  });

  test('the grant of a dataset applies instead of that of all', async () => {
    const all = { source: 'sales', dataset: '*' };
    await grant(all, peopleGrant);
    expect((await preview({ columns: ['email'] })).rows.flat()).toContain(hash('2@example.com'));
    expect((await preview({ dataset: 'customers' })).rows).toHaveLength(20);
    await grant({ ...all, columns: { email: 'mask' } }, { source: 'sales', dataset: people });
    expect((await preview({ columns: ['email'], order: 'time' })).rows[1]).toEqual([
      '2@example.com',
    ]);
    const { rows } = await preview({ dataset: `${schema}.seen_people`, columns: ['email'] });
    expect(new Set(rows.flat())).toEqual(new Set(['***', null]));
    await grant(peopleGrant);
  });

  test('a partition is no way around the grant of its table, nor the table around that of a partition', async () => {
    const parts = {
      source: 'sales',
      dataset: `${schema}.parts`,
      where: [{ column: 'id', op: 'lt', value: 4 }],
    };
    await grant({ source: 'sales', dataset: '*' }, parts);
    expect((await preview({ dataset: `${schema}.parts` })).rows).toHaveLength(3);
    expect((await ask('/exports/preview', { dataset: `${schema}.part_1` })).status).toBe(422);
    expect((await get(`/sources/sales/datasets/${schema}.part_1`)).status).toBe(404);
    const { sources } = (await get(`/sources?search=${schema}.part`)).json(sourceListSchema);
    expect(sources.flatMap(({ datasets }) => datasets.map(({ name }) => name))).toEqual([
      parts.dataset,
    ]);
    await grant({ source: 'sales', dataset: '*' }, { ...parts, dataset: `${schema}.part_1` });
    expect((await ask('/exports/preview', { dataset: `${schema}.parts` })).status).toBe(422);
    expect((await preview({ dataset: `${schema}.part_1` })).rows).toHaveLength(3);
    await grant(peopleGrant);
  });

  test('a view is no way around the grant of its table', async () => {
    await grant({ source: 'sales', dataset: '*' }, peopleGrant);
    for (const dataset of [`${schema}.seen_people`, `${schema}.seen_again`]) {
      expect((await ask('/exports/preview', { dataset })).status).toBe(422);
      expect((await get(`/sources/sales/datasets/${dataset}/histogram`)).status).toBe(404);
    }
    const { sources } = (await get(`/sources?search=${schema}`)).json(sourceListSchema);
    expect(sources.flatMap(({ datasets }) => datasets.map(({ name }) => name)).toSorted()).toEqual([
      `${schema}.part_1`,
      `${schema}.parts`,
      people,
    ]);
    // A grant of its own permits it.
    await grant({ source: 'sales', dataset: `${schema}.seen_again` }, peopleGrant);
    expect((await preview({ dataset: `${schema}.seen_again` })).rows).toHaveLength(20);
    await grant(peopleGrant);
  });

  test('conditions that do not fit a dataset refuse it', async () => {
    await grant({ ...peopleGrant, where: [{ column: 'nothing', op: 'eq', value: 'EU' }] });
    for (const path of ['/exports', '/exports/estimate', '/exports/preview'])
      expect((await ask(path)).problem()).toMatchObject({ code: 'forbidden' });
    expect((await get(`/sources/sales/datasets/${people}`)).status).toBe(403);
    const { sources } = (await get('/sources')).json(sourceListSchema);
    expect(sources[0]?.datasets).toEqual([]);
    await grant(peopleGrant);
  });
});

describe('PUT /admin/accounts/{email}/grants', () => {
  test('replaces all grants, and answers with them', async () => {
    const account = await newAccount();
    const grants = [
      { source: 'iot', dataset: '*' },
      { source: 'sales', dataset: 'orders', columns: { status: 'drop' }, where },
    ];
    const answer = await put(account.email, grants);
    expect(answer.status).toBe(200);
    expect(answer.json(accountGrantsSchema)).toEqual({ grants });
    const me = await call('GET', '/me', { headers: account.byKey });
    expect(me.json(z.object({ grants: z.unknown() })).grants).toEqual(grants);
    expect((await put(account.email, [])).json(accountGrantsSchema)).toEqual({ grants: [] });
    const { sources } = (await call('GET', '/sources', { headers: account.byKey })).json(
      sourceListSchema,
    );
    expect(sources).toEqual([]);
  });

  test('names wrong fields', async () => {
    const answer = await put(own.email, [
      { source: 'sales', dataset: 'orders' },
      { source: 'nothing', dataset: '*' },
    ]);
    expect(answer.problem()).toMatchObject({
      status: 422,
      errors: [{ field: 'grants.1.source', allowed: expect.arrayContaining(['sales', 'iot']) }],
    });
    expect((await preview()).rows).toHaveLength(20);
  });

  test('is for administrators, and for accounts that exist', async () => {
    expect((await put(own.email, [], own.byKey)).status).toBe(403);
    expect((await put('unknown@tests.example', [])).status).toBe(404);
  });
});
