import { describe, expect, test } from '@jest/globals';
import { documentsOf } from './documents.ts';

const json = { format: 'json' as const, csv: undefined };
const ndjson = { format: 'ndjson' as const, csv: undefined };
const csv = (settings: { header?: true; columns?: string[]; delimiter?: string }) => ({
  format: 'csv' as const,
  csv: { delimiter: ',', decimal: '.' as const, ...settings },
});

describe('documentsOf', () => {
  test('keeps the digits of integers that a double cannot represent', () => {
    const text = `\uFEFF{"ns": 1767225600123456789, "safe": 9007199254740991, "negative": -9007199254740993,
      "fraction": 0.1234567890123456789, "text": "1767225600123456789", "list": [12345678901234567890]}`;
    expect(documentsOf(json, text)).toEqual([
      {
        value: {
          ns: '1767225600123456789',
          safe: 9_007_199_254_740_991,
          negative: '-9007199254740993',
          fraction: 0.123_456_789_012_345_68,
          text: '1767225600123456789',
          list: ['12345678901234567890'],
        },
      },
    ]);
  });

  test('returns the lines of ndjson that are not empty, with their numbers', () => {
    expect(documentsOf(ndjson, '{"a":1}\r\n\n[2]\n')).toEqual([
      { line: 1, value: { a: 1 } },
      { line: 3, value: [2] },
    ]);
  });

  test('returns the rows of CSV by the names of the header or of the configuration', () => {
    expect(documentsOf(csv({ header: true }), 'a,__proto__\n1,2\n')).toEqual([
      {
        line: 2,
        value: Object.fromEntries([
          ['a', '1'],
          ['__proto__', '2'],
        ]),
      },
    ]);
    expect(documentsOf(csv({ columns: ['x', 'y'], delimiter: ';' }), '1;"a;b"')).toEqual([
      { line: 1, value: { x: '1', y: 'a;b' } },
    ]);
  });

  test.each([
    [json, '{"a":', /is not JSON/],
    [json, '[{"a":'.repeat(9), /more than 16 levels/],
    [ndjson, '{"a":1}\n{', /line 2: is not JSON/],
    [ndjson, '1\n'.repeat(10_001), /10,001 lines; the limit is 10,000/],
    [csv({ header: true }), '\n', /no header line/],
    [csv({ header: true }), '\na,b,a\n1,2,3', /line 2: the header names a twice/],
    [csv({ columns: ['a', 'b'] }), '1,2\n1,2,3', /line 2: has 3 fields, but there are 2 columns/],
    [csv({ columns: ['a'] }), '1\n'.repeat(10_001), /10,001 rows; the limit is 10,000/],
    [csv({ columns: ['a'] }), '"1', /line 1: a quotation mark is not closed/],
  ])('refuses a record: %j', (definition, text, message) => {
    expect(() => documentsOf(definition, text)).toThrow(message);
  });
});
