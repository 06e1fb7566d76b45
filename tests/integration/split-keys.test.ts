import { buffer } from 'node:stream/consumers';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type pg from 'pg';
import copy from 'pg-copy-streams';
import { exportRequestSchema } from '../../lib/contracts/export-request.ts';
import { selectionFor } from '../../lib/exports/planning/selection.ts';
import { formatOf } from '../../lib/formats/index.ts';
import { CopyToStream } from '../../lib/sources/copy/copy-stream.ts';
import { splitKey, splitRanges } from '../../lib/sources/split-key-ranges.ts';
import { OwnSources } from '../support/own-source.ts';
import { sortedLines } from '../support/stack.ts';
import { wholeSources } from '../support/whole-sources.ts';

/**
 * The units of a resumable export, divided by a primary key of any type: together they have each row exactly once. The
 * schema of the extensions is on no search path, as in Supabase.
 */
const rows = 3_000;
const unitCount = 6;

/** A type, and the SQL of its unique value in row `n`. */
const keys: readonly [type: string, value: string][] = [
  // Upper and lower case alternate, so the order of text differs from that of citext.
  [
    'extensions.citext',
    `case when n % 2 = 0 then upper(w.word) else w.word end::extensions.citext`,
  ],
  ['extensions.ltree', `('Top.' || chr(97 + n % 26) || '.' || n)::extensions.ltree`],
  ['int[]', `array[n % 50, n]`],
  ['text', `md5(n::text)`],
  ['text collate "und-x-icu"', `chr(n % 500 + 192) || n`],
  ['varchar(12)', `'v' || n`],
  ['char(12)', `'c' || n`],
  ['name', `('n' || n)::name`],
  ['numeric', `case n when 1 then 'NaN' when 2 then '-Infinity' else n / 7.0 end::numeric`],
  ['real', `case n when 1 then 'NaN' when 2 then 'Infinity' else n / 8.0 - 99 end::real`],
  ['double precision', `case n when 1 then 'NaN' when 2 then '-Infinity' else n * 0.1 end::float8`],
  ['bigint', `9007199254740990 + n`],
  ['money', `(n * 1234.5)::numeric::money`],
  ['bytea', `decode(md5(n::text), 'hex')`],
  ['bit(16)', `n::bit(16)`],
  ['varbit', `n::bit(16)::varbit || '1'`],
  ['interval', `n * interval '1 month 3 days 00:00:01.5'`],
  [
    'date',
    `case n when 1 then 'infinity' when 2 then '0044-03-15 BC' else date '1900-01-01' + n end`,
  ],
  ['timestamp', `timestamp '1900-01-01' + n * interval '1.000001 days'`],
  ['timetz', `('00:00+00'::timetz + n * interval '1.5 s')`],
  ['inet', `'10.0.0.0'::inet + n`],
  [
    'macaddr',
    `('08:00:2b:01:' || lpad(to_hex(n / 256), 2, '0') || ':' || lpad(to_hex(n % 256), 2, '0'))::macaddr`,
  ],
  ['uuid', `md5(n::text)::uuid`],
  ['int4range', `int4range(n, n + 2)`],
  ['int4multirange', `int4multirange(int4range(n, n + 2), int4range(n + 7, n + 9))`],
  ['jsonb', `jsonb_build_object('a', n % 9, 'b', n)`],
  ['tsvector', `to_tsvector('simple', 'word' || n)`],
  ['own.mood', `('m' || n)::own.mood`],
  ['own.positive', `n`],
  ['own.feeling', `('m' || n)::own.mood`],
  ['own.pair', `row(n % 9, 'a "b" ' || n)::own.pair`],
  ['oid', `(n + 4294960000)::oid`],
  ['tid', `('(' || n / 100 || ',' || n % 100 || ')')::tid`],
  ['xid8', `n::text::xid8`],
  ['pg_lsn', `('0/' || to_hex(n + 4096))::pg_lsn`],
];

let own: OwnSources;
let client: pg.Client;
let server: pg.Client;

beforeAll(async () => {
  own = await OwnSources.create({ own: '' });
  server = await own.connect('own');
  await server.query(
    `create schema extensions; create extension citext schema extensions; create extension ltree schema extensions;
     create schema own; create type own.pair as (a int, b text); create domain own.positive as int check (value > 0);
     do $$ begin execute (
       select 'create type own.mood as enum (' || string_agg(quote_literal('m' || n), ',') || ')' from generate_series(1, ${rows}) n);
     end $$;
     create domain own.feeling as own.mood;
     set timezone = 'UTC'`,
  );
  client = await own.session('own');
});
afterAll(() => own.drop());

test.each(keys.map(([type, value], n) => ({ type, value, n })))(
  'a table with a primary key of type $type is divided into units that have each row once',
  async ({ type, value, n: nth }) => {
    const table = `keyed_${nth}`;
    await server.query(
      `create table own.${table} (k ${type} primary key, n int);
       insert into own.${table} select ${value}, n from generate_series(1, ${rows}) n,
         lateral (select chr(97 + n % 26) || substr(md5(n::text), 1, 6) || 'x' as word) w;
       analyze own.${table}`,
    );
    const request = exportRequestSchema.parse({
      sources: ['own'],
      dataset: `own.${table}`,
      format: 'csv',
    });
    await client.query('begin isolation level repeatable read read only');
    const selection = await selectionFor(client, 'own', request, wholeSources('own'));
    const key = await splitKey(client, selection);
    if (!key) throw new Error(`own.${table} has no key that divides it`);
    const ranges = await splitRanges(client, selection, key, { units: unitCount, rows });
    const units: Buffer[] = [];
    for (const range of ranges) {
      const statement = formatOf(request).copy({ ...selection, range });
      units.push(await buffer(client.query(new CopyToStream(statement))));
    }
    await client.query('commit');
    const counts = units.map((unit) => unit.toString().split('\n').length - 1);
    expect(ranges).toHaveLength(unitCount);
    // The units have about as many rows each.
    expect(Math.max(...counts)).toBeLessThan((1.5 * rows) / unitCount);
    const wanted = await buffer(
      server.query(copy.to(`copy (select * from own.${table}) to stdout (format csv)`)),
    );
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(rows);
    expect(sortedLines(Buffer.concat(units))).toBe(sortedLines(wanted));
  },
);
