import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type pg from 'pg';
import copy from 'pg-copy-streams';
import { exportRequestSchema } from '../../lib/contracts/export-request.ts';
import { selectionFor } from '../../lib/exports/planning/selection.ts';
import { formatOf } from '../../lib/formats/index.ts';
import { errorMessage } from '../../lib/runtime/errors.ts';
import { CopyToStream } from '../../lib/sources/copy/copy-stream.ts';
import { listDatasets, namesOfDatasets, readDatasets } from '../../lib/sources/datasets.ts';
import { OwnSources } from '../support/own-source.ts';
import { wholeSources } from '../support/whole-sources.ts';

/** Databases whose text is not UTF-8: one in LATIN1, and one in SQL_ASCII, which stores any bytes as text. */
let own: OwnSources;

beforeAll(async () => {
  own = await OwnSources.create({
    latin: `template template0 encoding 'LATIN1' locale 'C'`,
    ascii: `template template0 encoding 'SQL_ASCII' locale 'C'`,
  });
  const latin = await own.connect('latin');
  await latin.query(
    `create table "é" (id int, "ö" text, list text[], doc jsonb);
     insert into "é" values (1, 'café', '{ü,"ß "}', '{"ä":"å"}'), (2, '=1+1', null, 'null'), (3, null, '{}', null)`,
  );
});
afterAll(() => own.drop());

const requestOf = (source: string, dataset: string, more: object = {}) =>
  exportRequestSchema.parse({ sources: [source], dataset, format: 'csv', ...more });

async function copyRows(client: pg.Client, request: ReturnType<typeof requestOf>): Promise<Buffer> {
  const [source = ''] = request.sources;
  const selection = await selectionFor(client, source, request, wholeSources(source));
  return buffer(client.query(new CopyToStream(formatOf(request).copy(selection))));
}

describe('a database in LATIN1', () => {
  let client: pg.Client;
  let server: pg.Client;
  beforeAll(async () => {
    client = await own.session('latin');
    server = await own.connect('latin');
    await server.query(`set client_encoding = 'UTF8'`);
  });

  test('text of a LATIN1 database is exported in UTF-8 as the server converts it', async () => {
    const wanted = await buffer(
      server.query(copy.to(`copy (select * from "é") to stdout (format csv)`)),
    );
    expect((await copyRows(client, requestOf('latin', 'é'))).toString()).toBe(wanted.toString());
    expect(wanted.toString()).toContain('café');
  });

  test.each([
    { format: 'csv', profile: 'spreadsheet' },
    { format: 'json' },
    { format: 'ndjson' },
    { format: 'xlsx' },
    { format: 'parquet' },
  ])('text of a LATIN1 database is exported in UTF-8 with %j', async (form) => {
    const bytes = await copyRows(client, requestOf('latin', 'é', form));
    for (const text of ['café', 'ü', 'ß ', 'å']) expect(bytes.includes(text)).toBe(true);
  });

  const readRowsEqualTo = (value: string): Promise<Buffer> => {
    const where = [{ column: 'ö', op: 'eq', value }];
    return copyRows(client, requestOf('latin', 'é', { where, columns: ['id'] }));
  };
  const selectRowsEqualTo = (value: string) =>
    server.query<{ id: number }>('select id from "é" where "ö" = $1', [value]);

  test.each(['café', 'ß'])(
    'a condition with %s selects the rows with that value',
    async (value) => {
      const { rows } = await selectRowsEqualTo(value);
      expect((await readRowsEqualTo(value)).toString()).toBe(
        rows.map(({ id }) => `${id}\n`).join(''),
      );
    },
  );

  test('a condition with a character outside LATIN1 is rejected with the error of the server', async () => {
    const serverError = await selectRowsEqualTo('表').then(
      () => '',
      (error: unknown) => errorMessage(error),
    );
    expect(serverError).toContain('has no equivalent in encoding "LATIN1"');
    await expect(readRowsEqualTo('表')).rejects.toThrow(serverError);
  });

  test('a column name outside LATIN1 is rejected as unknown', async () => {
    await expect(
      copyRows(client, requestOf('latin', 'é', { columns: ['表'] })),
    ).rejects.toMatchObject({ code: 'invalid_request', errors: [{ field: 'columns' }] });
  });
});

