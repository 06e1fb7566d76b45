import { z } from 'zod';

export const credentialsSchema = z.strictObject({
  email: z.string().min(1).max(320),
  password: z.string().min(1).max(1_000),
});

export const sessionSchema = z.object({ token: z.string(), expiresAt: z.iso.datetime() });
export type Session = z.infer<typeof sessionSchema>;
