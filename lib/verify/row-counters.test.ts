import { describe, expect, test } from '@jest/globals';
import { type CsvOptions, plainCsv } from '../../../lib/contracts/format-capabilities.ts';
import { counterOf } from './rows.ts';

type Counted = Parameters<typeof counterOf>[0];

/** Counted whole, byte by byte, and cut in two at every place: all agree. */
function rows(format: Counted, text: string, csv: Partial<CsvOptions> = {}): number {
  const bytes = Buffer.from(text);
  const single = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
  const cuts = single.map((_, at) => [bytes.subarray(0, at), bytes.subarray(at)]);
  const counts = [[bytes], single, ...cuts].map((pieces) => {
    const counter = counterOf(format, { ...plainCsv, ...csv });
    for (const piece of pieces) counter.count(piece);
    return counter.end();
  });
  expect(new Set(counts).size).toBe(1);
  return counts[0] ?? Number.NaN;
}

describe('counted are', () => {
  test.each<[string, Counted, string, number]>([
    ['no rows', 'csv', 'a,b\n', 0],
    ['rows', 'csv', 'a,b\n1,2\n3,4\n', 2],
    ['line feeds, commas and pairs in quotes', 'csv', 'a,b\n"1\n""2"",\n",""\n"\n",3\n', 2],
    ['fields that are pairs alone', 'csv', 'a\n""""\n""\n""""""\n', 3],
    ['rows that are empty', 'csv', 'a\n\n\n', 2],
    ['headers with line feeds, behind a mark', 'csv', '\ufeff"a\nb",c\n1,2\n', 1],
    ['carriage returns', 'csv', 'a\n"1\r\n2"\n', 1],
    ['no lines', 'ndjson', '', 0],
    ['lines', 'ndjson', '{"a":1}\n{"a":{"b":"}{"}}\n', 2],
    ['no elements', 'json', '[\n]\n', 0],
    ['elements', 'json', '[\n{"a":"x"},\n{"a":[1,{"b":2},[]]}\n]\n', 2],
    ['elements in a line', 'json', '[{},{"a":"],[{"}, {"\\"":"\\\\"}]', 3],
  ])('%s: %s', (_, format, text, count) => {
    expect(rows(format, text)).toBe(count);
  });
});

test.each<[string, Partial<CsvOptions>, number]>([
  ['a;"b"\n"1;";2\n', { delimiter: ';' }, 1],
  ['a\t"b"\r\n"1\r\n"\t"2"\r\nx\t\r\n', { delimiter: '\t', newline: 'crlf' }, 2],
  ['"a"|"b"\r\n', { delimiter: '|', newline: 'crlf' }, 0],
])('counted are rows of a CSV as it was asked for: %j', (text, csv, count) => {
  expect(rows('csv', text, csv)).toBe(count);
  expect(() => rows('csv', text)).toThrow();
});

describe('refused is', () => {
  test.each<[string, Counted, string]>([
    ['without header', 'csv', ''],
    ['cut short in a row', 'csv', 'a\n1\n2'],
    ['cut short in quotes', 'csv', 'a\n"1\n'],
    ['with a quote in a field', 'csv', 'a\n1"2"\n'],
    ['with text behind quotes', 'csv', 'a\n"1"2\n'],
    ['cut short', 'ndjson', '{"a":1}\n{"a":1}'],
    ['with an empty line', 'ndjson', '{"a":1}\n\n'],
    ['with half a line', 'ndjson', '{"a":1}\n{"a":\n'],
    ['with something else in a line', 'ndjson', '1\n'],
    ['empty', 'json', ''],
    ['cut short', 'json', '[\n{"a":1},\n'],
    ['cut short in a string', 'json', '[{"a":"]'],
    ['without a comma', 'json', '[{}{}]'],
    ['with a comma too many', 'json', '[{},]'],
    ['with a comma first', 'json', '[,{}]'],
    ['of two arrays', 'json', '[][]'],
    ['an object', 'json', '{}'],
    ['of other values', 'json', '[1]'],
    ['of strings', 'json', '["a"]'],
  ])('%s: %s', (_, format, text) => {
    expect(() => rows(format, text)).toThrow();
  });
});
