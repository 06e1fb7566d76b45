import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { ExportRequest } from '../contracts/export-request.ts';
import type { ParquetTypes } from '../contracts/format-capabilities.ts';
import type { ParquetSizes } from '../formats/parquet/data-page.ts';
import { ParquetEncoder } from '../formats/parquet/encoder.ts';
import { columnsOf } from '../formats/parquet/schema.ts';
import { cutAt, int32, int64, numeric, toCopyBinary } from '../formats/testing/copy-binary.ts';
import { BufferPool } from '../runtime/buffer-pool.ts';
import { errorMessage } from '../runtime/errors.ts';
import { KernelRows } from '../sources/copy/kernel-rows.ts';
import { KernelMemory } from './kernel-memory.ts';
import { parquetKernel } from './parquet-kernel.ts';
import { parquetKernelBytes } from './parquet-pages.ts';
import { message } from './testing/encode-messages.ts';

type Row = (Uint8Array | null)[];

interface Setting {
  bases: readonly string[];
  types?: ParquetTypes;
  compression?: ExportRequest['compression'];
  sizes?: Partial<ParquetSizes>;
}

interface Encoded {
  bytes: Buffer;
  rows: number;
  nulled: readonly number[];
  metadata: unknown;
}

const fileColumns = ({ bases, types = 'native' }: Setting) =>
  columnsOf(
    bases.map((base, n) => ({ name: `c${n}`, type: base, base, nullable: true })),
    types,
  );

/** Encodes rows with the encoder that shares no code with the kernel's WebAssembly. */
async function encodedByEncoder(setting: Setting, rows: readonly Row[]): Promise<Encoded> {
  const { compression = 'none', sizes = {} } = setting;
  const encoder = new ParquetEncoder(fileColumns(setting), compression, sizes);
  const chunks: Buffer[] = [];
  for await (const chunk of encoder.encode(Readable.from([toCopyBinary(rows)]))) chunks.push(chunk);
  return {
    bytes: Buffer.concat(chunks),
    rows: encoder.rows,
    nulled: encoder.nulled(),
    metadata: encoder.metadata(),
  };
}

/** Returns the messages of rows as the server sends them: the head is in the first, the end is one of its own. */
function wireOf(rows: readonly Row[]): Buffer {
  const copy = toCopyBinary(rows);
  const head = copy.subarray(0, 19);
  if (rows.length === 0) return Buffer.concat([message('d', copy), message('c', Buffer.alloc(0))]);
  const bodies = rows.map((row) => toCopyBinary([row]).subarray(19, -2));
  return Buffer.concat([
    ...bodies.map((body, n) => message('d', n === 0 ? Buffer.concat([head, body]) : body)),
    message('d', copy.subarray(-2)),
    message('c', Buffer.alloc(0)),
  ]);
}

const tailBytes = 64 * 1_024;
const canary = 0xa5;
/** Bytes where the compiler places what it needs. */
const compiled = 4_096;
let memory: KernelMemory | undefined;

/** Encodes messages with the kernel, received in these chunks. Throws if it wrote outside of its regions. */
async function encodedByKernel(setting: Setting, wire: readonly Buffer[]): Promise<Encoded> {
  const { compression = 'none', sizes = {} } = setting;
  const plan = parquetKernel(fileColumns(setting), compression, sizes);
  if (!plan) throw new Error('there is no kernel for these columns');
  memory ??= new KernelMemory(plan.bytes + tailBytes);
  const { bytes, received, lead, input, free } = memory;
  const around = [
    bytes.subarray(compiled, lead),
    bytes.subarray(input + received.length, free),
    bytes.subarray(free + parquetKernelBytes),
  ];
  for (const region of around) region.fill(canary);
  const chunks: Buffer[] = [];
  const kernel = plan.create({
    memory,
    pool: new BufferPool(1_024, 0),
    emit: (chunk) => chunks.push(chunk),
  });
  const rows = new KernelRows(memory, kernel);
  let rest: Buffer | undefined;
  const settle = async (): Promise<void> => {
    while (kernel.pending && !rest) {
      await kernel.pending;
      rest = rows.resume();
    }
  };
  for (const chunk of wire)
    for (let at = 0; at < chunk.length && !rest; at += received.length) {
      const part = chunk.subarray(at, at + received.length);
      rest = rows.take(received.subarray(0, part.copy(received)));
      await settle();
    }
  expect(rest?.[0]).toBe('c'.charCodeAt(0));
  rows.end();
  await kernel.pending;
  for (const region of around)
    if (region.some((byte) => byte !== canary)) throw new Error('the kernel wrote elsewhere');
  return {
    bytes: Buffer.concat(chunks),
    rows: kernel.rows,
    nulled: kernel.nulled?.() ?? [],
    metadata: kernel.metadata?.(),
  };
}

