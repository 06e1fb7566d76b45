import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, describe, expect, test } from '@jest/globals';
import { parquetMetadata, readColumnIndex, readOffsetIndex } from 'hyparquet';
import type { ExportRequest } from '../../contracts/export-request.ts';
import { array, int32, int64, toCopyBinary } from '../testing/copy-binary.ts';
import type { ParquetSizes } from './data-page.ts';
import { ParquetEncoder } from './encoder.ts';
import { parquet } from './index.ts';
import { columnsOf } from './schema.ts';

/** How values are encoded, and where pages are. DuckDB and hyparquet, which share no code with the encoder, read it. */
const directory = await mkdtemp(join(tmpdir(), 'encodings-'));
const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
const duck = await instance.connect();
let files = 0;
afterAll(async () => {
  duck.closeSync();
  instance.closeSync();
  await rm(directory, { recursive: true });
});

type Value = string | null | Value[];

interface Column {
  base: string;
  wire: (n: number) => Buffer | null;
  /** Value `n` as the result of `query`, which is a cast to text if absent. */
  value?: (n: number) => Value;
  query?: string;
}

type Options = Partial<ParquetSizes> & { compression?: ExportRequest['compression'] };

const format = parquet('native');

async function fileOf(
  columns: Readonly<Record<string, Column>>,
  rows: number,
  { compression = 'zstd', ...sizes }: Options = {},
): Promise<{ path: string; file: Buffer }> {
  const described = Object.entries(columns).map(([name, { base }]) => ({
    name,
    type: base,
    base,
    nullable: true,
  }));
  const encoder = new ParquetEncoder(columnsOf(described, 'native'), compression, sizes);
  const wires = Object.values(columns).map(({ wire }) => wire);
  const table = Array.from({ length: rows }, (_, n) => wires.map((wire) => wire(n)));
  const out: Buffer[] = [];
  for await (const chunk of encoder.encode(Readable.from([toCopyBinary(table)])))
    out.push(Buffer.from(chunk));
  const bytes = out.reduce((sum, { length }) => sum + length, 0);
  const segments = [{ bytes, fragment: JSON.parse(JSON.stringify(encoder.metadata())) as unknown }];
  const footer = format.footer({ columns: described, compression, segments });
  const file = Buffer.concat([format.header(described), ...out, footer]);
  const path = join(directory, `${++files}.parquet`);
  await writeFile(path, file);
  return { path, file };
}

const query = async (sql: string): Promise<unknown[][]> =>
  (await duck.runAndReadAll(sql)).getRowsJson();

/** Returns the encodings of each column chunk, without those of its levels. */
async function encodingsOf(path: string): Promise<Record<string, string[]>> {
  const found: Record<string, string[]> = {};
  const rows = await query(
    `select path_in_schema, encodings from parquet_metadata('${path}') order by row_group_id, column_id`,
  );
  for (const [name, encodings] of rows) (found[String(name)] ??= []).push(String(encodings));
  return found;
}

