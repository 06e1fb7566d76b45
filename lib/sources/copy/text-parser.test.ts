import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { toCopyText } from '../../formats/testing/copy-text.ts';
import { parseCopyFields, splitCopyLines, type TextField } from './text-parser.ts';

async function parseRows(...chunks: Buffer[]): Promise<TextField[][]> {
  const rows: TextField[][] = [];
  for await (const lines of splitCopyLines(Readable.from(chunks), 1_000_000))
    rows.push(...lines.map(parseCopyFields));
  return rows;
}

const field = fc.oneof(
  { weight: 3, arbitrary: fc.string({ unit: 'grapheme', maxLength: 8 }) },
  fc.string({ unit: fc.constantFrom('\\', 'N', '\n', '\t', '\r', '.', 'é', '😀', '\v') }),
  fc.constantFrom(null, '', '\\N', '\\.', 'N', '\\'),
);
const table = fc
  .integer({ min: 1, max: 4 })
  .chain((width) =>
    fc.array(fc.array(field, { minLength: width, maxLength: width }), { maxLength: 5 }),
  );

describe('splitCopyLines', () => {
  test('splitCopyLines and parseCopyFields return any values, NULL apart from the empty string, cut in two anywhere', async () => {
    await fc.assert(
      fc.asyncProperty(table, async (rows) => {
        const bytes = toCopyText(rows);
        for (let at = 0; at <= bytes.length; at++)
          expect(await parseRows(bytes.subarray(0, at), bytes.subarray(at))).toEqual(rows);
      }),
      { numRuns: 60 },
    );
  });

  test('splitCopyLines and parseCopyFields return any values byte by byte', async () => {
    await fc.assert(
      fc.asyncProperty(table, async (rows) => {
        const bytes = [...toCopyText(rows)].map((byte) => Buffer.from([byte]));
        expect(await parseRows(...bytes)).toEqual(rows);
      }),
    );
  });

  test('splitCopyLines throws LineTooLongError with the bytes of each field', async () => {
    const chunks = ['1\ta\n2\tab', 'c\t', 'x'.repeat(60), 'x'.repeat(60)].map((it) =>
      Buffer.from(it),
    );
    const batches: string[][] = [];
    const splitAll = async (): Promise<void> => {
      for await (const batch of splitCopyLines(Readable.from(chunks), 100)) batches.push(batch);
    };
    await expect(splitAll()).rejects.toMatchObject({ open: [1, 3, 120] });
    expect(batches).toEqual([['1\ta']]);
  });

  test('splitCopyLines throws if the text ends inside a row', async () => {
    await expect(parseRows(Buffer.from('1\ta\n2'))).rejects.toThrow('inside a row');
  });
});