const outcomeOf = async (encoding: Promise<Encoded>): Promise<Encoded | string> => {
  try {
    return await encoding;
  } catch (error) {
    return errorMessage(error);
  }
};

async function expectSame(setting: Setting, rows: readonly Row[], cuts: number[]): Promise<void> {
  const expected = await outcomeOf(encodedByEncoder(setting, rows));
  const found = await outcomeOf(encodedByKernel(setting, cutAt(wireOf(rows), cuts)));
  if (typeof found === 'string' || typeof expected === 'string')
    return expect(found).toEqual(expected);
  expect({ ...found, bytes: null }).toEqual({ ...expected, bytes: null });
  expect(found.bytes.equals(expected.bytes)).toBe(true);
}

const bytesFrom = (length: number): fc.Arbitrary<Buffer> =>
  fc
    .oneof(
      fc.constantFrom(0, 0x7f, 0x80, 0xff).map((byte) => Buffer.alloc(length, byte)),
      fc.uint8Array({ minLength: length, maxLength: length }).map((it) => Buffer.from(it)),
    )
    .map((it) => it);
const int64s = fc.oneof(
  fc.constantFrom(0n, 1n, -1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 62n),
  fc.bigInt({ min: -(2n ** 40n), max: 2n ** 40n }),
);
const texts = fc.oneof(
  fc.constantFrom('', 'a', 'é', '日本', 'the same text'),
  fc.string({ maxLength: 80 }),
);
const decimals = (digits: number, scale: number): fc.Arbitrary<Buffer> =>
  fc.oneof(
    fc
      .constantFrom('NaN', 'Infinity', '-Infinity', '0', '10000', '-0.5')
      .map((it) => (it === '-0.5' && scale === 0 ? '-5' : it))
      .map(numeric),
    fc
      .tuple(fc.bigInt({ min: 0n, max: 10n ** BigInt(digits) - 1n }), fc.boolean(), fc.nat(digits))
      .map(([value, isNegative, zeros]) => {
        const text = String((value / 10n ** BigInt(zeros)) * 10n ** BigInt(zeros)).padStart(
          scale + 1,
          '0',
        );
        const whole = text.slice(0, text.length - scale);
        return numeric(
          `${isNegative ? '-' : ''}${whole}${scale > 0 ? `.${text.slice(-scale)}` : ''}`,
        );
      }),
  );
const days = fc.oneof(
  fc.constantFrom(0, 2 ** 31 - 1, -(2 ** 31), 2 ** 31 - 10_957),
  fc.integer({ min: -100_000, max: 100_000 }),
);
const times = fc.oneof(
  fc.constantFrom(2n ** 63n - 1n, -(2n ** 63n), 0n),
  fc.bigInt({ min: -(2n ** 52n), max: 2n ** 52n }),
);

/** The types that the kernel knows, with values that are easily wrong. */
const values: Record<string, fc.Arbitrary<Buffer>> = {
  boolean: fc.constantFrom(0, 1, 255).map((byte) => Buffer.of(byte)),
  smallint: bytesFrom(2),
  integer: fc.oneof(bytesFrom(4), fc.nat(100).map(int32)),
  bigint: int64s.map(int64),
  real: bytesFrom(4),
  'double precision': bytesFrom(8),
  date: days.map(int32),
  'timestamp with time zone': times.map(int64),
  'timestamp without time zone': times.map(int64),
  uuid: bytesFrom(16),
  text: texts.map((it) => Buffer.from(it)),
  bytea: fc.uint8Array({ maxLength: 40 }).map((it) => Buffer.from(it)),
  json: texts.map((it) => Buffer.from(it)),
  jsonb: texts.map((it) => Buffer.from(`\u0001${it}`)),
  'numeric(4,4)': decimals(4, 4),
  'numeric(9,2)': decimals(9, 2),
  'numeric(12,4)': decimals(12, 4),
  'numeric(15,0)': decimals(15, 0),
  'numeric(18,7)': decimals(18, 7),
  'numeric(18,18)': decimals(18, 18),
};
const nativeOnly = {
  'time without time zone': fc.bigInt({ min: 0n, max: 86_400_000_000n }).map(int64),
};

/** Tables of some columns, in which every value may be NULL, and rows may repeat. */
const tables = fc
  .tuple(fc.constantFrom<ParquetTypes>('native', 'portable'), fc.constantFrom(0, 1, 5))
  .chain(([types, nulls]) => {
    const known = types === 'native' ? { ...values, ...nativeOnly } : values;
    return fc
      .array(fc.constantFrom(...Object.keys(known)), { minLength: 1, maxLength: 6 })
      .chain((bases) => {
        const row = fc.tuple(
          ...bases.map((base) => {
            const value = known[base] ?? fc.constant(Buffer.alloc(0));
            return nulls === 0
              ? value
              : fc.oneof(
                  { weight: 5, arbitrary: value },
                  { weight: nulls, arbitrary: fc.constant(null) },
                );
          }),
        );
        const rows = fc
          .array(fc.tuple(row, fc.constantFrom(1, 1, 3, 40)), { maxLength: 40 })
          .map((all) => all.flatMap(([it, length]) => Array.from({ length }, () => it)));
        return fc.record({ bases: fc.constant(bases), types: fc.constant(types), rows });
      });
  });
