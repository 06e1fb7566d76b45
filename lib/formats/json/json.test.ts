import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Format } from '../format.ts';
import { ndjson } from '../ndjson/index.ts';
import { toCopyText } from '../testing/copy-text.ts';
import { json } from './index.ts';

const column = (name: string, base: string) => ({ name, type: base, base, nullable: true });
/** At least one column of each `JsonEncoding`. */
const columns = [
  column('n', 'integer'),
  column('a "quoted"\nname', 'text'),
  column('big', 'bigint'),
  column('ratio', 'double precision'),
  column('yes', 'boolean'),
  column('at', 'timestamp(3) with time zone'),
  column('doc', 'jsonb'),
];

/** Returns the output of an encoder for these chunks. */
async function encoded(
  format: Format,
  chunks: readonly Buffer[],
  described = columns,
): Promise<{ text: string; rows: number | undefined }> {
  const encoder = format.encoder(described, 'none');
  const output: Buffer[] = [];
  // Copied, because a chunk is valid only until the next one is requested.
  for await (const chunk of encoder.encode(Readable.from(chunks))) output.push(Buffer.from(chunk));
  return { text: Buffer.concat(output).toString(), rows: encoder.rows };
}

/** Returns the file that these segments are concatenated into. */
async function fileOf(format: Format, segments: readonly Buffer[]): Promise<string> {
  let text = format.header([]).toString();
  let hasRows = false;
  for (const segment of segments) {
    const output = await encoded(format, [segment]);
    if (output.text !== '') text += format.separator(hasRows).toString() + output.text;
    hasRows ||= output.text !== '';
  }
  return text + format.footer({ columns: [], compression: 'none', segments: [] }).toString();
}

