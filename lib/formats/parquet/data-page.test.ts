import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { ParquetTypes } from '../../contracts/format-capabilities.ts';
import { array, copyBytes, int32, int64, numeric } from './copy-bytes.ts';
import { ParquetEncoder } from './encoder.ts';
import { parquet } from './index.ts';
import { columnsOf } from './mapping.ts';
import { type ParquetSizes, usualSizes } from './pages.ts';

/**
 * What pages are full of: every type, plain and in lists, at every size at which a page, or a buffer that grows,
 * may be cut wrongly; read by DuckDB.
 */
interface Type {
  base: string;
  types?: ParquetTypes;
  /** Value `n` as PostgreSQL sends it. */
  sent: (n: number) => Buffer;
  /** The same as `asked` has it. */
  text: (n: number) => string;
  /** SQL of DuckDB; as text, if it is not said. */
  asked?: (value: string) => string;
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
  sent: (n) => numeric(`${n % 2 ? '-' : ''}${n}.25`),
  text: (n) => `${n % 2 ? '-' : ''}${n}.25`,
  // DuckDB leaves out a zero before the point.
  asked: (value) => `regexp_replace(${value}::varchar, '^(-?)[.]', '\\10.')`,
  width,
});

const types: Type[] = [
  { base: 'boolean', sent: (n) => Buffer.of(n % 3 ? 1 : 0), text: (n) => String(n % 3 !== 0) },
  { base: 'smallint', sent: (n) => int32(n).subarray(2), text: String, width: 4 },
  { base: 'integer', sent: (n) => int32(-n), text: (n) => String(-n || 0), width: 4 },
  {
    base: 'bigint',
    sent: (n) => int64(BigInt(n) << 33n),
    text: (n) => `${BigInt(n) << 33n}`,
    width: 8,
  },
  {
    base: 'real',
    sent: (n) => bytesOf(4, (it) => it.writeFloatBE(n / 2)),
    text: (n) => point(n / 2),
    width: 4,
  },
  {
    base: 'double precision',
    sent: (n) => bytesOf(8, (it) => it.writeDoubleBE(n / 4)),
    text: (n) => point(n / 4),
    width: 8,
  },
  {
    base: 'timestamp with time zone',
    sent: (n) => int64(BigInt(n * 1_000_001)),
    text: (n) => String(epoch + n * 1_000_001),
    asked: micros,
    width: 8,
  },
  {
    base: 'timestamp without time zone',
    sent: (n) => int64(-BigInt(n)),
    text: (n) => String(epoch - n),
    asked: micros,
    width: 8,
  },
  {
    base: 'date',
    sent: (n) => int32(n),
    text: (n) => String(n),
    asked: (value) => `(${value} - date '2000-01-01')::varchar`,
    width: 4,
  },
  { base: 'time without time zone', sent: (n) => int64(microsOf(n)), text: clockOf, width: 8 },
  {
    base: 'uuid',
    sent: (n) => Buffer.from(uuidOf(n).replaceAll('-', ''), 'hex'),
    text: uuidOf,
    width: 16,
  },
  {
    base: 'bytea',
    sent: (n) => int32(n * 257),
    text: (n) => int32(n * 257).toString('hex'),
    asked: (value) => `lower(hex(${value}))`,
    width: 8,
  },
  { base: 'json', sent: (n) => Buffer.from(document(n)), text: document, width: 18 },
  { base: 'jsonb', sent: jsonb, text: document, width: 18 },
  { base: 'text', sent: (n) => Buffer.from(word(n)), text: word, width: 17 },
  decimal(7, 4),
  decimal(15, 8),
  decimal(18, 8),
  decimal(38, 16),
  {
    base: 'time without time zone',
    types: 'portable',
    sent: (n) => int64(microsOf(n)),
    text: clockOf,
    width: 12,
  },
  {
    base: 'uuid',
    types: 'portable',
    sent: (n) => Buffer.from(uuidOf(n).replaceAll('-', ''), 'hex'),
    text: uuidOf,
    width: 40,
  },
  {
    base: 'json',
    types: 'portable',
    sent: (n) => Buffer.from(document(n)),
    text: document,
    width: 18,
  },
  { base: 'jsonb', types: 'portable', sent: jsonb, text: document, width: 18 },
];

type Value = string | null | Value[];

