import { createRequire } from 'node:module';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { z } from 'zod';
import { readHeadersLinearly } from './linear-headers.ts';

readHeadersLinearly();

const require = createRequire(import.meta.url);
const functionSchema = z.custom<(...args: unknown[]) => unknown>(
  (value) => typeof value === 'function',
);
const encode = functionSchema.parse(require('kafkajs/src/protocol/recordBatch/record/v0/index.js'));
const decode = functionSchema.parse(
  require('kafkajs/src/protocol/recordBatch/record/v0/decoder.js'),
);
const Decoder = z
  .custom<new (buffer: Buffer) => { readVarInt: () => number }>(
    (value) => typeof value === 'function',
  )
  .parse(require('kafkajs/src/protocol/decoder.js'));

/** Returns the headers that kafkajs decodes from a record that it encoded. */
function decoded(headers: Record<string, Buffer[]>): Record<string, unknown> {
  const { buffer } = z
    .object({ buffer: z.instanceof(Buffer) })
    .parse(encode({ key: null, value: null, headers }));
  const decoder = new Decoder(buffer);
  decoder.readVarInt();
  const record = decode(decoder, { firstOffset: '0', firstTimestamp: '0' });
  return z.object({ headers: z.custom<Record<string, unknown>>(() => true) }).parse(record).headers;
}

const names = fc.oneof(
  fc.string({ unit: 'binary' }).map((name) => name.toWellFormed()),
  fc.constantFrom('', '__proto__', 'constructor', 'toString', 'a\u0000b', 'reason'),
);
const values = fc.array(
  fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  { minLength: 1, maxLength: 3 },
);

test('kafkajs decodes headers of any names and bytes as they were sent', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(names, values), { maxLength: 12 }), (sent) => {
      const headers: Record<string, Buffer[]> = Object.fromEntries(sent);
      const read = Object.entries(decoded(headers)).map(([name, value]) => [
        name,
        Array.isArray(value) ? value : [value],
      ]);
      expect(new Map(read.map(([name, all]) => [String(name), all]))).toEqual(
        new Map(Object.entries(headers)),
      );
    }),
  );
});

test('the time to decode headers grows linearly with their number', () => {
  const many = (count: number) =>
    decoded(
      Object.fromEntries(Array.from({ length: count }, (_, n) => [`h${n}`, [Buffer.from('')]])),
    );
  const durationOf = (count: number): number => {
    const startedAt = performance.now();
    expect(Object.keys(many(count))).toHaveLength(count);
    return performance.now() - startedAt;
  };
  const best = (count: number): number =>
    Math.min(durationOf(count), durationOf(count), durationOf(count));
  // With copies, 10,000 headers take 100 times as long as 1,000; without, 10 times. The rest allows for a busy machine.
  const few = best(1_000);
  expect(best(10_000) / few).toBeLessThan(50);
});
