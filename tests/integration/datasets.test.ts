import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { manifestSchema } from '../../lib/contracts/export-document.ts';
import { exportPreviewSchema } from '../../lib/contracts/export-preview.ts';
import { datasetSchema, sourceListSchema } from '../../lib/contracts/sources.ts';
import { asDemo, call, createExport, download, ended } from '../support/api.ts';
import { referenceCsv, sortedLines, sourceUrl, sql } from '../support/stack.ts';

/** Compares the listed datasets with what psql shows to the reader of the source. */
const schema = `datasets_${Date.now()}`;
const source = sourceUrl('sales');
const reader = 'streamsync_reader_sales';
const owner = `${schema}_owner`;

beforeAll(() =>
  sql(
    source,
    `create schema ${schema}; set search_path = ${schema}; create role ${owner}; grant usage on schema ${schema} to ${owner};
     create table granted (id int primary key, name text, secret text);
     insert into granted select n, 'n' || n, 's' from generate_series(1, 20) n;
     revoke all on granted from public; revoke all on granted from ${reader};
     grant select (id, name) on granted to ${reader}, ${owner};
     create view of_owner as select id, name from granted; alter view of_owner owner to ${owner};
     create table parted (id int, at timestamptz, note text) partition by range (at);
     create table parted_1 partition of parted for values from ('2024-01-01Z') to ('2024-02-01Z');
     create table parted_2 partition of parted for values from ('2024-02-01Z') to ('2024-03-01Z');
     create table parted_0 partition of parted default;
     insert into parted select n, timestamptz '2024-01-15Z' + n % 2 * interval '1 month', 'x' from generate_series(1, 40) n;
     create table nothing (); insert into nothing default values; insert into nothing default values;
     create table constructor (id int, founded date); insert into constructor values (1, '2024-05-01'), (2, '2023-05-01');
     create table guarded (id int); insert into guarded select generate_series(1, 10);
     alter table guarded enable row level security; create policy half on guarded using (id <= 5);
     create view through_owner as select * from guarded;
     create view through_reader with (security_invoker) as select * from guarded;
     create view quick as select clock_timestamp() as at;
     create view slow as select clock_timestamp() as at from (select pg_sleep(0.1)::text as waited offset 0) s;`,
  ),
);
afterAll(() => sql(source, `drop schema ${schema} cascade; drop role ${owner}`));

const of = (dataset: string, more: object = {}) => ({
  sources: ['sales'],
  dataset: `${schema}.${dataset}`,
  format: 'csv',
  ...more,
});

async function exported(request: object) {
  const { id } = await createExport(request);
  expect(await ended(id)).toMatchObject({ status: 'ready', error: null });
  const answer = await call('GET', `/exports/${id}/manifest`, { headers: asDemo });
  const [sourceManifest] = answer.json(manifestSchema).sources;
  return { bytes: (await download(id)).bytes, sourceManifest };
}

async function expectRows(request: object, query: string): Promise<void> {
  const { bytes } = await exported(request);
  expect(sortedLines(bytes)).toBe(sortedLines(await referenceCsv('sales', query)));
}

const listed = async () => {
  const answer = await call('GET', `/sources?source=sales&search=${schema.toUpperCase()}`, {
    headers: asDemo,
  });
  const { sources } = answer.json(sourceListSchema);
  expect(sources).toHaveLength(1);
  return sources[0]?.datasets ?? [];
};

describe('column privileges', () => {
  test.each([
    {},
    { consistency: 'resumable' },
    { columns: ['id'], where: [{ column: 'name', op: 'ne', value: '' }] },
  ])('a dataset is exported with privileges on its columns alone: %j', (more) =>
    expectRows(
      of('granted', more),
      `select id${'columns' in more ? '' : ', name'} from ${schema}.granted`,
    ),
  );

  test("a view is exported with its owner's privileges on the tables below it", () =>
    expectRows(of('of_owner'), `select id, name from ${schema}.granted`));

  test('a dataset lists only the columns that the reader may read', async () => {
    const found = (await listed()).find(({ name }) => name === `${schema}.granted`);
    expect(found?.columns.map(({ name }) => name)).toEqual(['id', 'name']);
  });
});

