import { describe, expect, test } from '@jest/globals';
import { decodeReadings, textOf } from './decode-record.ts';
import { timeBounds } from './reading-time.ts';

const now = Date.parse('2026-11-28T01:00:00Z');
const bounds = timeBounds(now, { maxAgeDays: 3_650, maxFutureSeconds: 600 });
const decode = (sent: unknown) =>
  decodeReadings(typeof sent === 'string' ? sent : JSON.stringify(sent), bounds);
const at = '2026-11-28T00:59:59.123456Z';
const atMicros = Date.parse('2026-11-28T00:59:59Z') * 1_000 + 123_456;

describe('decodeReadings', () => {
  test('returns a reading with all of its fields', () => {
    const attributes = { quality: 'good', nested: [1, { a: null }] };
    expect(decode({ series: 'pump-1', at, value: 6.25, unit: 'bar', attributes })).toEqual([
      { series: 'pump-1', atMicros, value: 6.25, unit: 'bar', attributes },
    ]);
  });

  test('returns every reading of an array, in its order', () => {
    const values = decode([3, 1, 2].map((value) => ({ series: 'a', at, value })));
    expect(values.map(({ value }) => value)).toEqual([3, 1, 2]);
  });

  test.each([
    ['seconds', '1795827599', 1795827599000000],
    ['seconds with a fraction', '1795827599.123456', 1795827599123456],
    ['milliseconds', '1795827599123', 1795827599123000],
    ['milliseconds with a fraction', '1795827599123.456', 1795827599123456],
    ['microseconds', '1795827599123456', 1795827599123456],
    ['nanoseconds', '1795827599123456789', 1795827599123456],
    [
      'nanoseconds whose double is in the next microsecond',
      '1795827599123455999',
      1795827599123455,
    ],
    ['a string of digits', '"1795827599123455999"', 1795827599123455],
    ['a string with a fraction', '"1795827599.5"', 1795827599500000],
    ['an exponent', '1.795827599e9', 1795827599000000],
    ['UTC', '"2026-11-28T00:59:59Z"', 1795827599000000],
    ['an offset', '"2026-11-28T06:29:59.5+05:30"', 1795827599500000],
    ['a negative offset into the day before', '"2026-11-27T23:59:59-01:00"', 1795827599000000],
    ['a fraction finer than microseconds', '"2026-11-28T00:59:59.123455999Z"', 1795827599123455],
    ['small letters', '"2026-11-28t00:59:59z"', 1795827599000000],
    ['a leap day', '"2024-02-29T12:00:00Z"', Date.UTC(2024, 1, 29, 12) * 1_000],
  ])('reads a time in %s', (_, written, expected) => {
    expect(decode(`{"series":"a","at":${written},"value":1}`)[0]?.atMicros).toBe(expected);
  });

  test('keeps the digits of long numbers in attributes, and a field named at there', () => {
    const text = `{"series":"a","at":1795827599123455999,"value":0.30000000000000004,"attributes":{"at":12345678901234567890,"b":[1.50,0.1000000000000000055]}}`;
    const [reading] = decode(text);
    expect(reading?.atMicros).toBe(1795827599123455);
    expect(reading?.value).toBe(0.30000000000000004);
    expect(JSON.stringify(reading?.attributes)).toBe(
      '{"at":12345678901234567890,"b":[1.5,0.1000000000000000055]}',
    );
  });

  const reading = { series: 'a', at, value: 1 };
  test.each([
    ['text that is not JSON', '{"series":', /^is not JSON/],
    ['a number', '7', /is not an object/],
    ['null', 'null', /is not an object/],
    ['deep nesting', '['.repeat(100_000), /^is not JSON/],
    ['an array of arrays', [[reading]], /reading 0: is not an object/],
    ['an empty array', [], /without readings/],
    [
      'a long array',
      Array.from({ length: 10_001 }, () => reading),
      /10,001 readings; the limit is 10,000/,
    ],
    ['a mixed array', [reading, { ...reading, series: 'b' }], /more than one series/],
    ['no series', { ...reading, series: undefined }, /^series: must be a text/],
    ['an empty series', { ...reading, series: '' }, /^series/],
    ['a long series', { ...reading, series: 'x'.repeat(257) }, /at most 256 characters/],
    ['NUL in a series', { ...reading, series: 'a\0' }, /^series: .*control characters/],
    ['half a surrogate pair', { ...reading, series: 'a\ud800' }, /^series: .*surrogate/],
    ['no time', { ...reading, at: undefined }, /^at: must be a date and time/],
    ['a time without offset', { ...reading, at: '2026-11-28T00:59:59' }, /^at: .*offset/],
    ['an unknown day', { ...reading, at: '2026-02-29T00:00:00Z' }, /^at: .*exists/],
    ['a leap second', { ...reading, at: '2016-12-31T23:59:60Z' }, /^at: .*exists/],
    ['a date', { ...reading, at: '2026-11-28' }, /^at: must be/],
    ['a date in words', { ...reading, at: 'Sat Nov 28 2026' }, /^at: must be/],
    ['an offset of a day', { ...reading, at: '2026-11-28T00:00:00+24:00' }, /^at: .*offset/],
    ['a point without digits', { ...reading, at: '2026-11-28T00:00:00.Z' }, /^at: must be/],
    ['a time in the future', { ...reading, at: '2026-11-28T01:10:01Z' }, /^at: is in the future/],
    ['an old time', { ...reading, at: '2016-11-29T00:00:00Z' }, /^at: is too old/],
    ['a time of 1e300', { ...reading, at: 1e300 }, /^at: is in the future/],
    ['a value as text', { ...reading, value: '1' }, /^value: must be a finite number/],
    ['no value', { ...reading, value: null }, /^value/],
    ['an infinite value', '{"series":"a","at":1795827599,"value":1e999}', /^value/],
    ['an unknown field', { ...reading, quality: 1 }, /unknown field "quality"/],
    ['__proto__', `{"series":"a","at":1795827599,"value":1,"__proto__":{}}`, /unknown field/],
    [
      'attributes that are a list',
      { ...reading, attributes: [] },
      /^attributes: must be an object/,
    ],
    ['NUL in attributes', { ...reading, attributes: { a: ['\0'] } }, /^attributes: .*character/],
    ['deep attributes', { ...reading, attributes: nested(20) }, /^attributes: .*16 levels/],
    [
      'infinity in attributes',
      `{"series":"a","at":1795827599,"value":1,"attributes":{"a":1e999}}`,
      /no double/,
    ],
    ['a unit that is no text', { ...reading, unit: 5 }, /^unit/],
  ])('rejects %s', (_, sent, reason) => {
    expect(() => decode(sent)).toThrow(reason);
  });

  function nested(levels: number): Record<string, unknown> {
    return levels === 0 ? {} : { a: nested(levels - 1) };
  }

  test('accepts the first and the last instant of the rule', () => {
    for (const micros of [bounds.oldest, bounds.newest])
      expect(decode({ ...reading, at: micros })[0]?.atMicros).toBe(micros);
  });
});

test('a retention that is shorter than the maximum age decides', () => {
  const rules = { retentionDays: 2, maxAgeDays: 10, maxFutureSeconds: 0 };
  expect(timeBounds(now, rules).oldest).toBe((now - 2 * 86_400_000) * 1_000);
});

test.each([
  ['no value', null, /has no value/],
  ['an empty value', Buffer.alloc(0), /has no value/],
  ['a value that is too large', Buffer.alloc(262_145, 'x'), /262,145 bytes/],
  ['other bytes than UTF-8', Buffer.from([0x22, 0xff, 0x22]), /UTF-8/],
])('textOf rejects %s', (_, value, reason) => {
  expect(() => textOf(value)).toThrow(reason);
});
