import { z } from 'zod';

/** Characters of a text in the short form of an event. */
const textCharacters = 1_000;
const shortText = z.string().transform((text) => text.slice(0, textCharacters).toWellFormed());

/** Of any result: what grows with the request is left out, texts are cut, the rest is as it was. */
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
 * Returns the JSON of a result event in the form that fits everywhere: the same type and ids, without
 * `request.where`, `request.columns` and `problem.errors`, texts of at most 1,000 characters. Returns
 * undefined if it is no JSON of such an event.
 */
export function shortEvent(json: string): string | undefined {
  try {
    return JSON.stringify(shortEventSchema.parse(JSON.parse(json)));
  } catch {
    return undefined;
  }
}
