import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseCsvRows } from './csv.ts';

const fieldsOf = (text: string, delimiter = ',') =>
  parseCsvRows(text, delimiter).map(({ fields }) => fields);

/** Writes a field as RFC 4180 does, with quotes where they are needed or wanted. */
function written(field: string, delimiter: string, isQuoted: boolean): string {
  const needsQuotes = field === '' || /["\r\n]/.test(field) || field.includes(delimiter);
  return isQuoted || needsQuotes ? `"${field.replaceAll('"', '""')}"` : field;
}

const fieldArbitrary = fc.string({
  unit: fc.constantFrom('a', '1', ',', ';', '\t', '"', '\n', '\r', ' ', 'é', '😀'),
  maxLength: 6,
});
const rowsArbitrary = fc.array(
  fc.array(fc.tuple(fieldArbitrary, fc.boolean()), { minLength: 1, maxLength: 4 }),
  { maxLength: 5 },
);

describe('parseCsvRows', () => {
  test('returns the fields that were written', () => {
    fc.assert(
      fc.property(
        rowsArbitrary,
        fc.constantFrom(',', ';', '\t', '|'),
        fc.constantFrom('\n', '\r\n'),
        fc.boolean(),
        (rows, delimiter, lineEnd, endsLast) => {
          const lines = rows.map((row) =>
            row.map(([field, isQuoted]) => written(field, delimiter, isQuoted)).join(delimiter),
          );
          const text = lines.join(lineEnd) + (endsLast ? lineEnd : '');
          expect(fieldsOf(text, delimiter)).toEqual(rows.map((row) => row.map(([field]) => field)));
        },
      ),
    );
  });

  test('parses text with and without quotation marks alike', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', ',', '\n', '\r\n') }), (text) => {
        const [first, ...rest] = parseCsvRows(`"x"\n${text}`, ',');
        expect(first).toEqual({ line: 1, fields: ['x'] });
        expect(rest.map(({ line, fields }) => ({ line: line - 1, fields }))).toEqual(
          parseCsvRows(text, ','),
        );
      }),
    );
  });

  test('names the line in which a row begins', () => {
    expect(parseCsvRows('a\n\n"b\nc",d\ne', ',')).toEqual([
      { line: 1, fields: ['a'] },
      { line: 3, fields: ['b\nc', 'd'] },
      { line: 5, fields: ['e'] },
    ]);
  });

  test.each([
    ['a\nb"c', /line 2: a quotation mark is not at the beginning or end of a field/],
    ['a\n"b"c', /line 2: a quotation mark is not at the beginning or end of a field/],
    ['"a\nb', /line 1: a quotation mark is not closed/],
    ['x\n"a""', /line 2: a quotation mark is not closed/],
  ])('refuses %j', (text, message) => {
    expect(() => parseCsvRows(text, ',')).toThrow(message);
  });
});
