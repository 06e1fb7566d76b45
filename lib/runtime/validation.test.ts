import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { exportRequestSchema } from '../contracts/export-request.ts';
import { AppError } from './errors.ts';
import { parseJson } from './validation.ts';

const validRequest = { sources: ['sales'], dataset: 'orders', format: 'csv' };

function errorOf(request: unknown): AppError {
  try {
    parseJson(exportRequestSchema, typeof request === 'string' ? request : JSON.stringify(request));
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
  throw new Error('the request was accepted');
}

describe('exportRequestSchema', () => {
  test('parseJson adds the defaults, so that equivalent requests are equal', () => {
    const parsed = parseJson(
      exportRequestSchema,
      JSON.stringify({ ...validRequest, from: '2024-03-01T01:00:00+01:00' }),
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
  ])('the compression of %s, requested as %s, is %s', (format, compression, expected) => {
    const text = JSON.stringify({ ...validRequest, format, compression });
    expect(parseJson(exportRequestSchema, text).compression).toBe(expected);
  });

  test.each([
    ['{', 'malformed_body'],
    ['', 'malformed_body'],
    ['[]', 'malformed_body'],
    ['null', 'malformed_body'],
    ['"csv"', 'malformed_body'],
  ])('parseJson rejects the body %s with %s', (text, code) => {
    expect(errorOf(text).code).toBe(code);
  });

  test.each([
    [{ ...validRequest, bogus: 1 }, 'bogus'],
    [{ ...validRequest, sources: undefined }, 'sources'],
    [{ ...validRequest, sources: [] }, 'sources'],
    [{ ...validRequest, sources: [7] }, 'sources'],
    [{ ...validRequest, dataset: 5 }, 'dataset'],
    [{ ...validRequest, format: 'pdf' }, 'format'],
    [{ ...validRequest, from: '2024-02-30T00:00:00Z' }, 'from'],
    [{ ...validRequest, from: '2024-03-02T00:00:00Z', to: '2024-03-01T00:00:00Z' }, 'from'],
    [{ ...validRequest, columns: [] }, 'columns'],
    [{ ...validRequest, columns: ['id', 'id'] }, 'columns'],
    [{ ...validRequest, ttlSeconds: 59 }, 'ttlSeconds'],
    [{ ...validRequest, ttlSeconds: 2_592_001 }, 'ttlSeconds'],
    [{ ...validRequest, ttlSeconds: 1.5 }, 'ttlSeconds'],
    [{ ...validRequest, timeZone: 'Mars/Olympus' }, 'timeZone'],
    [{ ...validRequest, compression: 'snappy' }, 'compression'],
    [{ ...validRequest, compression: 'zip' }, 'compression'],
    [{ ...validRequest, format: 'parquet', compression: null }, 'compression'],
    [{ ...validRequest, format: 'xlsx', consistency: 'resumable' }, 'consistency'],
  ])('parseJson rejects %j with the field %s', (request, field) => {
    const { code, errors = [], message } = errorOf(request);
    expect(code).toBe('invalid_request');
    expect(errors.map((error) => error.field)).toEqual([field]);
    expect(message).toContain(field);
  });

  test('an error names every wrong field and the allowed values', () => {
    const { errors = [] } = errorOf({ ...validRequest, format: 'pdf', ttlSeconds: 1 });
    expect(errors).toEqual([
      {
        field: 'format',
        message: 'has a value that is not allowed',
        allowed: ['csv', 'json', 'ndjson', 'xlsx', 'parquet'],
      },
      { field: 'ttlSeconds', message: 'must be at least 60' },
    ]);
    expect(errorOf({ ...validRequest, bogus: 1 }).errors?.[0]?.allowed).toContain('ttlSeconds');
  });
});

test('parseJson rejects NUL, but not an escaped backslash before u0000', () => {
  const schema = z.object({ text: z.string() });
  expect(() => parseJson(schema, '{"text": "a\\u0000b"}')).toThrow('NUL');
  expect(() => parseJson(schema, '{"text": "\\\\\\u0000"}')).toThrow('NUL');
  expect(parseJson(schema, '{"text": "\\\\u0000"}')).toEqual({ text: '\\u0000' });
});

test('parseJson rejects half a surrogate pair and accepts a whole one', () => {
  const schema = z.object({ text: z.string() });
  expect(() => parseJson(schema, '{"text": "\\ud83d"}')).toThrow('surrogate');
  expect(() => parseJson(schema, '{"\\uDE00": 1, "text": ""}')).toThrow('surrogate');
  expect(parseJson(schema, '{"text": "\\ud83d\\uDE00"}')).toEqual({ text: '😀' });
  expect(parseJson(schema, '{"text": "\\\\ud83d"}')).toEqual({ text: '\\ud83d' });
});
