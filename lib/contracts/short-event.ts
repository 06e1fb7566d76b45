import { z } from 'zod';

/** Characters of a text in the short form of an event. */
const textCharacters = 1_000;
const shortText = z.string().transform((text) => text.slice(0, textCharacters).toWellFormed());

/** Removes the fields of a result event that grow with the request, and shortens its texts. */
const shortEventSchema = z.looseObject({
  data: z.looseObject({
    message: shortText.optional(),
    request: z
      .looseObject({})
      .transform(({ where: _where, columns: _columns, ...rest }) => rest)
      .optional(),
    error: z.looseObject({ message: shortText }).nullish(),
    problem: z
      .looseObject({ detail: shortText })
      .transform(({ errors: _errors, ...rest }) => rest)
      .optional(),
  }),
});

/**
 * Returns the short form of a result event as JSON: the same type and ids, without `request.where`, `request.columns`
 * and `problem.errors`, with texts of at most 1,000 characters. Returns undefined if the text is not such an event.
 */
export function shortEvent(json: string): string | undefined {
  try {
    return JSON.stringify(shortEventSchema.parse(JSON.parse(json)));
  } catch {
    return undefined;
  }
}
