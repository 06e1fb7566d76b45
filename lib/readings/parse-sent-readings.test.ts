import { describe, expect, test } from '@jest/globals';
import { timeBounds } from '../ingest/reading-time.ts';
import { AppError } from '../runtime/errors.ts';
import { parseSentReadings } from './parse-sent-readings.ts';
import { messagesOf } from './publish.ts';

const now = Date.parse('2026-03-01T12:00:00Z');
const bounds = timeBounds(now, { maxAgeDays: 10, maxFutureSeconds: 60 });
const good = { series: 'pump-1', at: '2026-03-01T11:59:59Z', value: 3.2 };

const parse = (body: unknown) =>
  parseSentReadings(typeof body === 'string' ? body : JSON.stringify(body), bounds);

/** Returns the code and the fields of the error that a body causes. */
function errorOf(body: unknown): { code: string; fields: string[]; message: string } {
  try {
    parse(body);
  } catch (error) {
    if (!(error instanceof AppError)) throw error;
    const { code, errors = [], message } = error;
    return { code, fields: errors.map(({ field }) => field), message };
  }
  throw new Error('the body was accepted');
}

describe('parseSentReadings', () => {
  test('returns one reading, and the readings of an array', () => {
    expect(parse(good)).toEqual([{ series: 'pump-1', json: JSON.stringify(good) }]);
    expect(parse([good, { ...good, series: 'pump-2' }]).map(({ series }) => series)).toEqual([
      'pump-1',
      'pump-2',
    ]);
  });

  test('keeps the digits that were sent', () => {
    const text = `{"series":"a","at":1772366399123456789,"value":1.10,"attributes":{"id":12345678901234567890}}`;
    expect(parse(text)[0]?.json).toBe(
      '{"series":"a","at":1772366399123456789,"value":1.1,"attributes":{"id":12345678901234567890}}',
    );
  });

  test.each([
    ['a wrong time in a reading by itself', { ...good, at: 'noon' }, ['at']],
    [
      'an old and a future time',
      [good, { ...good, at: 1 }, { ...good, at: '2026-03-01T12:01:01Z' }],
      ['1.at', '2.at'],
    ],
    ['a long time', [{ ...good, at: `2026-03-01T11:59:59.${'0'.repeat(40)}Z` }], ['0.at']],
    ['a value that is text', [{ ...good, value: '3.2' }], ['0.value']],
    [
      'an infinite value',
      '[{"series":"a","at":"2026-03-01T11:59:59Z","value":1e999}]',
      ['0.value'],
    ],
    ['a missing series', [{ at: good.at, value: 1 }], ['0.series']],
    ['an unknown field', [{ ...good, reading: 1 }], ['0']],
    ['something that is no reading', [good, 7, null, [good]], ['1', '2', '3']],
    ['text', '"pump-1"', ['body']],
    ['no readings', [], ['body']],
  ])('names the reading and the field of %s', (_, body, fields) => {
    expect(errorOf(body)).toMatchObject({ code: 'invalid_request', fields });
  });

  test('names at most 20 readings, and how many more are wrong', () => {
    const { fields, message } = errorOf(
      Array.from({ length: 30 }, () => ({ ...good, value: null })),
    );
    expect(fields).toHaveLength(20);
    expect(message).toMatch(/and 10 more\.$/);
  });

  test.each([
    ['malformed_body', '[{]'],
    ['too_large', JSON.stringify({ ...good, attributes: { a: 'x'.repeat(262_144) } })],
    ['too_large', '['.repeat(1_000)],
    ['too_large', `[${'1,'.repeat(10_000)}1]`],
  ])('throws %s', (code, body) => {
    expect(errorOf(body).code).toBe(code);
  });
});

describe('messagesOf', () => {
  const sent = (series: string, json: string) => ({ series, json });

  test('puts the readings of a series into one message with the series as its key, in their order', () => {
    const messages = messagesOf([sent('a', '1'), sent('b', '2'), sent('a', '3')]);
    expect(messages.map(({ key, value }) => [key.toString(), value.toString()])).toEqual([
      ['a', '[1,3]'],
      ['b', '2'],
    ]);
  });

  test('divides what is larger than a record may be', () => {
    const long = JSON.stringify('x'.repeat(100_000));
    const messages = messagesOf([
      sent('a', long),
      sent('a', '1'),
      sent('a', long),
      sent('a', long),
    ]);
    expect(messages.flatMap(({ value }) => JSON.parse(value.toString()))).toEqual(
      [long, '1', long, long].map((json) => JSON.parse(json)),
    );
    for (const { value } of messages) expect(value.length).toBeLessThanOrEqual(262_144);
  });
});
