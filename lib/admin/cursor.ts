import { z } from 'zod';
import { invalidFields } from '../runtime/errors.ts';

/** Returns the cursor of a position in a list: opaque text, which `readCursor` reads. */
export const cursorOf = (position: unknown): string =>
  Buffer.from(JSON.stringify(position)).toString('base64url');

/** Returns the position of a cursor. Throws `invalid_request` for a text that is not a cursor of this list. */
export function readCursor<S extends z.ZodType>(schema: S, cursor: string): z.output<S> {
  const read = jsonSchema.pipe(schema).safeParse(Buffer.from(cursor, 'base64url').toString());
  if (read.success) return read.data;
  throw invalidFields([
    { field: 'cursor', message: 'must be the nextCursor of an earlier response' },
  ]);
}

const jsonSchema = z.string().transform((text, context): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue({ code: 'custom', message: 'is not JSON' });
    return z.NEVER;
  }
});
