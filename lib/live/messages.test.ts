import { describe, expect, test } from '@jest/globals';
import { liveReadingsSchema } from '../contracts/live.ts';
import type { Position } from './cursor.ts';
import { type Entry, instantText, itemJson, latestOfSeries } from './entries.ts';
import { emptyMessage, readingsMessages } from './messages.ts';

const entry = (offset: number, series: string, value: number, partition = 0): Entry => ({
  topic: 'readings',
  partition,
  epoch: 1,
  offset,
  series,
  json: itemJson({ series, atMicros: value * 1e6, value }),
});

/** Cursors that can be read. */
const cursorOf = (position: Position): string =>
  [...(position.get('readings')?.nextOffsets ?? [])]
    .toSorted(([a], [b]) => a - b)
    .map(([partition, offset]) => `${partition}:${offset}`)
    .join(' ');
const link = { prev: 'prev', start: new Map(), end: 'end', cursorOf };
const read = (texts: readonly string[]) =>
  texts.map((text) => liveReadingsSchema.parse(JSON.parse(text)));

describe('readingsMessages', () => {
  test('returns one message if everything fits, also if there is nothing', () => {
    expect(read(readingsMessages([entry(0, 'ä"', 1), entry(1, 'b', 2)], link))).toEqual([
      {
        type: 'readings',
        prev: 'prev',
        next: 'end',
        items: [
          ['ä"', '1970-01-01T00:00:01Z', 1],
          ['b', '1970-01-01T00:00:02Z', 2],
        ],
      },
    ]);
    expect(readingsMessages([], { ...link, end: 'prev' })).toEqual([emptyMessage('prev')]);
  });

  test('divides between records, with the cursor of what was sent', () => {
    const entries = [
      ...Array.from({ length: 6 }, (_, n) => entry(n * 2, 'a', n)),
      ...Array.from({ length: 6 }, (_, n) => entry(n, 'b', n, 1)),
    ];
    const maxBytes = 300;
    const texts = readingsMessages(entries, link, maxBytes);
    for (const text of texts) expect(Buffer.byteLength(text)).toBeLessThanOrEqual(maxBytes);
    const messages = read(texts);
    expect(messages.flatMap(({ items }) => items)).toHaveLength(entries.length);
    expect(messages.map(({ prev }) => prev)).toEqual([
      'prev',
      ...messages.slice(0, -1).map(({ next }) => next),
    ]);
    expect(messages.at(-1)?.next).toBe('end');
    let count = 0;
    for (const { items, next } of messages.slice(0, -1)) {
      count += items.length;
      expect(next).toBe(count <= 6 ? `0:${count * 2 - 1}` : `0:11 1:${count - 6}`);
    }
  });

  test('continues a record that does not fit from its beginning', () => {
    const entries = [
      entry(0, 'a', 0),
      ...Array.from({ length: 20 }, (_, n) => entry(1, 'a', n)),
      entry(2, 'a', 99),
    ];
    const messages = read(readingsMessages(entries, link, 400));
    const cursors = messages.map(({ next }) => next);
    expect(messages.length).toBeGreaterThan(3);
    expect(new Set(cursors.slice(0, -1))).toEqual(new Set(['0:1']));
    expect(messages.flatMap(({ items }) => items)).toHaveLength(entries.length);
  });
});

test.each([
  [0, '1970-01-01T00:00:00Z'],
  [1, '1970-01-01T00:00:00.000001Z'],
  [1_772_323_200_120_000, '2026-03-01T00:00:00.12Z'],
  [-1, '1969-12-31T23:59:59.999999Z'],
  [Number.MAX_SAFE_INTEGER, '2255-06-05T23:47:34.740991Z'],
])('instantText(%d) is %s', (micros, text) => {
  expect(instantText(micros)).toBe(text);
});

test('latestOfSeries returns the reading with the latest time, not the last one', () => {
  const entries = [entry(0, 'a', 5), entry(1, 'a', 3), entry(2, 'b', 1), entry(3, 'b', 1)];
  expect(latestOfSeries(entries)).toEqual([entries[0], entries[3]]);
});
