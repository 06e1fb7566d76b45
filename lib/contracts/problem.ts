import { z } from 'zod';
import { codeNames } from './codes.ts';

/** One field that was refused. `allowed` lists the values that would have been taken. */
const fieldErrorSchema = z.object({
  field: z.string(),
  message: z.string(),
  allowed: z.array(z.string()).optional(),
});
export type FieldError = z.infer<typeof fieldErrorSchema>;

/** `application/problem+json` (RFC 9457). */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  code: z.enum(codeNames),
  requestId: z.string(),
  errors: z.array(fieldErrorSchema).optional(),
});
export type Problem = z.infer<typeof problemSchema>;
