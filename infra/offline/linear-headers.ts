/**
 * Replaces the header decoding of kafkajs 2.2.4, which copies all headers read so far for every header of a
 * record: a message of 69 kB with 10,000 headers keeps a process busy for 51 s at every fetch. It also reads
 * inherited properties as earlier values: a header `constructor` becomes [a function, bytes].
 */
import { createRequire } from 'node:module';
import { z } from 'zod';

const decoderClassSchema = z.custom<{ prototype: object }>((value) => typeof value === 'function');
const methodSchema = z.custom<(this: unknown, read: unknown) => unknown>(
  (value) => typeof value === 'function',
);
const readHeadersSchema = z.array(
  z.object({ key: z.string().nullable(), value: z.instanceof(Buffer).nullable() }),
);

type Headers = Record<string, Buffer | null | (Buffer | null)[]>;

/** Every name is an own property, `__proto__` too. A repeated name has all its values. */
function byName(headers: z.infer<typeof readHeadersSchema>): Headers {
  const groups = Map.groupBy(headers, ({ key }) => key ?? '');
  return Object.fromEntries(
    [...groups].map(([name, all]) => {
      const [first = null, ...more] = all.map(({ value }) => value);
      return [name, more.length === 0 ? first : [first, ...more]];
    }),
  );
}

let isPatched = false;

/** Changes kafkajs for the whole process. */
export function readHeadersLinearly(): void {
  if (isPatched) return;
  isPatched = true;
  const require = createRequire(import.meta.url);
  const { prototype } = decoderClassSchema.parse(require('kafkajs/src/protocol/decoder.js'));
  // kafkajs uses this method only for headers, and only calls `reduce` on its result.
  const readArray = methodSchema.parse(Reflect.get(prototype, 'readVarIntArray'));
  const readHeaders = function (this: unknown, reader: unknown): { reduce: () => Headers } {
    const headers = readHeadersSchema.parse(readArray.call(this, reader));
    return { reduce: () => byName(headers) };
  };
  Reflect.set(prototype, 'readVarIntArray', readHeaders);
}
