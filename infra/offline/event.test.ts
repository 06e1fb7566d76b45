import { expect, test } from '@jest/globals';
import type { IHeaders, KafkaMessage } from 'kafkajs';
import { kafkaEvent, kafkaRecord } from './event.ts';
import { testMapping } from './testing/settings.ts';

type Parts = Pick<KafkaMessage, 'key' | 'value'> & { headers: IHeaders; batchContext: object };

function message(parts: Partial<Parts> = {}): KafkaMessage {
  return {
    key: Buffer.from('k'),
    value: Buffer.from('v'),
    timestamp: '1700000000123',
    attributes: 0,
    offset: '42',
    headers: {},
    ...parts,
  };
}

test('kafkaRecord returns a record as AWS does', () => {
  expect(kafkaRecord('orders', 3, message())).toEqual({
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

test('kafkaRecord omits a null key or value and keeps an empty one', () => {
  const tombstone = kafkaRecord('t', 0, message({ value: null }));
  expect(tombstone).not.toHaveProperty('value');
  expect(kafkaRecord('t', 0, message({ key: null }))).not.toHaveProperty('key');
  expect(kafkaRecord('t', 0, message({ value: Buffer.alloc(0) })).value).toBe('');
});

test('kafkaRecord converts header values to signed bytes without loss', () => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const { headers } = kafkaRecord('t', 0, message({ headers: { bin: bytes } }));
  expect(headers[0]?.['bin']?.slice(126, 130)).toEqual([126, 127, -128, -127]);
  expect(Buffer.from(headers[0]?.['bin'] ?? [])).toEqual(bytes);
});

test('kafkaRecord returns a header with two values as two headers', () => {
  const headers = { a: [Buffer.from('1'), Buffer.from('2')], b: Buffer.from('3') };
  expect(kafkaRecord('t', 0, message({ headers })).headers).toEqual([
    { a: [49] },
    { a: [50] },
    { b: [51] },
  ]);
});

test('kafkaRecord accepts header names that every object inherits', () => {
  const headers: IHeaders = Object.fromEntries(
    ['__proto__', 'constructor', 'toString', '', 'a\u0000b'].map((name) => [
      name,
      Buffer.from('1'),
    ]),
  );
  expect(JSON.stringify(kafkaRecord('t', 0, message({ headers })).headers)).toBe(
    '[{"__proto__":[49]},{"constructor":[49]},{"toString":[49]},{"":[49]},{"a\\u0000b":[49]}]',
  );
});

test('kafkaRecord leaves out header values that are neither text nor bytes', () => {
  // kafkajs reads a header `constructor` like this: the inherited function, then the bytes.
  const headers: IHeaders = JSON.parse('{"constructor":[{"f":1},null,"x"],"n":7}');
  expect(kafkaRecord('t', 0, message({ headers })).headers).toEqual([
    { constructor: [] },
    { constructor: [120] },
  ]);
});

test('kafkaRecord takes the timestamp type from the record batch', () => {
  const appended = message({ batchContext: { timestampType: 1 } });
  expect(kafkaRecord('t', 0, appended).timestampType).toBe('LOG_APPEND_TIME');
});

test('kafkaEvent groups records by topic and partition, in their order', () => {
  const at = (partition: number, offset: string) =>
    kafkaRecord('orders', partition, { ...message(), offset });
  const [first, second, other] = [at(3, '7'), at(3, '9'), at(0, '8')];
  const mapping = testMapping({
    eventSourceArn: 'arn:x',
    bootstrapServers: 'b:9092',
    topic: 'orders',
  });
  expect(kafkaEvent(mapping, [first, other, second])).toEqual({
    eventSource: 'aws:kafka',
    eventSourceArn: 'arn:x',
    bootstrapServers: 'b:9092',
    records: { 'orders-3': [first, second], 'orders-0': [other] },
  });
});

test('an event of self-managed Kafka has no ARN', () => {
  const record = kafkaRecord('t', 0, message());
  expect(kafkaEvent(testMapping({ eventSourceArn: undefined }), [record])).toEqual({
    eventSource: 'SelfManagedKafka',
    bootstrapServers: 'b:9092',
    records: { 't-0': [record] },
  });
});
