import { createHmac } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import pg from 'pg';
import { exportRequestSchema } from '../../lib/contracts/export-request.ts';
import { anyDataset, type ColumnPolicy, type Grant } from '../../lib/contracts/grants.ts';
import { selectionFor } from '../../lib/exports/planning/selection.ts';
import { formatOf } from '../../lib/formats/index.ts';
import { CopyToStream } from '../../lib/sources/copy/copy-stream.ts';
import { hashFields } from '../../lib/sources/copy/hash-fields.ts';
import { pageRanges } from '../../lib/sources/page-ranges.ts';
import type { Selection } from '../../lib/sources/query.ts';
import { splitKey, splitRanges } from '../../lib/sources/split-key-ranges.ts';
import { hold } from '../../lib/sources/table-locks.ts';
import { edgeCases, ownTypes } from '../support/edge-case-values.ts';
import { OwnSources } from '../support/own-source.ts';
import { closeReaders, nameOf, textsOf } from '../support/read-back.ts';
import { wholeSources } from '../support/whole-sources.ts';

/** Selections as grants leave them, read as the worker does. */
let own: OwnSources;
let client: pg.Client;
let server: pg.Client;
const secret = 's'.repeat(43);
const rowCount = 20_000;
const formats = ['csv', 'json', 'ndjson', 'xlsx', 'parquet'];

beforeAll(async () => {
  own = await OwnSources.create({ own: '' });
  server = await own.connect('own');
  await server.query(`${ownTypes} create table numbers (id int primary key, n int, at timestamptz, filling text);
    alter table numbers alter filling set storage plain;
    insert into numbers select n, n % 10, timestamptz '2024-01-01Z' + n * interval '1 minute', repeat('x', 300)
    from generate_series(1, ${rowCount}) n;
    analyze numbers`);
  client = await own.session('own');
});
afterAll(async () => {
  await closeReaders();
  await own.drop();
});

const grantOf = (more: Partial<Grant>): Grant[] => [
  { source: 'own', dataset: anyDataset, columns: {}, where: [], ...more },
];
const requestOf = (more: object) =>
  exportRequestSchema.parse({ sources: ['own'], dataset: 'numbers', format: 'csv', ...more });

async function copied(statement: string, { columns }: Selection, format: string): Promise<Buffer> {
  const { copyEncoding: encoding } = formatOf(requestOf({ format }));
  const source = client.query(new CopyToStream(statement));
  return buffer(Readable.from(hashFields(source, columns, { encoding, secret })));
}

test('a grant of everything reads by the same SQL as ever', async () => {
  const request = requestOf({ columns: ['id'], order: 'time', from: '2024-01-02T00:00:00Z' });
  const selection = await selectionFor(client, 'own', request, wholeSources('own'));
  expect(selection.dataset.permission).toBeUndefined();
  expect(formatOf(request).copy(selection)).toBe(
    `copy (select r."id" from "public"."numbers" r where r."at" operator("pg_catalog".>=) '2024-01-02T00:00:00Z'::pg_catalog.timestamptz order by r."at" nulls last) to stdout (format csv)`,
  );
});

