import { z } from 'zod';

/** A header of a Kafka message. A name may come more than once; value is any bytes. */
export interface Header {
  key: string;
  value: Buffer;
}

/** What a message is made of, whichever way it goes. */
export interface MessageParts {
  key: Buffer | null;
  value: Buffer | null;
  headers: readonly Header[];
}

const storedSchema = z.array(z.tuple([z.string(), z.string()]));

/** Returns headers as JSON of pairs in base64: others choose the names, and jsonb has no NUL. */
export const storedHeaders = (headers: readonly Header[]): string =>
  JSON.stringify(
    headers.map(({ key, value }) => [
      Buffer.from(key).toString('base64'),
      value.toString('base64'),
    ]),
  );

/** Returns the headers that `storedHeaders` was given. Throws on what it did not make. */
export const readHeaders = (stored: unknown): Header[] =>
  storedSchema.parse(stored).map(([key, value]) => ({
    key: Buffer.from(key, 'base64').toString(),
    value: Buffer.from(value, 'base64'),
  }));

/**
 * Returns headers as the Kafka client takes them: by name, in the order of their first, with all values
 * of a name. Every name is a property of its own, `__proto__` too.
 */
export function headersByName(headers: readonly Header[]): Record<string, Buffer[]> {
  const byName = Map.groupBy(headers, ({ key }) => key);
  return Object.fromEntries(
    [...byName].map(([name, all]) => [name, all.map(({ value }) => value)]),
  );
}
