import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { cutAt, toCopyBinary } from '../../formats/testing/copy-binary.ts';
import { CopyBinaryParser } from './binary-parser.ts';

type Row = (Buffer | null)[];

function parseRows(chunks: readonly Buffer[], columns: number): Row[] {
  const parser = new CopyBinaryParser(columns);
  const rows: Row[] = [];
  for (const chunk of chunks) {
    parser.push(chunk);
    while (parser.next()) {
      const { buffer, byteOffset } = parser.view;
      rows.push(
        Array.from({ length: columns }, (_, n) => {
          const length = parser.lengths[n] ?? -1;
          const from = byteOffset + (parser.starts[n] ?? 0);
          return length < 0 ? null : Buffer.from(new Uint8Array(buffer, from, length));
        }),
      );
    }
  }
  parser.end();
  return rows;
}

const value = fc.option(
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  { nil: null },
);
const table = fc.integer({ min: 0, max: 5 }).chain((columns) =>
  fc.record({
    columns: fc.constant(columns),
    rows: fc.array(fc.array(value, { minLength: columns, maxLength: columns }), { maxLength: 8 }),
    places: fc.array(fc.nat(), { maxLength: 6 }),
  }),
);

describe('CopyBinaryParser', () => {
  test('CopyBinaryParser returns the same rows wherever the bytes are cut, and NULL is not empty', () => {
    fc.assert(
      fc.property(table, ({ columns, rows, places }) => {
        expect(parseRows(cutAt(toCopyBinary(rows), places), columns)).toEqual(rows);
      }),
      { numRuns: 500 },
    );
  });

  const rows: Row[] = [
    [Buffer.from('a'), null, Buffer.alloc(0)],
    [null, Buffer.from('long enough to be cut in the middle'), null],
  ];
  const bytes = toCopyBinary(rows);

  test('CopyBinaryParser returns the same rows cut at every byte, and byte by byte', () => {
    for (let place = 0; place < bytes.length; place++)
      expect(parseRows(cutAt(bytes, [place]), 3)).toEqual(rows);
    const single = [...bytes].map((byte) => Buffer.from([byte]));
    expect(parseRows(single, 3)).toEqual(rows);
  });

  test('CopyBinaryParser throws if the rows end early', () => {
    for (let length = 0; length < bytes.length; length++)
      expect(() => parseRows([bytes.subarray(0, length)], 3)).toThrow('inside a row');
  });

  test('CopyBinaryParser returns long rows between short ones', () => {
    const long = [1, 9_000_000, 2, 300_000, 0, 6_000_000, 7].map((length) => [
      Buffer.alloc(length, length % 251),
    ]);
    const all = toCopyBinary(long);
    const cuts = Array.from({ length: Math.floor(all.length / 65_536) }, (_, n) => n * 65_536);
    const same = parseRows(cutAt(all, cuts), 1).map(([parsed], n) =>
      parsed?.equals(long[n]?.[0] ?? parsed),
    );
    expect(same).toEqual(long.map(() => true));
  });

  test.each([
    ['a row of another number of columns', bytes, 2, '3 columns'],
    ['bytes after the end', Buffer.concat([bytes, Buffer.from('x')]), 3, 'after its end'],
    ['text', Buffer.from('1,2,3\n'.repeat(10)), 3, 'not its binary format'],
  ])('CopyBinaryParser rejects %s', (_name, wrong, columns, message) => {
    expect(() => parseRows([wrong], columns)).toThrow(message);
  });
});
