import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ExportRequest } from '../../contracts/export-request.ts';
import { array, cutAt, int32, int64, numeric, toCopyBinary } from '../testing/copy-binary.ts';
import { ParquetEncoder } from './encoder.ts';
import { parquet as formatOf } from './index.ts';
import { columnsOf as fileColumnsOf } from './schema.ts';

const parquet = formatOf('native');

type Compression = ExportRequest['compression'];
interface Options {
  compression?: Compression;
  rowGroupBytes?: number;
}

const columnsOf = (types: Record<string, string>) =>
  Object.entries(types).map(([name, type]) => ({ name, type, base: type, nullable: true }));

async function encoded(
  types: Record<string, string>,
  chunks: readonly Buffer[],
  { compression = 'zstd', rowGroupBytes }: Options = {},
): Promise<{ file: Buffer; rows: number; nulled: number[] }> {
  const columns = columnsOf(types);
  const sizes = rowGroupBytes === undefined ? {} : { rowGroupBytes };
  const encoder = new ParquetEncoder(fileColumnsOf(columns, 'native'), compression, sizes);
  const out: Buffer[] = [];
  for await (const chunk of encoder.encode(Readable.from(chunks))) out.push(chunk);
  const segment = Buffer.concat(out);
  const segments = [{ bytes: segment.length, fragment: encoder.metadata() }];
  const file = [
    parquet.header(columns),
    segment,
    parquet.footer({ columns, compression, segments }),
  ];
  return { file: Buffer.concat(file), rows: encoder.rows, nulled: encoder.nulled() };
}

const duck = await (await DuckDBInstance.create(':memory:', { threads: '1' })).connect();
let directory = '';
let files = 0;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'parquet-'));
});
afterAll(async () => {
  duck.closeSync();
  await rm(directory, { recursive: true });
});

/** Returns the rows of a query that DuckDB, an independent reader, runs on a file. */
async function read(file: Buffer, query: (source: string) => string): Promise<object[]> {
  // A new name each time, because DuckDB may cache a file by its name.
  const path = join(directory, `${++files}.parquet`);
  await writeFile(path, file);
  const source = `'${path.replaceAll("'", "''")}'`;
  return (await duck.runAndReadAll(query(source))).getRowObjectsJson();
}

const text = (source: string): string => `select columns(*)::varchar from ${source}`;

const sample = {
  id: 'bigint',
  name: 'text',
  price: 'numeric(25,3)',
  tags: 'text[]',
  on: 'boolean',
};
const sampleRow = (n: number) => [
  int64(BigInt(n)),
  n % 3 === 0 ? null : Buffer.from('x'.repeat(n % 50)),
  numeric(`${n}.125`),
  n % 5 === 0 ? null : array([Buffer.from(`tag ${n}`), null, Buffer.alloc(0)].slice(0, n % 4)),
  Buffer.from([n % 2]),
];
const sampleRows = Array.from({ length: 1_000 }, (_, n) => sampleRow(n));
const bytes = toCopyBinary(sampleRows);
const expected = sampleRows.map((_, n) => ({
  id: `${n}`,
  name: n % 3 === 0 ? null : 'x'.repeat(n % 50),
  price: `${n}.125`,
  tags: n % 5 === 0 ? null : `[${[`tag ${n}`, 'NULL', "''"].slice(0, n % 4).join(', ')}]`,
  on: String(n % 2 === 1),
}));

