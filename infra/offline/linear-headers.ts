/**
 * kafkajs 2.2.4 copies the headers it has read so far for every header of a record: 10,000 of them, which
 * are a message of 69 kB, keep a process busy for 51 s, at every fetch. And it takes what every object
 * inherits for a value that was there before: of a header `constructor` it makes [a function, bytes]. Here
 * they are put together in one go.
 */
import { createRequire } from 'node:module';
import { z } from 'zod';

const DecoderClass = z.custom<{ prototype: object }>((value) => typeof value === 'function');
const Method = z.custom<(this: unknown, read: unknown) => unknown>(
  (value) => typeof value === 'function',
);
const ReadHeaders = z.array(
  z.object({ key: z.string().nullable(), value: z.instanceof(Buffer).nullable() }),
);

type Headers = Record<string, Buffer | null | (Buffer | null)[]>;

/** Every name is a property of its own, `__proto__` too. One that comes more than once has all its values. */
function byName(read: z.infer<typeof ReadHeaders>): Headers {
  const groups = Map.groupBy(read, ({ key }) => key ?? '');
  return Object.fromEntries(
    [...groups].map(([name, all]) => {
      const [first = null, ...more] = all.map(({ value }) => value);
      return [name, more.length === 0 ? first : [first, ...more]];
    }),
  );
}

let done = false;

/** Changes kafkajs for the whole process. */
export const readHeadersLinearly = (): void => {
  if (done) return;
  done = true;
  const require = createRequire(import.meta.url);
  const { prototype } = DecoderClass.parse(require('kafkajs/src/protocol/decoder.js'));
  // kafkajs reads only headers by it, and only reduces what it returns to an object.
  const readArray = Method.parse(Reflect.get(prototype, 'readVarIntArray'));
  const read = function (this: unknown, reader: unknown): { reduce: () => Headers } {
    const headers = ReadHeaders.parse(readArray.call(this, reader));
    return { reduce: () => byName(headers) };
  };
  Reflect.set(prototype, 'readVarIntArray', read);
};
