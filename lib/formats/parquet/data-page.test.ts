import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ParquetTypes } from '../../contracts/format-capabilities.ts';
import { array, int32, int64, numeric, toCopyBinary } from '../testing/copy-binary.ts';
import { defaultSizes, type ParquetSizes } from './data-page.ts';
import { ParquetEncoder } from './encoder.ts';
import { parquet } from './index.ts';
import { columnsOf } from './schema.ts';

/**
 * A type of values that fill pages, plain and in lists, up to each size at which the end of a page or the growth of a
 * buffer might be wrong. DuckDB reads the files.
 */
interface Type {
  base: string;
  types?: ParquetTypes;
  /** Value `n` as PostgreSQL sends it. */
  wire: (n: number) => Buffer;
  /** Value `n` as the result of `query`. */
  text: (n: number) => string;
  /** DuckDB's SQL that returns a value as text; absent: a cast. */
  query?: (value: string) => string;
  /** Bytes of a value in a page; absent: one bit. */
  width?: number;
}

const bytesOf = (length: number, write: (bytes: Buffer) => void): Buffer => {
  const bytes = Buffer.alloc(length);
  write(bytes);
  return bytes;
};
const micros = (value: string): string => `epoch_us(${value})::varchar`;
const epoch = 946_684_800_000_000;
const point = (n: number): string => (Number.isInteger(n) ? `${n}.0` : `${n}`);
const uuidOf = (n: number): string =>
  `${n.toString(16).padStart(8, '0')}-0123-4567-89ab-${(n * 7_919).toString(16).padStart(12, '0')}`;
const clockOf = (n: number): string =>
  `${String(n % 24).padStart(2, '0')}:59:01${n % 3 === 0 ? '' : `.${n % 3}`}`;
const microsOf = (n: number): bigint =>
  BigInt((n % 24) * 3_600 + 59 * 60 + 1) * 1_000_000n + BigInt(n % 3) * 100_000n;
const document = (n: number): string => `{"n":${n}}`.padEnd(14, ' ');
const jsonb = (n: number): Buffer => Buffer.from(`\u0001${document(n)}`);
const word = (n: number): string => `é${n}`.padEnd(12, '.');

const decimal = (digits: number, width: number): Type => ({
  base: `numeric(${digits},2)`,
  wire: (n) => numeric(`${n % 2 ? '-' : ''}${n}.25`),
  text: (n) => `${n % 2 ? '-' : ''}${n}.25`,
  // DuckDB leaves out a zero before the decimal point.
  query: (value) => `regexp_replace(${value}::varchar, '^(-?)[.]', '\\10.')`,
  width,
});