const smallSizes = fc.record({
  pageBytes: fc.constantFrom(1, 64, 300, 2_000),
  pageLevels: fc.constantFrom(1, 7, 8, 9, 64, 300),
  rowGroupBytes: fc.constantFrom(1, 500, 3_000, 100_000),
});

describe('the Parquet kernel', () => {
  test('writes the same bytes as ParquetEncoder for any rows, cut anywhere', async () => {
    await fc.assert(
      fc.asyncProperty(
        tables,
        smallSizes,
        fc.array(fc.nat(), { maxLength: 12 }),
        async ({ rows, ...table }, sizes, cuts) => {
          await expectSame({ ...table, sizes }, rows, cuts);
        },
      ),
      { numRuns: 400 },
    );
  });

  test('writes the same bytes at every single cut', async () => {
    const bases = ['bigint', 'text', 'boolean', 'numeric(9,2)', 'jsonb'];
    const rows: Row[] = Array.from({ length: 6 }, (_, n) => [
      int64(BigInt(n)),
      n % 3 === 1 ? null : Buffer.from(`text ${n}`),
      Buffer.of(n % 2),
      numeric(n === 4 ? 'NaN' : `${n}.5`),
      Buffer.from(`\u0001[${n}]`),
    ]);
    const setting = { bases, sizes: { pageLevels: 2, rowGroupBytes: 120 } };
    const expected = await encodedByEncoder(setting, rows);
    const wire = wireOf(rows);
    for (let at = 1; at < wire.length; at++)
      expect(await encodedByKernel(setting, cutAt(wire, [at]))).toEqual(expected);
    expect(
      await encodedByKernel(
        setting,
        Array.from(wire, (byte) => Buffer.of(byte)),
      ),
    ).toEqual(expected);
  });

  test.each(['none', 'snappy', 'gzip', 'zstd'] as const)(
    'writes the same bytes in pages of the usual size, with the compression %s',
    async (compression) => {
      const bases = ['bigint', 'text', 'double precision', 'integer', 'boolean', 'text', 'uuid'];
      const rows: Row[] = Array.from({ length: 60_000 }, (_, n) => [
        int64(BigInt(n) * 3n),
        n % 11 === 0 ? null : Buffer.from(`text ${(n * 7_919) % 50_021}`),
        Buffer.from(Float64Array.of(Math.sin(n)).buffer),
        int32(n % 7),
        Buffer.of(n % 2),
        // Dictionaries of almost as many entries as they may have.
        Buffer.from(`${(n * 7_919) % 20_011}`.padStart(11, 'x')),
        Buffer.alloc(16, String((n * 31) % 12_000)),
      ]);
      await expectSame({ bases, compression, sizes: { rowGroupBytes: 4_000_000 } }, rows, []);
    },
  );

  test('writes the same bytes and places if frames fill the output buffers of zstd, which are freed', async () => {
    const rows: Row[] = Array.from({ length: 6_000 }, (_, n) => [int32(n), randomBytes(1_000)]);
    const setting: Setting = {
      bases: ['integer', 'bytea'],
      compression: 'zstd',
      sizes: { rowGroupBytes: 1_500_000, pageBytes: 200_000 },
    };
    await expectSame(setting, rows, []);
  });

  test('leaves long values to the encoder, and goes on after the row group', async () => {
    const bases = ['integer', 'text', 'bytea'];
    for (const length of [65_519, 65_536, 65_600, 262_000, 262_140, 262_200, 700_000]) {
      const rows: Row[] = Array.from({ length: 400 }, (_, n) => [
        int32(n),
        n === 0 || n === 90 || n === 91 ? Buffer.alloc(length, 'x') : Buffer.from(`short ${n}`),
        n % 4 === 0 ? null : Buffer.of(n & 255),
      ]);
      const sizes = { rowGroupBytes: 3_000, pageBytes: 500 };
      await expectSame({ bases, sizes }, rows, [1_000, 70_000, 300_000]);
      await expectSame({ bases }, rows, []);
    }
  });

  test.each([
    ['timestamp with time zone', int64(2n ** 63n - 2n)],
    ['timestamp with time zone', int64(2n ** 63n - 1n - 946_684_800_000_000n)],
    ['numeric(5,2)', numeric('1000')],
    ['numeric(9,2)', numeric('0.125')],
    ['numeric(18,2)', numeric('123456789012345678901')],
    ['integer', int64(1n)],
    ['boolean', Buffer.alloc(2)],
    ['uuid', Buffer.alloc(15)],
    ['uuid', Buffer.alloc(17)],
  ])('fails as ParquetEncoder does on a value of %s', async (base, wrong) => {
    const rows: Row[] = [
      [int32(1), Buffer.of(1), int32(5), null],
      [null, Buffer.of(0), int32(6), wrong],
    ];
    const setting = { bases: ['date', 'boolean', 'integer', base], sizes: { pageLevels: 3 } };
    const expected = await outcomeOf(encodedByEncoder(setting, rows));
    expect(expected).toEqual(expect.stringMatching(/./));
    expect(typeof expected).toBe('string');
    expect(await outcomeOf(encodedByKernel(setting, [wireOf(rows)]))).toBe(expected);
  });

  test('takes nothing of a row back that it leaves to the encoder', async () => {
    // The last column makes the kernel leave each row in turn to the encoder, after all others were encoded.
    const bases = [...Object.keys(values), 'text'];
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.tuple(
            ...Object.values(values).map((it) => fc.oneof(it, fc.constant(null))),
            fc.constantFrom(1, 70_000),
          ),
          { minLength: 1, maxLength: 8 },
        ),
        async (all) => {
          const rows = all.map((row) =>
            row.map((it) => (typeof it === 'number' ? Buffer.alloc(it, 'x') : it)),
          );
          await expectSame({ bases, sizes: { rowGroupBytes: 2_000 } }, rows, []);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('has an error, and writes nowhere else, for messages that are no rows', async () => {
    const bases = ['integer', 'text', 'numeric(9,2)', 'boolean', 'jsonb'];
    const good: Row[] = Array.from({ length: 30 }, (_, n) => [
      int32(n),
      Buffer.from(`text ${n}`),
      numeric(`${n}.5`),
      Buffer.of(1),
      n % 2 ? null : Buffer.from(`\u0001${n}`),
    ]);
    const wire = wireOf(good);
    const expected = await encodedByEncoder({ bases }, good);
    let failed = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(wire.length - 6), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        async (edits) => {
          const broken = Buffer.from(wire);
          for (const [at, byte] of edits) broken[at] = byte;
          const outcome = await outcomeOf(
            encodedByKernel({ bases, sizes: { pageBytes: 100 } }, cutAt(broken, [at(edits)])),
          );
          if (typeof outcome === 'string') {
            failed++;
            expect(outcome).not.toContain('wrote elsewhere');
          } else expect(outcome.rows).toBeLessThanOrEqual(expected.rows);
        },
      ),
      { numRuns: 500 },
    );
    expect(failed).toBeGreaterThan(50);
  });

  test.each([
    ['a row of another number of values', [[int32(1)], [int32(1), int32(2)]]],
    ['a row after the end', [[int32(1)], 'end', [int32(2)]]],
  ])('fails on %s', async (_, rows) => {
    const bodies = rows.map((row) =>
      typeof row === 'string'
        ? toCopyBinary([]).subarray(19)
        : toCopyBinary([row as Row]).subarray(19, -2),
    );
    const [first = Buffer.alloc(0), ...others] = bodies;
    const head = toCopyBinary([]).subarray(0, 19);
    const wire = [Buffer.concat([head, first]), ...others, toCopyBinary([]).subarray(19)].map(
      (it) => message('d', it),
    );
    await expect(
      encodedByKernel({ bases: ['integer'] }, [
        Buffer.concat([...wire, message('c', Buffer.alloc(0))]),
      ]),
    ).rejects.toThrow(/columns|after its end/);
  });

  test('fails if the rows end without their end', async () => {
    const wire = wireOf([[int32(1)]]);
    const cut = Buffer.concat([wire.subarray(0, -12), message('c', Buffer.alloc(0))]);
    await expect(encodedByKernel({ bases: ['integer'] }, [cut])).rejects.toThrow('inside a row');
  });

  test('has as many columns as a table of PostgreSQL may have', async () => {
    const bases = Array.from({ length: 1_600 }, (_, n) => (n % 3 ? 'integer' : 'text'));
    const rows: Row[] = Array.from({ length: 60 }, (_, row) =>
      bases.map((base, n) =>
        (n + row) % 5 === 0
          ? null
          : base === 'text'
            ? Buffer.alloc((row * n) % 50, 'y')
            : int32(n * row),
      ),
    );
    await expectSame({ bases, sizes: { rowGroupBytes: 300_000 } }, rows, [100_000]);
  });

  test.each(['integer[]', 'numeric(38,2)'])('does not know %s', (base) => {
    expect(parquetKernel(fileColumns({ bases: ['integer', base] }), 'zstd')).toBeUndefined();
  });
});

const at = (edits: readonly (readonly [number, number])[]): number => edits[0]?.[0] ?? 0;
