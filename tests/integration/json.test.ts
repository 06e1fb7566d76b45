import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { createExport, download, ended } from '../support/api.ts';
import { sourceUrl, sql } from '../support/stack.ts';

/** A schema of this file's own, which is dropped with its types and tables. */
const schema = `json_${Date.now()}`;
const source = sourceUrl('sales');
/** The session must be in UTC, because the text of a timestamptz has its time zone. */
const inUtc = `${source}?options=${encodeURIComponent('-c TimeZone=UTC')}`;

beforeAll(async () => {
  await sql(source, `create schema ${schema}`);
});
afterAll(async () => {
  await sql(source, `drop schema ${schema} cascade`);
});

const fill = (statements: string): Promise<object[]> =>
  sql(source, `set search_path = ${schema}; ${statements}`);

/**
 * Returns the JSON that the server itself writes for each row, with the promised form of some columns. Line feeds of
 * JSON text are removed, as in a file.
 */
async function reference(table: string, promised: Record<string, string> = {}): Promise<string[]> {
  const [names] = await sql<{ names: string[] }>(
    source,
    `select array_agg(attname::text order by attnum) as names from pg_attribute
     where attrelid = '${schema}.${table}'::regclass and attnum > 0`,
  );
  const columns = (names?.names ?? []).map((name) => {
    const quoted = `"${name.replaceAll('"', '""')}"`;
    return `${promised[name] ?? quoted} as ${quoted}`;
  });
  const rows = await sql<{ line: string }>(
    inUtc,
    `select row_to_json(t.*)::text as line from (select ${columns.join(', ')} from ${schema}.${table}) t`,
  );
  return rows.map(({ line }) => line.replaceAll(/[\n\r]/g, ' ')).toSorted();
}

type Form = 'ndjson' | 'json';

/** Returns the lines of an export of a table, after comparing its document with its bytes. */
async function linesOf(table: string, format: Form, more: object = {}): Promise<string[]> {
  const request = { sources: ['sales'], dataset: `${schema}.${table}`, format, ...more };
  const { id } = await createExport(request);
  const document = await ended(id);
  expect(document).toMatchObject({ status: 'ready', error: null });
  const { bytes } = await download(id);
  // Each row ends with a line feed, and no row contains one.
  const lines = bytes.toString().split('\n');
  expect(lines.pop()).toBe('');
  if (format === 'json') {
    expect(JSON.parse(bytes.toString())).toHaveLength(document.file?.rows ?? -1);
    expect([lines.shift(), lines.pop()]).toEqual(['[', ']']);
    for (const n of lines.keys()) if (n > 0) lines[n] = (lines[n] ?? '').replace(/^,/, '');
  }
  expect(document.file).toMatchObject({
    rows: lines.length,
    bytes: bytes.length,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  });
  return lines.toSorted();
}

/** Asserts that the file has the same lines as the server, and that each line is JSON. */
async function expectAsServer(
  table: string,
  format: Form,
  promised: Record<string, string> = {},
): Promise<string[]> {
  const lines = await linesOf(table, format);
  expect(lines).toEqual(await reference(table, promised));
  for (const line of lines) expect(typeof JSON.parse(line)).toBe('object');
  return lines;
}

/** Each character alone and between two others. */
const everyCharacter = `select n, chr(n) as alone, 'a' || chr(n) || 'b' || chr(n) as within
  from generate_series(1, 1023) n`;

/** The created tables. Each is created once and exported in both formats. */
const created = new Set<string>();
async function fillOnce(name: string, statements: string): Promise<void> {
  if (!created.has(name)) await fill(statements);
  created.add(name);
}