const types: Type[] = [
  { base: 'boolean', wire: (n) => Buffer.of(n % 3 ? 1 : 0), text: (n) => String(n % 3 !== 0) },
  { base: 'smallint', wire: (n) => int32(n).subarray(2), text: String, width: 4 },
  { base: 'integer', wire: (n) => int32(-n), text: (n) => String(-n || 0), width: 4 },
  {
    base: 'bigint',
    wire: (n) => int64(BigInt(n) << 33n),
    text: (n) => `${BigInt(n) << 33n}`,
    width: 8,
  },
  {
    base: 'real',
    wire: (n) => bytesOf(4, (it) => it.writeFloatBE(n / 2)),
    text: (n) => point(n / 2),
    width: 4,
  },
  {
    base: 'double precision',
    wire: (n) => bytesOf(8, (it) => it.writeDoubleBE(n / 4)),
    text: (n) => point(n / 4),
    width: 8,
  },
  {
    base: 'timestamp with time zone',
    wire: (n) => int64(BigInt(n * 1_000_001)),
    text: (n) => String(epoch + n * 1_000_001),
    query: micros,
    width: 8,
  },
  {
    base: 'timestamp without time zone',
    wire: (n) => int64(-BigInt(n)),
    text: (n) => String(epoch - n),
    query: micros,
    width: 8,
  },
  {
    base: 'date',
    wire: (n) => int32(n),
    text: (n) => String(n),
    query: (value) => `(${value} - date '2000-01-01')::varchar`,
    width: 4,
  },
  { base: 'time without time zone', wire: (n) => int64(microsOf(n)), text: clockOf, width: 8 },
  {
    base: 'uuid',
    wire: (n) => Buffer.from(uuidOf(n).replaceAll('-', ''), 'hex'),
    text: uuidOf,
    width: 16,
  },
  {
    base: 'bytea',
    wire: (n) => int32(n * 257),
    text: (n) => int32(n * 257).toString('hex'),
    query: (value) => `lower(hex(${value}))`,
    width: 8,
  },
  { base: 'json', wire: (n) => Buffer.from(document(n)), text: document, width: 18 },
  { base: 'jsonb', wire: jsonb, text: document, width: 18 },
  { base: 'text', wire: (n) => Buffer.from(word(n)), text: word, width: 17 },
  decimal(7, 4),
  decimal(15, 8),
  decimal(18, 8),
  decimal(38, 16),
  {
    base: 'time without time zone',
    types: 'portable',
    wire: (n) => int64(microsOf(n)),
    text: clockOf,
    width: 12,
  },
  {
    base: 'uuid',
    types: 'portable',
    wire: (n) => Buffer.from(uuidOf(n).replaceAll('-', ''), 'hex'),
    text: uuidOf,
    width: 40,
  },
  {
    base: 'json',
    types: 'portable',
    wire: (n) => Buffer.from(document(n)),
    text: document,
    width: 18,
  },
  { base: 'jsonb', types: 'portable', wire: jsonb, text: document, width: 18 },
];

type Value = string | null | Value[];

/** How a column is filled: whether it is a list, and its value in row `n`. */
interface Filling {
  list: boolean;
  at: (n: number, type: Type) => { wire: Buffer | null; value: Value };
}

const one = (n: number, { wire, text }: Type) => ({ wire: wire(n), value: text(n) });
const none = { wire: null, value: null };
const listOf = (numbers: (number | null)[], type: Type) => ({
  wire: array(numbers.map((n) => (n === null ? null : type.wire(n)))),
  value: numbers.map((n) => (n === null ? null : type.text(n))),
});

const fillings: Record<string, Filling> = {
  all: { list: false, at: one },
  some: { list: false, at: (n, type) => (n % 3 === 1 ? none : one(n, type)) },
  empty: { list: false, at: () => none },
  lists: { list: true, at: (n, type) => listOf([n], type) },
  mixed: {
    list: true,
    at: (n, type) => (n % 7 === 0 ? none : listOf([n, null, n + 1].slice(0, n % 4), type)),
  },
  nulls: { list: true, at: (n, type) => (n % 2 ? none : listOf([null], type)) },
};

let files = 0;
const directory = await mkdtemp(join(tmpdir(), 'pages-'));
const instance = await DuckDBInstance.create(':memory:', { threads: '1' });
const duck = await instance.connect();
beforeAll(async () => {
  await duck.run(`set timezone = 'UTC'`);
});
afterAll(async () => {
  duck.closeSync();
  instance.closeSync();
  await rm(directory, { recursive: true });
});

/** Returns one column for each type and filling, each with DuckDB's SQL that returns its values. */
const columnsFor = (used: readonly Type[]) =>
  used.flatMap((type, t) =>
    Object.entries(fillings).map(([filling, { list, at }]) => ({
      name: `${filling}_${t}`,
      base: `${type.base}${list ? '[]' : ''}`,
      at: (n: number) => at(n, type),
      query: (name: string): string => {
        const asText = type.query ?? ((value: string) => `${value}::varchar`);
        return list
          ? `to_json(list_transform(${name}, lambda e: ${asText('e')}))::varchar`
          : asText(name);
      },
      list,
    })),
  );
type Column = ReturnType<typeof columnsFor>[number];