/** How a column is filled: what is sent of row `n`, and what that is. */
interface Filling {
  list: boolean;
  at: (n: number, type: Type) => { sent: Buffer | null; value: Value };
}

const one = (n: number, { sent, text }: Type) => ({ sent: sent(n), value: text(n) });
const none = { sent: null, value: null };
const listOf = (numbers: (number | null)[], type: Type) => ({
  sent: array(numbers.map((n) => (n === null ? null : type.sent(n)))),
  value: numbers.map((n) => (n === null ? null : type.text(n))),
});

const fillings: Record<string, Filling> = {
  all: { list: false, at: one },
  some: { list: false, at: (n, type) => (n % 3 === 1 ? none : one(n, type)) },
  nothing: { list: false, at: () => none },
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

/** A file of one column for each type and filling, and what DuckDB is asked for of each. */
const columnsFor = (used: readonly Type[]) =>
  used.flatMap((type, t) =>
    Object.entries(fillings).map(([filling, { list, at }]) => ({
      name: `${filling}_${t}`,
      base: `${type.base}${list ? '[]' : ''}`,
      at: (n: number) => at(n, type),
      query: (name: string): string => {
        const asked = type.asked ?? ((value: string) => `${value}::varchar`);
        return list
          ? `to_json(list_transform(${name}, lambda e: ${asked('e')}))::varchar`
          : asked(name);
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
  for await (const piece of encoder.encode(source)) out.push(piece);
  const bytes = out.reduce((sum, { length }) => sum + length, 0);
  const format = parquet(set);
  const parts = [{ bytes, fragment: encoder.fragment() }];
  const end = format.epilogue({ columns: described, compression: 'none', parts });
  const path = join(directory, `${++files}.parquet`);
  await writeFile(path, [format.prologue(described), ...out, end]);
  return path;
}

/** Of a count it is not asked. */
const valueOf = (column: Column | undefined, got: unknown): unknown =>
  column?.list && typeof got === 'string' ? JSON.parse(got) : got;

describe.each(types.map((type) => ({ ...type, types: type.types ?? 'native' })))(
  'a column of $base, $types',
  (type) => {
    test('holds its values at one, a page less one, a page, one more, and three pages', async () => {
      const small = { pageBytes: 2_048, pageLevels: 300 };
      const page =
        type.width === undefined
          ? small.pageLevels
          : Math.min(small.pageLevels, Math.ceil(small.pageBytes / type.width));
      const columns = columnsFor([type]);
      for (const rows of [1, page - 1, page, page + 1, 3 * page]) {
        const made = Array.from({ length: rows }, (_, n) => columns.map(({ at }) => at(n)));
        const source = Readable.from([copyBytes(made.map((row) => row.map(({ sent }) => sent)))]);
        const path = await fileOf(columns, type.types, source, small);
        const queries = columns.map(({ name, query }) => query(name)).join(', ');
        const read = await duck.runAndReadAll(`select ${queries} from '${path}'`);
        const got = read.getRowsJson().map((row) => row.map((it, n) => valueOf(columns[n], it)));
        expect(got).toEqual(made.map((row) => row.map(({ value }) => value)));
      }
    });
  },
);

/** One for each way in which a buffer of values grows. */
const growing = types.filter(
  ({ base, types: set }) =>
    (set === 'portable') === (base === 'uuid') &&
    /^(boolean|integer|bigint|uuid|text|numeric\(18,2\)|numeric\(38,2\)|bytea)$/.test(base),
);

test.each(growing)('pages of the usual size hold what fills them, of $base', async (type) => {
  const columns = columnsFor([type]).filter(({ name }) => /^(some|mixed)_/.test(name));
  const period = 997;
  const made = Array.from({ length: period }, (_, n) => columns.map(({ at }) => at(n)));
  const all = copyBytes(made.map((row) => row.map(({ sent }) => sent)));
  const [head, rows, tail] = [all.subarray(0, 19), all.subarray(19, -2), all.subarray(-2)];
  const { pageBytes, pageLevels } = usualSizes;
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
  const got = read.getRowsJson().map((row) => row.map((it, n) => valueOf(columns[n >> 1], it)));
  const wanted = made.map((row) => [
    ...row.flatMap(({ value }) => [value, value]),
    ...row.map(({ value }) => (value === null ? 0 : times)),
    times,
  ]);
  expect(got).toEqual(wanted);
});