const orNull = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { freq: 4 });
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.string({
    unit: fc.constantFrom('\\', '"', '\v', '\n', '\t', 'N', '\u0001', '😀'),
    maxLength: 6,
  }),
);
const row = fc.record({
  n: orNull(fc.integer()),
  text: orNull(text),
  big: orNull(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  ratio: orNull(fc.double()),
  yes: orNull(fc.boolean()),
  day: orNull(fc.constantFrom('2024-02-29', '0044-03-15', '12024-01-01')),
  doc: orNull(fc.json()),
});
type Row = typeof row extends fc.Arbitrary<infer T> ? T : never;
const rows = fc.array(row, { maxLength: 5 });

const sent = (all: readonly Row[]): Buffer =>
  toCopyText(
    all.map(({ n, text: words, big, ratio, yes, day, doc }) => [
      n === null ? null : String(n),
      words,
      big === null ? null : String(big),
      ratio === null ? null : Object.is(ratio, -0) ? '-0' : String(ratio),
      yes === null ? null : yes ? 't' : 'f',
      day === null ? null : `${day} 01:02:03.5+00${day.startsWith('0') ? ' BC' : ''}`,
      doc,
    ]),
  );
/** Returns the rows as JSON has them. */
const expected = (all: readonly Row[]): object[] =>
  all.map(({ n, text: words, big, ratio, yes, day, doc }) => ({
    n,
    'a "quoted"\nname': words,
    big: big === null ? null : String(big),
    ratio: ratio !== null && !Number.isFinite(ratio) ? String(ratio) : ratio,
    yes,
    at: day === null ? null : `${day}T01:02:03.5+00:00${day.startsWith('0') ? ' BC' : ''}`,
    doc: doc === null ? null : JSON.parse(doc),
  }));

describe.each([
  { name: 'json', format: json },
  { name: 'ndjson', format: ndjson },
])('JsonEncoder for $name', ({ format }) => {
  const read = (file: string): unknown =>
    format === json
      ? JSON.parse(file)
      : file
          .split('\n')
          .slice(0, -1)
          .map((line) => JSON.parse(line));

  test('encodes the same rows wherever the input is cut', async () => {
    await fc.assert(
      fc.asyncProperty(rows, async (all) => {
        const bytes = sent(all);
        const whole = await encoded(format, [bytes]);
        expect(whole.rows).toBe(all.length);
        for (let at = 0; at <= bytes.length; at++)
          expect(await encoded(format, [bytes.subarray(0, at), bytes.subarray(at)])).toEqual(whole);
        const single = [...bytes].map((byte) => Buffer.from([byte]));
        expect(await encoded(format, single)).toEqual(whole);
      }),
      { numRuns: 10 },
    );
  });

  test('encodes segments that are one file when concatenated, with or without rows', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(rows, { maxLength: 4 }), async (segments) => {
        const file = await fileOf(format, segments.map(sent));
        expect(read(file)).toEqual(expected(segments.flat()));
      }),
      { numRuns: 500 },
    );
  });

  test('fails if the input ends inside a row, or a row has too few or too many values', async () => {
    const line = sent([{ n: 1, text: 'x', big: 2n, ratio: -1, yes: true, day: null, doc: '{}' }]);
    for (let at = 1; at < line.length; at++)
      await expect(encoded(format, [line.subarray(0, at)])).rejects.toThrow('inside a row');
    for (const wrong of ['1\n', `${line.toString().trimEnd()}\t1\n`])
      await expect(encoded(format, [Buffer.from(wrong)])).rejects.toThrow('values than there are');
  });

  test('encodes complete rows wherever a chunk of the output ends', async () => {
    const one = {
      n: 1,
      big: 2n,
      ratio: 0.5,
      yes: true,
      day: '2024-02-29',
      doc: '{"n":7}',
    } as const;
    const long = `${'x'.repeat(200)}"\n`;
    const few = Array.from({ length: 500 }, () => ({ ...one, text: long }));
    // Shifts the end of the chunk over a whole row, in steps shorter than a name.
    for (let shift = 0; shift < 400; shift += 5) {
      const all = few.map((it, n) => (n === 0 ? { ...it, text: 'x'.repeat(shift) } : it));
      const file = await encoded(format, [sent(all)]);
      expect(file.text.length).toBeGreaterThan(128 * 1_024);
      expect(file.text).toBe(
        expected(all)
          .map((it, n) => `${format === json && n > 0 ? ',' : ''}${JSON.stringify(it)}\n`)
          .join(''),
      );
    }
  });

  test('encodes rows that are larger than a chunk of the output', async () => {
    const value = `"${'\\"é\u0001'.repeat(200_000)}`;
    const long = [column('x'.repeat(60), 'text')];
    const output = await encoded(format, [toCopyText([[value], [value], [value]])], long);
    const lines = output.text.split('\n').slice(0, -1);
    expect(lines.map((it) => Object.values(JSON.parse(it.replace(/^,/, ''))))).toEqual(
      Array.from({ length: 3 }, () => [value]),
    );
  });
});

test('JsonEncoder writes negative zero and the extreme values of a double as PostgreSQL sends them', async () => {
  const values = ['-0', '1e+308', '-Infinity', 'Infinity', 'NaN', '-1', '\\N'];
  const output = await encoded(
    ndjson,
    [Buffer.from(`${values.join('\n')}\n`)],
    [column('d', 'real')],
  );
  expect(output.text.split('\n').slice(0, -1)).toEqual(
    ['-0', '1e+308', '"-Infinity"', '"Infinity"', '"NaN"', '-1', 'null'].map((it) => `{"d":${it}}`),
  );
});

test('JsonEncoder fails on a timestamp of another time zone than UTC', async () => {
  const described = [column('at', 'timestamp with time zone')];
  const output = encoded(ndjson, [Buffer.from('2024-01-01 00:00:00+05:30\n')], described);
  await expect(output).rejects.toThrow('column 1 has a byte that no value of its type contains');
});

test('JsonEncoder encodes rows without columns as empty objects', async () => {
  expect(await encoded(ndjson, [Buffer.from('\n\n')], [])).toEqual({ text: '{}\n{}\n', rows: 2 });
});