async function fileOf(
  columns: readonly Column[],
  set: ParquetTypes,
  source: Readable,
  sizes: Partial<ParquetSizes>,
): Promise<string> {
  const described = columns.map(({ name, base }) => ({ name, type: base, base, nullable: true }));
  const encoder = new ParquetEncoder(columnsOf(described, set), 'none', sizes);
  const out: Buffer[] = [];
  for await (const chunk of encoder.encode(source)) out.push(chunk);
  const bytes = out.reduce((sum, { length }) => sum + length, 0);
  const format = parquet(set);
  const segments = [{ bytes, fragment: encoder.metadata() }];
  const footer = format.footer({ columns: described, compression: 'none', segments });
  const path = join(directory, `${++files}.parquet`);
  await writeFile(path, [format.header(described), ...out, footer]);
  return path;
}

/** Returns a result of DuckDB as a `Value`: a list is JSON. No column: the result is a count. */
const valueOf = (column: Column | undefined, result: unknown): unknown =>
  column?.list && typeof result === 'string' ? JSON.parse(result) : result;

describe.each(types.map((type) => ({ ...type, types: type.types ?? 'native' })))(
  'a Parquet column of $base, $types',
  (type) => {
    test('contains its values with 1 row, a page less 1 row, a page, a page and 1 row, and 3 pages', async () => {
      const small = { pageBytes: 2_048, pageLevels: 300 };
      const page =
        type.width === undefined
          ? small.pageLevels
          : Math.min(small.pageLevels, Math.ceil(small.pageBytes / type.width));
      const columns = columnsFor([type]);
      for (const rows of [1, page - 1, page, page + 1, 3 * page]) {
        const table = Array.from({ length: rows }, (_, n) => columns.map(({ at }) => at(n)));
        const source = Readable.from([
          toCopyBinary(table.map((row) => row.map(({ wire }) => wire))),
        ]);
        const path = await fileOf(columns, type.types, source, small);
        const queries = columns.map(({ name, query }) => query(name)).join(', ');
        const read = await duck.runAndReadAll(`select ${queries} from '${path}'`);
        const actual = read.getRowsJson().map((row) => row.map((it, n) => valueOf(columns[n], it)));
        expect(actual).toEqual(table.map((row) => row.map(({ value }) => value)));
      }
    });
  },
);

/** One type for each way in which a buffer of values grows. */
const growing = types.filter(
  ({ base, types: set }) =>
    (set === 'portable') === (base === 'uuid') &&
    /^(boolean|integer|bigint|uuid|text|numeric\(18,2\)|numeric\(38,2\)|bytea)$/.test(base),
);

test.each(growing)(
  'Parquet pages of the default size contain all values of $base that fill them',
  async (type) => {
    const columns = columnsFor([type]).filter(({ name }) => /^(some|mixed)_/.test(name));
    const period = 997;
    const table = Array.from({ length: period }, (_, n) => columns.map(({ at }) => at(n)));
    const all = toCopyBinary(table.map((row) => row.map(({ wire }) => wire)));
    const [head, rows, tail] = [all.subarray(0, 19), all.subarray(19, -2), all.subarray(-2)];
    const { pageBytes, pageLevels } = defaultSizes;
    const page = Math.min(pageLevels, pageBytes / (type.width ?? 1));
    const times = Math.ceil((1.6 * page) / period);
    function* source(): Generator<Buffer> {
      yield head;
      for (let n = 0; n < times; n++) yield rows;
      yield tail;
    }
    const path = await fileOf(columns, type.types ?? 'native', Readable.from(source()), {});
    const values = columns.map(({ name, query }) => `min(${query(name)}), max(${query(name)})`);
    const counts = columns.map(({ name }) => `count(${name})::integer`);
    const read = await duck.runAndReadAll(
      `select ${[...values, ...counts, 'count(*)::integer'].join(', ')}
     from read_parquet('${path}', file_row_number = true)
     group by file_row_number % ${period} order by file_row_number % ${period}`,
    );
    const actual = read
      .getRowsJson()
      .map((row) => row.map((it, n) => valueOf(columns[n >> 1], it)));
    const expected = table.map((row) => [
      ...row.flatMap(({ value }) => [value, value]),
      ...row.map(({ value }) => (value === null ? 0 : times)),
      times,
    ]);
    expect(actual).toEqual(expected);
  },
);
