import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { manifestSchema } from '../../lib/contracts/export-document.ts';
import { exportPreviewSchema } from '../../lib/contracts/export-preview.ts';
import { asDemo, call, createExport, download, ended } from '../support/api.ts';
import { referenceCsv, sortedLines, sourceUrl, sql } from '../support/stack.ts';

/** `from` (inclusive) and `to` (exclusive) of a request apply to each type of time column, to the microsecond. */
const schema = `bounds_${Date.now()}`;
const source = `${sourceUrl('sales')}?options=${encodeURIComponent('-c TimeZone=UTC')}`;

const types = [
  'timestamptz',
  'timestamp',
  'timestamptz(0)',
  'timestamp(0)',
  'timestamptz(3)',
  'date',
  `${schema}.instant`,
  `${schema}.day`,
];
const tableOf = (type: string): string => `t_${types.indexOf(type)}`;

/** Around midnight and noon of one day, and at the limits of the types. */
const timestamps = [
  '2024-03-01 00:00:00',
  '2024-02-29 23:59:59.999999',
  '2024-03-01 00:00:00.000001',
  '2024-03-01 11:59:59.5',
  '2024-03-01 12:00:00',
  '2024-03-01 12:00:00.000001',
  '2024-03-02 00:00:00',
  '1969-12-31 23:59:59.999999',
  '9999-12-31 23:59:59.999999',
  '12024-01-01 00:00:00',
  '0044-03-15 12:00:00 BC',
  'infinity',
  '-infinity',
];

beforeAll(async () => {
  await sql(
    source,
    `create schema ${schema}; create domain ${schema}.instant as timestamptz check (value <> '2000-01-01Z');
     create domain ${schema}.day as date`,
  );
  for (const type of types)
    await sql(
      source,
      `create table ${schema}.${tableOf(type)} as select n as id, v::text::timestamp::${type} as at
         from unnest(array[${timestamps.map((it) => pg.escapeLiteral(it)).join(', ')}]) with ordinality r(v, n);
       insert into ${schema}.${tableOf(type)} values (100, null), (101, null)`,
    );
});
afterAll(() => sql(source, `drop schema ${schema} cascade`));

const requestOf = (type: string, more: object) => ({
  sources: ['sales'],
  dataset: `${schema}.${tableOf(type)}`,
  format: 'csv',
  ...more,
});

const bounds: readonly [from: string | null, to: string | null][] = [
  ['2024-03-01T00:00:00Z', '2024-03-02T00:00:00Z'],
  ['2024-03-01T00:00:00.000001Z', null],
  [null, '2024-03-01T00:00:00.000001Z'],
  ['2024-03-01T12:00:00Z', '2024-03-01T12:00:00.000001Z'],
  ['2024-03-01T12:00:00.000001Z', '2024-03-01T12:00:00.000002Z'],
  ['2024-03-01T02:00:00+02:00', '2024-03-01T14:00:00+02:00'],
  ['2024-02-29T23:59:59.999999Z', '2024-03-01T00:00:00Z'],
  ['2024-03-01T12:00:00Z', '2024-03-01T12:00:00Z'],
  ['0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999999Z'],
  ['9999-12-31T23:59:59.999999Z', null],
  [null, '0001-01-01T00:00:00Z'],
  [null, '1970-01-01T00:00:00Z'],
];

/** A date is its midnight in UTC, and a timestamp without a zone is in UTC. */
const conditionOf = (from: string | null, to: string | null): string =>
  [
    ...(from === null ? [] : [`at::timestamptz >= '${from}'`]),
    ...(to === null ? [] : [`at::timestamptz < '${to}'`]),
  ].join(' and ');

describe.each(types)('a time column of type %s', (type) => {
  test.each(bounds)(
    'a request from %s to %s selects the same rows as PostgreSQL',
    async (from, to) => {
      const body = requestOf(type, {
        columns: ['id'],
        ...(from === null ? {} : { from }),
        ...(to === null ? {} : { to }),
      });
      const answer = await call('POST', '/exports/preview', { headers: asDemo, body });
      const rows = answer.json(exportPreviewSchema).rows.map(([id]) => Number(id));
      const wanted = await sql<{ id: number }>(
        source,
        `select id::int from ${schema}.${tableOf(type)} where ${conditionOf(from, to)} order by id`,
      );
      expect(rows.toSorted((a, b) => a - b)).toEqual(wanted.map(({ id }) => id));
    },
  );

  test('an ordered file has the rows within the bounds, and its manifest the number of rows without a time', async () => {
    const [from, to] = ['2024-03-01T00:00:00Z', '2024-03-02T00:00:00Z'];
    const { id } = await createExport(requestOf(type, { from, to, order: 'time' }));
    expect(await ended(id)).toMatchObject({ status: 'ready', error: null });
    const wanted = await referenceCsv(
      'sales',
      `select * from ${schema}.${tableOf(type)} where ${conditionOf(from, to)}`,
    );
    expect(sortedLines((await download(id)).bytes)).toBe(sortedLines(wanted));
    const answer = await call('GET', `/exports/${id}/manifest`, { headers: asDemo });
    const [manifestSource] = answer.json(manifestSchema).sources;
    expect(manifestSource?.rowsWithoutTime).toBe(2);
  });
});

test.each([
  '2024-03-01',
  '2024-03-01T00:00:00',
  '2024-03-01 00:00:00Z',
  '2024-03-01T00:00Z',
  '2024-02-30T00:00:00Z',
  '2024-03-01T24:00:00Z',
  '2024-03-01T23:59:60Z',
  '2024-03-01T00:00:00+24:00',
  '2024-03-01T00:00:00 +02:00',
  '1709251200',
  'infinity',
  'now',
  '0000-01-01T00:00:00Z',
  '12024-01-01T00:00:00Z',
  '2024-03-01T00:00:00.0000001Z',
  '',
  ' 2024-03-01T00:00:00Z',
])('the bound %j is rejected, with its field', async (bound) => {
  for (const field of ['from', 'to']) {
    const body = requestOf('timestamptz', { [field]: bound });
    const answer = await call('POST', '/exports', { headers: asDemo, body });
    expect(answer.problem()).toMatchObject({ status: 422, errors: [{ field }] });
  }
});
