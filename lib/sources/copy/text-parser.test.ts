import { Readable } from 'node:stream';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { copiedText } from '../copied-text.ts';
import { copyLines, type Field, fieldsOf } from './copy-text.ts';

async function read(...pieces: Buffer[]): Promise<Field[][]> {
  const rows: Field[][] = [];
  for await (const lines of copyLines(Readable.from(pieces), 1_000_000))
    rows.push(...lines.map(fieldsOf));
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

describe('the text form of COPY', () => {
  test('gives back any values, NULL told from the empty string, cut in two anywhere', async () => {
    await fc.assert(
      fc.asyncProperty(table, async (rows) => {
        const bytes = copiedText(rows);
        for (let at = 0; at <= bytes.length; at++)
          expect(await read(bytes.subarray(0, at), bytes.subarray(at))).toEqual(rows);
      }),
      { numRuns: 60 },
    );
  });

  test('and byte by byte', async () => {
    await fc.assert(
      fc.asyncProperty(table, async (rows) => {
        const bytes = [...copiedText(rows)].map((byte) => Buffer.from([byte]));
        expect(await read(...bytes)).toEqual(rows);
      }),
    );
  });

  test('of a line that does not end is not waited for, and says how long its fields are', async () => {
    const pieces = ['1\ta\n2\tab', 'c\t', 'x'.repeat(60), 'x'.repeat(60)].map((it) =>
      Buffer.from(it),
    );
    const seen: string[][] = [];
    const lines = async (): Promise<void> => {
      for await (const batch of copyLines(Readable.from(pieces), 100)) seen.push(batch);
    };
    await expect(lines()).rejects.toMatchObject({ open: [1, 3, 120] });
    expect(seen).toEqual([['1\ta']]);
  });

  test('that ends inside a row is none', async () => {
    await expect(read(Buffer.from('1\ta\n2'))).rejects.toThrow('inside a row');
  });
});
