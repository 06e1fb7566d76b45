import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { exportRequestSchema } from '../contracts/export-request.ts';
import { problemSchema } from '../contracts/problem.ts';
import { shortened, sizes } from '../contracts/sizes.ts';
import { AppError, invalidFields } from './errors.ts';
import { parseJson, parseQuery } from './validation.ts';

const validRequest = { sources: ['sales'], dataset: 'orders', format: 'csv' };
const anything = z.looseObject({});

/** Returns the error of a text, null if it is valid. Rethrows every other error. */
function errorOf(text: string, schema: z.ZodType = exportRequestSchema): AppError | null {
  try {
    parseJson(schema, text);
    return null;
  } catch (error) {
    if (error instanceof AppError) return error;
    throw error;
  }
}

const codeOf = (text: string): string | undefined => errorOf(text, anything)?.code;

/** Returns the code and the first field of the error of an export request. */
function invalidField(change: object): [string | undefined, string | undefined] {
  const error = errorOf(JSON.stringify({ ...validRequest, ...change }));
  return [error?.code, error?.errors?.[0]?.field];
}

const nested = (levels: number, open = '[', close = ']'): string =>
  `{"a":${open.repeat(levels - 1)}1${close.repeat(levels - 1)}}`;

describe('the body of a request', () => {
  test('parseJson limits the depth of a body, ignoring brackets in strings', () => {
    expect(codeOf(nested(sizes.depth))).toBeUndefined();
    expect(codeOf(nested(sizes.depth + 1))).toBe('too_large');
    expect(codeOf(nested(sizes.depth + 1, '{"a":', '}'))).toBe('too_large');
    expect(codeOf(JSON.stringify({ a: '[{'.repeat(sizes.depth), b: '"[\\"[' }))).toBeUndefined();
    expect(codeOf(JSON.stringify({ a: '"['.repeat(5 * sizes.depth) }))).toBeUndefined();
    expect(codeOf(`{"a":[${Array(50).fill('[]').join()}]}`)).toBeUndefined();
  });

  test.each([6_000, 100_000])('parseJson rejects %i brackets without recursing into them', (n) => {
    expect(codeOf('['.repeat(n) + ']'.repeat(n))).toBe('too_large');
    expect(codeOf('['.repeat(n))).toBe('too_large');
  });

  test('parseJson limits the size of a body in bytes, not characters', () => {
    const max = 100;
    const of = (text: string): string => JSON.stringify({ a: text });
    const room = max - of('').length;
    const codeWithin = (text: string): string | undefined => {
      try {
        parseJson(anything, text, max);
        return undefined;
      } catch (error) {
        return error instanceof AppError ? error.code : 'thrown';
      }
    };
    expect(codeWithin(of('x'.repeat(room)))).toBeUndefined();
    expect(codeWithin(of('x'.repeat(room + 1)))).toBe('too_large');
    expect(codeWithin(of('€'.repeat(Math.floor(room / 3))))).toBeUndefined();
    expect(codeWithin(of('€'.repeat(Math.floor(room / 3) + 1)))).toBe('too_large');
  });

  test('parseJson limits the number of fields of a body', () => {
    const fields = (n: number): string =>
      JSON.stringify(Object.fromEntries(Array.from({ length: n }, (_, k) => [`k${k}`, 1])));
    expect(codeOf(fields(sizes.objectFields))).toBeUndefined();
    expect(codeOf(fields(sizes.objectFields + 1))).toBe('too_large');
  });
});

test('parseJson limits the number of items of every array', () => {
  const items = (n: number): string => JSON.stringify({ list: Array(n).fill(1) });
  expect(errorOf(items(sizes.arrayItems), anything)).toBeNull();
  const error = errorOf(items(sizes.arrayItems + 1), anything);
  expect(error?.errors).toEqual([{ field: 'list', message: 'must have at most 10,000 items' }]);
});

