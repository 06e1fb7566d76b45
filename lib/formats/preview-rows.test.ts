import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { plainCsv } from '../contracts/format-capabilities.ts';
import { parseCsv } from './csv/parse.ts';
import { parseJsonRows } from './json/parse.ts';
import { previewRows } from './parquet/preview.ts';
import { columnsOf } from './parquet/schema.ts';
import { int32, int64, numeric, toCopyBinary } from './testing/copy-binary.ts';

const value = fc.oneof(fc.constant(null), fc.string({ unit: 'binary' }), fc.constant('"'));
const values = fc.array(fc.array(value, { minLength: 3, maxLength: 3 }), { maxLength: 5 });

test('parseCsv returns every row, however its values are quoted, and leaves out an incomplete one', () => {
  const field = (it: string | null): string => (it === null ? '' : `"${it.replaceAll('"', '""')}"`);
  fc.assert(
    fc.property(values, (rows) => {
      const text = rows.map((row) => `${row.map(field).join(',')}\n`).join('');
      expect(parseCsv(text, plainCsv)).toEqual(rows);
      expect(parseCsv(text.slice(0, -1), plainCsv)).toEqual(rows.slice(0, -1));
    }),
  );
  expect(parseCsv('1,,"",x\n\n', plainCsv)).toEqual([['1', null, '', 'x'], [null]]);
});

test('parseJsonRows returns values in the order of the columns, with numbers and nested values as they are written', () => {
  fc.assert(
    fc.property(values, fc.array(fc.jsonValue(), { maxLength: 3 }), (rows, nested) => {
      const lines = rows.map((row) =>
        JSON.stringify({ ...Object.fromEntries(row.map((it, n) => [`"{${n}:`, it])), nested }),
      );
      const text = `${lines.join('\n')}\n`;
      const expected = rows.map((row) => [...row, JSON.stringify(nested)]);
      expect(rows.length === 0 ? [] : parseJsonRows(Buffer.from(text))).toEqual(expected);
      expect(parseJsonRows(Buffer.from(text.slice(0, -1)))).toEqual(expected.slice(0, -1));
    }),
  );
  expect(parseJsonRows(Buffer.from('{"a":1.50,"b":{"x":1e400},"c":null,"d":true}\n'))).toEqual([
    ['1.50', '{"x":1e400}', null, 'true'],
  ]);
});

const float32 = (number: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeFloatBE(number);
  return bytes;
};
const float64 = (number: number): Buffer => {
  const bytes = Buffer.alloc(8);
  bytes.writeDoubleBE(number);
  return bytes;
};

test.each<[string, Buffer, string | null]>([
  ['boolean', Buffer.from([1]), 'true'],
  ['integer', int32(-7), '-7'],
  ['bigint', int64(-9007199254740993n), '-9007199254740993'],
  ['real', float32(0.1), '0.1'],
  ['real', float32(16_777_216), '16777216'],
  ['double precision', float64(-0), '-0'],
  ['double precision', float64(Infinity), 'Infinity'],
  ['numeric(9,2)', numeric('-0.05'), '-0.05'],
  ['numeric(18,0)', numeric('123456789012345678'), '123456789012345678'],
  [
    'numeric(38,10)',
    numeric('-12345678901234567890.0000000001'),
    '-12345678901234567890.0000000001',
  ],
  ['numeric(9,2)', numeric('NaN'), null],
  ['date', int32(0), '2000-01-01'],
  ['date', int32(-730_119), '0001-01-01'],
  ['date', int32(2_145_031_948), 'day 2145042905 from 1970-01-01'],
  ['timestamp with time zone', int64(-1n), '1999-12-31 23:59:59.999999Z'],
  ['timestamp without time zone', int64(86_400_000_000n), '2000-01-02 00:00:00'],
  ['timestamp without time zone', int64(-0x8000_0000_0000_0000n), null],
  ['time without time zone', int64(86_399_500_000n), '23:59:59.5'],
  [
    'uuid',
    Buffer.from('00112233445566778899aabbccddeeff', 'hex'),
    '00112233-4455-6677-8899-aabbccddeeff',
  ],
  ['bytea', Buffer.from([0, 255]), '\\x00ff'],
  ['jsonb', Buffer.from('\u0001{"a": 1}'), '{"a": 1}'],
  ['text', Buffer.from('é'), 'é'],
])('previewRows of Parquet shows %s %j as %s', (type, sent, text) => {
  const columns = columnsOf([{ name: 'any', type, base: type, nullable: true }], 'native');
  const copyOutput = toCopyBinary([[sent], [null]]);
  expect(previewRows(columns, copyOutput)).toEqual([[text], [null]]);
  // Cut within the second row.
  expect(previewRows(columns, copyOutput.subarray(0, -3))).toEqual([[text]]);
});
