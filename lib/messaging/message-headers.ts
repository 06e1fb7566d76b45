import { z } from 'zod';

/** A header of a Kafka message. A name may be repeated; the value is any bytes. */
export interface Header {
  key: string;
  value: Buffer;
}

/** The header with the trace of a message (https://www.w3.org/TR/trace-context/). */
export const traceHeader = 'traceparent';

/**
 * Returns the trace to which a received message belongs. CloudEvents in binary mode name it `ce_traceparent`
 * (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/extensions/distributed-tracing.md).
 */
export function traceparentOf(headers: readonly Header[]): string | undefined {
  const named = headers.find(({ key }) => key === traceHeader || key === `ce_${traceHeader}`);
  return named?.value.toString();
}

/** The content of a Kafka message, received or to be sent. */
export interface MessageParts {
  key: Buffer | null;
  value: Buffer | null;
  headers: readonly Header[];
}

const storedSchema = z.array(z.tuple([z.string(), z.string()]));

/** Returns headers as JSON of pairs in base64: senders choose the names, and jsonb cannot hold NUL. */
export const storedHeaders = (headers: readonly Header[]): string =>
  JSON.stringify(
    headers.map(({ key, value }) => [
      Buffer.from(key).toString('base64'),
      value.toString('base64'),
    ]),
  );

/** Returns the headers from the output of `storedHeaders`. Throws on anything else. */
export const readHeaders = (stored: unknown): Header[] =>
  storedSchema.parse(stored).map(([key, value]) => ({
    key: Buffer.from(key, 'base64').toString(),
    value: Buffer.from(value, 'base64'),
  }));

/**
 * Returns headers as the Kafka client accepts them: all values by name, in the order in which the names first
 * appear. Every name is an own property, even `__proto__`.
 */
export function headersByName(headers: readonly Header[]): Record<string, Buffer[]> {
  const byName = Map.groupBy(headers, ({ key }) => key);
  return Object.fromEntries(
    [...byName].map(([name, all]) => [name, all.map(({ value }) => value)]),
  );
}
