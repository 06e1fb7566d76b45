import { z } from 'zod';
import { codeNames } from './codes.ts';
import { sizes } from './sizes.ts';

const shortText = z.string().max(sizes.errorCharacters);

/** A wrong field. `allowed` lists the permitted values. */
const fieldErrorSchema = z.object({
  field: shortText,
  message: shortText,
  allowed: z.array(shortText).max(sizes.allowedValues).optional().meta({
    description:
      'permitted values, at most 100 of them; if several fields permit the same values, only the first one lists them',
  }),
});
export type FieldError = z.infer<typeof fieldErrorSchema>;

/** `application/problem+json` (RFC 9457). */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string().max(sizes.detailCharacters),
  code: z.enum(codeNames),
  requestId: z.string(),
  errors: z
    .array(fieldErrorSchema)
    .max(sizes.errors)
    .optional()
    .meta({ description: 'the first fields; `detail` has the number of the others' }),
});
export type Problem = z.infer<typeof problemSchema>;
