import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { copiedText } from './copied-text.ts';
import type { Format } from './format.ts';
import { json } from './json.ts';
import { ndjson } from './ndjson.ts';

const column = (name: string, base: string) => ({ name, type: base, base, nullable: true });
/** One of each kind. */
const columns = [
  column('n', 'integer'),
  column('a "quoted"\nname', 'text'),
  column('big', 'bigint'),
  column('ratio', 'double precision'),
  column('yes', 'boolean'),
  column('at', 'timestamp(3) with time zone'),
  column('doc', 'jsonb'),
];

/** What an encoder gives of pieces. */
async function encoded(
  format: Format,
  pieces: readonly Buffer[],
  of = columns,
): Promise<{ text: string; rows: number | undefined }> {
  const encoder = format.encoder(of, 'none');
  const made: Buffer[] = [];
  // Copied: a piece is its own only until the next is asked for.
  for await (const piece of encoder.encode(Readable.from(pieces))) made.push(Buffer.from(piece));
  return { text: Buffer.concat(made).toString(), rows: encoder.rows };
}

/** Parts, one behind the other, as a file is put together of them. */
async function fileOf(format: Format, parts: readonly Buffer[]): Promise<string> {
  let text = format.prologue([]).toString();
  let before = false;
  for (const part of parts) {
    const made = await encoded(format, [part]);
    if (made.text !== '') text += format.glue(before).toString() + made.text;
    before ||= made.text !== '';
  }
  return text + format.epilogue({ columns: [], compression: 'none', parts: [] }).toString();
}

const none = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | null> => fc.option(value, { freq: 4 });
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 8 }),
  fc.string({
    unit: fc.constantFrom('\\', '"', '\v', '\n', '\t', 'N', '\u0001', '😀'),
    maxLength: 6,
  }),
);
const row = fc.record({
  n: none(fc.integer()),
  text: none(text),
  big: none(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
  ratio: none(fc.double()),
  yes: none(fc.boolean()),
  day: none(fc.constantFrom('2024-02-29', '0044-03-15', '12024-01-01')),
  doc: none(fc.json()),
});
type Row = typeof row extends fc.Arbitrary<infer T> ? T : never;
const rows = fc.array(row, { maxLength: 5 });

const sent = (all: readonly Row[]): Buffer =>
  copiedText(
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
/** What JSON has of them. */
const wanted = (all: readonly Row[]): object[] =>
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
])('rows as $name', ({ format }) => {
  const read = (file: string): unknown =>
    format === json
      ? JSON.parse(file)
      : file
          .split('\n')
          .slice(0, -1)
          .map((line) => JSON.parse(line));

  test('are the same cut in two at every byte, and byte by byte', async () => {
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

  test('of several parts are one file, whichever have none', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(rows, { maxLength: 4 }), async (parts) => {
        const file = await fileOf(format, parts.map(sent));
        expect(read(file)).toEqual(wanted(parts.flat()));
      }),
      { numRuns: 500 },
    );
  });

  test('that end inside a row, or have too few or too many values, fail', async () => {
    const line = sent([{ n: 1, text: 'x', big: 2n, ratio: -1, yes: true, day: null, doc: '{}' }]);
    for (let at = 1; at < line.length; at++)
      await expect(encoded(format, [line.subarray(0, at)])).rejects.toThrow('inside a row');
    for (const wrong of ['1\n', `${line.toString().trimEnd()}\t1\n`])
      await expect(encoded(format, [Buffer.from(wrong)])).rejects.toThrow('values than there are');
  });

  test('come whole wherever a piece of the file ends', async () => {
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
    // Each time by less than a name further on, for the length of a row.
    for (let shift = 0; shift < 400; shift += 5) {
      const all = few.map((it, n) => (n === 0 ? { ...it, text: 'x'.repeat(shift) } : it));
      const file = await encoded(format, [sent(all)]);
      expect(file.text.length).toBeGreaterThan(128 * 1_024);
      expect(file.text).toBe(
        wanted(all)
          .map((it, n) => `${format === json && n > 0 ? ',' : ''}${JSON.stringify(it)}\n`)
          .join(''),
      );
    }
  });

  test('larger than any piece come whole', async () => {
    const value = `"${'\\"é\u0001'.repeat(200_000)}`;
    const of = [column('x'.repeat(60), 'text')];
    const made = await encoded(format, [copiedText([[value], [value], [value]])], of);
    const lines = made.text.split('\n').slice(0, -1);
    expect(lines.map((it) => Object.values(JSON.parse(it.replace(/^,/, ''))))).toEqual(
      Array.from({ length: 3 }, () => [value]),
    );
  });
});

test('negative zero, and numbers that a double does not hold, are written as they came', async () => {
  const values = ['-0', '1e+308', '-Infinity', 'Infinity', 'NaN', '-1', '\\N'];
  const made = await encoded(
    ndjson,
    [Buffer.from(`${values.join('\n')}\n`)],
    [column('d', 'real')],
  );
  expect(made.text.split('\n').slice(0, -1)).toEqual(
    ['-0', '1e+308', '"-Infinity"', '"Infinity"', '"NaN"', '-1', 'null'].map((it) => `{"d":${it}}`),
  );
});

test('a time of another zone than that of the session is none', async () => {
  const of = [column('at', 'timestamp with time zone')];
  const made = encoded(ndjson, [Buffer.from('2024-01-01 00:00:00+05:30\n')], of);
  await expect(made).rejects.toThrow('column 1 has what no value of its type has');
});

test('rows of no columns are empty objects', async () => {
  expect(await encoded(ndjson, [Buffer.from('\n\n')], [])).toEqual({ text: '{}\n{}\n', rows: 2 });
});