/** Pseudo-random numbers from 0 to 1, the same in each run. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

const random = randomNumbers(1);
const noise = Array.from({ length: 20_000 }, () => Math.floor(random() * 2 ** 32) | 0);
const at = (n: number): number => noise[n % noise.length] ?? 0;
const few = (n: number): number => Math.abs(at(n)) % 7;
const word = (n: number): Buffer => Buffer.from(`a word of some length ${few(n)}`);
const uuid = (n: number): Buffer => Buffer.concat([int32(n), int32(at(n)), int64(BigInt(n) * 7n)]);
const double = (n: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(n);
  return bytes;
};

describe('the values of a Parquet column', () => {
  const plain: Record<string, Column> = {
    noise: { base: 'integer', wire: (n) => int32(at(n)), value: (n) => String(at(n)) },
    doubles: { base: 'double precision', wire: (n) => double(at(n) / 7) },
    texts: { base: 'text', wire: (n) => Buffer.from(`${at(n)}`), value: (n) => String(at(n)) },
    uuids: { base: 'uuid', wire: uuid },
    flags: {
      base: 'boolean',
      wire: (n) => Buffer.of(few(n) & 1),
      value: (n) => String(few(n) % 2 === 1),
    },
    none: { base: 'integer', wire: () => null, value: () => null },
  };
  const delta: Record<string, Column> = {
    ids: {
      base: 'bigint',
      wire: (n) => int64(BigInt(n) + 2n ** 60n),
      value: (n) => String(BigInt(n) + 2n ** 60n),
    },
    times: {
      base: 'timestamp with time zone',
      wire: (n) => int64(BigInt(n) * 1_000_001n),
      value: (n) => String(946_684_800_000_000 + n * 1_000_001),
      query: 'epoch_us(times)::varchar',
    },
    days: { base: 'date', wire: (n) => int32(n >> 2) },
    gaps: {
      base: 'integer',
      wire: (n) => (n % 3 === 1 ? null : int32(n * 3 + few(n))),
      value: (n) => (n % 3 === 1 ? null : String(n * 3 + few(n))),
    },
    lists: {
      base: 'integer[]',
      wire: (n) => array([int32(n), null, int32(n + 1)]),
      value: (n) => `[${n}, NULL, ${n + 1}]`,
    },
  };
  const dictionary: Record<string, Column> = {
    words: { base: 'text', wire: word, value: (n) => word(n).toString() },
    documents: { base: 'jsonb', wire: (n) => Buffer.from(`\u0001{"a":"some text","n":${few(n)}}`) },
    codes: {
      base: 'uuid',
      wire: (n) => uuid(few(n)),
      value: (n) => uuid(few(n)).toString('hex'),
      query: `replace(codes::varchar, '-', '')`,
    },
    prices: {
      base: 'double precision',
      wire: (n) => double(few(n) * 0.5),
      value: (n) => (few(n) * 0.5).toFixed(1),
    },
    instants: {
      base: 'timestamp without time zone',
      wire: (n) => int64(BigInt(at(few(n))) << 20n),
    },
    sometimes: {
      base: 'text',
      wire: (n) => (n % 2 ? null : word(n)),
      value: (n) => (n % 2 ? null : word(n).toString()),
    },
    tags: {
      base: 'text[]',
      wire: (n) => array([word(n), null, word(n + 1)]),
      value: (n) => `[${word(n).toString()}, NULL, ${word(n + 1).toString()}]`,
    },
    one: { base: 'text', wire: () => Buffer.from('the same text'), value: () => 'the same text' },
  };
  const all = { ...plain, ...delta, ...dictionary };

  test.each(['none', 'snappy', 'gzip', 'zstd'] as const)(
    'are encoded as is smallest, with the compression %s, and read as they were',
    async (compression) => {
      const { path } = await fileOf(all, 20_000, { compression });
      const encodings = await encodingsOf(path);
      for (const [name, { base }] of Object.entries(all)) {
        const found = encodings[base.endsWith('[]') ? `${name}, list, element` : name];
        const isPlain = name in plain;
        const wanted = isPlain ? 'PLAIN' : name in delta ? 'DELTA_BINARY' : 'RLE_DICTIONARY';
        expect({ name, found }).toEqual({ name, found: [expect.stringContaining(wanted)] });
        if (isPlain) expect(found).toEqual([expect.not.stringMatching(/DELTA|DICTIONARY/)]);
      }
      await expectValues(path, all, 20_000);
    },
  );

  test('have no dictionary any more once it would be too large, and one again later', async () => {
    const rows = 200_000;
    // Few words, then only different ones, then few again.
    const isFew = (n: number): boolean => n < 30_000 || n > 120_000;
    const text = (n: number): string =>
      isFew(n) ? word(n).toString() : `${n}: ${at(n)}, ${n * 7}`;
    const changing: Record<string, Column> = {
      text: { base: 'text', wire: (n) => Buffer.from(text(n)), value: text },
    };
    const { path } = await fileOf(changing, rows, {
      rowGroupBytes: 100_000,
      pageBytes: 20_000,
    });
    const { text: encodings = [] } = await encodingsOf(path);
    const uses = encodings.map((it) => it.includes('DICTIONARY'));
    expect([uses[0], uses.includes(false), uses.slice(-10).includes(true)]).toEqual([
      true,
      true,
      true,
    ]);
    await expectValues(path, changing, rows);
  });

  test('of one column chunk are in pages of several encodings', async () => {
    const value = (n: number): number => (n < 3_000 ? n : n < 6_000 ? at(n) : n);
    const mixed: Record<string, Column> = {
      number: {
        base: 'integer',
        wire: (n) => (n < 300 ? null : int32(value(n))),
        value: (n) => (n < 300 ? null : String(value(n))),
      },
      text: {
        base: 'text',
        wire: (n) => (n < 6_000 ? word(n) : Buffer.alloc(400, `${n} `)),
        value: (n) => (n < 6_000 ? word(n) : Buffer.alloc(400, `${n} `)).toString(),
      },
    };
    const { path } = await fileOf(mixed, 9_000, { pageBytes: 4_000, pageLevels: 200 });
    expect(await encodingsOf(path)).toEqual({
      number: [expect.stringMatching(/PLAIN.*DELTA_BINARY_PACKED/)],
      text: [expect.stringMatching(/PLAIN.*RLE_DICTIONARY/)],
    });
    await expectValues(path, mixed, 9_000);
  });
});

/** Compares each value that a column names. */
async function expectValues(
  path: string,
  columns: Readonly<Record<string, Column>>,
  rows: number,
): Promise<void> {
  const compared = Object.entries(columns).filter(([, { value }]) => value);
  const selected = compared.map(([name, it]) => it.query ?? `"${name}"::varchar`);
  const found = await query(`select ${selected.join(', ')} from '${path}'`);
  expect(found.length).toBe(rows);
  const differs = found.findIndex((row, n) =>
    compared.some(([, { value }], column) => row[column] !== value?.(n)),
  );
  const expected = compared.map(([, { value }]) => value?.(differs));
  expect(differs < 0 ? [] : found[differs]).toEqual(differs < 0 ? [] : expected);
}