describe.each(['ndjson', 'json'] as const)('rows as %s', (format) => {
  test('json values equal row_to_json, whatever their white space and place', async () => {
    await fillOnce(
      'documents',
      `
      create type point3 as (x int, "the note" json, more text[]);
      create domain wrapped as json;
      create table documents (id int, plain json, tidy jsonb, many json[], tidies jsonb[], inner_row point3,
        rows point3[], own wrapped, markup xml);
      insert into documents values
        (1, E'{\\n  "a" : 1e400,\\r\\n\\t"a" : [ ]\\n}', E'{"b":\\n"line\\\\nfeed"}', array[E'[\\n1,\\n2]', '"\\u2028"']::json[],
          array['1', 'null']::jsonb[], row(7, E'{\\n"deep":\\n[\\n]}', '{a,"b\\nc",NULL}'),
          array[row(1, E'\\n{}\\n', null)::point3], E'\\r[\\r]\\r', E'<a>\\n</a>'),
        (2, '"\\u0001\\u001f"', '"\\u0001"', '{}', null, row(null, null, null), '{}', 'null', null),
        (3, null, null, null, null, null, null, null, null),
        (4, 'null', 'null', array[null]::json[], array[null]::jsonb[], null, array[null]::point3[], null, null)`,
    );
    const lines = await expectAsServer('documents', format);
    expect(lines).toHaveLength(4);
    expect(lines[0]).toContain('1e400');
  });

  test('text of every character up to U+03FF equals row_to_json, with escapes of COPY and JSON', async () => {
    await fillOnce(
      'characters',
      `
      create table characters as ${everyCharacter};
      insert into characters (n, alone, within) values
        (2000, '\\.', E'\\n\\\\.\\n'), (2001, '', ' '), (2002, '\\N', 'NULL'), (2003, '"', '""'),
        (2004, E'\\x01', E'\\x02\\x01\\x02'), (2005, '\\', '\\\\'), (2006, '😀', '👩‍👩‍👧 e\u0301 \uffff'),
        (2007, U&'\\2028\\2029\\FEFF', E'\\r\\n'), (2008, repeat('\\"', 100000), repeat(E'\\x01', 100000))`,
    );
    const lines = await expectAsServer('characters', format);
    expect(lines).toHaveLength(1023 + 9);
    // Parsing the JSON returns the text of the row, bit for bit.
    const texts = await sql<{ n: number; alone: string; within: string }>(
      source,
      `select n, alone, within from ${schema}.characters`,
    );
    const expectedTexts = new Set(texts.map((row) => JSON.stringify(row)));
    for (const line of lines) expect(expectedTexts).toContain(JSON.stringify(JSON.parse(line)));
  });

  test('bytea equals row_to_json, next to columns with awkward names', async () => {
    await fillOnce(
      'others',
      `
      create table others (id int, bytes bytea, yes boolean, "a ""quoted"", name" text, "Ünï" text, "line
feed" text);
      insert into others values (1, '\\x00ff0a0d0122', true, 'x', 'y', 'z'), (2, '', false, '', null, null)`,
    );
    await expectAsServer('others', format, {
      bytes: `translate(encode(bytes, 'base64'), E'\\n', '')`,
    });
  });

  test('types whose text is valid JSON equal row_to_json', async () => {
    await fillOnce(
      'plain',
      `
      create domain price as numeric(12, 3);
      create domain moment as timestamptz;
      create table plain (id int, small smallint, big bigint, exact numeric(38, 18), loose numeric, own price, single real,
        ratio double precision, yes boolean, words text, short varchar(5), padded char(5), uid uuid, money money, host inet,
        net cidr, mac macaddr, mac8 macaddr8, day date, clock time, clock3 time(3) with time zone, span interval,
        at timestamptz, at3 timestamptz(3), local timestamp, own_at moment, bits bit varying, one "char", named name, number oid);
      insert into plain
        select n, 32767, 9223372036854775807, 1e-18, 'NaN', 12.5, '-Infinity', '-0', true, 'x', 'é', 'ab', lpad('', 32, 'f')::uuid,
          -1234.5, '10.0.0.1/8', '10.0.0.0/8', '08:00:2b:01:02:03', '08:00:2b:01:02:03:04:05', '2024-02-29', '23:59:59.999999',
          '24:00:00+05:30', '-1 year 2 mons -3 days 04:05:06.7', at, at, at at time zone 'UTC', at, '101', 'c', 'n', 4294967295
        from unnest('{2024-02-29 12:00:00+00,0001-01-01 00:00:00.000001+00,9999-12-31 23:59:59.9995+00,12345-06-07 08:09:10+00,
          4714-11-24 00:00:00+00 BC,0044-03-15 12:30:00.5+00 BC,infinity,-infinity}'::timestamptz[]) with ordinality rows(at, n);
      insert into plain (id, single, ratio, day, yes, big, loose) values (101, 'NaN', 'Infinity', 'infinity', false, -1, '-Infinity'),
        (102, 'Infinity', '-Infinity', '-infinity', null, 0, 'Infinity'), (103, 1e-30, 1e300, '0044-03-15 BC', null, null, 1e100),
        (104, -1.5, -2.5, null, null, null, -1e-100)`,
    );
    const asText = {
      big: 'big::text',
      exact: 'exact::text',
      loose: 'loose::text',
      own: 'own::text',
    };
    expect(await expectAsServer('plain', format, asText)).toHaveLength(12);
  });

  test('the requested columns keep their order', async () => {
    const lines = await linesOf('others', format, { columns: ['yes', 'id', 'bytes'] });
    expect(lines).toEqual([
      '{"yes":false,"id":2,"bytes":""}',
      '{"yes":true,"id":1,"bytes":"AP8KDQEi"}',
    ]);
  });
});

describe.each(['ndjson', 'json'] as const)('tables as %s', (format) => {
  test('a table with one column of NULLs has an object for each row', async () => {
    await fillOnce(
      'nothing',
      'create table nothing (nought text); insert into nothing values (null), (null)',
    );
    expect(await linesOf('nothing', format)).toEqual(['{"nought":null}', '{"nought":null}']);
  });

  test.each([
    ['int', 'int'],
    ['rows', 'point3'],
  ])('a table can have a column with the alias of our query, of type %s', async (name, type) => {
    await fillOnce(
      `awkward_${name}`,
      `create table awkward_${name} (r ${type}, t text, u int); insert into awkward_${name} values (null, 'x', 1)`,
    );
    const lines = await expectAsServer(`awkward_${name}`, format);
    expect(lines).toEqual(['{"r":null,"t":"x","u":1}']);
  });
});
