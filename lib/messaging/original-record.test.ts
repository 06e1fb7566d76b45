import { expect, test } from '@jest/globals';
import { letterOf } from './dead-letter.ts';
import type { Header } from './message-headers.ts';
import { readLetter } from './original-record.ts';

const header = (key: string, value: string): Header => ({ key, value: Buffer.from(value) });
const origin = { topic: 'readings', partition: 3, offset: 12 };

/** As a consumer sees it: values by name, in the order in which the names first appear. */
const byName = (headers: readonly Header[]): Header[] =>
  [...Map.groupBy(headers, ({ key }) => key).values()].flat();

test.each([
  ['no headers', []],
  ['headers', [header('a', '1'), header('b', '')]],
  [
    'headers of the same names',
    [header('topic', 'x'), header('reason', 'y'), header('offset', 'z')],
  ],
  ['a header named cut', [header('cut', '{}'), header('a', '1')]],
])('a record with %s is read from its dead letter as it was', (_, headers) => {
  const record = { key: Buffer.from('k'), value: Buffer.from('v'), headers };
  const letter = letterOf(record, origin, 'is wrong');
  expect(readLetter({ ...letter, headers: byName(letter.headers) })).toEqual({
    record,
    reason: 'is wrong',
    origin,
    cut: false,
  });
});

test.each([[[]], [[header('cut', 'own')]]])(
  'a letter that has only a part of the record says so, with the headers %j',
  (headers) => {
    const record = { key: null, value: Buffer.alloc(300_000, 'x'), headers };
    const letter = letterOf(record, origin, 'is too large');
    const read = readLetter({ ...letter, headers: byName(letter.headers) });
    expect(read).toMatchObject({ cut: true, reason: 'is too large', origin });
    expect(read.record.headers).toEqual(headers);
  },
);

test('a record that is no dead letter has no reason and no origin', () => {
  const record = { key: null, value: null, headers: [header('offset', 'x')] };
  expect(readLetter(record)).toMatchObject({ reason: null, origin: null, cut: false });
});
