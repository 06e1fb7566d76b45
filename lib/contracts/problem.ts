import { z } from 'zod';
import { codeNames } from './codes.ts';
import { sizes } from './sizes.ts';

const shortText = z.string().max(sizes.errorCharacters);

/** One field that was refused. `allowed` lists the values that would have been taken. */
const fieldErrorSchema = z.object({
  field: shortText,
  message: shortText,
  allowed: z.array(shortText).max(sizes.allowedValues).optional().meta({
    description:
      'values that would have been taken, not all of them where there are very many; where several fields have the same, only the first lists them',
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
    .meta({ description: 'the first fields; `detail` says how many more there are' }),
});
export type Problem = z.infer<typeof problemSchema>;
