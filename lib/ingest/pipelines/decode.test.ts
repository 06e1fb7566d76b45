import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { RejectedRecordError } from '../rejected-record.ts';
import { decoderOf, type RecordText } from './decode.ts';
import { readPipeline } from './load.ts';

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'streamsync-pipelines-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

const at = Date.parse('2026-01-01T00:00:00Z');
const bounds = { oldest: (at - 86_400_000) * 1_000, newest: (at + 86_400_000) * 1_000 };

/** Decodes a record by a pipeline that has these fields, too. */
function decode(fields: object, message: unknown, record: Partial<RecordText> = {}) {
  const file = join(directory, 'p.json');
  const usual = { topic: 't', format: 'json', series: 's', at: 't', value: 'v' };
  writeFileSync(file, JSON.stringify({ ...usual, ...fields }));
  const text = typeof message === 'string' ? message : JSON.stringify(message);
  return decoderOf(readPipeline(file))({ topic: 't', text, headers: [], ...record }, bounds);
}

const message = { s: 'a', t: at, v: 1.5 };

describe('a pipeline', () => {
  test.each([
    ['the fields', {}, message, { value: 1.5 }],
    ['scale and offset', { scale: 0.1, offset: -40 }, { ...message, v: 615 }, { value: 21.5 }],
    [
      'scale, offset and conversion in this order',
      { scale: 0.1, offset: 32, convert: { from: '°F', to: '°C' } },
      { ...message, v: 1_800 },
      { value: 100, unit: '°C' },
    ],
    [
      'a result without digits of a double',
      { convert: { from: 'bar', to: 'kPa' } },
      { ...message, v: 1.013 },
      { value: 101.3, unit: 'kPa' },
    ],
    ['a unit of the record', { unit: 'u' }, { ...message, u: 'bar' }, { value: 1.5, unit: 'bar' }],
    ['no unit for an empty text', { unit: "u || ''" }, message, { value: 1.5 }],
    [
      'a conversion from the unit of the record',
      { unit: 'u', convert: { to: 'kPa' } },
      { ...message, u: 'bar' },
      { value: 150, unit: 'kPa' },
    ],
    ['a number that is text', {}, { ...message, v: ' -1.5e2 ' }, { value: -150 }],
    [
      'attributes that have a value',
      { attributes: { a: 'x', b: 'nope' } },
      { ...message, x: [1] },
      { value: 1.5, attributes: { a: [1] } },
    ],
    ['no attributes if none has a value', { attributes: { b: 'nope' } }, message, { value: 1.5 }],
  ])('makes a reading with %s', (_, fields, sent, expected) => {
    expect(decode(fields, sent)).toEqual({
      readings: [{ series: 'a', atMicros: at * 1_000, ...expected }],
      leftOut: 0,
    });
  });

  test('has headers, key and topic in expressions', () => {
    const { readings } = decode(
      { series: "join('.', [$.topic, $.key, $.headers.device])" },
      message,
      {
        key: Buffer.from('k'),
        headers: [{ key: 'device', value: Buffer.from('d') }],
      },
    );
    expect(readings).toMatchObject([{ series: 't.k.d' }]);
  });

  test('leaves out what the filter does not keep', () => {
    const items = [1, 2, 3, null].map((v) => ({ ...message, v }));
    expect(decode({ each: '@', filter: 'v > `1`' }, items)).toMatchObject({
      readings: [{ value: 2 }, { value: 3 }],
      leftOut: 2,
    });
    expect(decode({ each: 'list' }, { list: [] })).toEqual({ readings: [], leftOut: 0 });
  });

  test('takes each within each line', () => {
    const lines = [1, 2].map((line) =>
      JSON.stringify({
        t: at,
        list: [
          { s: `a${line}`, v: 1 },
          { s: `b${line}`, v: 2 },
        ],
      }),
    );
    const { readings } = decode(
      { format: 'ndjson', each: 'list', at: '$.document.t' },
      lines.join('\n'),
    );
    expect(readings.map(({ series }) => series)).toEqual(['a1', 'b1', 'a2', 'b2']);
  });

  test('reads numbers with a decimal comma only where CSV has one', () => {
    const columns = { columns: ['s', 't', 'v'], delimiter: ';' };
    const row = `a;${at};-1,25`;
    expect(
      decode({ format: 'csv', csv: { ...columns, decimal: ',' } }, row).readings,
    ).toMatchObject([{ value: -1.25 }]);
    expect(() => decode({ format: 'csv', csv: columns }, row)).toThrow(
      /the text "-1,25", not a number/,
    );
    expect(() =>
      decode({ format: 'csv', csv: { ...columns, decimal: ',' } }, `a;${at};1.234,5`),
    ).toThrow(/not a number/);
  });

  const list = (count: number) => ({ list: Array.from({ length: count }, () => message) });
  test.each([
    ['a record that is not JSON', {}, '{', /^pipeline p: is not JSON/],
    [
      'an item, by its index',
      { each: '@' },
      [message, { ...message, v: 'x' }],
      /^pipeline p: item 1: value: gives the text "x", not a number$/,
    ],
    [
      'a line',
      { format: 'ndjson' },
      `${JSON.stringify(message)}\n{"s":"a"}`,
      /^pipeline p: line 2: at: the expression gives nothing$/,
    ],
    [
      'a line and its item',
      { format: 'ndjson', each: 'l' },
      '{"l":[]}\n{"l":[{}]}',
      /^pipeline p: line 2: item 0: at: /,
    ],
    ['each that gives no list', { each: 'l' }, message, /each: gives nothing, not a list/],
    [
      'a filter that gives no boolean',
      { filter: 's' },
      message,
      /filter: gives the text "a", not true or false/,
    ],
    [
      'a filter that fails',
      { filter: 'abs(s) > `1`' },
      message,
      /filter: abs\(s\) > `1`: Invalid type: abs\(\)/,
    ],
    ['a series that is no text', { series: 'v' }, message, /series: must be a text/],
    ['no series', {}, { ...message, s: null }, /series: the expression gives nothing/],
    [
      'a long series',
      {},
      { ...message, s: 'x'.repeat(257) },
      /series: must have at most 256 characters/,
    ],
    ['no time', {}, { ...message, t: null }, /at: the expression gives nothing/],
    ['a wrong time', {}, { ...message, t: 'soon' }, /^pipeline p: at: must be a date and time/],
    ['a late time', {}, { ...message, t: 1 }, /at: is too old/],
    ['a time of the wrong type', {}, { ...message, t: {} }, /at: is no text and no number/],
    ['no value', {}, { ...message, v: null }, /value: the expression gives nothing/],
    ['a boolean', {}, { ...message, v: true }, /value: gives true, not a number/],
    ['an empty text', {}, { ...message, v: '' }, /value: gives the text "", not a number/],
    [
      'an infinite value',
      {},
      '{"s":"a","t":1767225600000,"v":1e999}',
      /value: must be a finite number/,
    ],
    [
      'a value that scale makes infinite',
      { scale: 1e300 },
      { ...message, v: 1e300 },
      /value: must be a finite number/,
    ],
    [
      'an unknown unit',
      { unit: 'u', convert: { to: 'kPa' } },
      { ...message, u: 'foo' },
      /value: the unit foo is unknown/,
    ],
    ['a unit that is no text', { unit: 'v' }, message, /unit: gives 1.5, not a text/],
    ['no unit', { unit: 'u' }, message, /unit: gives nothing, not a text/],
    [
      'an attribute that fails',
      { attributes: { a: 'join(v, s)' } },
      message,
      /attributes\.a: join\(v, s\): Invalid type/,
    ],
    [
      'more than 10,000 items',
      { each: 'list' },
      list(10_001),
      /each: gives more than 10,000 items/,
    ],
    [
      'more than 10,000 items in all lines',
      { format: 'ndjson', each: 'list' },
      `${JSON.stringify(list(5_001))}\n`.repeat(2),
      /line 2: each: gives more than 10,000 items/,
    ],
    [
      'attributes that repeat the record',
      { each: 'list', attributes: { all: '$.document' }, series: '$.topic' },
      list(200),
      /attributes: have more than 1,048,576 bytes/,
    ],
  ])('refuses %s with the reason', (_, fields, sent, reason) => {
    const refused = () => decode(fields, sent);
    expect(refused).toThrow(RejectedRecordError);
    expect(refused).toThrow(reason);
  });

  test('makes readings of any message, or refuses it: nothing else', () => {
    const fields = {
      each: 'list',
      filter: "type(v) != 'boolean'",
      series: "join('.', [$.document.site, to_string(s)])",
      time: { zone: 'Europe/Berlin' },
      unit: "u || ''",
      attributes: { a: 'keys(a)', b: 'sort(b)[0]', c: 'a.b.c[0]' },
      scale: 2,
    };
    const item = fc.record(
      {
        s: fc.oneof(fc.string(), fc.jsonValue()),
        t: fc.oneof(fc.constant(at), fc.string(), fc.double(), fc.jsonValue()),
        v: fc.oneof(fc.double(), fc.string(), fc.jsonValue()),
        u: fc.jsonValue(),
        a: fc.jsonValue(),
        b: fc.jsonValue(),
      },
      { requiredKeys: [] },
    );
    const messages = fc.oneof(
      fc.record({ site: fc.oneof(fc.string(), fc.jsonValue()), list: fc.array(item) }),
      fc.jsonValue(),
    );
    fc.assert(
      fc.property(messages, (sent) => {
        try {
          const { readings } = decode(fields, sent);
          for (const { value, atMicros } of readings)
            expect([Number.isFinite(value), Number.isSafeInteger(atMicros)]).toEqual([true, true]);
        } catch (error) {
          expect(error).toBeInstanceOf(RejectedRecordError);
        }
      }),
    );
  });
});
