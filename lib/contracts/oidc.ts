import { z } from 'zod';
import { sizes } from './sizes.ts';

export const signInMethodsSchema = z.object({
  password: z.literal(true),
  oidc: z
    .object({ name: z.string().meta({ description: 'of the provider, for people' }) })
    .nullable(),
});
export type SignInMethods = z.infer<typeof signInMethodsSchema>;

export const oidcStartSchema = z.object({
  url: z.url().meta({ description: 'where the browser goes to sign in' }),
  secret: z.string().meta({
    description: 'keep it in this browser (session storage); the sign-in is completed with it',
  }),
});
export type OidcStart = z.infer<typeof oidcStartSchema>;

const parameter = z.string().min(1).max(sizes.headerBytes);

/** The parameters with which the provider sends the browser to `/sign-in/callback`, and the secret of the start. */
export const oidcCallbackSchema = z.strictObject({
  code: parameter,
  state: parameter,
  iss: parameter.optional(),
  secret: z.string().regex(/^[A-Za-z0-9_-]{43}$/, 'must be the `secret` of the start'),
});
export type OidcCallback = z.output<typeof oidcCallbackSchema>;
