import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { exportRequestSchema } from '../contracts/export-request.ts';
import { problemSchema } from '../contracts/problem.ts';
import { shortened, sizes } from '../contracts/sizes.ts';
import { Refusal, refusedFields } from './errors.ts';
import { parseJson, parseQuery } from './validation.ts';

const good = { sources: ['sales'], dataset: 'orders', format: 'csv' };
const anything = z.looseObject({});

/** Returns the refusal of a text, null if it is taken; throws whatever else is thrown. */
function refusalOf(text: string, schema: z.ZodType = exportRequestSchema): Refusal | null {
  try {
    parseJson(schema, text);
    return null;
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

const codeOf = (text: string): string | undefined => refusalOf(text, anything)?.code;

/** Code and first field of the refusal of an export request. */
function fieldRefused(change: object): [string | undefined, string | undefined] {
  const refusal = refusalOf(JSON.stringify({ ...good, ...change }));
  return [refusal?.code, refusal?.errors?.[0]?.field];
}

const nested = (levels: number, open = '[', close = ']'): string =>
  `{"a":${open.repeat(levels - 1)}1${close.repeat(levels - 1)}}`;

describe('a request as a whole', () => {
  test('has a depth, counted outside of strings', () => {
    expect(codeOf(nested(sizes.depth))).toBeUndefined();
    expect(codeOf(nested(sizes.depth + 1))).toBe('too_large');
    expect(codeOf(nested(sizes.depth + 1, '{"a":', '}'))).toBe('too_large');
    expect(codeOf(JSON.stringify({ a: '[{'.repeat(sizes.depth), b: '"[\\"[' }))).toBeUndefined();
    expect(codeOf(JSON.stringify({ a: '"['.repeat(5 * sizes.depth) }))).toBeUndefined();
    expect(codeOf(`{"a":[${Array(50).fill('[]').join()}]}`)).toBeUndefined();
  });

  test.each([6_000, 100_000])('of %i brackets is refused before anything recurses into it', (n) => {
    expect(codeOf('['.repeat(n) + ']'.repeat(n))).toBe('too_large');
    expect(codeOf('['.repeat(n))).toBe('too_large');
  });

  test('has a size in bytes, not characters', () => {
    const most = 100;
    const of = (text: string): string => JSON.stringify({ a: text });
    const room = most - of('').length;
    const codeWithin = (text: string): string | undefined => {
      try {
        parseJson(anything, text, most);
        return undefined;
      } catch (error) {
        return error instanceof Refusal ? error.code : 'thrown';
      }
    };
    expect(codeWithin(of('x'.repeat(room)))).toBeUndefined();
    expect(codeWithin(of('x'.repeat(room + 1)))).toBe('too_large');
    expect(codeWithin(of('€'.repeat(Math.floor(room / 3))))).toBeUndefined();
    expect(codeWithin(of('€'.repeat(Math.floor(room / 3) + 1)))).toBe('too_large');
  });

  test('has a number of fields', () => {
    const fields = (n: number): string =>
      JSON.stringify(Object.fromEntries(Array.from({ length: n }, (_, k) => [`k${k}`, 1])));
    expect(codeOf(fields(sizes.objectFields))).toBeUndefined();
    expect(codeOf(fields(sizes.objectFields + 1))).toBe('too_large');
  });
});

test('an array has a number of items, whatever its field takes', () => {
  const items = (n: number): string => JSON.stringify({ it: Array(n).fill(1) });
  expect(refusalOf(items(sizes.arrayItems), anything)).toBeNull();
  const refusal = refusalOf(items(sizes.arrayItems + 1), anything);
  expect(refusal?.errors).toEqual([{ field: 'it', message: 'must have at most 10,000 items' }]);
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
    ['an instant that is not one', { to: 'x'.repeat(instantCharacters + 1) }, 'to'],
  ])('%s has a size', (_name, change, field) => {
    expect(fieldRefused(change)).toEqual(['refused_request', field]);
  });

  test.each([
    ['a value', { where: [{ ...condition, value: 'x'.repeat(stringBytes) }] }],
    ['a value in bytes', { where: [{ ...condition, value: 'é'.repeat(stringBytes / 2) }] }],
    ['a dataset', { dataset: 'x'.repeat(nameCharacters) }],
    ['an instant', { from: fraction(instantCharacters - 21) }],
    ['conditions', { where: conditions(sizes.conditions) }],
  ])('%s is taken up to that', (_name, change) => {
    expect(fieldRefused(change)).toEqual([undefined, undefined]);
  });

  test.each<{ format: unknown }>([
    { format: { toString: 1, valueOf: 1 } },
    { format: { valueOf: 1 } },
    { format: 'constructor' },
    { format: '__proto__' },
    { format: ['csv'] },
  ])('%j is refused by its field', (change) => {
    expect(fieldRefused(change)).toEqual(['refused_request', 'format']);
  });

  test('of a query has a size and is text', () => {
    const query = (value: string): unknown => {
      try {
        parseQuery(z.looseObject({}), { it: value });
        return undefined;
      } catch (error) {
        return error instanceof Refusal ? [error.code, error.errors?.[0]?.field] : error;
      }
    };
    expect(query('x'.repeat(stringBytes))).toBeUndefined();
    expect(query('x'.repeat(stringBytes + 1))).toEqual(['refused_request', 'it']);
    expect(query('a\0b')).toEqual(['refused_request', 'it']);
    expect(query('\ud800')).toEqual(['refused_request', 'it']);
  });
});

