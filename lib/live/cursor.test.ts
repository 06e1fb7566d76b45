import { describe, expect, test } from '@jest/globals';
import { AppError } from '../runtime/errors.ts';
import { decodeCursor, encodeCursor, type Position } from './cursor.ts';

const secret = 's'.repeat(32);
const position: Position = new Map([
  [
    'readings',
    {
      epoch: 1,
      nextOffsets: new Map([
        [0, 12],
        [10, 3],
        [2, Number.MAX_SAFE_INTEGER],
      ]),
    },
  ],
  ['plant.json', { epoch: 7, nextOffsets: new Map() }],
]);

test('decodeCursor returns the position of encodeCursor', () => {
  expect(decodeCursor(encodeCursor(position, secret), secret)).toEqual(position);
  expect(decodeCursor(encodeCursor(new Map(), secret), secret)).toEqual(new Map());
});

test('equal positions have equal cursors', () => {
  const reversed = new Map(
    [...position]
      .toReversed()
      .map(([topic, { epoch, nextOffsets }]) => [
        topic,
        { epoch, nextOffsets: new Map([...nextOffsets].toReversed()) },
      ]),
  );
  expect(encodeCursor(reversed, secret)).toBe(encodeCursor(position, secret));
});

test('a cursor has only characters that need no quoting in a URL', () => {
  expect(encodeCursor(position, secret)).toMatch(/^[A-Za-z0-9_.-]+$/);
});

describe('decodeCursor throws for', () => {
  const cursor = encodeCursor(position, secret);
  const [text = '', signature = ''] = cursor.split('.');
  const other = Buffer.from(JSON.stringify({ readings: [1, { 0: 13 }] })).toString('base64url');

  test.each([
    ['an empty text', ''],
    ['other text', 'next'],
    ['no signature', text],
    ['a changed position', `${other}.${signature}`],
    [
      'a changed signature',
      `${text}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`,
    ],
    ['a shortened signature', cursor.slice(0, -2)],
    ['further text', `${cursor}.x`],
    ['a cursor of another deployment', encodeCursor(position, 't'.repeat(32))],
  ])('%s', (_, wrong) => {
    expect(() => decodeCursor(wrong, secret)).toThrow(AppError);
  });
});