describe('the page index', () => {
  const columns: Record<string, Column> = {
    id: { base: 'bigint', wire: (n) => int64(BigInt(n)) },
    name: { base: 'text', wire: (n) => (n % 1_000 < 300 ? null : word(n)) },
    late: { base: 'double precision', wire: (n) => double(n > 4_000 ? Number.NaN : n) },
    list: { base: 'integer[]', wire: (n) => array([int32(n), int32(-n)]) },
    doc: { base: 'jsonb', wire: (n) => Buffer.from(`\u0001${n}`) },
  };
  const sizes = { rowGroupBytes: 100_000, pageLevels: 150 };

  /** Returns what hyparquet reads of the indices of each column chunk. */
  function indicesIn(file: Buffer) {
    const { row_groups: groups, schema } = parquetMetadata(new Uint8Array(file).buffer);
    const leaves = schema.filter(({ num_children: children }) => children === undefined);
    const readerOf = (offset: bigint | undefined, length: number | undefined) => {
      const view = new DataView(new Uint8Array(file).buffer, Number(offset), length);
      return { view, offset: 0 };
    };
    return groups.map(({ columns: chunks, num_rows: rows }) => ({
      rows: Number(rows),
      chunks: chunks.map((chunk, n) => {
        const [leaf, meta] = [leaves[n], chunk.meta_data];
        if (!leaf || !meta) throw new Error('a column chunk has no metadata');
        const bounds = chunk.column_index_offset
          ? readColumnIndex(readerOf(chunk.column_index_offset, chunk.column_index_length), leaf)
          : null;
        const offsets = readerOf(chunk.offset_index_offset, chunk.offset_index_length);
        return { meta, bounds, pages: readOffsetIndex(offsets).page_locations };
      }),
    }));
  }

  test('has the place and the first row of each page, and its bounds and NULLs', async () => {
    const { file } = await fileOf(columns, 5_000, sizes);
    const groups = indicesIn(file);
    expect(groups.length).toBeGreaterThan(1);
    let before = 0;
    for (const { rows, chunks } of groups) {
      for (const { meta, pages } of chunks) {
        const start = meta.dictionary_page_offset ?? meta.data_page_offset;
        const ends = [
          ...pages.slice(1).map(({ offset }) => offset),
          start + meta.total_compressed_size,
        ];
        expect(
          pages.map(({ offset, compressed_page_size: size }) => offset + BigInt(size)),
        ).toEqual(ends);
        expect([pages[0]?.offset, pages[0]?.first_row_index]).toEqual([meta.data_page_offset, 0n]);
      }
      const [id, name, late, list, doc] = chunks;
      const firstRows = (id?.pages ?? []).map(({ first_row_index: row }) => Number(row));
      expect(firstRows).toEqual(firstRows.map((_, n) => n * 150));
      expect(id?.bounds).toMatchObject({
        min_values: firstRows.map((row) => BigInt(before + row)),
        max_values: firstRows.map((row) => BigInt(before + Math.min(row + 150, rows) - 1)),
        null_counts: firstRows.map(() => 0n),
      });
      // Each row has two elements.
      const listRows = (list?.pages ?? []).map(({ first_row_index: row }) => Number(row));
      expect(listRows).toEqual(listRows.map((_, n) => n * 75));
      expect(list?.bounds?.max_values).toEqual(
        listRows.map((row) => before + Math.min(row + 75, rows) - 1),
      );
      const isNull = firstRows.map((row) => {
        const page = Array.from({ length: Math.min(150, rows - row) }, (_, n) => before + row + n);
        return page.map((n) => n % 1_000 < 300);
      });
      expect(name?.bounds).toMatchObject({
        null_pages: isNull.map((page) => !page.includes(false)),
        null_counts: isNull.map((page) => BigInt(page.filter(Boolean).length)),
      });
      // One of the row groups has a NaN, and documents have no order.
      expect([late?.bounds, doc?.bounds]).toEqual([null, null]);
      before += rows;
    }
    expect(before).toBe(5_000);
  });

  test('is left out if each column chunk has one page, which the footer describes', async () => {
    const { file } = await fileOf(columns, 1_000, { rowGroupBytes: 10_000 });
    const { row_groups: groups } = parquetMetadata(new Uint8Array(file).buffer);
    const chunks = groups.flatMap(({ columns: all }) => all);
    expect(chunks.length).toBeGreaterThan(10);
    for (const chunk of chunks) expect(chunk.offset_index_offset).toBeUndefined();
  });

  test('is left out if an earlier version encoded a segment, whose pages are not known', async () => {
    const described = [{ name: 'id', type: 'bigint', base: 'bigint', nullable: true }];
    const place = { values: 1, nulls: 0, bounds: null, offset: 0, bytes: 1, plainBytes: 1 };
    const pages = [place, place];
    const recent = {
      ...place,
      encodings: { delta: 2 },
      pages: pages.map((it) => ({ ...it, rows: 1 })),
    };
    const footerOf = (...chunks: object[]): number => {
      const fragment = chunks.map((chunk) => ({ rows: 2, chunks: [chunk] }));
      const segments = [{ bytes: 10, fragment }];
      const footer = format.footer({ columns: described, compression: 'none', segments });
      return footer.length - footer.readUInt32LE(footer.length - 8) - 8;
    };
    expect(footerOf(recent, recent)).toBeGreaterThan(0);
    expect(footerOf(recent, place)).toBe(0);
  });
});
