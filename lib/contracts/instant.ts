import { z } from 'zod';
import { canonicalInstant } from './canonical-instant.ts';
import { sizes } from './sizes.ts';

/** Returns whether canonical instant `a` is after `b`. */
export function isAfter(a: string, b: string): boolean {
  // Without the Z, "…:00" sorts before "…:00.5" as text.
  return a.slice(0, -1) > b.slice(0, -1);
}

export const instantSchema = z
  .string()
  .max(sizes.instantCharacters, `must have at most ${sizes.instantCharacters} characters`)
  .meta({ format: 'date-time' })
  .transform((text, context) => {
    const read = canonicalInstant(text);
    if ('instant' in read) return read.instant;
    context.addIssue({ code: 'custom', message: read.wrong });
    return z.NEVER;
  })
  // Declares the output for the generated API documents.
  .pipe(z.iso.datetime())
  .meta({ description: 'RFC 3339 date-time', examples: ['2026-03-01T00:00:00Z'] });
