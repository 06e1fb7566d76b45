import { expect, test } from '@jest/globals';
import type { IHeaders, KafkaMessage } from 'kafkajs';
import { mskEvent, mskRecord } from './event.ts';

type Parts = Pick<KafkaMessage, 'key' | 'value'> & { headers: IHeaders; batchContext: object };

const message = (parts: Partial<Parts> = {}): KafkaMessage => ({
  key: Buffer.from('k'),
  value: Buffer.from('v'),
  timestamp: '1700000000123',
  attributes: 0,
  offset: '42',
  headers: {},
  ...parts,
});

test('a record as AWS gives it', () => {
  expect(mskRecord('orders', 3, message())).toEqual({
    topic: 'orders',
    partition: 3,
    offset: 42,
    timestamp: 1_700_000_000_123,
    timestampType: 'CREATE_TIME',
    key: 'aw==',
    value: 'dg==',
    headers: [],
  });
});

test('a null key or value is absent, an empty one is empty', () => {
  const tombstone = mskRecord('t', 0, message({ value: null }));
  expect(tombstone).not.toHaveProperty('value');
  expect(mskRecord('t', 0, message({ key: null }))).not.toHaveProperty('key');
  expect(mskRecord('t', 0, message({ value: Buffer.alloc(0) })).value).toBe('');
});

test('header values are signed bytes, and every byte survives', () => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const { headers } = mskRecord('t', 0, message({ headers: { bin: bytes } }));
  expect(headers[0]?.['bin']?.slice(126, 130)).toEqual([126, 127, -128, -127]);
  expect(Buffer.from(headers[0]?.['bin'] ?? [])).toEqual(bytes);
});

test('a header given twice is two headers', () => {
  const headers = { a: [Buffer.from('1'), Buffer.from('2')], b: Buffer.from('3') };
  expect(mskRecord('t', 0, message({ headers })).headers).toEqual([
    { a: [49] },
    { a: [50] },
    { b: [51] },
  ]);
});

test('a name that every object has is a header like others', () => {
  const headers: IHeaders = Object.fromEntries(
    ['__proto__', 'constructor', 'toString', '', 'a\u0000b'].map((name) => [
      name,
      Buffer.from('1'),
    ]),
  );
  expect(JSON.stringify(mskRecord('t', 0, message({ headers })).headers)).toBe(
    '[{"__proto__":[49]},{"constructor":[49]},{"toString":[49]},{"":[49]},{"a\\u0000b":[49]}]',
  );
});

test('what is no value of a header is left out, and the record comes all the same', () => {
  // As kafkajs reads a header `constructor`: what the object inherits, and the bytes.
  const headers: IHeaders = JSON.parse('{"constructor":[{"f":1},null,"x"],"n":7}');
  expect(mskRecord('t', 0, message({ headers })).headers).toEqual([
    { constructor: [] },
    { constructor: [120] },
  ]);
});

test('the timestamp type is that of the record batch', () => {
  const appended = message({ batchContext: { timestampType: 1 } });
  expect(mskRecord('t', 0, appended).timestampType).toBe('LOG_APPEND_TIME');
});

test('the event groups records under topic and partition', () => {
  const record = mskRecord('orders', 3, message());
  const mapping = {
    functionKey: 'f',
    eventSourceArn: 'arn:x',
    bootstrapServers: 'b:9092',
    topic: 'orders',
    groupId: 'g',
    batchSize: 1,
    windowMs: 500,
    fromBeginning: true,
  };
  expect(mskEvent(mapping, 3, [record])).toEqual({
    eventSource: 'aws:kafka',
    eventSourceArn: 'arn:x',
    bootstrapServers: 'b:9092',
    records: { 'orders-3': [record] },
  });
});