describe('partitions', () => {
  test('a partition is listed after all other datasets, and can be exported', async () => {
    const all = await listed();
    const parts = ['parted_0', 'parted_1', 'parted_2'].map((name) => `${schema}.${name}`);
    expect(all.slice(-3)).toMatchObject(
      parts.map((name) => ({ name, partitionOf: `${schema}.parted`, timeColumn: 'at' })),
    );
    expect(all.filter(({ partitionOf }) => partitionOf !== undefined)).toHaveLength(3);
    await expectRows(of('parted_1'), `select * from ${schema}.parted_1`);
  });

  test('a partition outside the requested range is neither locked nor waited for', async () => {
    const client = new pg.Client({ connectionString: source });
    await client.connect();
    try {
      await client.query(`begin; lock table ${schema}.parted_1 in access exclusive mode`);
      const bounds = { from: '2024-02-01T00:00:00Z', to: '2024-03-01T00:00:00Z' };
      const preview = await call('POST', '/exports/preview', {
        headers: asDemo,
        body: of('parted', bounds),
      });
      expect(preview.json(exportPreviewSchema).rows).toHaveLength(20);
      await expectRows(of('parted', bounds), `select * from ${schema}.parted_2`);
    } finally {
      await client.end();
    }
  });

  test('a partition that is truncated or replaced while the export waits for it is read in its new state', async () => {
    const client = new pg.Client({ connectionString: source });
    await client.connect();
    try {
      await client.query(
        `begin; set search_path = ${schema}; truncate parted_2; insert into parted_2 values (7, '2024-02-02Z', 'new');
         alter table parted detach partition parted_1;
         create table instead (like parted); insert into instead values (8, '2024-01-02Z', 'instead');
         alter table parted attach partition instead for values from ('2024-01-01Z') to ('2024-02-01Z')`,
      );
      const { id } = await createExport(of('parted_2'));
      const other = await createExport(of('parted_1'));
      for (let waitingLocks = 0; waitingLocks < 2; ) {
        const waiting = await sql(
          source,
          `select 1 from pg_locks where relation in ('${schema}.parted_1'::regclass, '${schema}.parted_2'::regclass) and not granted`,
        );
        waitingLocks = waiting.length;
      }
      await client.query('commit');
      expect(await ended(id)).toMatchObject({ status: 'ready', file: { rows: 1 } });
      expect((await download(id)).bytes.toString()).toContain('new');
      expect(await ended(other.id)).toMatchObject({ status: 'ready', file: { rows: 20 } });
      await expectRows(of('parted'), `select * from ${schema}.parted`);
    } finally {
      await client.end();
    }
  });
});

test.each([
  ['csv', '\n\n\n'],
  ['json', '[\n{}\n,{}\n]\n'],
  ['ndjson', '{}\n{}\n'],
])('a table without columns is exported as %s with its rows', async (format, text) => {
  expect((await listed()).find(({ name }) => name === `${schema}.nothing`)).toMatchObject({
    columns: [],
  });
  const { bytes, sourceManifest } = await exported(of('nothing', { format }));
  expect(sourceManifest?.rows).toBe(2);
  expect(bytes.toString()).toBe(text);
  const body = of('nothing', { format });
  const preview = await call('POST', '/exports/preview', { headers: asDemo, body });
  expect(preview.json(exportPreviewSchema)).toMatchObject({ columns: [], rows: [[], []] });
});

test.each(['xlsx', 'parquet'])(
  'a table without columns cannot be exported as %s, and the problem says so',
  async (format) => {
    const body = of('nothing', { format });
    for (const path of ['/exports', '/exports/preview', '/exports/estimate'])
      expect((await call('POST', path, { headers: asDemo, body })).problem()).toMatchObject({
        status: 422,
        code: 'invalid_request',
        errors: [{ field: 'format', allowed: ['csv', 'json', 'ndjson'] }],
      });
  },
);