describe('a permitted part of a table', () => {
  const columns = { n: 'hash', filling: 'mask' } satisfies Record<string, ColumnPolicy>;
  const where: Grant['where'] = [{ column: 'n', op: 'in', value: [3, 7] }];
  const permitted = rowCount / 5;
  const parts = grantOf({ columns, where });
  const idsIn = (bytes: Buffer): number[] =>
    bytes
      .toString()
      .trim()
      .split('\n')
      .map((line) => Number(line.split(',')[0]));
  const isPermitted = (id: number): boolean => [3, 7].includes(id % 10);

  /** Returns the ids of the selections, each read by a COPY of its own. */
  async function idsOf(selections: readonly Selection[]): Promise<number[]> {
    const ids: number[] = [];
    for (const selection of selections) {
      const statement = formatOf(requestOf({})).copy(selection);
      ids.push(...idsIn(await copied(statement, selection, 'csv')));
    }
    return ids;
  }

  test('can be locked, and is read by page ranges', async () => {
    await client.query('begin isolation level repeatable read read only');
    const selection = await selectionFor(client, 'own', requestOf({}), parts);
    expect(await hold(client, selection)).toBe(true);
    const ranges = await pageRanges(client, selection, 200);
    expect(ranges.length).toBeGreaterThan(2);
    const ids = await idsOf(ranges.map((pages) => ({ ...selection, pages })));
    await client.query('commit');
    expect(ids).toHaveLength(permitted);
    expect(ids.every(isPermitted)).toBe(true);
    expect(new Set(ids).size).toBe(permitted);
  });

  test.each([
    ['its key', {}, 'id'],
    ['the time, if its key is not shown', { id: 'hash' } as const, 'at'],
  ])('is divided by %s', async (_, more, name) => {
    const grants = grantOf({ where, columns: { ...columns, ...more } });
    await client.query('begin isolation level repeatable read read only');
    const selection = await selectionFor(client, 'own', requestOf({}), grants);
    const key = await splitKey(client, selection);
    expect(key?.column.name).toBe(name);
    if (!key) return;
    const units = await splitRanges(client, selection, key, { units: 4, rows: permitted });
    expect(units).toHaveLength(4);
    const ids = await idsOf(units.map((range) => ({ ...selection, range })));
    await client.query('commit');
    expect(new Set(ids).size).toBe(name === 'id' ? permitted : 1);
    expect(ids).toHaveLength(permitted);
  });

  test('has no key without a permitted one', async () => {
    const grants = grantOf({ columns: { id: 'drop', at: 'mask' } });
    const selection = await selectionFor(client, 'own', requestOf({}), grants);
    expect(await splitKey(client, selection)).toBeNull();
  });
});

describe('every type', () => {
  const names = edgeCases.map((_, n) => nameOf(n));
  const longest = Math.max(...edgeCases.map(({ values }) => values.length));

  beforeAll(async () => {
    await server.query(
      `create table cases (id int, ${edgeCases.map(({ type }, n) => `${nameOf(n)} ${type}`).join(', ')})`,
    );
    for (let row = 0; row <= longest; row++)
      await server.query(
        `insert into cases values (${[
          row,
          // The last row has NULLs.
          ...edgeCases.map(({ values }) =>
            row === longest ? 'null' : pg.escapeLiteral(values[row % values.length] ?? ''),
          ),
        ].join(', ')})`,
      );
  });

  const readAs = async (format: string, policy: ColumnPolicy) => {
    const request = requestOf({ dataset: 'cases', format, columns: names });
    const grants = grantOf({ columns: Object.fromEntries(names.map((name) => [name, policy])) });
    const selection = await selectionFor(client, 'own', request, grants);
    const { columns } = selection;
    const bytes = await copied(formatOf(request).copy(selection), selection, format);
    return { columns, rows: formatOf(request).preview(columns, bytes) };
  };

  test.each(formats)('is masked in %s', async (format) => {
    const { columns, rows } = await readAs(format, 'mask');
    expect(rows).toHaveLength(longest + 1);
    const isNull = (n: number, row: number): boolean =>
      columns[n]?.base !== 'text' || row === longest;
    const seen = rows.map((values, row) =>
      values.flatMap((value, n) =>
        value === (isNull(n, row) ? null : '***') ? [] : [[edgeCases[n]?.type, value]],
      ),
    );
    expect(seen.flat()).toEqual([]);
    expect(columns.filter(({ base }) => base === 'text').length).toBeGreaterThan(3);
  });

  test.each(formats)('is hashed in %s', async (format) => {
    const { rows } = await readAs(format, 'hash');
    const texts = await textsOf(own.url('own'), 'cases', edgeCases);
    const hash = (text: string | null) =>
      text === null ? null : createHmac('sha256', secret).update(text).digest('hex');
    expect(rows).toEqual(texts.map((row) => row.map(hash)));
  });
});