describe('a field of a request', () => {
  const condition = { column: 'id', op: 'eq', value: '1' };
  const conditions = (n: number): object[] => Array.from({ length: n }, () => condition);
  const { stringBytes, nameCharacters, instantCharacters } = sizes;
  const fraction = (zeros: number): string => `2024-03-01T00:00:00.${'0'.repeat(zeros)}Z`;

  test.each([
    ['a value', { where: [{ ...condition, value: 'x'.repeat(stringBytes + 1) }] }, 'where.0.value'],
    [
      'a value in bytes',
      { where: [{ ...condition, value: 'é'.repeat(stringBytes / 2 + 1) }] },
      'where.0.value',
    ],
    [
      'one of a list of values',
      { where: [{ ...condition, op: 'in', value: ['a', 'x'.repeat(stringBytes + 1)] }] },
      'where.0.value',
    ],
    [
      'a list of values',
      { where: [{ ...condition, op: 'in', value: Array(sizes.listValues + 1).fill(1) }] },
      'where.0.value',
    ],
    ['a list of columns', { columns: Array(sizes.objectFields + 1).fill('x') }, 'columns'],
    ['conditions', { where: conditions(sizes.conditions + 1) }, 'where'],
    ['a dataset', { dataset: 'x'.repeat(nameCharacters + 1) }, 'dataset'],
    ['a source', { sources: ['x'.repeat(nameCharacters + 1)] }, 'sources'],
    ['a column', { columns: ['x'.repeat(nameCharacters + 1)] }, 'columns'],
    [
      'a column of a condition',
      { where: [{ ...condition, column: 'x'.repeat(nameCharacters + 1) }] },
      'where.0.column',
    ],
    ['a time zone', { timeZone: 'x'.repeat(nameCharacters + 1) }, 'timeZone'],
    ['an instant', { from: fraction(instantCharacters - 20) }, 'from'],
    ['a text in place of an instant', { to: 'x'.repeat(instantCharacters + 1) }, 'to'],
  ])('parseJson rejects %s above the limit', (_name, change, field) => {
    expect(invalidField(change)).toEqual(['invalid_request', field]);
  });

  test.each([
    ['a value', { where: [{ ...condition, value: 'x'.repeat(stringBytes) }] }],
    ['a value in bytes', { where: [{ ...condition, value: 'é'.repeat(stringBytes / 2) }] }],
    ['a dataset', { dataset: 'x'.repeat(nameCharacters) }],
    ['an instant', { from: fraction(instantCharacters - 21) }],
    ['conditions', { where: conditions(sizes.conditions) }],
  ])('parseJson accepts %s at the limit', (_name, change) => {
    expect(invalidField(change)).toEqual([undefined, undefined]);
  });

  test.each<{ format: unknown }>([
    { format: { toString: 1, valueOf: 1 } },
    { format: { valueOf: 1 } },
    { format: 'constructor' },
    { format: '__proto__' },
    { format: ['csv'] },
  ])('parseJson rejects %j with the field format', (change) => {
    expect(invalidField(change)).toEqual(['invalid_request', 'format']);
  });

  test('parseQuery limits the size of a value and rejects what is not text', () => {
    const query = (value: string): unknown => {
      try {
        parseQuery(z.looseObject({}), { it: value });
        return undefined;
      } catch (error) {
        return error instanceof AppError ? [error.code, error.errors?.[0]?.field] : error;
      }
    };
    expect(query('x'.repeat(stringBytes))).toBeUndefined();
    expect(query('x'.repeat(stringBytes + 1))).toEqual(['invalid_request', 'it']);
    expect(query('a\0b')).toEqual(['invalid_request', 'it']);
    expect(query('\ud800')).toEqual(['invalid_request', 'it']);
  });
});

describe('an error', () => {
  test('an error names the first fields, the number of the others, and repeated allowed values once', () => {
    const unknown = Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`k${n}`, 1]));
    const error = errorOf(JSON.stringify({ ...validRequest, ...unknown }));
    expect(error?.errors).toHaveLength(sizes.errors);
    expect(error?.message).toMatch(/; and 980 more\.$/);
    expect(error?.errors?.filter(({ allowed }) => allowed !== undefined)).toHaveLength(1);
  });

  test('an error is small, even if it repeats large input', () => {
    const long = '€'.repeat(100_000);
    const allowed = Array<string>(5_000).fill('x'.repeat(100));
    const error = invalidFields(
      Array.from({ length: 100_000 }, () => ({ field: long, message: long, allowed })),
    );
    expect(JSON.stringify(error.toProblem('id')).length).toBeLessThan(40_000);
    expect(() => problemSchema.parse(error.toProblem('id'))).not.toThrow();
  });

  test('shortened never cuts a character in half', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 40 }),
        fc.integer({ min: 1, max: 20 }),
        (text, max) => {
          const cut = shortened(text, max);
          expect(cut.isWellFormed()).toBe(true);
          expect(cut.length).toBeLessThanOrEqual(max);
          if (text.length <= max) expect(cut).toBe(text);
          else expect(text.startsWith(cut.slice(0, -1))).toBe(true);
        },
      ),
    );
  });
});

/** An export request with one field replaced by an arbitrary value. */
const changed = fc
  .tuple(
    fc.constantFrom(
      'sources',
      'dataset',
      'format',
      'from',
      'to',
      'columns',
      'where',
      'timeZone',
      'bogus',
    ),
    fc.oneof(
      fc.jsonValue({ maxDepth: 20 }),
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.array(fc.record({ column: fc.string(), op: fc.string(), value: fc.jsonValue() })),
    ),
  )
  .map(([field, value]) => JSON.stringify({ ...validRequest, [field]: value }));

test('parseJson accepts every input or throws an error that fits the problem schema', () => {
  const deep = (n: number): string => '['.repeat(n) + ']'.repeat(n);
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json(), changed), (text) => {
      const error = errorOf(text);
      if (error === null) return;
      expect(error.status).toBeGreaterThanOrEqual(400);
      expect(error.status).toBeLessThan(500);
      expect(() => problemSchema.parse(error.toProblem('id'))).not.toThrow();
    }),
    {
      numRuns: 2_000,
      examples: [
        [JSON.stringify({ ...validRequest, format: { toString: 1, valueOf: 1 } })],
        [deep(5_000)],
        [`{"data":${deep(6_000)}}`],
        [JSON.stringify({ ...validRequest, from: `2024-03-01T00:00:00.${'0'.repeat(40_000)}1Z` })],
        [
          JSON.stringify({
            ...validRequest,
            where: [{ column: 'id', op: 'eq', value: `${'1'.repeat(40_000)}x` }],
          }),
        ],
        ['{"__proto__":{"a":1}}'],
        ['{"a":"\\u0000"}'],
        ['{"\\ud800":1}'],
      ],
    },
  );
});