test('a table named constructor can be exported', async () => {
  const found = (await listed()).find(({ name }) => name === `${schema}.constructor`);
  expect(found).toMatchObject({ timeColumn: 'founded', earliest: '2023-05-01T00:00:00.000000Z' });
  await expectRows(
    of('constructor', { from: '2024-01-01T00:00:00Z' }),
    `select * from ${schema}.constructor where id = 1`,
  );
});

test.each([
  ['guarded', 5, true],
  ['through_owner', 10, undefined],
  ['through_reader', 5, true],
  ['granted', 20, undefined],
])(
  'the manifest says whether policies selected the rows of %s',
  async (dataset, rows, rowSecurity) => {
    const { sourceManifest } = await exported(of(dataset));
    expect({ rows: sourceManifest?.rows, rowSecurity: sourceManifest?.rowSecurity }).toEqual({
      rows,
      rowSecurity,
    });
  },
);

describe('a source with more columns than fit into one answer', () => {
  const tables = 50;
  const columns = 1_000;
  const wide = (n: number): string => `wide_${n}`;
  beforeAll(() =>
    sql(
      source,
      Array.from(
        { length: tables },
        (_, n) =>
          `create table ${schema}.${wide(n)} (${Array.from({ length: columns }, (__, c) => `column_with_a_name_${c} int`).join(', ')}, at date)`,
      ).join(';'),
    ),
  );

  test('the list has every dataset, the last of them without columns, which are read one by one', async () => {
    const answer = await call('GET', '/sources', { headers: asDemo });
    expect(answer.status).toBe(200);
    expect(answer.bytes.length).toBeLessThan(6_000_000);
    const sales = answer.json(sourceListSchema).sources.find(({ name }) => name === 'sales');
    const own = sales?.datasets.filter(({ name }) => name.startsWith(`${schema}.wide_`)) ?? [];
    expect(own).toHaveLength(tables);
    const short = own.filter(({ columnsLeftOut }) => columnsLeftOut);
    expect(short.length).toBeGreaterThan(0);
    expect(short.length).toBeLessThan(tables);
    for (const dataset of own) {
      expect(dataset.timeColumn).toBe('at');
      expect(dataset.columns).toHaveLength(dataset.columnsLeftOut ? 0 : columns + 1);
    }
    const [one] = short;
    const path = `/sources/sales/datasets/${one?.name}`;
    const whole = (await call('GET', path, { headers: asDemo })).json(datasetSchema);
    expect(whole.columns).toHaveLength(columns + 1);
    expect(whole).toMatchObject({ name: one?.name, timeColumn: 'at', kind: 'table' });
    const { bytes } = await exported({ sources: ['sales'], dataset: one?.name, format: 'csv' });
    expect(bytes.toString().split(',')).toHaveLength(columns + 1);
  });

  test('an unknown source or dataset is not found', async () => {
    for (const path of [`/sources/sales/datasets/${schema}.no`, '/sources/no/datasets/no'])
      expect((await call('GET', path, { headers: asDemo })).problem().code).toBe('not_found');
    expect((await call('GET', '/sources?source=no', { headers: asDemo })).problem().code).toBe(
      'not_found',
    );
    const unknown = await call('POST', '/exports', { headers: asDemo, body: of('no') });
    expect(unknown.problem()).toMatchObject({ status: 422, errors: [{ field: 'dataset' }] });
  });
});

test('slow first and last times are cached for a short time, quick ones are read each time', async () => {
  const times = async (name: string) => {
    const found = (await listed()).find((dataset) => dataset.name === `${schema}.${name}`);
    expect(found?.latest).toEqual(expect.any(String));
    return found?.latest;
  };
  const [slow, quick] = [await times('slow'), await times('quick')];
  expect(await times('slow')).toBe(slow);
  expect(await times('quick')).not.toBe(quick);
});
