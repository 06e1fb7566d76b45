import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { copyBytes, cutAt } from './copy-bytes.ts';
import { CopyRows } from './copy-rows.ts';

type Row = (Buffer | null)[];

function read(pieces: readonly Buffer[], columns: number): Row[] {
  const copied = new CopyRows(columns);
  const rows: Row[] = [];
  for (const piece of pieces) {
    copied.push(piece);
    while (copied.next()) {
      const { buffer, byteOffset } = copied.view;
      rows.push(
        Array.from({ length: columns }, (_, n) => {
          const length = copied.lengths[n] ?? -1;
          const from = byteOffset + (copied.starts[n] ?? 0);
          return length < 0 ? null : Buffer.from(new Uint8Array(buffer, from, length));
        }),
      );
    }
  }
  copied.end();
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

describe('rows of the binary format', () => {
  test('are the same wherever the bytes are cut; NULL is not the empty value', () => {
    fc.assert(
      fc.property(table, ({ columns, rows, places }) => {
        expect(read(cutAt(copyBytes(rows), places), columns)).toEqual(rows);
      }),
      { numRuns: 500 },
    );
  });

  const rows: Row[] = [
    [Buffer.from('a'), null, Buffer.alloc(0)],
    [null, Buffer.from('long enough to be cut in the middle'), null],
  ];
  const bytes = copyBytes(rows);

  test('are the same cut at every byte, and byte by byte', () => {
    for (let place = 0; place < bytes.length; place++)
      expect(read(cutAt(bytes, [place]), 3)).toEqual(rows);
    const single = [...bytes].map((byte) => Buffer.from([byte]));
    expect(read(single, 3)).toEqual(rows);
  });

  test('that end before their end are none', () => {
    for (let length = 0; length < bytes.length; length++)
      expect(() => read([bytes.subarray(0, length)], 3)).toThrow('inside a row');
  });

  test('may be long between short ones', () => {
    const long = [1, 9_000_000, 2, 300_000, 0, 6_000_000, 7].map((length) => [
      Buffer.alloc(length, length % 251),
    ]);
    const all = copyBytes(long);
    const cuts = Array.from({ length: Math.floor(all.length / 65_536) }, (_, n) => n * 65_536);
    const same = read(cutAt(all, cuts), 1).map(([held], n) => held?.equals(long[n]?.[0] ?? held));
    expect(same).toEqual(long.map(() => true));
  });

  test.each([
    ['of another number of columns', bytes, 2, '3 columns'],
    ['with more behind them', Buffer.concat([bytes, Buffer.from('x')]), 3, 'more behind'],
    ['that are text', Buffer.from('1,2,3\n'.repeat(10)), 3, 'not its binary format'],
  ])('%s are refused', (_name, wrong, columns, message) => {
    expect(() => read([wrong], columns)).toThrow(message);
  });
});