describe('a Parquet file', () => {
  test.each(['none', 'snappy', 'gzip', 'zstd'] as const)(
    'contains the rows with the compression %s, in one row group or in many',
    async (compression) => {
      for (const rowGroupBytes of [undefined, 10_000, 1]) {
        const options = rowGroupBytes === undefined ? {} : { rowGroupBytes };
        const { file, rows } = await encoded(sample, [bytes], { compression, ...options });
        expect(rows).toBe(1_000);
        expect(await read(file, text)).toEqual(expected);
      }
    },
  );

  test('is the same wherever the input is cut', async () => {
    const { file } = await encoded(sample, [bytes], { rowGroupBytes: 10_000 });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(), { maxLength: 20 }), async (offsets) => {
        const other = await encoded(sample, cutAt(bytes, offsets), { rowGroupBytes: 10_000 });
        expect(other.file.equals(file)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  test('has row groups of the requested size, with minimum and maximum of each', async () => {
    const { file } = await encoded(sample, [bytes], { rowGroupBytes: 10_000 });
    const groups = await read(
      file,
      (source) =>
        `select row_group_num_rows as rows, stats_min_value as min, stats_max_value as max, stats_null_count as nulls
         from parquet_metadata(${source}) where path_in_schema = 'id' order by row_group_id`,
    );
    expect(groups.length).toBeGreaterThan(5);
    let next = 0;
    for (const group of groups) {
      const { rows } = Object.fromEntries(Object.entries(group));
      expect(group).toEqual({
        rows,
        min: `${next}`,
        max: `${next + Number(rows) - 1}`,
        nulls: '0',
      });
      next += Number(rows);
    }
    expect(next).toBe(1_000);
  });

  test('has bounds that enclose every value', async () => {
    const types = { i: 'integer', d: 'double precision', t: 'text', p: 'numeric(30,1)', u: 'uuid' };
    const doubles = [
      'bff4000000000000',
      '8000000000000000',
      '0000000000000000',
      'bff8000000000000',
    ];
    const rows = [-2_147_483_648, 5, 2_147_483_647, 0].map((value, n) => [
      int32(value),
      Buffer.from(doubles[n] ?? '', 'hex'),
      Buffer.from(['b', 'é', '', 'ba'][n] ?? ''),
      numeric(
        ['-5.5', '12345678901234567890123456789.1', '0.0', '-99999999999999999999.1'][n] ?? '',
      ),
      Buffer.from(['00', 'ff', '80', '7f'][n]?.repeat(16) ?? '', 'hex'),
    ]);
    const { file } = await encoded(types, [toCopyBinary(rows)]);
    const bounds = await read(
      file,
      (source) =>
        `select stats_min_value as min, stats_max_value as max from parquet_metadata(${source})`,
    );
    expect(bounds).toEqual([
      { min: '-2147483648', max: '2147483647' },
      { min: '-1.5', max: '0.0' },
      { min: '', max: 'é' },
      { min: '-99999999999999999999.1', max: '12345678901234567890123456789.1' },
      { min: '00000000-0000-0000-0000-000000000000', max: 'ffffffff-ffff-ffff-ffff-ffffffffffff' },
    ]);
  });

  test('has no bounds for a column with a NaN, which readers order differently', async () => {
    const doubles = ['3ff0000000000000', '7ff8000000000000', '4008000000000000'];
    const rows = doubles.map((value) => [Buffer.from(value, 'hex')]);
    const { file } = await encoded({ d: 'double precision' }, [toCopyBinary(rows)]);
    const bounds = await read(
      file,
      (source) =>
        `select stats_min_value as min, stats_max_value as max from parquet_metadata(${source})`,
    );
    expect(bounds).toEqual([{ min: null, max: null }]);
    for (const where of [`d > 5`, `d = 'NaN'::double`])
      expect(
        await read(file, (source) => `select count(*) as n from ${source} where ${where}`),
      ).toEqual([{ n: '1' }]);
  });

  /** Returns the bounds of each column. DuckDB escapes bytes that are not text. */
  const boundsIn = (file: Buffer): Promise<object[]> =>
    read(
      file,
      (source) =>
        `select stats_min_value as min, stats_max_value as max, min_is_exact as "minExact", max_is_exact as "maxExact"
         from parquet_metadata(${source})`,
    );

  test('has no bounds of a column if any row group with values has none', async () => {
    const [one, nan] = ['3ff0000000000000', '7ff8000000000000'].map((it) => Buffer.from(it, 'hex'));
    const rows = [
      [one, one, one],
      [one, nan, null],
    ].map((row) => row.map((it) => it ?? null));
    const type = 'double precision';
    const { file } = await encoded({ always: type, once: type, null: type }, [toCopyBinary(rows)], {
      rowGroupBytes: 1,
    });
    const [known, none] = [{ min: '1.0' }, { min: null }];
    expect(await boundsIn(file)).toMatchObject([known, none, known, known, none, none]);
  });

  test('has bounds of booleans, from the values that occur', async () => {
    const types = { no: 'boolean', yes: 'boolean', both: 'boolean', none: 'boolean' };
    const bit = (on: number): Buffer => Buffer.of(on);
    const rows = Array.from({ length: 20 }, (_, n) => [bit(0), bit(1), bit(n === 9 ? 1 : 0), null]);
    const { file } = await encoded(types, [toCopyBinary(rows)]);
    expect(await boundsIn(file)).toMatchObject([
      { min: 'false', max: 'false' },
      { min: 'true', max: 'true' },
      { min: 'false', max: 'true' },
      { min: null, max: null },
    ]);
  });

  test.each([
    ['short', ['b', 'a'], { min: 'a', minExact: true, max: 'b', maxExact: true }],
    [
      'as long as the longest bound',
      ['x'.repeat(64), 'y'],
      { min: 'x'.repeat(64), minExact: true, max: 'y', maxExact: true },
    ],
    [
      'longer than a bound',
      ['x'.repeat(65), 'x'.repeat(64), 'x'.repeat(70)],
      { min: 'x'.repeat(64), minExact: true, max: `${'x'.repeat(63)}y`, maxExact: false },
    ],
    [
      'longer than a bound, for the minimum only',
      ['x'.repeat(65), 'z'],
      { min: 'x'.repeat(64), minExact: false, max: 'z', maxExact: true },
    ],
    [
      'cut within a character',
      ['é'.repeat(100), `${'a'.repeat(63)}é`],
      {
        min: 'a'.repeat(63),
        minExact: false,
        max: `${'é'.repeat(31)}ê`,
        maxExact: false,
      },
    ],
    [
      'followed by the surrogates',
      ['\ud7ff'.repeat(30)],
      { min: '\ud7ff'.repeat(21), max: `${'\ud7ff'.repeat(20)}\ue000` },
    ],
    [
      'full of the last code point after another character',
      [`a${'\u{10ffff}'.repeat(30)}`],
      { min: `a${'\u{10ffff}'.repeat(15)}`, max: 'b' },
    ],
    [
      'full of the last code point, so that no value is greater',
      ['\u{10ffff}'.repeat(30), 'a'],
      { min: null, max: null },
    ],
  ])('has bounds of text that is %s', async (_, texts, bounds) => {
    const { file } = await encoded({ t: 'text' }, [
      toCopyBinary(texts.map((it) => [Buffer.from(it)])),
    ]);
    expect(await boundsIn(file)).toMatchObject([bounds]);
  });

  test('has shortened bounds of bytes that are longer than a bound', async () => {
    const rows = [Buffer.alloc(100, 0xff), Buffer.alloc(100, 0x80)];
    const types = { b: 'bytea' };
    expect(
      await boundsIn((await encoded(types, [toCopyBinary([[rows[0] ?? null]])])).file),
    ).toEqual([expect.objectContaining({ min: null, max: null })]);
    const { file } = await encoded(types, [toCopyBinary([[rows[1] ?? null], [Buffer.of(1)]])]);
    const [max] = await read(
      file,
      (source) => `select stats_max_value as max from parquet_metadata(${source})`,
    );
    expect(max).toEqual({ max: `${'\\x80'.repeat(63)}\\x81` });
  });

  test('has bounds that enclose every text, and are exact exactly if they are marked so', async () => {
    const alphabet = fc.constantFrom('a', 'é', '\ud7ff', '\u{10ffff}', '\u0001');
    const word = fc.array(alphabet, { maxLength: 40 }).map((it) => it.join(''));
    const texts = fc.array(
      fc.tuple(fc.constantFrom('', 'x'.repeat(63), 'é'.repeat(32)), word).map((it) => it.join('')),
      { minLength: 1, maxLength: 8 },
    );
    await fc.assert(
      fc.asyncProperty(texts, async (values) => {
        const { file } = await encoded({ t: 'text' }, [
          toCopyBinary(values.map((it) => [Buffer.from(it)])),
        ]);
        const [checks] = await read(
          file,
          (source) =>
            `with bounds as (select stats_min_value as minimum, stats_max_value as maximum,
               min_is_exact as min_exact, max_is_exact as max_exact from parquet_metadata(${source}))
             select min(t) >= any_value(minimum) and max(t) <= any_value(maximum) as within,
               (min(t) = any_value(minimum)) = any_value(min_exact) as minimum,
               (max(t) = any_value(maximum)) = any_value(max_exact) as maximum
             from ${source}, bounds`,
        );
        const hasNone = values.some((it) => it.startsWith('\u{10ffff}'.repeat(16)));
        expect(checks).toEqual(
          hasNone && Object.values(checks ?? {}).includes(null)
            ? expect.anything()
            : { within: true, minimum: true, maximum: true },
        );
      }),
      { numRuns: 100 },
    );
  });

  test('contains every boolean, alone and in arrays, if a page has to grow', async () => {
    for (const count of [2_048, 2_049, 5_000]) {
      const rows = Array.from({ length: count }, (_, n) => [
        Buffer.from([n % 3 === 0 ? 1 : 0]),
        array([Buffer.from([n % 2]), null, Buffer.from([1])]),
      ]);
      const { file } = await encoded({ b: 'boolean', a: 'boolean[]' }, [toCopyBinary(rows)]);
      const sums = await read(
        file,
        (source) =>
          `select count(*) as n, count(*) filter (b) as b, sum(len(list_filter(a, lambda x: x))) as a from ${source}`,
      );
      expect(sums).toEqual([
        { n: `${count}`, b: `${Math.ceil(count / 3)}`, a: `${count + Math.floor(count / 2)}` },
      ]);
    }
  });

  test('without rows has its columns', async () => {
    const { file, rows } = await encoded(sample, [toCopyBinary([])]);
    expect(rows).toBe(0);
    expect(await read(file, (source) => `select count(*) as n from ${source}`)).toEqual([
      { n: '0' },
    ]);
    const described = await read(
      file,
      (source) => `select column_type from (describe from ${source})`,
    );
    expect(described).toEqual(
      ['BIGINT', 'VARCHAR', 'DECIMAL(25,3)', 'VARCHAR[]', 'BOOLEAN'].map((column_type) => ({
        column_type,
      })),
    );
  });

  test('continues in another page when a page is full', async () => {
    const rows = Array.from({ length: 40 }, (_, n) => [Buffer.alloc(100_000, 97 + (n % 26)), null]);
    const { file } = await encoded({ t: 'text', none: 'text' }, [toCopyBinary(rows)]);
    const sums = await read(
      file,
      (source) =>
        `select count(t) as n, sum(length(t)) as length, count(none) as none from ${source}`,
    );
    expect(sums).toEqual([{ n: '40', length: '4000000', none: '0' }]);
  });
});

describe('a value that a Parquet column cannot hold', () => {
  const infinities = [2n ** 63n - 1n, -(2n ** 63n), 0n].map((value) => [
    int64(value),
    numeric('NaN'),
  ]);

  test('becomes NULL and is counted if the type has a nullPolicy', async () => {
    const types = { at: 'timestamp with time zone', price: 'numeric(5,2)' };
    const { file, nulled } = await encoded(types, [toCopyBinary(infinities)]);
    expect(nulled).toEqual([2, 3]);
    const rows = await read(file, (source) => `select epoch_us("at") as at, price from ${source}`);
    expect(rows).toEqual([null, null, '946684800000000'].map((at) => ({ at, price: null })));
  });

  test.each([
    ['timestamp without time zone', int64(2n ** 63n - 2n), /row 2, column x.*294247/],
    ['integer[]', Buffer.concat([int32(2), Buffer.alloc(36)]), /row 2, column x.*2 dimensions/],
    ['numeric(5,2)', numeric('1000'), /row 2, column x.*5 digits/],
  ])('of type %s fails the export with its row and column', async (type, value, message) => {
    await expect(encoded({ x: type }, [toCopyBinary([[null], [value]])])).rejects.toThrow(message);
  });
});

test('ParquetEncoder fails on a value whose length differs from that of its type', async () => {
  const wrong = encoded({ x: 'integer' }, [toCopyBinary([[int64(7n)]])]);
  await expect(wrong).rejects.toThrow('column x sent a value of 8 bytes');
});

test('ParquetEncoder writes the same file wherever the input is cut, and fails if it ends early', async () => {
  const few = toCopyBinary(sampleRows.slice(0, 5));
  const { file } = await encoded(sample, [few], { rowGroupBytes: 100 });
  for (let at = 0; at < few.length; at++) {
    const [head, rest] = [few.subarray(0, at), few.subarray(at)];
    const other = await encoded(sample, [head, rest], { rowGroupBytes: 100 });
    expect(other.file.equals(file)).toBe(true);
    await expect(encoded(sample, [head])).rejects.toThrow('inside a row');
  }
});

test('the footer of Parquet names the version of package.json, by which readers detect defects of a writer', async () => {
  const about: unknown = JSON.parse(await readFile('package.json', 'utf8'));
  const { file } = await encoded(sample, [bytes]);
  const [metadata] = await read(
    file,
    (source) => `select created_by from parquet_file_metadata(${source})`,
  );
  expect(metadata).toEqual({
    created_by: `streamsync version ${String(Reflect.get(Object(about), 'version'))}`,
  });
});

test.each(['constructor', '__proto__', 'toString', 'uuid_'])(
  'a column of a type named %s is stored as text in Parquet',
  (base) => {
    const column = { name: 'x', type: base, base, nullable: true };
    expect([parquet, formatOf('portable')].map((it) => it.fileType(column))).toEqual([
      'STRING',
      'STRING',
    ]);
  },
);

test('the footer of Parquet rejects metadata that is not of a Parquet segment', () => {
  const columns = columnsOf(sample);
  const footerOf = (fragment: unknown) =>
    parquet.footer({ columns, compression: 'none', segments: [{ bytes: 1, fragment }] });
  const place = { values: 1, nulls: 0, bounds: null, offset: 0, bytes: 1, plainBytes: 1 };
  const group = { rows: 1, chunks: columns.map(() => place) };
  expect(footerOf([group]).subarray(-4).toString()).toBe('PAR1');
  for (const wrong of [
    undefined,
    [{ ...group, rows: '1' }],
    [{ ...group, chunks: undefined }],
    [{ ...group, chunks: [{ ...place, offset: null }] }],
    [{ ...group, chunks: [{ ...place, bounds: { min: 'AA==' } }] }],
    [{ ...group, chunks: [{ ...place, bounds: { min: 'AA==', max: 'AA==', minExact: 1 } }] }],
  ])
    expect(() => footerOf(wrong)).toThrow('does not list its row groups');
});