describe('a database in SQL_ASCII', () => {
  let client: pg.Client;
  let server: pg.Client;
  beforeAll(async () => {
    client = await own.session('ascii');
    server = await own.connect('ascii');
    await server.query(
      `set client_encoding = 'SQL_ASCII'; create schema good; create table good.things as select 'café'::text as word;
       create table "表💥" as select 7 as id;
       create type good.mood as enum ('glad'); create table good.columns as select 1 as id, 'glad'::good.mood as mood`,
    );
    // The driver sends UTF-8, so the server inserts the byte that is not UTF-8.
    const withBadName = (sql: string): string =>
      `do $$ begin execute pg_catalog.replace(${sql}, 'BAD', E'caf\\351'); end $$`;
    for (const statement of [
      'create table "BAD" (id int)',
      'create table good."BAD" (id int)',
      'create schema "BAD"; create table "BAD".things (id int)',
      'create table bad_column (id int, "BAD" int)',
      `create type good."BAD mood" as enum (''glad''); create table bad_type (id int, mood good."BAD mood")`,
      `create type good."BAD base" as enum (''glad''); create domain good.mild as good."BAD base";
       create table bad_domain (id int, mood good.mild)`,
      'create table parent (id int) partition by range (id); create table "BAD part" partition of parent default',
      'create table "BAD parent" (id int) partition by range (id); create table part partition of "BAD parent" default',
    ])
      await server.query(withBadName(`'${statement}'`));
  });

  test('names that are not UTF-8 do not hide the other datasets', async () => {
    const { rows } = await server.query<{ oid: number; name: string }>(
      `select c.oid, case n.nspname when 'public' then '' else n.nspname || '.' end || c.relname as name
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where c.relkind in ('r', 'p') and n.nspname !~ '^pg_|information_schema' order by 1`,
    );
    const isUtf8 = (text: string): boolean => !text.includes('\ufffd');
    const utf8Names = rows.map(({ name }) => name).filter(isUtf8);
    const wanted = utf8Names.filter((name) => !name.startsWith('bad_'));
    expect([rows.length, utf8Names.length, wanted.length]).toEqual([13, 8, 5]);
    const listed = await listDatasets(client);
    expect(listed.map(({ name }) => name).toSorted()).toEqual(utf8Names.toSorted());
    expect((await namesOfDatasets(client, 99)).toSorted()).toEqual(utf8Names.toSorted());
    const oids = rows.map(({ oid }) => oid);
    const read = await readDatasets(client, 'ascii', oids, 'all columns');
    expect(read.map(({ name }) => name).toSorted()).toEqual(wanted.toSorted());
    const partitions = read.filter(({ name }) => name.endsWith('part'));
    expect(partitions.map(({ name, partitionOf }) => [name, partitionOf])).toEqual([
      ['part', undefined],
    ]);
    expect(read.flatMap(({ columns }) => columns.map(({ name }) => name))).toContain('mood');
  });

  test('datasets of a SQL_ASCII database are exported if their names are UTF-8', async () => {
    expect((await copyRows(client, requestOf('ascii', 'good.things'))).toString()).toBe('café\n');
    expect((await copyRows(client, requestOf('ascii', '表💥'))).toString()).toBe('7\n');
  });

  test.each(['caf\ufffd', 'bad_column', 'bad_type', 'bad_domain'])(
    'dataset %s is rejected as unknown if one of its names is not UTF-8',
    async (dataset) => {
      await expect(copyRows(client, requestOf('ascii', dataset))).rejects.toMatchObject({
        code: 'invalid_request',
        errors: [{ field: 'dataset' }],
      });
    },
  );
});
