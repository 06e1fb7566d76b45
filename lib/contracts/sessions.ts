import { z } from 'zod';
import { sizes, sizeText } from './sizes.ts';

export const credentialsSchema = z.strictObject({
  email: z
    .string()
    .min(1)
    .max(sizes.emailCharacters, `must have at most ${sizes.emailCharacters} characters`),
  password: z
    .string()
    .min(1)
    .max(
      sizes.passwordCharacters,
      `must have at most ${sizeText(sizes.passwordCharacters)} characters`,
    ),
});

export const sessionSchema = z.object({ token: z.string(), expiresAt: z.iso.datetime() });
export type Session = z.infer<typeof sessionSchema>;