describe('a refusal', () => {
  test('names so many fields, says how many more there are, and what is allowed only once', () => {
    const unknown = Object.fromEntries(Array.from({ length: 1_000 }, (_, n) => [`k${n}`, 1]));
    const refusal = refusalOf(JSON.stringify({ ...good, ...unknown }));
    expect(refusal?.errors).toHaveLength(sizes.errors);
    expect(refusal?.message).toMatch(/; and 980 more\.$/);
    expect(refusal?.errors?.filter(({ allowed }) => allowed !== undefined)).toHaveLength(1);
  });

  test('is small, whatever it repeats', () => {
    const long = '€'.repeat(100_000);
    const allowed = Array<string>(5_000).fill('x'.repeat(100));
    const refusal = refusedFields(
      Array.from({ length: 100_000 }, () => ({ field: long, message: long, allowed })),
    );
    expect(JSON.stringify(refusal.toProblem('id')).length).toBeLessThan(40_000);
    expect(() => problemSchema.parse(refusal.toProblem('id'))).not.toThrow();
  });

  test('cuts no character in half', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 40 }),
        fc.integer({ min: 1, max: 20 }),
        (text, most) => {
          const cut = shortened(text, most);
          expect(cut.isWellFormed()).toBe(true);
          expect(cut.length).toBeLessThanOrEqual(most);
          if (text.length <= most) expect(cut).toBe(text);
          else expect(text.startsWith(cut.slice(0, -1))).toBe(true);
        },
      ),
    );
  });
});

/** A request with one thing in it replaced by anything. */
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
  .map(([field, value]) => JSON.stringify({ ...good, [field]: value }));

test('whatever is sent is taken or refused, and a refusal is as documented', () => {
  const deep = (n: number): string => '['.repeat(n) + ']'.repeat(n);
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json(), changed), (text) => {
      const refusal = refusalOf(text);
      if (refusal === null) return;
      expect(refusal.status).toBeGreaterThanOrEqual(400);
      expect(refusal.status).toBeLessThan(500);
      expect(() => problemSchema.parse(refusal.toProblem('id'))).not.toThrow();
    }),
    {
      numRuns: 2_000,
      examples: [
        [JSON.stringify({ ...good, format: { toString: 1, valueOf: 1 } })],
        [deep(5_000)],
        [`{"data":${deep(6_000)}}`],
        [JSON.stringify({ ...good, from: `2024-03-01T00:00:00.${'0'.repeat(40_000)}1Z` })],
        [
          JSON.stringify({
            ...good,
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
