import { createHmac } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { describe, expect, test } from '@jest/globals';
import { toCopyBinary } from '../../formats/testing/copy-binary.ts';
import { toCopyText } from '../../formats/testing/copy-text.ts';
import { type CopyEncoding, hashFields } from './hash-fields.ts';

const secret = 's'.repeat(32);
const hash = (value: string): string => createHmac('sha256', secret).update(value).digest('hex');
const columns = [{}, { policy: 'hash' }, { policy: 'mask' }, { policy: 'hash' }] as const;

/** Rows with values that every encoding escapes in its own way. */
const rows: readonly (readonly (string | null)[])[] = [
  ['1', 'a', '***', 'b'],
  ['2', null, null, ''],
  ['3', 'x,"y"\n;\t\\ \\N "', '', 'NULL'],
  ['4', 'ü💡', 'kept, "as" it\nis', '\\.'],
];
const hashedRows = rows.map((row) =>
  row.map((value, n) => (value !== null && n % 2 === 1 ? hash(value) : value)),
);

const quoted = (value: string): string => `"${value.replaceAll('"', '""')}"`;
const csvOf =
  ({ delimiter = ',', nullText = '', isQuoted = false }) =>
  (all: typeof rows): Buffer =>
    Buffer.from(
      all
        .map((row) => {
          const fields = row.map((value) => {
            if (value === null) return nullText;
            const isPlain = value !== nullText && !/[",;\n\r]/.test(value);
            return isPlain && !isQuoted ? value : quoted(value);
          });
          return `${fields.join(delimiter)}\n`;
        })
        .join(''),
    );
const binaryOf = (all: typeof rows): Buffer =>
  toCopyBinary(all.map((row) => row.map((value) => (value === null ? null : Buffer.from(value)))));

const forms: readonly [string, CopyEncoding, (all: typeof rows) => Buffer][] = [
  ['CSV', { kind: 'csv', delimiter: ',', nullText: '', isQuoted: false }, csvOf({})],
  [
    'CSV with other options',
    { kind: 'csv', delimiter: ';', nullText: 'NULL', isQuoted: false },
    csvOf({ delimiter: ';', nullText: 'NULL' }),
  ],
  [
    'CSV in quotes',
    { kind: 'csv', delimiter: ',', nullText: '', isQuoted: true },
    csvOf({ isQuoted: true }),
  ],
  ['text', { kind: 'text' }, toCopyText],
  ['the binary format', { kind: 'binary' }, binaryOf],
];

describe.each(forms)('hashFields of %s', (_, encoding, write) => {
  const hashed = (chunks: readonly Buffer[]): Promise<Buffer> =>
    buffer(Readable.from(hashFields(Readable.from(chunks), columns, { encoding, secret })));

  test('replaces the values of hashed columns, and nothing else', async () => {
    expect(await hashed([write(rows)])).toEqual(write(hashedRows));
  });

  test('does so wherever the chunks are cut, and releases each of them', async () => {
    const bytes = write(rows);
    for (const size of [1, 2, 3, 7]) {
      const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (__, n) =>
        bytes.subarray(n * size, (n + 1) * size),
      );
      const released: Buffer[] = [];
      const release = (chunk: Buffer): void => void released.push(chunk);
      const output = hashFields(Readable.from(chunks), columns, { encoding, secret, release });
      expect(await buffer(Readable.from(output))).toEqual(write(hashedRows));
      expect(released).toEqual(chunks);
    }
  });

  test('no bytes are no rows', async () => {
    const none = write([]);
    expect(await hashed(none.length === 0 ? [] : [none])).toEqual(none);
  });
});

test('without a hashed column the source is passed on itself', () => {
  const source = Readable.from([]);
  const passed = hashFields(source, [{}, { policy: 'mask' }], { encoding: { kind: 'text' } });
  expect(passed).toBe(source);
});
