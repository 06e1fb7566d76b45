import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { exportRequestSchema } from '../contracts/export-request.ts';
import { Refusal } from './errors.ts';
import { parseJson } from './validation.ts';

const good = { sources: ['sales'], dataset: 'orders', format: 'csv' };

function refusalOf(request: unknown): Refusal {
  try {
    parseJson(exportRequestSchema, typeof request === 'string' ? request : JSON.stringify(request));
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('an export request', () => {
  test('gets its defaults, so that two that mean the same are equal', () => {
    const parsed = parseJson(
      exportRequestSchema,
      JSON.stringify({ ...good, from: '2024-03-01T01:00:00+01:00' }),
    );
    expect(parsed).toEqual({
      sources: ['sales'],
      dataset: 'orders',
      from: '2024-03-01T00:00:00Z',
      format: 'csv',
      compression: 'none',
      profile: 'machine',
      timeZone: 'UTC',
      order: 'any',
      consistency: 'snapshot',
      ttlSeconds: 86_400,
    });
  });

  test.each([
    ['csv', undefined, 'none'],
    ['parquet', undefined, 'zstd'],
    ['parquet', 'none', 'none'],
    ['parquet', 'snappy', 'snappy'],
    ['csv', 'zstd', 'zstd'],
  ])('of %s with compression %s is compressed with %s', (format, compression, expected) => {
    const text = JSON.stringify({ ...good, format, compression });
    expect(parseJson(exportRequestSchema, text).compression).toBe(expected);
  });

  test.each([
    ['{', 'malformed_body'],
    ['', 'malformed_body'],
    ['[]', 'malformed_body'],
    ['null', 'malformed_body'],
    ['"csv"', 'malformed_body'],
  ])('%s: %s', (text, code) => {
    expect(refusalOf(text).code).toBe(code);
  });

  test.each([
    [{ ...good, bogus: 1 }, 'bogus'],
    [{ ...good, sources: undefined }, 'sources'],
    [{ ...good, sources: [] }, 'sources'],
    [{ ...good, sources: [7] }, 'sources'],
    [{ ...good, dataset: 5 }, 'dataset'],
    [{ ...good, format: 'pdf' }, 'format'],
    [{ ...good, from: '2024-02-30T00:00:00Z' }, 'from'],
    [{ ...good, from: '2024-03-02T00:00:00Z', to: '2024-03-01T00:00:00Z' }, 'from'],
    [{ ...good, columns: [] }, 'columns'],
    [{ ...good, columns: ['id', 'id'] }, 'columns'],
    [{ ...good, ttlSeconds: 59 }, 'ttlSeconds'],
    [{ ...good, ttlSeconds: 2_592_001 }, 'ttlSeconds'],
    [{ ...good, ttlSeconds: 1.5 }, 'ttlSeconds'],
    [{ ...good, timeZone: 'Mars/Olympus' }, 'timeZone'],
    [{ ...good, compression: 'snappy' }, 'compression'],
    [{ ...good, compression: 'zip' }, 'compression'],
    [{ ...good, format: 'parquet', compression: null }, 'compression'],
    [{ ...good, format: 'xlsx', consistency: 'resumable' }, 'consistency'],
  ])('%j is refused by its field %s', (request, field) => {
    const { code, errors = [], message } = refusalOf(request);
    expect(code).toBe('refused_request');
    expect(errors.map((error) => error.field)).toEqual([field]);
    expect(message).toContain(field);
  });

  test('names every field that is wrong at once, and what is allowed', () => {
    const { errors = [] } = refusalOf({ ...good, format: 'pdf', ttlSeconds: 1 });
    expect(errors).toEqual([
      {
        field: 'format',
        message: 'has a value that is not allowed',
        allowed: ['csv', 'json', 'ndjson', 'xlsx', 'parquet'],
      },
      { field: 'ttlSeconds', message: 'must be at least 60' },
    ]);
    expect(refusalOf({ ...good, bogus: 1 }).errors?.[0]?.allowed).toContain('ttlSeconds');
  });
});

test('a NUL in a text is refused, an escaped backslash before u0000 is not one', () => {
  const schema = z.object({ text: z.string() });
  expect(() => parseJson(schema, '{"text": "a\\u0000b"}')).toThrow('NUL');
  expect(() => parseJson(schema, '{"text": "\\\\\\u0000"}')).toThrow('NUL');
  expect(parseJson(schema, '{"text": "\\\\u0000"}')).toEqual({ text: '\\u0000' });
});

test('half a surrogate pair is refused, a whole one is a character', () => {
  const schema = z.object({ text: z.string() });
  expect(() => parseJson(schema, '{"text": "\\ud83d"}')).toThrow('surrogate');
  expect(() => parseJson(schema, '{"\\uDE00": 1, "text": ""}')).toThrow('surrogate');
  expect(parseJson(schema, '{"text": "\\ud83d\\uDE00"}')).toEqual({ text: '😀' });
  expect(parseJson(schema, '{"text": "\\\\ud83d"}')).toEqual({ text: '\\ud83d' });
});
