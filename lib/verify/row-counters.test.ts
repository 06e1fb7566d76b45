import { describe, expect, test } from '@jest/globals';
import { type CsvOptions, plainCsv } from '../contracts/format-capabilities.ts';
import { rowCounterFor } from './row-counters.ts';

type TextFormat = Parameters<typeof rowCounterFor>[0];

/** Returns the row count, which must be the same for whole input, single bytes, and any cut in two. */
function countRows(format: TextFormat, text: string, csv: Partial<CsvOptions> = {}): number {
  const bytes = Buffer.from(text);
  const single = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
  const cuts = single.map((_, at) => [bytes.subarray(0, at), bytes.subarray(at)]);
  const counts = [[bytes], single, ...cuts].map((chunks) => {
    const counter = rowCounterFor(format, { ...plainCsv, ...csv });
    for (const chunk of chunks) counter.count(chunk);
    return counter.end();
  });
  expect(new Set(counts).size).toBe(1);
  return counts[0] ?? Number.NaN;
}

describe('a row counter counts', () => {
  test.each<[string, TextFormat, string, number]>([
    ['no rows', 'csv', 'a,b\n', 0],
    ['rows', 'csv', 'a,b\n1,2\n3,4\n', 2],
    ['line feeds, commas and pairs in quotes', 'csv', 'a,b\n"1\n""2"",\n",""\n"\n",3\n', 2],
    ['fields that consist of pairs of quotes', 'csv', 'a\n""""\n""\n""""""\n', 3],
    ['rows that are empty', 'csv', 'a\n\n\n', 2],
    [
      'rows after a byte order mark and a header with a line feed',
      'csv',
      '\ufeff"a\nb",c\n1,2\n',
      1,
    ],
    ['carriage returns', 'csv', 'a\n"1\r\n2"\n', 1],
    ['no lines', 'ndjson', '', 0],
    ['lines', 'ndjson', '{"a":1}\n{"a":{"b":"}{"}}\n', 2],
    ['no elements', 'json', '[\n]\n', 0],
    ['elements', 'json', '[\n{"a":"x"},\n{"a":[1,{"b":2},[]]}\n]\n', 2],
    ['elements in one line', 'json', '[{},{"a":"],[{"}, {"\\"":"\\\\"}]', 3],
  ])('%s: %s', (_, format, text, count) => {
    expect(countRows(format, text)).toBe(count);
  });
});

test.each<[string, Partial<CsvOptions>, number]>([
  ['a;"b"\n"1;";2\n', { delimiter: ';' }, 1],
  ['a\t"b"\r\n"1\r\n"\t"2"\r\nx\t\r\n', { delimiter: '\t', newline: 'crlf' }, 2],
  ['"a"|"b"\r\n', { delimiter: '|', newline: 'crlf' }, 0],
])('a row counter follows the CSV options of the request: %j', (text, csv, count) => {
  expect(countRows('csv', text, csv)).toBe(count);
  expect(() => countRows('csv', text)).toThrow();
});

describe('a row counter rejects a file', () => {
  test.each<[string, TextFormat, string]>([
    ['without header', 'csv', ''],
    ['cut short in a row', 'csv', 'a\n1\n2'],
    ['cut short in quotes', 'csv', 'a\n"1\n'],
    ['with a quote in a field', 'csv', 'a\n1"2"\n'],
    ['with text after quotes', 'csv', 'a\n"1"2\n'],
    ['cut short', 'ndjson', '{"a":1}\n{"a":1}'],
    ['with an empty line', 'ndjson', '{"a":1}\n\n'],
    ['with an incomplete line', 'ndjson', '{"a":1}\n{"a":\n'],
    ['with another value in a line', 'ndjson', '1\n'],
    ['empty', 'json', ''],
    ['cut short', 'json', '[\n{"a":1},\n'],
    ['cut short in a string', 'json', '[{"a":"]'],
    ['without a comma', 'json', '[{}{}]'],
    ['with a trailing comma', 'json', '[{},]'],
    ['with a leading comma', 'json', '[,{}]'],
    ['of two arrays', 'json', '[][]'],
    ['that is an object', 'json', '{}'],
    ['of other values', 'json', '[1]'],
    ['of strings', 'json', '["a"]'],
  ])('%s: %s', (_, format, text) => {
    expect(() => countRows(format, text)).toThrow();
  });
});
